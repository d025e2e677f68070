"""Where the best architecture comes from: its family tree, and its choices by generation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .style import BLUE, GREY, INK, ORANGE, PALE, VERMILLION, Axes, Figure, new_figure, styled, whole_ticks

if TYPE_CHECKING:
    import networkx as nx

    from ..decision import Decision

Event = Mapping[str, Any]


@styled
def family_figure(graph: nx.DiGraph[int], identity: int, label: str) -> Figure:
    """Draw the ancestors of an individual, the generations from left to right.

    :param graph: edges from parents to children; nodes carry ``gen``, ``operators`` and ``fitness``.
    :param identity: the individual.
    :param label: name of the fitness, beside the colours.
    """
    places = _places(graph)
    height = max((y for _, y in places.values()), default=0) + 1
    figure = new_figure(10, min(8.0, 1.8 + 0.17 * height), fitted=True)
    axes = figure.add_subplot()
    for parent, child in graph.edges:
        (x0, y0), (x1, y1) = places[parent], places[child]
        colour = ORANGE if "mate" in graph.nodes[child]["operators"] else GREY
        axes.plot([x0, x1], [y0, y1], color=colour, linewidth=0.8, alpha=0.6, zorder=1)
    own = [node == identity for node in graph]
    x, y = [places[node][0] for node in graph], [places[node][1] for node in graph]
    edges = {
        "linewidths": [2.0 if best else 0.6 for best in own],
        "edgecolors": [VERMILLION if best else "white" for best in own],
    }
    sizes, values = [90 if best else 26 for best in own], [graph.nodes[node]["fitness"] for node in graph]
    shown = axes.scatter(x, y, sizes, values, cmap="viridis", zorder=2, **edges)  # type: ignore[arg-type]
    axes.plot([], [], color=GREY, label="one parent")
    axes.plot([], [], color=ORANGE, label="crossover")
    axes.plot(
        [], [], "o", markerfacecolor="white", markeredgecolor=VERMILLION, markeredgewidth=2, label="the best"
    )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.margins(0.03, 0.08 if height > 1 else 0.6)
    whole_ticks(axes, "generation")
    figure.colorbar(shown, label=label, aspect=30, pad=0.02)
    return figure


def _places(graph: nx.DiGraph[int]) -> dict[int, tuple[float, float]]:
    """Place nodes by generation; within one, beside the mean of their children, so that few edges cross."""
    generations: dict[int, list[int]] = {}
    for node, found in graph.nodes.items():
        generations.setdefault(found["gen"], []).append(node)
    places: dict[int, tuple[float, float]] = {}

    def wish(node: int) -> float:
        ys = [places[child][1] for child in graph.successors(node) if child in places]
        return sum(ys) / len(ys) if ys else 0.0

    for generation in sorted(generations, reverse=True):
        nodes = sorted(generations[generation], key=lambda each: (wish(each), each))
        # All of them first: an individual made of another one of the same generation must not move it.
        places.update({node: (float(generation), n - (len(nodes) - 1) / 2) for n, node in enumerate(nodes)})
    low = min((y for _, y in places.values()), default=0.0)
    return {node: (x, y - low) for node, (x, y) in places.items()}


@styled
def choices_figure(leaders: Sequence[tuple[int, Event]], decisions: Sequence[Decision]) -> Figure:
    """Draw the choices of the best architecture by generation, one row per decision.

    :param leaders: every generation with an event that has the ``choices`` of its best.
    :param decisions: those of the space.
    """
    import numpy as np
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    binary = all(decision.binary for decision in decisions)
    names = list(dict.fromkeys(choice for decision in decisions for choice in decision.choices))
    # A small picture holds a row for each decision only while there are not too many of them.
    row = (0.13 if len(decisions) <= 40 else 0.105) if binary else 0.19
    legend = 0.2 if binary else 0.2 + 0.2 * math.ceil(len(names) / 5)
    figure = new_figure(10, 0.55 + legend + row * len(decisions), fitted=True)
    axes = figure.add_subplot()
    shown = np.array([event["choices"] for _, event in leaders])
    colours: list[Any] = [PALE, BLUE]
    if not binary:
        numbers = [[names.index(choice) for choice in decision.choices] for decision in decisions]
        shown = np.array([[numbers[d][choice] for d, choice in enumerate(choices)] for choices in shown])
        colours = _tints(names)
        patches = [Patch(color=colour, label=name) for name, colour in zip(names, colours, strict=True)]
        figure.legend(handles=patches, loc="outside upper left", ncols=5, fontsize=7)
        _write_choices(axes, leaders, shown, names)
    axes.imshow(
        shown.T, aspect="auto", interpolation="nearest", cmap=ListedColormap(colours), vmin=-0.5,
        vmax=len(colours) - 0.5, extent=(leaders[0][0] - 0.5, leaders[-1][0] + 0.5, len(decisions) - 0.5, -0.5),
    )  # fmt: skip
    axes.set_yticks(range(len(decisions)), [decision.name for decision in decisions], fontsize=6)
    axes.set_yticks([place - 0.5 for place in range(1, len(decisions))], minor=True)
    axes.tick_params(axis="y", which="both", length=0)
    axes.grid(which="minor", axis="y", color="white", linewidth=0.6)
    axes.set_axisbelow(False)
    axes.spines[:].set_visible(False)
    whole_ticks(axes, "generation")
    return figure


def _write_choices(
    axes: Axes, leaders: Sequence[tuple[int, Event]], shown: Any, names: Sequence[str]
) -> None:
    """Write a choice's name at the beginning of its stretch, where there is room."""
    inch = 8.8 / len(leaders)
    for place, row in enumerate(shown.T):
        for choice, columns in groupby(range(len(row)), key=lambda column: row[column]):
            run = list(columns)
            if inch * len(run) > 0.06 * len(names[choice]) + 0.1:
                x = leaders[run[0]][0] - 0.5 + 0.06 / inch
                axes.text(x, place, names[choice], fontsize=6, va="center", color=INK)


def _tints(names: Sequence[str]) -> list[Any]:
    """Colours that a dark text can be read on; nothing is pale."""
    from matplotlib import colormaps

    found = colormaps["Set3"].colors  # type: ignore[attr-defined]
    return [PALE if name == "none" else found[place % len(found)] for place, name in enumerate(names)]
