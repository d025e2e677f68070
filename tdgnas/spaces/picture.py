"""Picture files without a display and without matplotlib's global state; equal figures give equal bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files.atomic import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

# Okabe and Ito's palette, made to be told apart by colour-blind readers.
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#CC79A7",
    "#56B4E9",
)
INK, GREY, PALE = "#222222", "#8A8A8A", "#F1F1F1"

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that pictures do not depend on installed fonts
    "svg.hashsalt": "tdgnas",
    "svg.fonttype": "path",
    "axes.spines.top": False,
    "axes.spines.right": False,
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


def check_picture_path(path: str | Path) -> Path:
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


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults and this package's changes to them, whatever the user's own settings; undone on leaving."""
    from matplotlib import style as styles

    with styles.context(["default", _STYLE]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of a size in inches; draw on it and save it within :func:`style`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor="white")


def save_figure(figure: Figure, path: Path, dpi: float = 150) -> Path:
    """Write a figure in the format that the path's ending names, all of it or nothing.

    :param dpi: pixels per inch of a PNG.
    :returns: the path.
    """
    suffix = path.suffix.lower()
    content = io.BytesIO()
    figure.savefig(content, format=suffix[1:], dpi=dpi, metadata=_METADATA[suffix])
    return write_atomic(path, lambda temporary: temporary.write_bytes(content.getvalue()))
