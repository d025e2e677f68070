"""The one frame of all pages: a title, a few figures, sections; one HTML file that opens without a network."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..pictures import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Text:
    """A paragraph.

    :param style: nothing, or ``soft``, ``warning``, ``code`` (kept as it is), ``command`` (the same, wrapped).
    """

    text: str
    style: str = ""
    kind = "text"


@dataclass(frozen=True)
class Table:
    """A table of texts.

    :param own: rows that stand out, by number.
    :param texts: so many columns at the left hold words; the others hold figures.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    own: frozenset[int] = frozenset()
    texts: int = 1
    kind = "table"


@dataclass(frozen=True)
class Picture:
    """A figure inside the page.

    :param text: what it shows, for those who do not see it.
    """

    figure: Figure
    text: str
    caption: str = ""
    kind = "picture"

    @property
    def data(self) -> str:
        """The picture as a ``data:`` address."""
        return f"data:image/svg+xml;base64,{base64.b64encode(svg(self.figure)).decode()}"


@dataclass(frozen=True)
class Folded:
    """Blocks that are seen once their summary is clicked."""

    summary: str
    blocks: Sequence[Any]
    kind = "folded"


@dataclass(frozen=True)
class Section:
    """A part of a page, with a heading and an address within the page."""

    id: str
    title: str
    blocks: Sequence[Any]


@dataclass
class Page:
    """A page.

    :param lead: blocks below the title.
    :param warnings: blocks above everything else.
    :param tiles: what, how much, beside what.
    """

    title: str
    lead: Sequence[Any]
    sections: Sequence[Section]
    warnings: Sequence[Any] = ()
    tiles: Sequence[tuple[str, str, str]] = field(default_factory=tuple)
    footer: str = ""

    def html(self) -> str:
        """Return the page as one HTML document."""
        import jinja2

        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("tdgnas.reports", "."),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        return environment.get_template("page.html.j2").render(page=self)


def value_text(value: float | None, measure: str, missing: str = "–") -> str:
    """A measured value: accuracies in percent, others with four digits.

    >>> value_text(0.9376, "accuracy"), value_text(0.25, "test_loss"), value_text(None, "accuracy")
    ('93.76', '0.2500', '–')
    """
    if value is None or not math.isfinite(value):
        return missing
    return f"{100 * value:.2f}" if measure.endswith("accuracy") else f"{value:.4f}"


def spread_text(spread: float | None, measure: str) -> str:
    """What stands behind a mean: its standard deviation, if there is one."""
    return "" if spread is None else f" ± {value_text(spread, measure)}"


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


def counted(number: float, thing: str) -> str:
    """A number of things, in the singular where there is one.

    >>> counted(1, "generation"), counted(1200, "epoch")
    ('1 generation', '1,200 epochs')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
