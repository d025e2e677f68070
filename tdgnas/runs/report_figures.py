"""Pictures of a report: family tree, Pareto front, what the best architecture was made of, curves of several runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..spaces import Decision
from ..spaces.picture import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    save_figure,
    style,
)
from .history import Event, pareto

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK, GREY)


def family_tree(graph: nx.DiGraph[int], identity: int, path: Path, label: str) -> Path:
    """Draw the ancestors of an individual, the generations from left to right.

    :param graph: see :func:`family`.
    :param label: name of the fitness, beside the colours.
    """
    places = _layout(graph)
    height = max((y for _, y in places.values()), default=0) + 1
    with style():
        tall = min(8.0, 1.8 + 0.17 * height)
        figure = new_figure(10, tall)
        axes = figure.add_axes((0.03, 0.55 / tall, 0.84, 1 - 0.95 / tall))
        for parent, child in graph.edges:
            (x0, y0), (x1, y1) = places[parent], places[child]
            crossed = "mate" in graph.nodes[child]["operators"]
            colour = ORANGE if crossed else GREY
            axes.plot([x0, x1], [y0, y1], color=colour, linewidth=0.8, alpha=0.6, zorder=1)
        values = [graph.nodes[node]["fitness"] for node in graph]
        shown = axes.scatter(
            [places[node][0] for node in graph],
            [places[node][1] for node in graph],
            c=values,
            cmap="viridis",
            s=[90 if node == identity else 26 for node in graph],
            edgecolors=[VERMILLION if node == identity else "white" for node in graph],
            linewidths=[2 if node == identity else 0.6 for node in graph],
            zorder=2,
        )
        axes.plot([], [], color=GREY, label="mutation or gradient step")
        axes.plot([], [], color=ORANGE, label="crossover")
        axes.plot(
            [],
            [],
            "o",
            markerfacecolor="white",
            markeredgecolor=VERMILLION,
            markeredgewidth=2,
            label="the best",
        )
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0, fontsize=8)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        _whole_ticks(axes, "generation")
        axes.margins(0.03, 0.08 if height > 1 else 0.6)
        bar = figure.add_axes((0.9, 0.55 / tall, 0.014, 1 - 0.95 / tall))
        figure.colorbar(shown, cax=bar).set_label(label, fontsize=8)
        bar.tick_params(labelsize=7)
        return save_figure(figure, path)


def _layout(graph: nx.DiGraph[int]) -> dict[int, tuple[float, float]]:
    """Place nodes by generation; within one, beside the mean of their children, so that few edges cross."""
    generations: dict[int, list[int]] = {}
    for node, found in graph.nodes.items():
        generations.setdefault(found["gen"], []).append(node)
    places: dict[int, tuple[float, float]] = {}
    for generation in sorted(generations, reverse=True):
        nodes = generations[generation]

        def wish(node: int) -> float:
            ys = [places[child][1] for child in graph.successors(node) if child in places]
            return sum(ys) / len(ys) if ys else 0.0

        # An individual made of another one of the same generation stands beside it.
        for rank, node in enumerate(sorted(nodes, key=lambda each: (wish(each), each))):
            places[node] = (float(generation), rank - (len(nodes) - 1) / 2)
    low = min((y for _, y in places.values()), default=0.0)
    return {node: (x, y - low) for node, (x, y) in places.items()}


def pareto_plot(
    searched: Sequence[tuple[float, float]],
    best: tuple[float, float] | None,
    results: Sequence[Mapping[str, Any]],
    path: Path,
) -> Path:
    """Draw accuracy against parameters: everything evaluated on the supernet, and the networks that were retrained.

    :param searched: (parameters, accuracy on the supernet) of distinct architectures.
    :param best: the same of the best architecture.
    :param results: the run's results.
    """
    panels = [bool(searched), any(result["test_accuracy"] is not None for result in results)]
    with style():
        figure = new_figure(10, 3.9)
        columns = [place for place, wanted in enumerate(panels) if wanted]
        for number, panel in enumerate(columns):
            width = 0.88 / len(columns)
            axes = figure.add_axes((0.075 + number * (width + 0.03), 0.15, width - 0.06, 0.74))
            axes.grid(color="#E3E3E3", linewidth=0.7)
            axes.set_axisbelow(True)
            if panel == 0:
                _searched(axes, searched, best)
            else:
                _retrained(axes, results)
            _big_numbers(axes)
        return save_figure(figure, path)


def _searched(axes: Axes, points: Sequence[tuple[float, float]], best: tuple[float, float] | None) -> None:
    front = pareto(points)
    axes.scatter(
        [x for x, _ in points], [100 * y for _, y in points], s=14, color=SKY, alpha=0.7, linewidths=0
    )
    xs, ys = [points[p][0] for p in front], [100 * points[p][1] for p in front]
    axes.plot(xs, ys, drawstyle="steps-post", color=BLUE, linewidth=1.4, label="Pareto front")
    axes.plot(xs, ys, "o", markersize=4, color=BLUE)
    if best is not None:
        axes.plot(
            [best[0]], [100 * best[1]], "*", markersize=14, color=VERMILLION, label="the best by fitness"
        )
    axes.set_title("evaluated in the search, on the supernet", fontsize=10, loc="left")
    axes.set_ylabel("validation accuracy (%)")
    axes.legend(fontsize=8, loc="best")


def _retrained(axes: Axes, results: Sequence[Mapping[str, Any]]) -> None:
    rows = list(dict.fromkeys(str(result["row"]) for result in results))
    for place, row in enumerate(rows):
        ends = [r for r in results if str(r["row"]) == row and r["test_accuracy"] is not None]
        axes.plot(
            [r["parameters"] for r in ends],
            [100 * r["test_accuracy"] for r in ends],
            linestyle="none",
            marker="*" if row == rows[-1] else "o",
            markersize=14 if row == rows[-1] else 7,
            color=COLOURS[(place + 2) % len(COLOURS)] if row != rows[-1] else VERMILLION,
            label=row,
        )
    axes.set_title("retrained from scratch", fontsize=10, loc="left")
    axes.set_ylabel("test accuracy (%)")
    axes.legend(fontsize=8, loc="best")


def choices_by_generation(
    leaders: Sequence[tuple[int, Event]], decisions: Sequence[Decision], path: Path
) -> Path:
    """Draw the choices of the best architecture by generation, one row per decision.

    :param leaders: see :func:`best_by_generation`.
    :param decisions: those of the space.
    """
    binary = all(decision.binary for decision in decisions)
    names = list(dict.fromkeys(choice for decision in decisions for choice in decision.choices))
    # A small picture holds a row for each decision only while there are not too many of them.
    row = (0.13 if len(decisions) <= 40 else 0.105) if binary else 0.19
    top = 0.2 if binary else 0.2 + 0.2 * math.ceil(len(names) / 5)
    height = 0.55 + top + row * len(decisions)
    with style():
        figure = new_figure(10, height)
        axes = figure.add_axes((0.09, 0.55 / height, 0.88, row * len(decisions) / height))
        if binary:
            shown, colours = [event["choices"] for _, event in leaders], ["#EEF2F5", BLUE]
        else:
            shown = [
                [
                    names.index(d.choices[choice])
                    for d, choice in zip(decisions, event["choices"], strict=True)
                ]
                for _, event in leaders
            ]
            colours = _tints(names)
            _choice_legend(figure, names, colours)
        _rows(axes, leaders, shown, colours)
        if not binary:
            _choice_names(axes, leaders, shown, names)
        axes.set_yticks(range(len(decisions)), [decision.name for decision in decisions], fontsize=6)
        axes.tick_params(axis="y", length=0)
        axes.set_yticks([place - 0.5 for place in range(1, len(decisions))], minor=True)
        axes.grid(which="minor", axis="y", color="white", linewidth=0.6)
        axes.tick_params(which="minor", length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        _whole_ticks(axes, "generation")
        return save_figure(figure, path)


def _rows(
    axes: Axes, leaders: Sequence[tuple[int, Event]], shown: Sequence[Sequence[int]], colours: Sequence[Any]
) -> None:
    import numpy as np
    from matplotlib.colors import ListedColormap

    axes.imshow(
        np.array(shown).T,
        aspect="auto",
        interpolation="nearest",
        cmap=ListedColormap(list(colours)),
        vmin=-0.5,
        vmax=len(colours) - 0.5,
        extent=(leaders[0][0] - 0.5, leaders[-1][0] + 0.5, len(shown[0]) - 0.5, -0.5),
    )


def _choice_names(
    axes: Axes, leaders: Sequence[tuple[int, Event]], shown: Sequence[Sequence[int]], names: Sequence[str]
) -> None:
    """Write a choice's name at the beginning of its stretch, where there is room."""
    inch = 8.8 / len(leaders)
    for place in range(len(shown[0])):
        stretches = groupby(range(len(shown)), key=lambda column: shown[column][place])
        for choice, columns in stretches:
            run = list(columns)
            if inch * len(run) > 0.06 * len(names[choice]) + 0.1:
                x = leaders[run[0]][0] - 0.5 + 0.06 / inch
                axes.text(x, place, names[choice], fontsize=6, va="center", color=INK)


def _choice_legend(figure: Figure, names: Sequence[str], colours: Sequence[Any]) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=colour, label=name) for name, colour in zip(names, colours, strict=True)]
    figure.legend(handles=patches, loc="upper left", bbox_to_anchor=(0.08, 1.0), ncols=5, fontsize=7)


def _tints(names: Sequence[str]) -> list[Any]:
    """Colours that a dark text can be read on; nothing is pale."""
    from matplotlib import colormaps

    found = colormaps["Set3"].colors  # type: ignore[attr-defined]
    return ["#EEF2F5" if name == "none" else found[place % len(found)] for place, name in enumerate(names)]


def compare_curves(runs: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> Path:
    """Draw the searches of several runs over one another: best energy, entropy, distinct genotypes.

    :param runs: the history of each run by its name.
    """
    from matplotlib.ticker import MaxNLocator

    panels = [("best", "best energy"), ("entropy", "entropy (nats)"), ("distinct", "distinct genotypes")]
    with style():
        figure = new_figure(10, 3.6)
        for number, (key, name) in enumerate(panels):
            axes = figure.add_axes((0.065 + 0.325 * number, 0.15, 0.26, 0.68))
            for place, (run, history) in enumerate(runs.items()):
                shown = [row for row in history if row.get(key) is not None]
                axes.plot(
                    [row["gen"] for row in shown],
                    [row[key] for row in shown],
                    color=COLOURS[place % len(COLOURS)],
                    linestyle=("solid", "dashed", "dotted")[place // len(COLOURS) % 3],
                    linewidth=1.5,
                    label=run,
                )
            axes.set_title(name, fontsize=10, loc="left")
            axes.grid(color="#E3E3E3", linewidth=0.7)
            if key == "distinct":
                axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            _whole_ticks(axes, "generation")
        lines, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="upper left", bbox_to_anchor=(0.06, 1.0), ncols=4, fontsize=8)
        return save_figure(figure, path)


def _whole_ticks(axes: Axes, label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel(label)


def _big_numbers(axes: Axes) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("parameters")
