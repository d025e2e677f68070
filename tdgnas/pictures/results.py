"""Pictures of results: rows of retrained networks, accuracy against size, strategies by seed and by rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..operators.pareto import pareto_ranks
from .curves import OFF_SCALE, Record, is_number
from .style import (
    BLUE,
    COLOURS,
    GREY,
    SKY,
    VERMILLION,
    Axes,
    Figure,
    line_styles,
    new_figure,
    styled,
    whole_ticks,
)

Point = tuple[float, float]


def measure_of(results: Sequence[Record]) -> str:
    """Return what the test set measured: ``accuracy``, or the first other measure that the results carry.

    >>> measure_of([{"row": "a", "test_iou": 0.5}])
    'iou'
    """
    found = [key.removeprefix("test_") for result in results for key in result if key.startswith("test_")]
    return "accuracy" if "accuracy" in found or not found else found[0]


def axis_of(measure: str) -> str:
    """Name and unit of a measure, for an axis or a table.

    >>> axis_of("accuracy"), axis_of("iou")
    ('accuracy (%)', 'iou')
    """
    return f"{measure} (%)" if measure.endswith("accuracy") else measure


def _values(results: Sequence[Record], row: str, key: str) -> list[float]:
    """The values of a row's networks that can be shown, accuracies in percent."""
    found = [r[key] for r in results if str(r["row"]) == row and is_number(r.get(key))]
    return [value * (100 if key.endswith("accuracy") else 1) for value in found if abs(value) < OFF_SCALE]


@styled
def points_figure(results: Sequence[Record], title: str = "") -> Figure:
    """Draw the result table: each row on the validation and the test set, with all networks of rows that have several.

    :param results: a record per retrained network with ``row`` and any of ``valid_<measure>``, ``test_<measure>``
        (accuracies between 0 and 1 are shown in percent); of a row, the mean and the range are drawn.
    :param title: above the figure.
    :raises ValueError: for no results, or a result without ``row``.
    """
    if not results:
        raise ValueError("there is nothing to draw: the results are empty")
    missing = next((sorted(result) for result in results if "row" not in result), None)
    if missing is not None:
        raise ValueError(
            f"every result needs 'row', the name of its row in the table; this one has {missing}"
        )
    measure = measure_of(results)
    names = [str(result["row"]) for result in results]
    rows = list(dict.fromkeys(names))
    figure = new_figure(8, 1.0 + 0.5 * len(rows) + 0.3 * bool(title), title, fitted=True)
    axes = figure.add_subplot(xlabel=axis_of(measure))
    axes.margins(x=0.12)
    sides = (("valid", "validation", BLUE, "o", -0.14), ("test", "test", VERMILLION, "D", 0.14))
    for side, label, colour, marker, shift in sides:
        for place, row in enumerate(rows):
            values = _values(results, row, f"{side}_{measure}")
            if values:
                _draw_points(axes, values, place + shift, colour, marker)
        axes.plot([], [], color=colour, marker=marker, linestyle="none", markersize=7, label=label)
    counts = [f"\n(mean of {names.count(row)})" if names.count(row) > 1 else "" for row in rows]
    axes.set_yticks(range(len(rows)), [row + count for row, count in zip(rows, counts, strict=True)])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    low, high = axes.get_xlim()
    most = min(high, 100.0) if measure.endswith("accuracy") else high  # no ticks beyond 100 %
    axes.set_xticks([tick for tick in axes.get_xticks() if low <= tick <= most])
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
    return figure


def _draw_points(axes: Axes, values: Sequence[float], y: float, colour: str, marker: str) -> None:
    """Draw the mean, and where there are several values their range and each of them."""
    mean = math.fsum(values) / len(values)
    if len(values) > 1:
        axes.plot([min(values), max(values)], [y, y], color=colour, zorder=2)
        axes.plot(values, [y] * len(values), "|", markersize=9, color=colour, zorder=2)
    axes.plot([mean], [y], linestyle="none", marker=marker, markersize=7, color=colour, zorder=3)
    place: dict[str, Any] = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
    axes.annotate(f"{mean:.2f}", (max(values), y), fontsize=8, color=colour, **place)


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in both: small first, large second number; by the first.

    >>> front([(3.0, 0.9), (1.0, 0.5), (2.0, 0.4), (2.0, 0.8)])
    [(1.0, 0.5), (2.0, 0.8), (3.0, 0.9)]
    """
    found: list[Point] = []
    for point in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or point[1] > found[-1][1]:
            found.append(point)
    return found


@styled
def pareto_figure(
    searched: Sequence[Point], best: Point | None, results: Sequence[Record], own: str = ""
) -> Figure:
    """Draw accuracy against parameters: what the search evaluated, and the networks that were retrained.

    :param searched: (parameters, accuracy in the search) of distinct architectures.
    :param best: the same of the best architecture.
    :param results: the retrained networks, as :func:`points_figure` takes them, with ``parameters``.
    :param own: the row of the search's winner.
    """
    from matplotlib.ticker import EngFormatter

    key = f"test_{measure_of(results)}"
    trained = [r for r in results if _values([r], str(r["row"]), key) and is_number(r.get("parameters"))]
    figure = new_figure(10, 3.9, fitted=True)
    panels = figure.subplots(1, bool(searched) + bool(trained), squeeze=False)[0]
    if searched:
        _draw_searched(panels[0], searched, best)
    if trained:
        panels[-1].set(title="retrained from scratch", ylabel=f"test {axis_of(key[5:])}")
        for place, row in enumerate(dict.fromkeys(str(result["row"]) for result in trained)):
            sizes = [r["parameters"] for r in trained if str(r["row"]) == row]
            look = (VERMILLION, "*", 14) if row == own else (COLOURS[(2 + place) % len(COLOURS)], "o", 7)
            colour, mark, size = look
            panels[-1].plot(sizes, _values(trained, row, key), mark, markersize=size, color=colour, label=row)
    for axes in panels:
        axes.grid()
        axes.legend(fontsize=8)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_xlabel("parameters")
    return figure


@styled
def front_figure(
    evaluated: Sequence[tuple[int, Sequence[float]]],
    history: Sequence[Record],
    names: Sequence[str],
    maximised: bool = False,
) -> Figure:
    """Draw a search with several objectives: what it evaluated, its front as it moved on, and the hypervolume.

    The front is drawn after the first generation, halfway and at the end; with more than two objectives at the end
    only, since a front of three is no line in the picture of two.

    :param evaluated: generation and values of every network within the limits.
    :param history: records with ``gen`` and ``hypervolume``.
    :param names: of the objectives; all but the first are minimised.
    :param maximised: whether the first one is maximised.
    """
    figure = new_figure(4.2 * len(names), 3.9, fitted=True)
    *panels, right = figure.subplots(1, len(names), squeeze=False)[0]
    last = max(generation for generation, _ in evaluated)
    stages = sorted({0, last // 2, last}) if len(names) == 2 else [last]
    sign = 1 if maximised else -1
    for place, axes in enumerate(panels, start=1):
        points = [(values[place], values[0]) for _, values in evaluated]
        axes.plot(*zip(*points, strict=True), "o", markersize=3, color=GREY, alpha=0.4, markeredgewidth=0)
        for stage, colour in zip(stages, (SKY, VERMILLION, BLUE)[-len(stages) :], strict=True):
            so_far = [(values, sign * values[0]) for generation, values in evaluated if generation <= stage]
            table = [(own, *(-value for value in values[1:])) for values, own in so_far]
            edge = sorted(
                (values[place], values[0])
                for (values, _), rank in zip(so_far, pareto_ranks(table), strict=True)
                if rank == 0
            )
            line = "steps-post" if len(names) == 2 else "default"
            style = "o-" if len(names) == 2 else "o"
            label = f"front after generation {stage}"
            axes.plot(
                *zip(*edge, strict=True), style, drawstyle=line, markersize=4, color=colour, label=label
            )
        axes.set(xlabel=names[place], ylabel=names[0])
        axes.legend(fontsize=8)
        axes.grid()
    shown = [(row["gen"], row["hypervolume"]) for row in history if is_number(row.get("hypervolume"))]
    right.plot(*zip(*shown, strict=True), color=BLUE, marker="o" if len(shown) == 1 else None)
    right.set(ylabel="hypervolume")
    whole_ticks(right, "generation")
    right.grid()
    return figure


def _draw_searched(axes: Axes, points: Sequence[Point], best: Point | None) -> None:
    percent = [(x, 100 * y) for x, y in points]
    axes.plot(*zip(*percent, strict=True), "o", markersize=4, color=SKY, alpha=0.7, markeredgewidth=0)
    edge = list(zip(*front(percent), strict=True))
    axes.plot(*edge, drawstyle="steps-post", color=BLUE, label="Pareto front")
    axes.plot(*edge, "o", markersize=4, color=BLUE)
    if best is not None:
        axes.plot(best[0], 100 * best[1], "*", markersize=14, color=VERMILLION, label="the best by fitness")
    axes.set(title="evaluated in the search", ylabel="validation accuracy (%)")


@styled
def seeds_figure(results: Mapping[str, Mapping[int, float]], label: str) -> Figure:
    """Draw the result of every seed as a dot, with a box of the quartiles for each strategy.

    :param results: of each strategy the result of each seed.
    :param label: name and unit of the results.
    """
    figure = new_figure(8, 0.7 + 0.38 * len(results), fitted=True)
    axes = figure.add_subplot(xlabel=label)
    names = list(results)[::-1]
    values = [list(results[name].values()) for name in names]
    axes.boxplot(values, orientation="horizontal", showfliers=False, medianprops={"color": GREY})
    colours = line_styles(list(results))
    for place, (name, own) in enumerate(zip(names, values, strict=True), start=1):
        # Dots are spread by their order, not at random: the figure is the same every time.
        heights = [place + 0.24 * ((k * 0.618) % 1 - 0.5) for k in range(len(own))]
        axes.plot(own, heights, "o", color=colours[name][0], markersize=3.5, alpha=0.6)
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.grid(axis="x")
    return figure


@styled
def ranks_figure(ranks: Mapping[str, float], p: Mapping[str, Mapping[str, float]], critical: float) -> Figure:
    """Draw mean ranks (Demsar 2006); bars join what does not differ significantly.

    :param ranks: mean rank of each strategy, 1 is best.
    :param p: of each strategy, p of the test against each of them.
    :param critical: the difference of mean ranks that counts.
    """
    from pandas import DataFrame
    from scikit_posthocs import critical_difference_diagram

    figure = new_figure(8, 1.4 + 0.17 * len(ranks), fitted=True)
    told = f"mean rank, 1 is best; bars join what does not differ: critical difference {critical:.2f}"
    colours = {name: colour for name, (colour, _) in line_styles(list(ranks)).items()}
    critical_difference_diagram(
        dict(ranks), DataFrame(p).loc[list(ranks), list(ranks)], ax=figure.add_subplot(title=told),
        label_fmt_left="{label} ({rank:.2f})  ", label_fmt_right="  ({rank:.2f}) {label}", text_h_margin=0.1,
        color_palette=colours, label_props={"fontsize": 9}, crossbar_props={"color": GREY, "linewidth": 3},
    )  # fmt: skip
    return figure
