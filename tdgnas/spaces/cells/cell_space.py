"""Spaces of cells: one normal and one reduction cell, stacked (Liu, Simonyan, Yang 2018, *DARTS*, section 2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any, ClassVar

from ...decision import Decision
from ...graphs import INPUT, Node, Op, Term, on
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace
from .cell_settings import CellSettings, OneInputSettings
from .final_network import FINAL_OPTIONS, FinalNetwork
from .genotypes import CellPlan, Genotype, Pair
from .operations import POOLS
from .published import as_genotype
from .shapes import NORMAL, REDUCTION, CellShape, cell_shapes


class CellSpace(SearchSpace):
    """Choose an operation for every edge of a normal and of a reduction cell; all cells of a kind are alike.

    Each intermediate node of a cell sums one operation of every earlier node (``none`` among them); the cell's output
    concatenates its last ``concat`` nodes. A decision is an edge of a kind of cell, named ``normal 4<-2``.

    :param settings: by name:

        - ``inputs``: earlier cells that a cell reads, 1 or 2.
        - ``nodes``: intermediate nodes of a cell.
        - ``operations``: the choices of an edge: kinds in :data:`tdgnas.graphs.OPS` that take channels, stride, affine
          and search.
        - ``cells``: cells of the search network.
        - ``channels``: of its first cell; each reduction cell doubles them.
        - ``concat``: nodes that the output concatenates; all when None.
        - ``reductions``: positions of the reduction cells; one and two thirds of the depth when None, ``()`` for none.
        - ``stem_multiplier``: channels of the stem, in units of ``channels``.
        - ``partial``: a search sends 1/partial of a value's channels through an edge's operation and the rest past it
          (Xu et al. 2020, *PC-DARTS*), which saves memory; 1 sends all.
        - ``affine``: whether BatchNorm inside the cells of the search network learns a scale and shift.
        - ``in_channels``: channels of the image.
        - ``image_size``: height and width of the image.
        - ``classes``: number of classes.

    :raises ValueError: for settings that make no network, with what to do.
    """

    name: ClassVar[str] = "cells"
    default_rule: ClassVar[str] = "strongest-edges"
    final_options: ClassVar[Mapping[str, Any]] = FINAL_OPTIONS

    made_of: ClassVar[type[CellSettings]] = CellSettings

    def __init__(self, **settings: Any) -> None:
        made = self.made_of(**settings)
        self.inputs, self.intermediates, self.concat = made.inputs, made.nodes, made.outputs
        self.reductions, self.choices_of_edge = made.places, tuple(made.operations)
        self.cells, self.channels = made.cells, made.channels
        self.partial, self.affine = made.partial, made.affine
        self.stem_channels = made.channels * made.stem_multiplier
        both = dict.fromkeys((NORMAL, REDUCTION), self.concat)
        self.shapes = cell_shapes(
            self.cells, self.channels, self.stem_channels, self.inputs, self.reductions, both
        )
        self.kinds = tuple(
            kind for kind in (NORMAL, REDUCTION) if any(shape.kind == kind for shape in self.shapes)
        )
        #: The edges (target, source) of a cell, in the order of the decisions.
        self.edges = tuple(
            (j, i) for j in range(self.inputs, self.inputs + self.intermediates) for i in range(j)
        )
        decisions = [
            Decision(f"{kind} {j}<-{i}", self.choices_of_edge, group=f"{kind} {j}", kind="op")
            for kind in self.kinds
            for j, i in self.edges
        ]
        nodes = self._nodes(made.in_channels, made.classes)
        shape = (made.in_channels, made.image_size, made.image_size)
        super().__init__(decisions, nodes, shape, made.classes, made.document())

    def decision_of(self, kind: str, target: int, source: int) -> int:
        """Index of the decision of an edge."""
        return self.kinds.index(kind) * len(self.edges) + self.edges.index((target, source))

    # the search network ------------------------------------------------------------------------------------------

    def _nodes(self, in_channels: int, classes: int) -> list[Node]:
        stem = Op("stem", "stem", {"channels_in": in_channels, "channels_out": self.stem_channels})
        nodes = [Node("stem", (Term(INPUT, stem),))]
        before = ["stem"] * self.inputs
        last = self.inputs + self.intermediates
        for cell, shape in enumerate(self.shapes):
            for i, source in enumerate(before):
                ends = {"channels_in": shape.channels_in[i], "channels": shape.channels}
                made = {**ends, "stride": shape.strides_in[i], "affine": self.affine}
                op = Op(f"c{cell}_pre{i}", "cell-input", made)
                nodes.append(Node(f"c{cell}_{i}", (Term(source, op),)))
            for j in range(self.inputs, last):
                nodes.extend(self._intermediate(cell, shape, j))
            terms = tuple(Term(f"c{cell}_{j}") for j in range(last - self.concat, last))
            nodes.append(Node(f"c{cell}", terms, combine="concat"))
            before = [*before[1:], f"c{cell}"]
        channels = self.shapes[-1].channels * self.concat
        head = Op("head", "head", {"channels": channels, "classes": classes})
        return [*nodes, Node("logits", (Term(before[-1], head),))]

    def _intermediate(self, cell: int, shape: CellShape, j: int) -> list[Node]:
        name = f"c{cell}_{j}"
        part = name if self.partial == 1 else f"{name}part"
        terms = [
            Term(
                f"c{cell}_{i}",
                self._edge_operation(cell, shape, i, j, kind),
                on(self.decision_of(shape.kind, j, i), choice),
            )
            for i in range(j)
            for choice, kind in enumerate(self.choices_of_edge)
            if kind != "none"
        ]
        if self.partial == 1:
            return [Node(name, tuple(terms))]
        past = [Term(f"c{cell}_{i}", self._past(cell, shape, i)) for i in range(j)]
        return [
            Node(part, tuple(terms)),
            Node(f"{name}past", tuple(past)),
            Node(
                name,
                (Term(part), Term(f"{name}past")),
                Op("shuffle", "channel-shuffle", {"groups": self.partial}),
                combine="concat",
            ),
        ]

    def _edge_operation(self, cell: int, shape: CellShape, i: int, j: int, kind: str) -> Op:
        # Pools have no weights: they give every edge the same value, which is then computed once.
        name = f"c{cell}_from{i}_{kind}" if kind in POOLS else f"c{cell}_{i}to{j}_{kind}"
        edge: dict[str, Any] = {
            "channels": shape.channels // self.partial,
            "stride": self._stride(shape, i),
            "affine": self.affine,
        }
        if self.partial == 1:
            return Op(name, kind, {**edge, "search": True})
        return Op(name, "first-channels", {**edge, "operation": kind})

    def _past(self, cell: int, shape: CellShape, i: int) -> Op:
        rest = {"channels": shape.channels // self.partial, "stride": self._stride(shape, i)}
        return Op(f"c{cell}_past{i}", "other-channels", rest)

    def _stride(self, shape: CellShape, source: int) -> int:
        return 2 if shape.kind == REDUCTION and source < self.inputs else 1

    # other forms of an architecture ------------------------------------------------------------------------------

    def plan(self, architecture: Architecture, kind: str) -> CellPlan:
        """Return one kind of cell as nodes with their (operation, source) pairs; ``none`` edges are left out.

        :raises ValueError: when the space has no such kind.
        """
        self.check(architecture)
        if kind not in self.kinds:
            raise ValueError(f"this space has {' and '.join(self.kinds)} cells, no {kind!r} cells")
        nodes: list[list[tuple[str, int]]] = [[] for _ in range(self.intermediates)]
        for j, i in self.edges:
            op = self.choices_of_edge[architecture.choices[self.decision_of(kind, j, i)]]
            if op != "none":
                nodes[j - self.inputs].append((op, i))
        last = self.inputs + self.intermediates
        return CellPlan(self.inputs, tuple(map(tuple, nodes)), tuple(range(last - self.concat, last)))

    def genotype(self, architecture: Architecture) -> Genotype:
        """Return an architecture as a genotype; the pairs of a node are in the order of their sources.

        :raises ValueError: when a node has not as many edges as the cell has inputs (the form has no place for it).
        """
        parts: dict[str, tuple[Any, ...]] = {"reduce": (), "reduce_concat": ()}
        for kind in self.kinds:
            plan = self.plan(architecture, kind)
            for number, pairs in enumerate(plan.nodes, start=plan.inputs):
                if len(pairs) != plan.inputs:
                    raise ValueError(
                        f"node {number} of the {kind} cell has {len(pairs)} edges; a genotype has {plan.inputs} for "
                        "every node. Discretise with the rule 'strongest-edges', or keep the architecture as JSON."
                    )
            parts[kind] = tuple(pair for pairs in plan.nodes for pair in pairs)
            parts[f"{kind}_concat"] = plan.concat
        return Genotype(**{"normal": (), "normal_concat": (), **parts})

    def from_genotype(self, genotype: Genotype | str) -> Architecture:
        """Return the architecture of a genotype, of its text, or of a published name.

        :raises ValueError: when the genotype does not fit the space, naming what does not.
        """
        genotype = as_genotype(genotype)
        if genotype.reduce and REDUCTION not in self.kinds:
            raise ValueError(f"{self!r} has no reduction cells, the genotype has one")
        none = self.choices_of_edge.index("none") if "none" in self.choices_of_edge else None
        choices: list[int | None] = [none] * len(self.decisions)
        last = self.inputs + self.intermediates
        outputs = tuple(range(last - self.concat, last))
        for kind in self.kinds:
            plan = genotype.plan(kind, self.inputs)
            if len(plan.nodes) != self.intermediates or tuple(plan.concat) != outputs:
                raise ValueError(
                    f"the {kind} cell has {len(plan.nodes)} nodes and concatenates {list(plan.concat)}; the space has "
                    f"{self.intermediates} nodes and concatenates {list(outputs)}"
                )
            for number, pairs in enumerate(plan.nodes, start=self.inputs):
                self._place(kind, number, pairs, choices)
        missing = [d.name for d, choice in zip(self.decisions, choices, strict=True) if choice is None]
        if missing:
            raise ValueError(
                f"the genotype has no operation for edge {missing[0]!r}, and the space has no 'none'"
            )
        return self.architecture([choice for choice in choices if choice is not None])

    def _place(self, kind: str, number: int, pairs: Sequence[Pair], choices: list[int | None]) -> None:
        if len({source for _, source in pairs}) != len(pairs):
            raise ValueError(
                f"node {number} of the {kind} cell reads one value twice; an edge of this space has one operation. "
                "The genotype's final network can still be made, with final_network(genotype)."
            )
        for op, source in pairs:
            if op not in self.choices_of_edge:
                raise ValueError(
                    f"the {kind} cell uses {op!r}, which is none of the space's operations "
                    f"{', '.join(self.choices_of_edge)}; add it to operations"
                )
            choices[self.decision_of(kind, number, source)] = self.choices_of_edge.index(op)

    def skips(self, architecture: Architecture, kind: str = NORMAL) -> int:
        """Number of skip connections in a kind of cell."""
        plan = self.plan(architecture, kind)
        return sum(op == "skip_connect" for node in plan.nodes for op, _ in node)

    def final_network(self, architecture: Architecture, **options: Any) -> FinalNetwork:
        """Return the network that is trained to the end, as published: :class:`FinalNetwork`, which takes the options.

        Images and classes are the space's where they are not given: cells move to other data as they are.
        """
        plans = {kind: self.plan(architecture, kind) for kind in self.kinds}
        return FinalNetwork(plans, reductions=None if REDUCTION in plans else (), **self._fitting(options))

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the operations that are not ``none``, by edge."""
        self.check(architecture)
        named = zip(self.decisions, architecture.choices, strict=True)
        parts = [f"{d.name}={d.choices[c]}" for d, c in named if d.choices[c] != "none"]
        return ", ".join(parts) or "(nothing)"


# The keywords are written down once, in the settings; whoever looks at the constructor is told them.
CellSpace.__init__.__signature__ = signature(CellSettings.__init__)  # type: ignore[attr-defined]


@SPACES.register("darts-cells")
class DartsCells(CellSpace):
    """The cells of DARTS: two inputs, 14 edges, 8 operations, reductions at one and two thirds of the depth.

    Takes the settings of :class:`CellSpace`; as they stand, the published search network of 1,930,618 parameters.

    >>> DartsCells().length
    224
    """

    name = "darts-cells"


@SPACES.register("one-input-cells")
class OneInputCells(CellSpace):
    """The cells of the earliest study: one input, 5 intermediate nodes, 15 edges, 6 operations, 4 cells, no reduction.

    The output concatenates the last three nodes. Takes the settings of :class:`CellSpace`.

    >>> OneInputCells().length
    90
    """

    name = "one-input-cells"
    made_of = OneInputSettings
