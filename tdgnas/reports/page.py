"""The one frame of all pages: a title, a few figures, sections; one HTML file that opens without a network."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from ..pictures import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_drawn: WeakKeyDictionary[Figure, bytes] = WeakKeyDictionary()


class Text(NamedTuple):
    """A paragraph; its style is nothing, ``soft``, ``warning``, ``code`` (kept as it is) or ``command`` (wrapped)."""

    text: str
    style: str = ""
    kind: str = "text"


class Table(NamedTuple):
    """A table of texts: ``own`` rows stand out, ``texts`` columns at the left hold words, the others figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    own: Sequence[int] = ()
    texts: int = 1
    kind: str = "table"


class Picture(NamedTuple):
    """A figure inside the page; the text says what it shows for those who do not see it."""

    figure: Figure
    text: str
    caption: str = ""
    kind: str = "picture"

    @property
    def svg_text(self) -> str:
        """The picture as SVG, drawn once: files and page need it alike."""
        if self.figure not in _drawn:
            _drawn[self.figure] = svg(self.figure)
        return _drawn[self.figure].decode()

    @property
    def data(self) -> str:
        """The picture as a ``data:`` address."""
        return f"data:image/svg+xml;base64,{base64.b64encode(self.svg_text.encode()).decode()}"


class Folded(NamedTuple):
    """A block that is seen once its summary is clicked."""

    summary: str
    block: Text | Picture
    kind: str = "folded"


Block = Text | Table | Picture | Folded


class Section(NamedTuple):
    """A part of a page, with an address within it and a heading."""

    id: str
    title: str
    blocks: Sequence[Block]


class Page(NamedTuple):
    """A page; its tiles say what, how much, beside what."""

    title: str
    lead: Sequence[Block]
    sections: Sequence[Section]
    warnings: Sequence[Block] = ()
    tiles: Sequence[tuple[str, str, str]] = ()
    footer: str = ""

    def html(self) -> str:
        """Return the page as one HTML document."""
        import jinja2

        loader = jinja2.PackageLoader("tdgnas.reports", ".")
        made = jinja2.Environment(
            loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
        )
        return made.get_template("page.html.j2").render(page=self)


def markdown(blocks: Iterable[Block], folder: str) -> Iterable[str]:
    """Yield the lines of blocks as Markdown.

    :param folder: where the pictures lie, by their names in :func:`picture_file`.
    """
    for block in blocks:
        if isinstance(block, Text):
            yield from (block.text, "")
        elif isinstance(block, Table):
            yield from (
                f"| {' | '.join(block.head)} |",
                "|---" * block.texts + "|---:" * (len(block.head) - block.texts) + "|",
            )
            yield from (*(f"| {' | '.join(row)} |" for row in block.rows), "")
        elif isinstance(block, Picture):
            yield from (f"![{block.text}]({folder}{picture_file(block)})", "")


def picture_file(picture: Picture) -> str:
    """The name of a picture's file."""
    return "-".join("".join(c if c.isalpha() else " " for c in picture.text.lower()).split()) + ".svg"


def value_text(value: float | None, measure: str) -> str:
    """A measured value: accuracies in percent, others with four digits.

    >>> value_text(0.9376, "accuracy"), value_text(0.25, "test_loss"), value_text(None, "accuracy")
    ('93.76', '0.2500', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    return f"{100 * value:.2f}" if measure.endswith("accuracy") else f"{value:.4f}"


def short(number: float) -> str:
    """A number of parameters or multiply-adds in three digits.

    >>> short(20_040_522), short(812)
    ('20 M', '812')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """Seconds in the units that people use.

    >>> [duration(s) for s in (0.4, 119, 150, 7300)]
    ['0.4 s', '119 s', '2 min', '2 h 02 min']
    """
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(number: float, one: str, many: str = "") -> str:
    """A number of things, in the singular where there is one.

    >>> counted(1, "generation"), counted(1200, "epoch")
    ('1 generation', '1,200 epochs')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
