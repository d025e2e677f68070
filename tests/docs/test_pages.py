"""Every snippet and command of the documentation runs, and prints what the page says that it prints."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import matplotlib
import pytest
from typer.testing import CliRunner

import tdgnas
from tdgnas.cli import app
from tdgnas.operators import OPERATORS
from tdgnas.processes import WorkerMap
from tdgnas.spaces import SPACES
from tdgnas.strategies import STRATEGIES
from tests.torchrun import torchrun

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if path.parent.name != "reference")
BLOCK = re.compile(
    r"(?P<mark><!-- not run: (?P<why>[^>]*) -->\n)?(?:<!-- needs (?P<needs>\w+) -->\n)?"
    r"^```(?P<kind>\w*)(?P<options>[^\n]*)\n(?P<body>.*?)^```$",
    re.M | re.S,
)
REASONS = {"installs packages", "needs a cluster"}


def shown(line: str, output: str) -> bool:
    """Whether a line of a page is one of the output; ``...`` in it stands for anything, for nothing as well."""
    pattern = ".*".join(map(re.escape, line.split("...")))
    return line == "..." or any(re.fullmatch(pattern, printed) for printed in output.splitlines())


@dataclass
class Reader:
    """Runs a page in a folder of its own: files are written, Python shares one namespace, commands are run.

    What the page installs goes into a folder on the path, and the registries look again for entry points.
    """

    folder: Path
    pip_install: Callable[[Path, Path], None]
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "__page__"})

    def python(self, code: str, where: str) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, where, "exec"), self.names)
        return printed.getvalue()

    def console(self, body: str) -> None:
        for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
            command, _, expected = part.partition("\n")
            output = self.run(shlex.split(command))
            missing = [line for line in expected.splitlines() if not shown(line, output)]
            assert not missing, f"`{command}` does not print {missing[0]!r} but:\n{output}"

    def run(self, command: list[str]) -> str:
        if command == ["pip", "install", "-e", "."]:
            return self.install()
        if command[0] == "torchrun":
            return str(torchrun(command[1:], self.tdgnas))
        assert command[0] == "tdgnas", f"the tests run tdgnas, not {command[0]!r}"
        return self.tdgnas(*command[1:])

    def tdgnas(self, *words: str) -> str:
        result = CliRunner().invoke(app, words)
        allowed = (0, 1) if "check" in words else (0,)  # a page may show what a slip looks like
        assert result.exit_code in allowed, f"{words}: {result.output}\n{result.exception!r}"
        return result.output

    def install(self) -> str:
        site = self.folder / "site"
        self.pip_install(Path.cwd(), site)
        sys.path.insert(0, str(site))
        for registry in (OPERATORS, SPACES, STRATEGIES):
            registry._loaded = False
        return ""


@pytest.fixture
def reader(tmp_path, monkeypatch, install, blank_pictures):
    """A reader in an empty folder; modules that the page wrote are forgotten afterwards."""
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    # Processes beside this one start without importing everything again.
    monkeypatch.setattr(WorkerMap.__init__, "__kwdefaults__", {"failed": None, "context": "fork"})
    modules, registries = set(sys.modules), (OPERATORS, SPACES, STRATEGIES)
    entries = [dict(registry._entries) for registry in registries]
    yield Reader(tmp_path, install)
    for name in set(sys.modules) - modules:
        path = getattr(sys.modules[name], "__file__", None)
        if path and path.startswith(str(tmp_path)):
            del sys.modules[name]
    for registry, before in zip(registries, entries, strict=True):
        registry._entries = before


def blocks(text: str):
    for found in BLOCK.finditer(text):
        yield found, text[: found.start()].count("\n") + 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_everything_on_a_page_runs(page: Path, reader: Reader) -> None:
    printed, left_out = "", set()
    for found, line in blocks(page.read_text(encoding="utf-8")):
        kind, body = found["kind"], found["body"]
        title = re.search(r'title="([^"]+)"', found["options"])
        if found["mark"]:
            assert found["why"] in REASONS
        elif found["needs"] and importlib.util.find_spec(found["needs"]) is None:
            left_out.add(found["needs"])
        elif title:
            target = reader.folder / title[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(body, encoding="utf-8")
        elif kind == "python":
            printed = reader.python(body, f"{page.name}, line {line}")
        elif kind == "text":  # what the block of Python above it prints
            missing = [expected for expected in body.splitlines() if not shown(expected, printed)]
            assert not missing, f"{page.name}, line {line}: {missing[0]!r} is not in:\n{printed}"
        elif kind == "console":
            reader.console(body)
        else:
            raise AssertionError(f"{page.name}, line {line}: the tests do not know what to do with {kind!r}")
    if left_out:
        pytest.skip(f"blocks were left out, since {' and '.join(left_out)} is not installed")


def test_the_tutorial_runs_and_prints_what_it_shows(reader: Reader) -> None:
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))
    shown, printed = [], []
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        output = reader.python("".join(cell["source"]), f"tutorial.ipynb, cell {number}")
        printed.append(output)
        shown.append(
            "".join("".join(part["text"]) for part in cell["outputs"] if part["output_type"] == "stream")
        )
    assert len(shown) == 8
    assert printed[:4] == shown[:4]  # without networks the same everywhere, digit by digit
    losses = [float(loss) for loss in re.findall(r"(?:found|control) (\d+\.\d+)", printed[-1])]
    assert losses[0] < losses[1]
    assert all(bool(a) == bool(b) for a, b in zip(printed, shown, strict=True))


def test_the_numbers_in_the_text_are_those_of_the_figures() -> None:
    numbers = json.loads((DOCS / "figures" / "numbers.json").read_text(encoding="utf-8"))
    text = (DOCS / "explanation" / "tdga.md").read_text(encoding="utf-8")
    assert f"mean of {numbers.pop('runs')} runs" in text
    rows = [line for line in text.splitlines() if re.match(r"\| (tournament|thermodynamical)", line)]
    assert len(rows) == len(numbers)
    for row, (name, row_numbers) in zip(rows, numbers.items(), strict=True):
        assert name.split(",")[0].split(" ")[0] in row
        assert (
            f"| {row_numbers['found']} % | {row_numbers['held']} % | {row_numbers['entropy']:.2f} nats |"
            in row
        )
    for picture in re.findall(r"\]\(\.\./(figures/\w+\.svg)\)", text):
        assert (DOCS / picture).is_file()


def test_the_figures_can_be_made_again(tmp_path, monkeypatch) -> None:
    script = str(DOCS / "make_figures.py")
    monkeypatch.setattr(sys, "argv", [script, "--runs", "1", "--out", str(tmp_path)])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with matplotlib.rc_context():
        runpy.run_path(script, run_name="__main__")
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in (DOCS / "figures").iterdir()}
    quick = json.loads((tmp_path / "numbers.json").read_text())
    assert quick["constant, T = 10"]["entropy"] > quick["tournament of 3"]["entropy"]


def test_links_between_pages_lead_somewhere() -> None:
    known = {path.resolve() for path in DOCS.rglob("*") if path.is_file()} | {
        (DOCS / "tutorial.md").resolve()
    }
    texts = {page: page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md")}
    for page, text in texts.items():
        for link in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", text):
            assert (page.parent / link).resolve() in known, f"{page.name} links to {link}"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in [*PAGES, *(DOCS / "reference").glob("*.md")]:
        assert page.relative_to(DOCS).as_posix() in navigation


def public(module: ModuleType) -> list[str]:
    """Names that a module offers: its ``__all__``, or what it defines."""
    own = [
        name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__
    ]
    return [name for name in getattr(module, "__all__", own) if not name.startswith("_")]


def test_every_public_name_is_on_a_page_of_the_reference() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    told = set(re.findall(r"^::: (tdgnas[\w.]*)$", pages, re.M))
    parts = [part.name for part in pkgutil.iter_modules(tdgnas.__path__, "tdgnas.")]
    modules = [
        tdgnas,
        *(importlib.import_module(name) for name in parts if not name.endswith(("__main__", ".cli"))),
    ]
    missing, seen = [], 0
    for module in modules:
        for name in public(module):
            thing, own = getattr(module, name), f"{module.__name__}.{name}"
            home = getattr(thing, "__module__", module.__name__)
            package = ".".join(home.split(".")[:2])  # its own, where the page is of a package
            homes = {own, module.__name__, home, f"{home}.{name}"}
            homes |= {package} if hasattr(sys.modules.get(package), name) else set()
            seen += 1
            if not homes & told and not (
                isinstance(thing, ModuleType) and any(t.startswith(own) for t in told)
            ):
                missing.append(own)
    assert missing == []
    assert seen > 300


def test_the_gallery_shows_every_space_and_only_what_is_there() -> None:
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\((gallery/[\w.-]+)\)", page)
    own = [name for name in SPACES.names() if SPACES.get(name).__module__.startswith("tdgnas.")]
    assert {f"gallery/{name}.svg" for name in own} <= {*shown}
    assert {f"gallery/{path.name}" for path in (DOCS / "gallery").iterdir()} == {*shown}


def check_reference(html: str, module: ModuleType) -> None:
    """What a module offers is on its page, and nothing of reST is left in the text."""
    anchors = {anchor.rpartition(".")[2] for anchor in re.findall(r'id="(tdgnas\.[\w.]+)"', html)}
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") in sys.modules]
    own = [name for name in own if getattr(module, name).__module__.startswith(f"{module.__name__}.")]
    for name in getattr(module, "__all__", own):
        if callable(getattr(module, name)):
            assert name in anchors, f"{module.__name__}.{name} is not on its page"
    text = re.sub(r"<pre.*?</pre>", "", html, flags=re.S)
    assert not re.findall(r":\w+:`|``|\.\. \[|:param|:returns|:raises|\]_|\n::", text)


def test_docstrings_become_markdown(monkeypatch) -> None:
    pytest.importorskip("griffe", reason="mkdocstrings is not installed: pip install 'tdgnas[docs]'")
    monkeypatch.syspath_prepend(str(DOCS))
    plain = importlib.import_module("plain_docstrings").plain
    docstring = """Minimise F = <E> - T*H [Mori1995]_, see :class:`~tdgnas.Entropy`.

:param k: the picks,
    at most ``ten``.
:returns: a list.

>>> [1.0, 2.0]
[1.0, 2.0]

.. [Mori1995] A paper.

::

    x = a*b
"""
    assert (
        plain(docstring)
        == """Minimise F = &lt;E> - T\\*H [Mori1995], see `Entropy`.

```pycon
>>> [1.0, 2.0]
[1.0, 2.0]
```

**Mori1995**: A paper.

```python
x = a*b
```

:param k: the picks,
    at most `ten`.
:returns: a list."""
    )


def test_the_site_builds_without_a_warning(tmp_path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install 'tdgnas[docs]'")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed: pip install 'tdgnas[docs]'")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for page in (DOCS / "reference").glob("*.md"):
        if page.stem != "index":
            html = (tmp_path / "site" / "reference" / page.stem / "index.html").read_text()
            check_reference(html, importlib.import_module(f"tdgnas.{page.stem}"))
    assert (
        "From onemax to an architecture search" in (tmp_path / "site" / "tutorial" / "index.html").read_text()
    )
