"""The one style of all pictures: colours, fonts, files. Equal figures give equal bytes, whatever the user's settings.

Figures are made without a display and without matplotlib's global state, which is set while they are drawn and undone.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ..files.atomic import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P, T = ParamSpec("P"), TypeVar("T")

SUFFIXES = (".png", ".svg", ".pdf")
# Okabe and Ito's palette, made to be told apart by colour-blind readers.
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9",
)  # fmt: skip
INK, GREY, PALE = "#222222", "#8A8A8A", "#EEF2F5"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000", "#999933", "#882255")
DASHES = ("-", "--", "-.", ":")

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that pictures do not depend on installed fonts
    "font.size": 9.5,
    "axes.labelsize": 9.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "legend.fontsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "svg.hashsalt": "tdgnas",
    "svg.fonttype": "path",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.6,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
# Matplotlib writes the time and its version into files; without them equal figures are equal files.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function under matplotlib's defaults and the style of this package; undone on return."""

    @functools.wraps(function)
    def run(*args: P.args, **keywords: P.kwargs) -> T:
        from matplotlib import style

        with style.context(["default", _STYLE]):
            made = function(*args, **keywords)
            if hasattr(made, "set_layout_engine"):
                # Laid out once: each drawing of a figure would move its parts a little further.
                made.draw_without_rendering()
                made.set_layout_engine("none")
            return made

    return run


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of a size in inches; draw on it within :func:`styled`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor="white")


def whole_canvas(figure: Figure) -> Axes:
    """Return axes over a whole figure, in inches, y downwards, with nothing drawn for themselves."""
    axes = figure.add_axes((0, 0, 1, 1))
    width, height = figure.get_size_inches()
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def line_styles(names: list[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and dashes for each name, the same wherever the names are the same."""
    return {
        name: (COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)])
        for place, name in enumerate(names)
    }


def whole_ticks(axes: Axes, label: str) -> None:
    """Name the x axis, which counts something: whole ticks only."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(label)


def check_path(path: str | Path) -> Path:
    """Check that a picture can be written to a path, before it is drawn.

    :raises ValueError: when the ending names no known format.
    :raises FileNotFoundError: when the folder does not exist.
    :raises IsADirectoryError: when the path is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"cannot write a picture to {str(path)!r}: its name must end in {', '.join(SUFFIXES)}"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path.name!r}: there is no folder {str(path.parent)!r}; make it first"
        )
    if path.is_dir():
        raise IsADirectoryError(f"cannot write a picture to {str(path)!r}: it is a folder")
    return path


@styled
def _content(figure: Figure, suffix: str) -> bytes:
    content = io.BytesIO()
    # A picture of more than 30,000 pixels a side is one that viewers refuse.
    dpi = min(150.0, 30_000 / max(figure.get_size_inches()))
    figure.savefig(content, format=suffix[1:], dpi=dpi, metadata=_METADATA[suffix])
    return content.getvalue()


def save(figure: Figure, *paths: str | Path) -> list[Path]:
    """Write a figure to files, each in the format that its ending names, all of it or nothing.

    :param paths: each ends in ``.png`` (150 dots per inch), ``.svg`` or ``.pdf``; its folder exists.
    :returns: the paths.
    :raises ValueError: for another ending, or no path at all.
    :raises FileNotFoundError: when a folder does not exist.
    """
    if not paths:
        raise ValueError("name at least one file to write, such as 'search.png'")
    files = [check_path(path) for path in paths]
    for file in files:
        content = _content(figure, file.suffix.lower())
        write_atomic(file, lambda temporary, content=content: temporary.write_bytes(content))  # type: ignore[misc]
    return files


def svg(figure: Figure) -> bytes:
    """Return a figure as the bytes of an SVG file."""
    return _content(figure, ".svg")
