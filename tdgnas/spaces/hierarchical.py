"""Motifs of motifs: small graphs whose edges carry smaller graphs, down to primitive operations.

Source: Liu et al. 2018, *Hierarchical Representations for Efficient Architecture Search*, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from torch import nn

from ..decision import Decision, Decisions
from ..graphs import INPUT, OPS, Graph, Node, Op, Term
from ..settings import check_whole
from .architecture import Architecture
from .cells.depthwise import DepthwiseConv2d
from .registry import SPACES
from .space import SearchSpace, given

IDENTITY = "skip_connect"
#: What an edge of level 2 may carry; ``none`` is no edge.
PRIMITIVES = (
    "none", IDENTITY, "conv_1x1", "depthwise_3x3", "separable_3x3", "max_pool_3x3", "avg_pool_3x3",
)  # fmt: skip

Motif = tuple[int, int]
"""Level and number of a motif, the number counted from 1."""


@OPS.register("depthwise_3x3")
def depthwise(channels: int) -> nn.Sequential:
    """ReLU, depthwise convolution of 3x3 pixels, BatchNorm."""
    return nn.Sequential(nn.ReLU(), DepthwiseConv2d(channels, 3), nn.BatchNorm2d(channels))


@OPS.register("separable_3x3")
def separable(channels: int, channels_out: int | None = None, stride: int = 1) -> nn.Sequential:
    """ReLU, depthwise convolution of 3x3 pixels, pointwise convolution, BatchNorm."""
    wide = channels if channels_out is None else channels_out
    pointwise = nn.Conv2d(channels, wide, 1, bias=False)
    return nn.Sequential(nn.ReLU(), DepthwiseConv2d(channels, 3, stride), pointwise, nn.BatchNorm2d(wide))


@SPACES.register("hierarchical")
class Hierarchical(SearchSpace):
    """Motifs of level 2 have edges that carry primitive operations; those of every next level carry motifs of the one
    below, or nothing. The one motif of the last level is the cell.

    A motif is a graph of ordered nodes from its first, which is its input, to its last, its output. What enters a node
    is concatenated and projected to the channels again by ReLU, 1x1 convolution, BatchNorm; a single value is passed
    on. Nodes that the first one does not reach, or from which the last is not reached, are left out; a motif whose
    first node does not reach its last passes its input on. Every use of a motif has weights of its own.

    Three stages of equal cells are joined by separable convolutions of stride 2 that double the channels. One level
    alone is the flat representation: ``levels=[[1, 11]]``.

    :param levels: of each level from 2 on, the number of motifs and of nodes in each.
    :param channels: of the first stage.
    :param cells: in each stage.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    :raises ValueError: for sizes that make no network.

    >>> space = Hierarchical()
    >>> len(space.decisions), set(space.decisions.sizes)
    (46, {7})
    """

    name = "hierarchical"

    def __init__(
        self,
        levels: Sequence[Sequence[int]] = ((6, 4), (1, 5)),
        channels: int = 16,
        cells: int = 1,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = {**given(locals()), "levels": [list(level) for level in levels]}
        if not levels or any(len(level) != 2 for level in levels) or levels[-1][0] != 1:
            raise ValueError(
                f"levels is {settings['levels']}; expected [motifs, nodes] of each level from 2 on, with one motif in "
                "the last, such as [[6, 4], [1, 5]]"
            )
        for motifs, nodes in levels:
            check_whole(levels=motifs)
            check_whole(2, levels=nodes)
        check_whole(channels=channels, cells=cells, in_channels=in_channels, image_size=image_size)
        check_whole(classes=classes)
        self.levels = tuple((motifs, nodes) for motifs, nodes in levels)
        self.channels, self.cells = channels, cells
        #: Of every motif, level by level, the decisions on its edges by the nodes that they join, counted from 1.
        self.edges: dict[Motif, dict[tuple[int, int], int]] = {}
        decisions: list[Decision] = []
        choices: tuple[str, ...] = PRIMITIVES
        for level, (motifs, nodes) in enumerate(self.levels, start=2):
            for motif in range(1, motifs + 1):
                own = self.edges[level, motif] = {}
                for i, j in _pairs(nodes):
                    own[i, j] = len(decisions)
                    named, group = f"{level}.{motif}: {i}-{j}", f"motif {level}.{motif}"
                    decisions.append(Decision(named, choices, group=group, kind=f"level {level}"))
            choices = ("none", *(f"motif {level}.{motif}" for motif in range(1, motifs + 1)))
        #: The motif of the last level.
        self.cell = next(reversed(self.edges))
        shape = (in_channels, image_size, image_size)
        super().__init__(Decisions(decisions, live=self._live), None, shape, classes, settings)

    @cached_property
    def start(self) -> Architecture:
        """What a search begins with as published: every motif is a chain, of identities in the end."""
        choices = [0] * len(self.decisions)
        for edges in self.edges.values():
            for (i, j), place in edges.items():
                choices[place] = int(i + 1 == j)
        return self.architecture(choices)

    def _between(self, motif: Motif, choices: Sequence[int]) -> tuple[set[int], set[int]]:
        """Return the nodes of a motif that its first one reaches, and those that reach its last."""
        there = [nodes for nodes, place in self.edges[motif].items() if choices[place]]
        reached, needed = {1}, {self.levels[motif[0] - 2][1]}
        for i, j in there:  # in the order of j: whatever reaches i came before
            if i in reached:
                reached.add(j)
        for i, j in reversed(there):
            if j in needed:
                needed.add(i)
        return reached, needed

    def _live(self, choices: Sequence[int]) -> list[bool]:
        """An edge of a motif that is used matters when its first node is reached and its second one needed."""
        found = [False] * len(self.decisions)
        used = {self.cell}
        for motif in reversed(self.edges):
            if motif in used:
                reached, needed = self._between(motif, choices)
                for (i, j), place in self.edges[motif].items():
                    found[place] = i in reached and j in needed
                    if found[place] and choices[place]:
                        used.add((motif[0] - 1, choices[place]))
        return found

    def fixed(self, architecture: Architecture) -> Graph:
        """Return the graph of an architecture."""
        self.check(architecture)
        channels = self.channels
        stem = Op("stem", "stem", {"channels_in": self.image_shape[0], "channels_out": channels})
        nodes = [Node("stem", (Term(INPUT, stem),))]
        for stage in range(1, 4):
            if stage > 1:
                sizes = {"channels": channels, "channels_out": 2 * channels, "stride": 2}
                reduce, channels = Op(f"reduce{stage}", "separable_3x3", sizes), 2 * channels
                nodes.append(Node(reduce.name, (Term(nodes[-1].name, reduce),)))
            for cell in range(1, self.cells + 1):
                ends = nodes[-1].name, f"cell{stage}_{cell}"
                nodes += self._expand(architecture.choices, self.cell, ends, channels)
        head = Op("head", "norm-relu-head", {"channels": channels, "classes": self.classes})
        return Graph([*nodes, Node("logits", (Term(nodes[-1].name, head),))], self.image_shape)

    def _expand(
        self, choices: Sequence[int], motif: Motif, ends: tuple[str, str], channels: int
    ) -> list[Node]:
        """Return the nodes of a motif.

        :param ends: names of the node that it reads, and of its own last one.
        """
        source, name = ends
        nodes: list[Node] = []
        reached, needed = self._between(motif, choices)
        last = self.levels[motif[0] - 2][1]
        values = {1: source}
        for j in sorted(reached & needed - {1}):
            terms = []
            for i in [i for i in values if choices[self.edges[motif][i, j]]]:
                choice = choices[self.edges[motif][i, j]]
                own = f"{name}_{i}to{j}"
                if motif[0] == 2:
                    op = Op(own, PRIMITIVES[choice], {"channels": channels})
                    terms.append(Term(values[i], None if op.kind == IDENTITY else op))
                else:
                    own = f"{own}_m{choice}"
                    nodes += self._expand(choices, (motif[0] - 1, choice), (values[i], own), channels)
                    terms.append(Term(own))
            values[j] = name if j == last else f"{name}_{j}"
            sizes = {"channels_in": len(terms) * channels, "channels_out": channels, "kernel": 1}
            join = Op(f"{values[j]}_join", "relu-conv-norm", sizes)
            post: Any = (join, "concat") if len(terms) > 1 else ()
            nodes.append(Node(values[j], tuple(terms), *post))
        return nodes if last in reached else [Node(name, (Term(source),))]


def _pairs(nodes: int) -> list[tuple[int, int]]:
    """Every node, from the second on, with each one before it."""
    return [(i, j) for j in range(2, nodes + 1) for i in range(1, j)]
