"""Cells drawn as the DARTS paper draws them, from left to right, and relaxed weights over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .graph import sheet_figure
from .layout import Box, Sheet, Wire
from .style import GREY, VERMILLION, Figure, new_figure, styled

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..decision import Decision
    from ..spaces.cells import CellPlan

_INPUT, _NODE, _OUTPUT = "#B8DCC2", "#BFD7EA", "#F0E2A8"
_MEMORY, _STORED = "#EBC9B4", VERMILLION
_WAYS = {"add": "add", "mul": "multiply"}
_TITLES = {"normal": "normal cell", "reduce": "reduction cell"}


@styled
def cell_figure(plans: Mapping[str, CellPlan]) -> Figure:
    """Draw cells, each by the name of its kind: what they read, their nodes, and what they hand on.

    :param plans: see :class:`CellPlan`; ``CellSpace.plan`` and ``Genotype.plan`` make them.
    """
    sheets = [cell_sheet(_TITLES.get(kind, kind), plan) for kind, plan in plans.items()]
    return sheet_figure(sheets, sideways=True)


def cell_sheet(title: str, plan: CellPlan) -> Sheet:
    """Boxes and wires of a cell, named as in the paper: inputs by the cells before, nodes by number."""
    first = plan.inputs
    inputs = {n: "c(k−1)" if n == first - 1 else f"c(k−{first - n})" for n in range(first)}
    names = {**inputs, **{first + n: str(n) for n in range(len(plan.nodes))}}
    faces = {number: _INPUT if number < first else _NODE for number in names}
    boxes = [Box(name, (name,), face=faces[number]) for number, name in names.items()]
    wires = [
        Wire(names[source], names[target], op)
        for target, pairs in enumerate(plan.nodes, start=first)
        for op, source in pairs
        if op != "none"
    ]
    handed = [Wire(names[number], "c(k)", chosen=True, colour=GREY) for number in plan.concat]
    return Sheet(title, [*boxes, Box("c(k)", ("c(k)",), face=_OUTPUT)], [*wires, *handed])


@styled
def recurrent_figure(pairs: Sequence[tuple[str, int]], ends: Sequence[int]) -> Figure:
    """Draw a recurrent cell as the DARTS paper does: token and state, nodes with what they read through which
    activation, and the mean that is handed on.

    :param pairs: (activation, node read) of each node from 0 on, which reads token and state.
    :param ends: nodes whose mean is the output.
    """
    inputs = {"x(t)": _INPUT, "h(t−1)": _INPUT}
    faces = inputs | {str(number): _NODE for number in range(len(pairs))} | {"h(t)": _OUTPUT}
    wires = [Wire(name, "0", pairs[0][0]) for name in inputs]
    wires += [Wire(str(source), str(node), op) for node, (op, source) in enumerate(pairs) if node]
    wires += [Wire(str(node), "h(t)", chosen=True, colour=GREY) for node in ends]
    boxes = [Box(name, (name,), face=face) for name, face in faces.items()]
    return sheet_figure([Sheet("recurrent cell", boxes, wires)], sideways=True)


@styled
def tree_figure(
    pairs: Sequence[tuple[str, str]], children: Sequence[tuple[int, int]], into: int, source: int
) -> Figure:
    """Draw a recurrent cell that is a tree as Zoph and Le 2017 do, lying on its side: token and state at every leaf,
    nodes with how they combine two values and through which activation, and where the memory goes in and comes from.

    :param pairs: (combination, activation) of each node, leaves first, and last of the memory.
    :param children: what each node above the leaves reads.
    :param into: the node whose activation the memory is combined with.
    :param source: the node that has the next memory before its activation.
    """
    leaves, root = len(children) + 1, 2 * len(children)
    boxes, wires = [], []
    # What is passed on: of the node that takes the memory in, the box behind it.
    ends = [f"{node}+" if node == into else str(node) for node in range(root + 1)]
    for node, (way, function) in enumerate(pairs[:-1]):
        read = [ends[child] for child in children[node - leaves]] if node >= leaves else []
        if not read:
            read = [f"x{node}", f"h{node}"]
            boxes += [Box(name, (f"{name[0]}(t{'−1' * (name[0] == 'h')})",), face=_INPUT) for name in read]
        boxes.append(Box(str(node), (_WAYS[way], function), face=_NODE))
        wires += [Wire(name, str(node)) for name in read]
        if node == into:
            boxes.append(Box("c", ("c(t−1)",), face=_MEMORY))
            boxes.append(Box(ends[node], (_WAYS[pairs[-1][0]], pairs[-1][1]), face=_MEMORY))
            wires += [Wire(str(node), ends[node]), Wire("c", ends[node], colour=_STORED)]
    boxes += [Box("h", ("h(t)",), face=_OUTPUT), Box("c+", ("c(t)",), face=_MEMORY)]
    before = f"before {pairs[source][1]}"
    wires += [Wire(ends[root], "h"), Wire(str(source), "c+", before, chosen=True, colour=_STORED)]
    return sheet_figure([Sheet("recurrent cell", boxes, wires)], sideways=True)


@styled
def weights_figure(decisions: Sequence[Decision], history: npt.ArrayLike) -> Figure:
    """Draw relaxed weights over time: for every decision a heat map of its choices and epochs.

    :param decisions: those of the space.
    :param history: relaxed weights at successive times, shape (times, genes), such as ``Pretraining.history``.
    :raises ValueError: when the history has another shape.
    """
    import numpy as np

    values = np.asarray(history, dtype=np.float64)
    genes = sum(decision.genes for decision in decisions)
    if values.ndim != 2 or values.shape[1] != genes or not len(values):
        raise ValueError(f"the history has shape {values.shape}; expected (times, {genes})")
    columns = min(4, len(decisions))
    rows = -(-len(decisions) // columns)
    most = [max(d.genes for d in decisions[row * columns : (row + 1) * columns]) for row in range(rows)]
    heights = [max(1.45, 0.4 + 0.1 * genes) for genes in most]  # a line of text for every choice
    figure = new_figure(2.8 * columns, 0.5 + sum(heights), fitted=True)
    panels = figure.subplots(rows, columns, squeeze=False, height_ratios=heights).ravel()
    start = 0
    for axes, decision in zip(panels, decisions, strict=False):
        own = values[:, start : start + decision.genes].T
        start += decision.genes
        image = axes.imshow(own, aspect="auto", vmin=values.min(), vmax=values.max(), cmap="viridis")
        axes.set_title(decision.name, fontsize=8, pad=3)
        axes.tick_params(labelsize=6, length=2)
        axes.set_xticks([0, len(values) - 1] if len(values) > 1 else [0])
        axes.set_yticks(range(decision.genes), decision.choices[-decision.genes :], fontsize=6)
    for axes in panels[len(decisions) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=panels, label="relaxed weight over epochs", shrink=0.5, aspect=40)
    return figure
