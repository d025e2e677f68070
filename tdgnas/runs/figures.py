"""Curves and results of a run as pictures. Each function draws once and writes every path it is given.

Values that are not finite, or missing, leave a gap in their curve; a quantity that was never recorded has no panel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..spaces.picture import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    VERMILLION,
    check_picture_path,
    new_figure,
    save_figure,
)
from ..spaces.picture import style as picture_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]
# A diverged network's loss becomes a huge finite number (its task's worst), which would flatten every real curve.
OFF_SCALE = 1e5


def search_curves(
    history: Sequence[Record],
    *paths: str | Path,
    title: str = "Search",
    energy: str = "energy\n(loss in nats)",
) -> list[Path]:
    """Draw a search by generation: energies, entropy, temperature, gates of the best, distinct genotypes.

    :param history: a record per generation with ``gen`` and any of ``best``, ``mean``, ``entropy``, ``temperature``,
        ``gates`` (or ``shortcuts``), ``distinct``; the records of :func:`evolve` are such.
    :param paths: files to write, ``.png``, ``.svg`` or ``.pdf``.
    :param title: above the figure.
    :param energy: name and unit of the energies, for a fitness other than a loss.
    :returns: the paths.
    :raises ValueError: for an empty history, a record without ``gen``, or an unknown ending.
    :raises FileNotFoundError: for a folder that does not exist.
    """
    files = _paths(paths)
    x = _steps(history, "gen", "history")
    gates = "gates" if any("gates" in record for record in history) else "shortcuts"
    panels: list[tuple[str, list[_Curve]]] = [
        (energy, [("best", "best", BLUE, "solid"), ("mean", "mean of the population", VERMILLION, "dashed")]),
        ("entropy (nats)", [("entropy", "", GREEN, "solid")]),
        ("temperature\n(energy per nat)", [("temperature", "", PURPLE, "solid")]),
        ("active gates\nof the best", [(gates, "", BLUE, "steps")]),
        ("distinct genotypes", [("distinct", "", INK, "steps")]),
    ]
    return _curves(history, x, panels, files, title, "generation")


def training_curves(records: Sequence[Record], *paths: str | Path, title: str = "Pretraining") -> list[Path]:
    """Draw the pretraining of a supernet, or the training of a network, by epoch: losses, accuracies, open gates.

    :param records: a record per epoch with ``epoch`` and any of ``train_loss``, ``valid_loss``, ``train_accuracy``,
        ``valid_accuracy`` (0 to 1), ``gates`` (sum of the relaxed gates).
    :param paths: files to write, ``.png``, ``.svg`` or ``.pdf``.
    :param title: above the figure.
    :returns: the paths.
    :raises ValueError: for no records, a record without ``epoch``, or an unknown ending.
    :raises FileNotFoundError: for a folder that does not exist.
    """
    files = _paths(paths)
    x = _steps(records, "epoch", "list of epochs")
    sets = (("train", "training", BLUE, "solid"), ("valid", "validation", VERMILLION, "dashed"))
    panels: list[tuple[str, list[_Curve]]] = [
        ("loss (nats)", [(f"{key}_loss", label, colour, line) for key, label, colour, line in sets]),
        ("accuracy (%)", [(f"{key}_accuracy", label, colour, line) for key, label, colour, line in sets]),
        ("open gates\n(sum of the weights)", [("gates", "", GREEN, "solid")]),
    ]
    percent = [
        {
            key: 100 * value if key.endswith("_accuracy") and _number(value) else value
            for key, value in record.items()
        }
        for record in records
    ]
    return _curves(percent, x, panels, files, title, "epoch")


def result_points(
    results: Sequence[Record],
    *paths: str | Path,
    title: str = "Retrained from scratch, the same recipe for all",
) -> list[Path]:
    """Draw the result table: validation and test accuracy of each row, with all draws of rows that have several.

    :param results: a record per retrained network with ``row`` and any of ``valid_accuracy``, ``test_accuracy``
        (0 to 1); networks of one row are draws of it, and their mean and range are drawn.
    :param paths: files to write, ``.png``, ``.svg`` or ``.pdf``.
    :param title: above the figure.
    :returns: the paths.
    :raises ValueError: for no results, a result without ``row``, or an unknown ending.
    :raises FileNotFoundError: for a folder that does not exist.
    """
    files = _paths(paths)
    if not results:
        raise ValueError("there is nothing to draw: the results are empty")
    missing = next((result for result in results if "row" not in result), None)
    if missing is not None:
        raise ValueError(
            f"every result needs 'row', the name of its row in the table; this one has {sorted(missing)}"
        )
    rows = list(dict.fromkeys(str(result["row"]) for result in results))
    with picture_style():
        figure = new_figure(8, 0.6 + _top(title) + 0.55 * len(rows))
        axes = _axes(
            figure, 0, 1, left=0.3 + 0.085 * max(map(len, rows)), top=_top(title), row_height=0.55 * len(rows)
        )
        for key, label, colour, marker, shift in (
            ("valid_accuracy", "validation", BLUE, "o", -0.14),
            ("test_accuracy", "test", VERMILLION, "D", 0.14),
        ):
            for place, row in enumerate(rows):
                values = [_percent(r.get(key)) for r in results if str(r["row"]) == row]
                _draw_points(axes, [v for v in values if v is not None], place + shift, colour, marker)
            axes.plot([], [], color=colour, marker=marker, linestyle="none", markersize=7, label=label)
        axes.set_yticks(range(len(rows)), [_with_count(row, results) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel("accuracy (%)")
        axes.grid(axis="x", color="#E3E3E3", linewidth=0.7)
        axes.tick_params(axis="y", length=0)
        _percent_axis(axes)
        _legend(figure, axes, title)
        return [save_figure(figure, path) for path in files]


# inside ----------------------------------------------------------------------------------------------------------

_Curve = tuple[str, str, str, str]  # key of the record, label, colour, line
PANEL, WIDTH = 1.55, 8.0


def _paths(paths: Sequence[str | Path]) -> list[Path]:
    if not paths:
        raise ValueError("name at least one file to write, such as 'search.png'")
    return [check_picture_path(path) for path in paths]


def _steps(records: Sequence[Record], key: str, what: str) -> list[float]:
    if not records:
        raise ValueError(f"there is nothing to draw: the {what} is empty")
    for place, record in enumerate(records):
        if not _number(record.get(key)):
            raise ValueError(
                f"record {place} of the {what} has {key!r} {record.get(key)!r}; a number is needed"
            )
    return [float(record[key]) for record in records]


def _number(value: Any) -> bool:
    """Whether a value is a finite number; booleans and text are not."""
    try:
        return not isinstance(value, (bool, str)) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _floats(values: Any) -> list[float]:
    return [float(value) for value in values]


def _percent(value: Any) -> float | None:
    return 100 * float(value) if _number(value) and abs(float(value)) < OFF_SCALE else None


def _curves(
    records: Sequence[Record],
    x: Sequence[float],
    panels: Sequence[tuple[str, list[_Curve]]],
    files: list[Path],
    title: str,
    step: str,
) -> list[Path]:
    shown = [
        (name, there)
        for name, curves in panels
        if (there := [curve for curve in curves if any(_number(record.get(curve[0])) for record in records)])
    ]
    with picture_style():
        figure = new_figure(WIDTH, PANEL * max(1, len(shown)) + 0.23 + _top(title))
        first = None
        for number, (name, curves) in enumerate(shown):
            axes = _axes(figure, number, len(shown), first, top=_top(title))
            first = first or axes
            lost = sum([_draw_curve(axes, x, records, curve) for curve in curves])
            _readable_limits(axes, curves)
            axes.set_ylabel(name)
            axes.yaxis.set_label_coords(-0.105, 0.5)
            axes.grid(color="#E3E3E3", linewidth=0.7)
            if lost:
                text = f"{lost} value{'s' if lost > 1 else ''} not finite or off the scale"
                axes.text(
                    1, 1.02, text, transform=axes.transAxes, ha="right", va="bottom", fontsize=8, color=GREY
                )
            if any(curve[1] for curve in curves):
                axes.legend(
                    loc="lower right", bbox_to_anchor=(1, 1.0 + 0.1 * bool(lost)), ncols=2, borderaxespad=0
                )
            axes.tick_params(labelbottom=number == len(shown) - 1)
        axes = first if first is not None else _empty(figure, _top(title))
        _finish(figure, axes, x, step, title)
        return [save_figure(figure, path) for path in files]


def _axes(
    figure: Figure,
    number: int,
    count: int,
    sharex: Axes | None = None,
    left: float = 1.2,
    top: float = 0.75,
    row_height: float = 0.0,
) -> Axes:
    """Axes of a panel, placed in inches so that labels have room whatever the number of panels."""
    width, height = figure.get_size_inches()
    inner = row_height or PANEL - 0.33
    bottom = height - top - inner - number * PANEL
    return figure.add_axes(
        (left / width, bottom / height, (width - left - 0.25) / width, inner / height), sharex=sharex
    )


def _top(title: str) -> float:
    """Inches above the first panel: for the legend, and for a title where there is one."""
    return 0.75 if title else 0.42


def _empty(figure: Figure, top: float) -> Axes:
    axes = _axes(figure, 0, 1, top=top)
    axes.text(0.5, 0.5, "no finite values were recorded", transform=axes.transAxes, ha="center", color=GREY)
    axes.set_yticks([])
    return axes


def _finish(figure: Figure, axes: Axes, x: Sequence[float], step: str, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    low, high = min(x), max(x)
    room = 0.02 * (high - low) or 0.5
    axes.set_xlim(low - room, high + room)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.axes[-1].set_xlabel(step)
    figure.text(0.02, 1 - 0.22 / figure.get_size_inches()[1], title, fontsize=13, weight="bold", va="center")


def _draw_curve(axes: Axes, x: Sequence[float], records: Sequence[Record], curve: _Curve) -> int:
    """Draw a curve with gaps; return how many values it could not show."""
    key, label, colour, line = curve
    shown = [_number(r.get(key)) and abs(float(r[key])) < OFF_SCALE for r in records]
    y = [float(r[key]) if ok else math.nan for ok, r in zip(shown, records, strict=True)]
    shape: dict[str, Any] = {"drawstyle": "steps-mid"} if line == "steps" else {"linestyle": line}
    axes.plot(x, y, color=colour, label=label or None, linewidth=1.7, **shape)
    # A value between two gaps, or a lone one, would be an invisible line.
    padded = [False, *shown, False]
    alone = [n for n, ok in enumerate(shown) if ok and not padded[n] and not padded[n + 2]]
    axes.plot(
        [x[n] for n in alone], [y[n] for n in alone], linestyle="none", marker="o", markersize=4, color=colour
    )
    return sum(not ok and r.get(key) is not None for ok, r in zip(shown, records, strict=True))


def _readable_limits(axes: Axes, curves: Sequence[_Curve]) -> None:
    """Whole ticks for counts, a logarithmic axis for a temperature that falls, room around what does not move."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    values = [y for line in axes.lines for y in _floats(line.get_ydata()) if math.isfinite(y)]
    if not values:
        return
    low, high = min(values), max(values)
    whole = curves[0][3] == "steps"
    if curves[0][0] == "temperature" and low > 0 and high / low > 3:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.6, high * 1.6)
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1.0,) if high / low >= 100 else (1.0, 2.0, 5.0), numticks=6)
        )
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        return
    if whole:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
    if low == high:
        room = 1.0 if whole else 0.05 * abs(low) or 0.5
        axes.set_ylim(low - room, high + room)


def _draw_points(axes: Axes, values: Sequence[float], y: float, colour: str, marker: str) -> None:
    """Draw the mean, and where there are several values their range and each of them."""
    if not values:
        return
    mean = math.fsum(values) / len(values)
    if len(values) > 1:
        axes.plot([min(values), max(values)], [y, y], color=colour, linewidth=1.5, zorder=2)
        axes.plot(
            values, [y] * len(values), linestyle="none", marker="|", markersize=9, color=colour, zorder=2
        )
    axes.plot([mean], [y], linestyle="none", marker=marker, markersize=7, color=colour, zorder=3)
    axes.annotate(
        f"{mean:.2f}",
        (max(values), y),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=colour,
    )


def _with_count(row: str, results: Sequence[Record]) -> str:
    count = sum(str(result["row"]) == row for result in results)
    return f"{row}\n(mean of {count})" if count > 1 else row


def _percent_axis(axes: Axes) -> None:
    """Room for the figures beside the points, and no ticks beyond 100 %."""
    from matplotlib.ticker import MaxNLocator

    values = [x for line in axes.lines for x in _floats(line.get_xdata())] or [0.0, 100.0]
    span = max(values) - min(values)
    low, high = min(values) - max(0.06 * span, 0.3), max(values) + max(0.13 * span, 0.5)
    axes.set_xticks(
        [tick for tick in MaxNLocator(nbins=7).tick_values(low, high) if low <= tick <= min(high, 100)]
    )
    axes.set_xlim(low, high)


def _legend(figure: Figure, axes: Axes, title: str) -> None:
    height = figure.get_size_inches()[1]
    figure.text(0.02, 1 - 0.22 / height, title, fontsize=13, weight="bold", va="center")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
