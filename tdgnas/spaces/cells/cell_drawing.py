"""Cells drawn as the DARTS paper draws them, and relaxed weights over time.

Graphviz lays a cell out where its program ``dot`` is installed; otherwise networkx and matplotlib do.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import numpy.typing as npt

from ...files.atomic import write_atomic
from ..picture import INK, check_picture_path, new_figure, save_figure, style
from .genotypes import CellPlan, Genotype, as_genotype
from .shapes import REDUCTION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .cell_space import CellSpace

Point = tuple[float, float]
_INPUT, _NODE, _OUTPUT = "#B8DCC2", "#BFD7EA", "#F0E2A8"
_TITLES = {"normal": "normal cell", REDUCTION: "reduction cell"}


def draw_cells(plans: Mapping[str, CellPlan], path: str | Path, *, graphviz: bool | None = None) -> Path:
    """Draw cells by kind into one file; its ending says the format (``.png``, ``.svg``, ``.pdf``).

    :param graphviz: draw with ``dot``; where it is installed, when None.
    :returns: the path.
    :raises ValueError: for another ending, or when ``dot`` is wanted and not installed.
    """
    path = check_picture_path(path)
    dot = shutil.which("dot")
    if graphviz is None:
        graphviz = dot is not None
    if not graphviz:
        return _draw_matplotlib(plans, path)
    if dot is None:
        raise ValueError("graphviz is not installed (there is no program 'dot'); pass graphviz=False")
    command = [dot, f"-T{path.suffix.lower()[1:]}", "-Gdpi=150"]
    done = subprocess.run(command, input=to_dot(plans).encode(), capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"dot failed: {done.stderr.decode(errors='replace').strip()}")
    return write_atomic(path, lambda temporary: temporary.write_bytes(done.stdout))


def draw_genotype(genotype: Genotype | str, path: str | Path, *, graphviz: bool | None = None) -> Path:
    """Draw both cells of a genotype, of its text, or of a published name, see :func:`draw_cells`."""
    genotype = as_genotype(genotype)
    kinds = ["normal", "reduce"] if genotype.reduce else ["normal"]
    return draw_cells({kind: genotype.plan(kind) for kind in kinds}, path, graphviz=graphviz)


def to_dot(plans: Mapping[str, CellPlan]) -> str:
    """Return the cells as a graph in graphviz' language."""
    lines = [
        "digraph cells {",
        '  rankdir=LR; bgcolor="white"; nodesep=0.28; ranksep=0.6; fontname="Helvetica"; fontsize=15; labeljust=l;',
        '  node [style="filled,rounded", shape=box, penwidth=1.2, fontname="Helvetica", fontsize=14, height=0.45];',
        '  edge [fontname="Helvetica", fontsize=11, color="#555555", arrowsize=0.7];',
    ]
    for kind, plan in reversed(list(plans.items())):  # graphviz stacks clusters upwards
        lines.append(
            f'  subgraph "cluster_{kind}" {{ label="{_TITLES.get(kind, kind)}"; color="#DDDDDD"; margin=14;'
        )
        for number, name in _names(plan).items():
            colour = _INPUT if number in range(plan.inputs) else _OUTPUT if number == -1 else _NODE
            lines.append(f'    "{kind}{number}" [label="{name}", fillcolor="{colour}"];')
        for source, target, op in _edges(plan):
            lines.append(f'    "{kind}{source}" -> "{kind}{target}" [label="{op}"];')
        lines.append("  }")
    return "\n".join([*lines, "}"])


def _names(plan: CellPlan) -> dict[int, str]:
    """Labels as in the paper: the inputs are the outputs of the cells before, nodes count from 0; -1 is the output."""
    inputs = {number: f"c_{{k-{plan.inputs - number}}}" for number in range(plan.inputs)}
    nodes = {plan.inputs + number: str(number) for number in range(len(plan.nodes))}
    return {**inputs, **nodes, -1: "c_{k}"}


def _edges(plan: CellPlan) -> list[tuple[int, int, str]]:
    own = [
        (source, number, op)
        for number, pairs in enumerate(plan.nodes, start=plan.inputs)
        for op, source in pairs
        if op != "none"
    ]
    return own + [(number, -1, "") for number in plan.concat]


def _draw_matplotlib(plans: Mapping[str, CellPlan], path: Path) -> Path:
    layouts = {kind: _layout(plan) for kind, plan in plans.items()}
    width = max(x for layout in layouts.values() for x, _ in layout.values()) + 1.4
    rows = [[y for _, y in layout.values()] for layout in layouts.values()]
    heights = [max(own) - min(own) + 2.6 for own in rows]
    with style():
        figure = new_figure(0.85 * width, 0.85 * sum(heights))
        panels = figure.subplots(len(plans), 1, squeeze=False, height_ratios=heights)[:, 0]
        figure.subplots_adjust(left=0, right=1, bottom=0, top=1, hspace=0)
        for axes, (kind, plan), height in zip(panels, plans.items(), heights, strict=True):
            axes.set(xlim=(-0.7, width - 0.7), ylim=(-height / 2, height / 2), aspect="equal")
            axes.set_axis_off()
            _draw_cell(axes, plan, layouts[kind])
            axes.text(-0.55, height / 2 - 0.35, _TITLES.get(kind, kind), fontsize=13, va="center")
        return save_figure(figure, path)


def _layout(plan: CellPlan) -> dict[int, Point]:
    """Places of the values: columns by the longest way from the inputs, the output (-1) last."""
    graph = nx.DiGraph([(source, target) for source, target, _ in _edges(plan)])
    graph.add_nodes_from(_names(plan))
    depth: dict[int, int] = {}
    for value in nx.topological_sort(graph):
        before = [depth[source] for source in graph.predecessors(value)]
        depth[value] = max(before) + 1 if before else (0 if value in range(plan.inputs) else 1)
    depth[-1] = (
        max(depth.values(), default=0) if depth[-1] == max(depth.values()) else max(depth.values()) + 1
    )
    places: dict[int, Point] = {}
    for column in sorted(set(depth.values())):
        own = sorted(value for value in depth if depth[value] == column)
        for rank, value in enumerate(own):
            # Columns are set off from each other, so that few straight lines run through a node.
            places[value] = (
                3.1 * column,
                (len(own) - 1) * 0.85 - 1.7 * rank + 0.3 * (column % 2) * (value != -1),
            )
    return places


def _draw_cell(axes: Axes, plan: CellPlan, places: dict[int, Point]) -> None:
    taken = list(places.values())
    for source, target, op in sorted(_edges(plan), key=lambda edge: (edge[2] == "", edge)):
        bend, middle = _bend(places, source, target, taken if op else [])
        axes.annotate(
            "",
            places[target],
            places[source],
            zorder=1,
            arrowprops={
                "arrowstyle": "-|>",
                "color": "#555555" if op else "#BBBBBB",
                "connectionstyle": f"arc3,rad={bend}",
                "shrinkA": 17,
                "shrinkB": 19,
                "linewidth": 1.1,
            },
        )
        if op:
            taken.extend([middle, (middle[0] - 0.45, middle[1]), (middle[0] + 0.45, middle[1])])
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            axes.text(*middle, op, fontsize=9, ha="center", va="center", bbox=box, zorder=2)
    for value, name in _names(plan).items():
        colour = _INPUT if value in range(plan.inputs) else _OUTPUT if value == -1 else _NODE
        axes.scatter(*places[value], s=1000, color=colour, edgecolors=INK, linewidths=0.9, zorder=3)
        label = f"${name}$" if "_" in name else name
        axes.text(*places[value], label, fontsize=11, ha="center", va="center", zorder=4)


def _curve(start: Point, end: Point, bend: float, t: float) -> Point:
    """A point of matplotlib's arc3: a quadratic curve whose control point lies ``bend`` beside the middle."""
    (ax, ay), (bx, by) = start, end
    cx, cy = (ax + bx) / 2 + bend * (by - ay), (ay + by) / 2 - bend * (bx - ax)
    weights = ((1 - t) ** 2, 2 * t * (1 - t), t**2)
    return (
        weights[0] * ax + weights[1] * cx + weights[2] * bx,
        weights[0] * ay + weights[1] * cy + weights[2] * by,
    )


def _bend(places: dict[int, Point], source: int, target: int, taken: list[Point]) -> tuple[float, Point]:
    """The least bend at which an edge keeps clear of other nodes, and a place for its label beside what is written."""
    others = [place for value, place in places.items() if value not in (source, target)]
    start, end = places[source], places[target]

    def clash(candidate: tuple[float, float]) -> float:
        bend, t = candidate
        points = [_curve(start, end, bend, step / 20) for step in range(2, 19)]
        near = min((_distance(point, other) for point in points for other in others), default=9.0)
        label = min((_distance(_curve(start, end, bend, t), other) for other in taken), default=9.0)
        return 3 * max(0.0, 0.6 - near) + max(0.0, 0.75 - label) + 0.1 * abs(bend) + 0.2 * abs(t - 0.5)

    bends = [sign * step / 20 for step in range(11) for sign in (1, -1)]
    bend, t = min(((bend, t) for bend in bends for t in (0.5, 0.4, 0.6, 0.3, 0.7)), key=clash)
    return bend, _curve(start, end, bend, t)


def _distance(a: Point, b: Point) -> float:
    return float(np.hypot(0.6 * (a[0] - b[0]), a[1] - b[1]))


def draw_weights(
    space: CellSpace, history: Sequence[Sequence[float]] | npt.NDArray[np.float64], path: str | Path
) -> Path:
    """Draw relaxed weights over time: a heat map of operations and epochs for every edge of every kind of cell.

    :param history: relaxed weights at successive times, shape (times, genes), such as ``Pretraining.history``.
    :raises ValueError: when the history has another shape, or the path another ending.
    """
    path = check_picture_path(path)
    values = np.asarray(history, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != space.length or not len(values):
        raise ValueError(f"the history has shape {values.shape}; expected (times, {space.length})")
    targets = list(range(space.inputs, space.inputs + space.intermediates))
    sources = max(targets)
    rows = len(space.kinds) * len(targets)
    with style():
        figure = new_figure(1.6 + 2.1 * sources, 0.9 + 1.45 * rows)
        for row, (kind, j) in enumerate((kind, j) for kind in space.kinds for j in targets):
            for i in range(j):
                axes = figure.add_subplot(rows, sources, row * sources + i + 1)
                own = values[:, space.slices[space.decision_of(kind, j, i)]]
                image = axes.imshow(
                    own.T, aspect="auto", vmin=values.min(), vmax=values.max(), cmap="viridis"
                )
                axes.set_title(f"{kind} {j} ← {i}", fontsize=8, pad=3)
                axes.tick_params(labelsize=6, length=2)
                axes.set_xticks([0, len(values) - 1] if len(values) > 1 else [0])
                names = space.choices_of_edge if i == 0 else ()
                axes.set_yticks(range(len(names)), names, fontsize=6)
        figure.subplots_adjust(left=0.13, right=0.9, top=0.97, bottom=0.04, hspace=0.55, wspace=0.12)
        bar = figure.colorbar(image, cax=figure.add_axes((0.93, 0.35, 0.015, 0.3)))
        bar.set_label("relaxed weight over epochs", fontsize=8)
        bar.ax.tick_params(labelsize=7)
        return save_figure(figure, path)
