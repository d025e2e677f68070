"""The one style of all pictures: colours, fonts, files. Equal figures give equal bytes, whatever the user's settings.

Figures are made without a display and without matplotlib's global state, which is set while they are drawn and undone.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ..files.atomic import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure
else:  # it is imported when something is drawn
    Axes = Figure = Any

P = ParamSpec("P")
T = TypeVar("T")

# Okabe and Ito's palette, made to be told apart by colour-blind readers.
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9",
)  # fmt: skip
INK, GREY, PALE = "#222222", "#8A8A8A", "#EEF2F5"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000", "#999933", "#882255")
DASHES = ("-", "--", "-.", ":")

_STYLE: dict[str, Any] = {
    # The font comes with matplotlib, so that pictures do not depend on what is installed.
    **{"font.family": "DejaVu Sans", "font.size": 9.5, "svg.hashsalt": "tdgnas", "svg.fonttype": "path"},
    **{"axes.labelsize": 9.5, "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.axisbelow": True},
    **{"legend.fontsize": 9, "legend.frameon": False, "xtick.labelsize": 8.5, "ytick.labelsize": 8.5},
    **{"axes.spines.top": False, "axes.spines.right": False, "grid.color": "#E3E3E3", "grid.linewidth": 0.7},
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    "lines.linewidth": 1.6,
}
# Matplotlib writes the time and its version into files; without them equal figures are equal files.
_METADATA = {
    ".png": ("Software",),
    ".svg": ("Date", "Creator"),
    ".pdf": ("CreationDate", "Creator", "Producer"),
}


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function under matplotlib's defaults and the style of this package; undone on return."""

    @functools.wraps(function)
    def run(*args: P.args, **keywords: P.kwargs) -> T:
        from matplotlib import style

        with style.context(["default", _STYLE]):
            made: Any = function(*args, **keywords)
            if getattr(made, "get_layout_engine", lambda: None)() is not None:
                # Laid out once: each drawing of a figure would move its parts a little further.
                made.draw_without_rendering()
                made.set_layout_engine("none")
            return cast(T, made)

    return run


def new_figure(width: float, height: float, title: str = "", *, fitted: bool = False) -> Figure:
    """Return an empty white figure of a size in inches; draw on it within :func:`styled`.

    :param title: above everything.
    :param fitted: make room for all labels by itself.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained" if fitted else None)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=13, weight="bold")
    return figure


def line_styles(names: list[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and dashes for each name, the same wherever the names are the same."""
    return {
        name: (COLOURS[place % len(COLOURS)], DASHES[place // len(COLOURS) % len(DASHES)])
        for place, name in enumerate(names)
    }


def whole_ticks(axes: Axes, label: str) -> None:
    """Name the x axis, which counts something: whole ticks only."""
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    axes.set_xlabel(label)


def check_path(path: str | Path) -> Path:
    """Check that a picture can be written to a path, before it is drawn; see :func:`save` for what it raises."""
    path = Path(path)
    if path.suffix.lower() not in _METADATA:
        endings = ", ".join(_METADATA)
        raise ValueError(f"cannot write a picture to {str(path)!r}: its name must end in {endings}")
    if not path.parent.is_dir():
        where = f"there is no folder {str(path.parent)!r}; make it first"
        raise FileNotFoundError(f"cannot write {path.name!r}: {where}")
    if path.is_dir():
        raise IsADirectoryError(f"cannot write a picture to {str(path)!r}: it is a folder")
    return path


@styled
def _content(figure: Figure, suffix: str) -> bytes:
    content = io.BytesIO()
    # A picture of more than 30,000 pixels a side is one that viewers refuse.
    dpi = min(150.0, 30_000 / max(figure.get_size_inches()))
    figure.savefig(content, format=suffix[1:], dpi=dpi, metadata=dict.fromkeys(_METADATA[suffix]))
    return content.getvalue()


def save(figure: Figure, *paths: str | Path) -> list[Path]:
    """Write a figure to files, each in the format that its ending names, all of it or nothing.

    :param paths: each ends in ``.png`` (150 dots per inch), ``.svg`` or ``.pdf``; its folder exists.
    :returns: the paths.
    :raises ValueError: for another ending, or no path at all.
    :raises FileNotFoundError: when a folder does not exist.
    :raises IsADirectoryError: when a path is a folder.
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
    content: bytes = _content(figure, ".svg")
    return content
