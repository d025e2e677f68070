"""Cells: every node chooses two earlier values and an operation for each.

Source: Pham et al. 2018, *Efficient Neural Architecture Search via Parameter Sharing*, section 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from ...decision import Decision
from ...graphs import INPUT, Condition, Node, Op, Term, on
from ..architecture import Architecture
from ..cells import CellPlan, FinalNetwork
from ..cells.shapes import NORMAL, REDUCTION
from ..registry import SPACES
from ..space import SearchSpace, given
from .operations import check_operation, check_sizes, head, numbers

#: The choices of a node's operation, and what they are called among the operations of cells.
OPERATIONS = {
    "sep3": "sep_conv_3x3",
    "sep5": "sep_conv_5x5",
    "avg3": "avg_pool_3x3",
    "max3": "max_pool_3x3",
    "identity": "skip_connect",
}


@SPACES.register("enas-micro")
class EnasMicro(SearchSpace):
    """ENAS' micro space: a normal and a reduction cell, each of whose nodes sums two operations on two earlier values.

    Values 0 and 1 are the two cells before; a node chooses ``index1, op1, index2, op2``. Each pair of a node and an
    earlier value has weights of its own. Loose ends, which no later node reads, are concatenated and go through a 1x1
    convolution: in the shared network the sum of a convolution of each. In front of a reduction cell the value is
    halved in height and width, and the channels double.

    :param layers: normal cells; two reduction cells are added, at positions layers//3 and 2(layers//3)+1.
    :param nodes: of a cell.
    :param channels: of the first cell.
    :param dropout: before the last layer, while weights are trained.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image, a multiple of 4.
    :param classes: number of classes.
    :raises ValueError: for sizes that make no network.

    >>> len(EnasMicro().decisions), EnasMicro().length
    (40, 180)
    """

    name = "enas-micro"
    final_options: ClassVar[Mapping[str, Any]] = {
        "channels": 36,
        "cells": 17,
        "auxiliary": True,
        "drop_path": 0.4,
    }

    def __init__(
        self,
        layers: int = 6,
        nodes: int = 5,
        channels: int = 20,
        dropout: float = 0.1,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = given(locals())
        check_sizes(settings, 2)
        self.layers, self.intermediates, self.channels = layers, nodes, channels
        self.kinds = (NORMAL, REDUCTION)
        self.reductions = (layers // 3, 2 * (layers // 3) + 1)
        decisions = []
        for cell in self.kinds:
            for node in range(2, nodes + 2):
                for side in (1, 2):
                    named, group = f"{cell} {node}.{side}", f"{cell} {node}"
                    earlier = tuple(map(str, range(node)))
                    at = tuple(f"{cell} {source}" for source in earlier)
                    index = Decision(f"{named} index", earlier, group=group, kind=f"index{node}", points=at)
                    decisions.append(index)
                    decisions.append(Decision(f"{named} op", tuple(OPERATIONS), group=group, kind="op"))
        made = self._nodes(in_channels, classes, dropout)
        super().__init__(decisions, made, (in_channels, image_size, image_size), classes, settings)

    def decision_of(self, cell: str, node: int, side: int) -> int:
        """Index of the decision on what a side (1 or 2) of a node reads; the next one is its operation."""
        return 4 * (self.intermediates * (cell == REDUCTION) + node - 2) + 2 * (side - 1)

    @property
    def published_size(self) -> int:
        """Number of pairs of cells as the paper counts them: (5 (B-2)!)^4, with the two inputs counted in B."""
        return (len(OPERATIONS) * math.factorial(self.intermediates)) ** 4

    # the shared network ------------------------------------------------------------------------------------------

    def _nodes(self, in_channels: int, classes: int, dropout: float) -> list[Node]:
        channels = self.channels
        stem = Op("stem", "stem", {"channels_in": in_channels, "channels_out": 3 * channels})
        nodes = [Node("stem", (Term(INPUT, stem),))]
        # Name, channels and cumulative stride of the two values that the next cell reads, the older first.
        before = [("stem", 3 * channels, 1)] * 2
        stride = 1
        for cell in range(self.layers + 2):
            kind = REDUCTION if cell in self.reductions else NORMAL
            if kind == REDUCTION:
                name, own, _ = before[1]
                channels, stride = 2 * channels, 2 * stride
                ends = {"channels_in": own, "channels_out": channels, "stride": 2}
                half = Op(f"c{cell}_half", "factorised-reduction", ends)
                nodes.append(Node(half.name, (Term(name, half),)))
                before = [before[1], (half.name, channels, stride)]
            for place, (name, own, at) in enumerate(before):
                op: Op | None = None
                if own != channels or at != stride:
                    made = {"channels_in": own, "channels": channels, "stride": stride // at, "affine": True}
                    op = Op(f"c{cell}_pre{place}", "cell-input", made)
                nodes.append(Node(f"c{cell}_{place}", (Term(name, op),)))
            nodes += self._cell(cell, kind, channels)
            before = [before[1], (f"c{cell}", channels, stride)]
        return [*nodes, Node("logits", (Term(before[1][0], head(channels, classes, dropout)),))]

    def _cell(self, cell: int, kind: str, channels: int) -> list[Node]:
        count = self.intermediates + 2
        nodes = []
        for node in range(2, count):
            terms = []
            for side in (1, 2):
                index = self.decision_of(kind, node, side)
                for source in range(node):
                    for choice, name in enumerate(OPERATIONS):
                        op = self._operation(cell, node, source, name, channels)
                        terms.append(
                            Term(f"c{cell}_{source}", op, (on(index, source), on(index + 1, choice)))
                        )
            nodes.append(Node(f"c{cell}_{node}", tuple(terms)))
        ends = [
            Term(
                f"c{cell}_{source}",
                Op(f"c{cell}_out{source}", "relu-conv", {"channels": channels}),
                self._nobody_reads(kind, source),
            )
            for source in range(count)
        ]
        return [*nodes, Node(f"c{cell}", tuple(ends), Op(f"c{cell}_norm", "norm", {"channels": channels}))]

    @staticmethod
    def _operation(cell: int, node: int, source: int, name: str, channels: int) -> Op | None:
        if name == "identity":
            return None
        # Pools have no weights: whoever reads them, they are computed once.
        place = f"from{source}" if name in ("avg3", "max3") else f"{source}to{node}"
        return Op(f"c{cell}_{place}_{name}", OPERATIONS[name], {"channels": channels})

    def _nobody_reads(self, kind: str, source: int) -> tuple[Condition, ...]:
        """That no later node's index is this value."""
        return tuple(
            on(self.decision_of(kind, node, side), *(other for other in range(node) if other != source))
            for node in range(max(source + 1, 2), self.intermediates + 2)
            for side in (1, 2)
        )

    # other forms of an architecture ------------------------------------------------------------------------------

    def plan(self, architecture: Architecture, kind: str) -> CellPlan:
        """Return one kind of cell, ``normal`` or ``reduce``, as nodes with their two (operation, source) pairs."""
        self.check(architecture)
        names = list(OPERATIONS.values())
        nodes = []
        for node in range(2, self.intermediates + 2):
            places = [self.decision_of(kind, node, side) for side in (1, 2)]
            nodes.append(tuple((names[architecture.choices[d + 1]], architecture.choices[d]) for d in places))
        read = {source for pairs in nodes for _, source in pairs}
        loose = tuple(node for node in range(2, self.intermediates + 2) if node not in read)
        return CellPlan(2, tuple(nodes), loose)

    def skips(self, architecture: Architecture, kind: str = NORMAL) -> int:
        """Number of identities in a kind of cell."""
        return sum(op == "skip_connect" for pairs in self.plan(architecture, kind).nodes for op, _ in pairs)

    def final_network(self, architecture: Architecture, **options: Any) -> FinalNetwork:
        """Return the network that is trained to the end: more cells and channels, loose ends concatenated, an auxiliary
        head, drop-path; see :class:`FinalNetwork`, which takes the options.
        """
        plans = {kind: self.plan(architecture, kind) for kind in self.kinds}
        return FinalNetwork(plans, **self._fitting(options))

    def to_string(self, architecture: Architecture) -> str:
        """Return the text form: ``index1 op1 index2 op2`` of every node, a bar between the two cells."""
        self.check(architecture)
        half = len(architecture.choices) // 2
        parts = (architecture.choices[:half], architecture.choices[half:])
        return " | ".join(" ".join(map(str, part)) for part in parts)

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of a text form; the bar may be missing.

        :raises ValueError: when the text is not that of two cells of so many nodes, naming the node.
        """
        form = f"a pair of cells of {self.intermediates} nodes (4 a node: index, operation, twice)"
        found = numbers(text, len(self.decisions), form)
        for cell in self.kinds:
            for node in range(2, self.intermediates + 2):
                for side in (1, 2):
                    index, operation = found[self.decision_of(cell, node, side) :][:2]
                    if index >= node:
                        raise ValueError(
                            f"node {node} of the {cell} cell reads value {index}, which is not earlier; it can read "
                            f"0 to {node - 1}, where 0 and 1 are the cells before"
                        )
                    check_operation(f"node {node} of the {cell} cell", operation, tuple(OPERATIONS))
        return self.architecture(found)
