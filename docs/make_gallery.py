"""Makes the gallery: an architecture of every space, and the pages of a run and of a comparison.

python docs/make_gallery.py            # half a minute; writes docs/gallery.md and docs/gallery/
"""

from __future__ import annotations

import argparse
import random
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import matplotlib

from tdgnas import pictures, spaces
from tdgnas.cli import app

HERE = Path(__file__).parent
SMALL = {"enas-macro": {"layers": 6}, "genetic-cnn": {"stages": [3, 4]}, "nas-rl": {"layers": 4}}
SEARCH = "tdgnas search --problem synthetic --strategy tdga --objective macs --budget 6 --unit generations --out run"
COMPARE = (
    "tdgnas compare -p synthetic -s tdga-gp -s local-search -s random --seeds 10 --budget 60 "
    "--unit evaluations --jobs 1 --out comparison"
)
FIGURES = {
    "run": {
        "front": "The front of a search with two objectives, and its hypervolume.",
        "search": "What the search minimises, and how diverse its population is.",
    },
    "comparison": {
        "synthetic-mean-ranks": "Mean ranks, and which differences mean nothing.",
        "synthetic-best-so-far-test-accuracy-of-the-choice": "How good the choice is, by what was paid.",
    },
}


def main() -> None:
    """Draw everything, and write the page that shows it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE)
    out = parser.parse_args().out
    matplotlib.use("Agg")
    shutil.rmtree(out / "gallery", ignore_errors=True)
    (out / "gallery").mkdir()
    lines = ["# Gallery", "", "Made from the code: `python docs/make_gallery.py`.", "", "## Spaces", ""]
    lines += [
        "An architecture of each, drawn by chance; `tdgnas show` and `tdgnas.pictures.draw` draw yours.",
        "",
    ]
    for name in spaces.SPACES.names():
        lines += space(name, out)
    lines += [
        "## Reports",
        "",
        "Every run and every comparison has a page, one file that opens without a network.",
        "",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for command in (SEARCH, COMPARE):
            lines += report(command, Path(folder), out)
    (out / "gallery.md").write_text("\n".join(lines), encoding="utf-8")


def space(name: str, out: Path) -> Iterator[str]:
    """Draw an architecture of a space; yield the lines that show it."""
    made = spaces.create(name, **SMALL.get(name, {}))
    architecture = made.sample(random.Random(1))
    pictures.draw(made, architecture, out / "gallery" / f"{name}.svg")
    first = " ".join((type(made).__doc__ or "").strip().partition("\n\n")[0].split())
    yield from (
        f"### {name}",
        "",
        first.replace("``", "`").replace(":func:", "").replace("`tdgnas", "`tdgnas"),
        "",
    )
    yield from (f"![An architecture of {name}](gallery/{name}.svg)", "")


def report(command: str, folder: Path, out: Path) -> Iterator[str]:
    """Run a command; yield the lines that show its page and some of its pictures."""
    words = shlex.split(command)
    name = words[-1]
    app([*words[1:-1], str(folder / name)], standalone_mode=False)
    page = (folder / name / "report.html").read_text(encoding="utf-8").replace(f"{folder}/", "")
    (out / "gallery" / f"{name}.html").write_text(page, encoding="utf-8")
    yield from (f"### A {name}", "", f"`{command}`: [the whole page](gallery/{name}.html).", "")
    for figure, told in FIGURES[name].items():
        shutil.copy(folder / name / "figures" / f"{figure}.svg", out / "gallery" / f"{figure}.svg")
        yield from (told, "", f"![{told}](gallery/{figure}.svg)", "")


if __name__ == "__main__":
    main()
