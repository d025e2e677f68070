"""Try the README and every page in order as a new user would: a fresh environment, the built wheel, 80 columns.

    python docs/try_everything.py                       # builds, installs, runs; minutes
    python docs/try_everything.py --only howto/module.md

Each page runs in an empty folder of its own, by a Python that sees the installed package and nothing of the repository.
The tests run the same pages inside their own process; this is the slow, honest form, run by hand before a release.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(
    r"(?P<skip><!-- not run: [^>]* -->\n)?^```(?P<kind>\w*)(?P<options>[^\n]*)\n(?P<body>.*?)^```$",
    re.M | re.S,
)
FIRST = ("index.md", "tutorial.ipynb")  # then the rest by name


def main() -> None:
    """Build, install, run; exit with 1 when a page fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", help="a page, as docs/ has it; repeatable")
    parser.add_argument("--python", help="of an environment that has the package, instead of a fresh one")
    given = parser.parse_args()
    docs = [path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    pages = [*FIRST, *(page for page in docs if page not in FIRST and not page.startswith("reference/"))]
    with tempfile.TemporaryDirectory() as folder:
        python = given.python or installed(Path(folder))
        failed = [page for page in given.only or pages if not tried(page, python, Path(folder))]
    print(f"{len(failed)} pages failed: {', '.join(failed)}" if failed else "every page runs as printed")
    sys.exit(bool(failed))


def installed(folder: Path) -> str:
    """Build the wheel, install it with what the documentation needs into a fresh environment; return its Python."""
    run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        folder,
    )
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    wheel = next(folder.glob("*.whl"))
    pinned = ["--constraint", str(ROOT / "constraints.txt")]
    run([python, "-m", "pip", "install", "--quiet", *pinned, f"{wheel}[optuna,onnx,ray]"], folder)
    return python


def tried(page: str, python: str, folder: Path) -> bool:
    """Run one page in an empty folder; say how long it took, or what it printed where it failed."""
    start, place = time.perf_counter(), Path(tempfile.mkdtemp(dir=folder))
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    script = place / "page.py"
    script.write_text(notebook(text) if page.endswith(".ipynb") else driver(text), encoding="utf-8")
    done = subprocess.run(
        [python, script.name], cwd=place, capture_output=True, text=True, check=False, env=environment(python)
    )
    seconds = time.perf_counter() - start
    print(f"{page}: {'runs' if done.returncode == 0 else 'FAILS'}, {seconds:.0f} s", flush=True)
    if done.returncode:
        print(done.stdout[-1500:] + done.stderr[-1500:], flush=True)
    return done.returncode == 0


def driver(text: str) -> str:
    """Return a program that does what a page says: writes its files, runs its Python and its commands."""
    lines = ["import pathlib, subprocess", "names = {'__name__': '__page__'}"]
    for block in BLOCK.finditer(text):
        body, title = block["body"], re.search(r'title="([^"]+)"', block["options"])
        if block["skip"]:
            continue
        if title:
            lines += [
                f"path = pathlib.Path({title[1]!r})",
                "path.parent.mkdir(parents=True, exist_ok=True)",
                f"path.write_text({body!r}, encoding='utf-8')",
            ]
        elif block["kind"] == "python":
            lines.append(f"exec({body!r}, names)")
        elif block["kind"] == "console":
            commands = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
            lines += [command(shlex.split(each)) for each in commands]
    # Processes that a page starts import this program again.
    return "if __name__ == '__main__':\n" + "\n".join(f"    {line}" for line in lines) + "\n"


def command(words: list[str]) -> str:
    """Return the line of a program that runs a command; `tdgnas check` may find a slip on purpose."""
    allowed = "(0, 1)" if "check" in words else "(0,)"
    return f"assert subprocess.run({words!r}).returncode in {allowed}, {' '.join(words)!r}"


def notebook(text: str) -> str:
    """Return a notebook's cells as one program."""
    import json

    cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    return "\n".join("".join(cell["source"]) for cell in cells) + "\n"


def environment(python: str) -> dict[str, str]:
    """What a page's program sees: the fresh environment's commands, and a terminal of 80 columns."""
    path = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {
        **kept,
        "PATH": path,
        "COLUMNS": "80",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": ".",
    }


def run(words: list[str], folder: Path) -> None:
    """Run a command of the set-up; its failure ends everything."""
    subprocess.run(words, cwd=folder, check=True)


if __name__ == "__main__":
    main()
