"""Cells drawn as the DARTS paper draws them, and relaxed weights over time.

Graphviz lays a cell out where its program ``dot`` is installed; otherwise networkx and matplotlib do.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from ..picture import INK, check_picture_path, new_figure, save_figure, style
from .cell_space import REDUCTION
from .genotypes import CellPlan, Genotype, as_genotype

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .cell_space import CellSpace

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
    path.write_bytes(done.stdout)
    return path


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
    for kind, plan in plans.items():
        lines.append(f'  subgraph "cluster_{kind}" {{ label="{_TITLES.get(kind, kind)}"; color="#DDDDDD"; margin=14;')
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
    widest = max(len(plan.nodes) for plan in plans.values())
    with style():
        figure = new_figure(3.2 + 1.9 * widest, 3.9 * len(plans))
        for place, (kind, plan) in enumerate(plans.items(), start=1):
            axes = figure.add_subplot(len(plans), 1, place)
            _draw_cell(axes, plan)
            axes.set_title(_TITLES.get(kind, kind), loc="left")
        return save_figure(figure, path)


def _draw_cell(axes: Axes, plan: CellPlan) -> None:
    """Inputs left, the nodes in a zigzag in their order, the output right; arcs with their operations."""
    graph: Any = nx.MultiDiGraph()
    graph.add_nodes_from(_names(plan))
    positions = {number: (0.0, 1.0 - 2.0 * number) for number in range(plan.inputs)}
    if plan.inputs == 1:
        positions[0] = (0.0, 0.0)
    heights = (0.9, -0.9, 0.35, -0.35)
    for number in range(len(plan.nodes)):
        positions[plan.inputs + number] = (1.3 + 1.3 * number, heights[number % 4])
    positions[-1] = (1.6 + 1.3 * len(plan.nodes), 0.0)
    names = {number: f"${name}$" if "_" in name else name for number, name in _names(plan).items()}
    colours = [_INPUT if n in range(plan.inputs) else _OUTPUT if n == -1 else _NODE for n in graph.nodes]
    nx.draw_networkx_nodes(
        graph, positions, ax=axes, node_size=1100, node_color=colours, edgecolors=INK, linewidths=0.8
    )
    nx.draw_networkx_labels(graph, positions, labels=names, ax=axes, font_size=10)
    seen: dict[tuple[int, int], int] = {}
    for source, target, op in _edges(plan):
        times = seen[source, target] = seen.get((source, target), -1) + 1
        bend = 0.0 if target == -1 else 0.12 + 0.16 * times
        connection = f"arc3,rad={bend}"
        edge = [(source, target)]
        nx.draw_networkx_edges(
            graph,
            positions,
            edgelist=edge,
            ax=axes,
            node_size=1100,
            edge_color="#B5B5B5" if target == -1 else "#555555",
            connectionstyle=connection,
            arrowsize=12,
        )
        if op:
            _label(axes, positions[source], positions[target], bend, op)
    axes.set_axis_off()
    axes.margins(0.06, 0.22)


def _label(axes: Axes, start: tuple[float, float], end: tuple[float, float], bend: float, text: str) -> None:
    # The middle of a quadratic arc lies half its bend beside the middle of the straight line (in display units).
    a, b = np.array(start), np.array(end)
    aspect = 1.7
    across = np.array([(b - a)[1] / aspect, -(b - a)[0] / aspect * 0.5])
    x, y = a + 0.42 * (b - a) + 0.5 * bend * across
    angle = float(np.degrees(np.arctan2((b - a)[1], (b - a)[0] * aspect)))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}
    axes.text(x, y, text, fontsize=7.5, ha="center", va="center", rotation=angle, bbox=box)


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
                image = axes.imshow(own.T, aspect="auto", vmin=0, vmax=values.max(), cmap="viridis")
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
