"""Cells of nodes that each read one earlier node through one activation: DARTS' and ENAS' recurrent spaces."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ...decision import Decision
from ...graphs import INPUT, Condition, Graph, Node, Op, Term, on
from ...settings import check_whole
from ..architecture import Architecture
from ..registry import SPACES
from ..space import given
from .fused import fused
from .operations import ACTIVATIONS
from .space import RecurrentSpace

FUNCTIONS = tuple(ACTIVATIONS)
Pair = tuple[str, int]

#: Cells as published: through which activation each node that chooses reads what. DARTS' are those of Liu, Simonyan,
#: Yang 2018 (``rnn/genotypes.py`` of the released code), ENAS' is that of Pham et al. 2018 (figure 6;
#: ``scripts/ptb_final.sh`` of the released code has it as numbers).
PUBLISHED: dict[str, tuple[Pair, ...]] = {
    "DARTS_V1": (
        ("relu", 0), ("relu", 1), ("tanh", 2), ("relu", 3), ("relu", 4), ("identity", 1), ("relu", 5), ("relu", 1),
    ),
    "DARTS_V2": (
        ("sigmoid", 0), ("relu", 1), ("relu", 1), ("identity", 1), ("tanh", 2), ("sigmoid", 5), ("tanh", 3),
        ("relu", 5),
    ),
    "ENAS": (
        ("tanh", 0), ("tanh", 0), ("relu", 1), ("relu", 2), ("tanh", 2), ("tanh", 2), ("relu", 5), ("tanh", 1),
        ("relu", 6), ("relu", 8), ("relu", 8), ("relu", 8),
    ),
}  # fmt: skip


class PairSpace(RecurrentSpace):
    """Nodes that each read one earlier node through one activation; a highway goes past each.

    :ivar first: the first node that chooses; those before it are what they are.
    :ivar notation: an example of the text form.
    """

    first: int
    notation: str

    def __init__(self, nodes: int, size: int, classes: int, settings: dict[str, Any], norm: bool) -> None:
        check_whole(nodes=nodes, size=size, classes=classes)
        #: Numbers of the nodes, s0 first.
        self.numbers, self.size, self.norm = range(nodes), size, norm
        decisions = list(self._decisions())
        self._place = {decision.name: place for place, decision in enumerate(decisions)}
        super().__init__(decisions, self._nodes(size), classes, settings, size)

    # how a node chooses --------------------------------------------------------------------------------------------

    def _decisions(self) -> Iterator[Decision]:
        raise NotImplementedError

    def _when(self, node: int, source: int, function: int) -> tuple[Condition, ...]:
        """Under what a node reads a source through a function."""
        raise NotImplementedError

    def _pair(self, node: int, choices: Sequence[int]) -> tuple[int, int]:
        """Return the function and the source of a node that chooses."""
        raise NotImplementedError

    def _spelled(self, node: int, function: int, source: int) -> dict[str, int]:
        """Return choices by name that stand for a function and a source."""
        raise NotImplementedError

    # the graph -----------------------------------------------------------------------------------------------------

    def _nodes(self, size: int, pairs: Sequence[Pair] | None = None) -> list[Node]:
        """Return the nodes: with all that can be chosen, or with the (function, source) pairs of all from s0 on."""
        nodes = [Node("g0", (Term(INPUT, Op("w0", "rnn-input-gates", {"size": size})),))]
        for node in self.numbers:
            terms = self._terms("g0", 0, 0, pairs) if node == 0 else []
            for source in range(node):
                if pairs is not None and pairs[node][1] != source:
                    continue
                gates, name = Op(self._weight(node, source), "rnn-gates", {"size": size}), f"g{node}_{source}"
                nodes.append(Node(name, (Term(f"s{source}", gates),)))
                terms += self._terms(name, node, source, pairs)
            norm = Op(f"norm{node}", "plain-norm", {"size": size})
            nodes.append(Node(f"s{node}", tuple(terms), norm if self.norm and pairs is None else None))
        return [*nodes, self._output(pairs)]

    def _terms(self, name: str, node: int, source: int, pairs: Sequence[Pair] | None) -> list[Term]:
        if pairs is not None:
            return [Term(name, _highway(pairs[node][0]))]
        if node < self.first:
            return [Term(name, _highway(FUNCTIONS[0]))]
        return [
            Term(name, _highway(function), self._when(node, source, choice))
            for choice, function in enumerate(FUNCTIONS)
        ]

    def _weight(self, node: int, source: int) -> str:
        raise NotImplementedError

    def _output(self, pairs: Sequence[Pair] | None) -> Node:
        raise NotImplementedError

    def pairs(self, architecture: Architecture) -> tuple[Pair, ...]:
        """Return what each node does and reads, as (function, source); s0 reads the input, written as 0."""
        self.check(architecture)
        own = [self._pair(node, architecture.choices) for node in self.numbers[self.first :]]
        return tuple((FUNCTIONS[function], source) for function, source in [(0, 0)] * self.first + own)

    def cell(self, architecture: Architecture, size: int) -> Graph:
        """Return the graph of an architecture's cell of another size, without BatchNorm."""
        return Graph(self._nodes(size, self.pairs(architecture)), (2 * size,))

    # the relaxed cell in one piece -----------------------------------------------------------------------------------

    def fused(self, ops: Any, value: Tensor, weights: Tensor) -> Tensor:
        """Return what the relaxed graph gives, with all that a node may read in one product; see :func:`fused`."""
        return fused(self, ops, value, weights)

    def table(self, node: int, weights: Tensor) -> Tensor:
        """Return the relaxed weights of what a node that chooses may read and do, (functions, sources, rows), from
        those of the genes, (rows, genes)."""
        raise NotImplementedError

    def products(self, ops: Any, node: int, known: Tensor) -> Tensor:
        """Return what a node's weights make of the nodes that it may read, (nodes, ..., size) to twice the size."""
        raise NotImplementedError

    def mean(self, states: Tensor, ends: Tensor) -> Tensor:
        """Return the output of all nodes, (nodes, rows, streams, size), and their weights as ends, (nodes, rows)."""
        raise NotImplementedError

    def _genes(self, decision: str, weights: Tensor) -> Tensor:
        """Relaxed weights of a decision, (its choices, rows)."""
        return weights[:, self.slices[self._place[decision]]].t()

    # the text form ---------------------------------------------------------------------------------------------------

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of the authors' notation, or of a published name.

        :raises ValueError: when it is none of this space, naming the node.
        """
        pairs = PUBLISHED[text] if text in PUBLISHED else self._read(text)
        own = self.numbers[self.first :]
        if len(pairs) != len(own):
            raise ValueError(f"this cell has {len(pairs)} pairs; the space has {len(own)} nodes that choose")
        choices: dict[str, int] = {}
        for node, pair in zip(own, pairs, strict=True):
            if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] not in FUNCTIONS:
                raise ValueError(
                    f"node {node} is {pair!r}; expected such as ('tanh', 0) of {', '.join(FUNCTIONS)}"
                )
            if pair[1] not in range(max(node, 1)):
                raise ValueError(f"node {node} reads {pair[1]}; it can read 0 to {max(node, 1) - 1}")
            choices |= self._spelled(node, FUNCTIONS.index(pair[0]), pair[1])
        return self.architecture([choices[decision.name] for decision in self.decisions])

    def _read(self, text: str) -> Sequence[Any]:
        """Return the pairs of the nodes that choose, unchecked."""
        raise NotImplementedError

    def _none(self) -> ValueError:
        return ValueError(
            f"this is no recurrent cell; expected {self.notation} or one of {', '.join(PUBLISHED)}"
        )

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: function and source of each node."""
        return " ".join(f"({name} {source})" for name, source in self.pairs(architecture)[self.first :])

    def equations(self, architecture: Architecture) -> str:
        """Return the cell as equations, one a line; ``[c g] = s W`` are the halves of a product."""
        lines = [f"s0 = h + sigmoid(c0) * ({self.pairs(architecture)[0][0]}(g0) - h),  [c0 g0] = [x h] W0"]
        for node, (name, source) in enumerate(self.pairs(architecture)[1:], start=1):
            value = f"g{node}" if name == "identity" else f"{name}(g{node})"
            lines.append(
                f"s{node} = s{source} + sigmoid(c{node}) * ({value} - s{source}),  "
                f"[c{node} g{node}] = s{source} W{self._weight(node, source)[1:]}"
            )
        ends = self.ends(architecture)
        return "\n".join([*lines, f"h = ({' + '.join(f's{each}' for each in ends)}) / {len(ends)}"])

    def ends(self, architecture: Architecture) -> tuple[int, ...]:
        """Numbers of the nodes whose mean is the output."""
        raise NotImplementedError


def _highway(function: str) -> Op:
    return Op(f"f_{function}", "rnn-highway", {"activation": function})


@SPACES.register("darts-rnn")
class DartsRnn(PairSpace):
    """The recurrent cell of DARTS: each node reads one earlier node through one activation; the output is the mean.

    All candidates of a node share its weights. In the search every node is normalised by BatchNorm without scale and
    shift; the final form has no BatchNorm.

    A node is one decision: a choice for each pair of an earlier node and an activation. Relaxed, a node is the sum of
    all its pairs, each by its weight, and the largest weight is what is kept, as published. There the weights of each
    earlier node are a softmax of their own, with ``none`` beside the activations; here a softmax goes over all pairs of
    the node, without ``none``. Since BatchNorm takes away how large a sum is, both reach the same relaxed cells.

    :param nodes: that choose.
    :param size: of embedding and state.
    :param norm: whether nodes are normalised in the search.
    :param classes: size of the vocabulary.
    :raises ValueError: for sizes that make no network.

    >>> space = DartsRnn()
    >>> math.prod(space.decisions.sizes), space.length
    (2642411520, 144)
    """

    name = "darts-rnn"
    first = 1
    notation = "Genotype(recurrent=[('relu', 0), ...], concat=range(1, 9))"

    def __init__(self, nodes: int = 8, size: int = 300, norm: bool = True, classes: int = 10_000) -> None:
        settings = given(locals())
        check_whole(nodes=nodes)
        super().__init__(nodes + 1, size, classes, settings, norm)

    def _decisions(self) -> Iterator[Decision]:
        for node in self.numbers[1:]:
            pairs = [f"{function} {source}" for source in range(node) for function in FUNCTIONS]
            yield Decision(f"node{node}", tuple(pairs), group=f"node{node}")

    def _when(self, node: int, source: int, function: int) -> tuple[Condition, ...]:
        return (on(self._place[f"node{node}"], source * len(FUNCTIONS) + function),)

    def _pair(self, node: int, choices: Sequence[int]) -> tuple[int, int]:
        source, function = divmod(choices[self._place[f"node{node}"]], len(FUNCTIONS))
        return function, source

    def _spelled(self, node: int, function: int, source: int) -> dict[str, int]:
        return {f"node{node}": source * len(FUNCTIONS) + function}

    def table(self, node: int, weights: Tensor) -> Tensor:
        """The genes of the node, earlier node by earlier node."""
        return self._genes(f"node{node}", weights).reshape(node, len(FUNCTIONS), -1).transpose(0, 1)

    def _weight(self, node: int, source: int) -> str:
        return f"w{node}"

    def _output(self, pairs: Sequence[Pair] | None) -> Node:
        nodes = self.numbers[1:]
        mean = Op("mean", "scale", {"factor": 1 / len(nodes)})
        return Node("h", tuple(Term(f"s{node}") for node in nodes), mean)

    def products(self, ops: Any, node: int, known: Tensor) -> Tensor:
        """One product: all sources share a node's weights."""
        found: Tensor = ops[f"w{node}"].linear(known)
        return found

    def mean(self, states: Tensor, ends: Tensor) -> Tensor:
        """The mean of all nodes but the first."""
        return states[1:].mean(0)

    def ends(self, architecture: Architecture) -> tuple[int, ...]:
        """All nodes but the first."""
        return tuple(self.numbers[1:])

    def to_string(self, architecture: Architecture) -> str:
        """Return the authors' notation: ``Genotype(recurrent=[('relu', 0), ...], concat=range(1, 9))``."""
        pairs = [*self.pairs(architecture)[1:]]
        return f"Genotype(recurrent={pairs!r}, concat=range(1, {len(self.numbers)}))"

    def _read(self, text: str) -> Sequence[Any]:
        found = re.search(r"\[.*?\]", text, re.DOTALL)
        try:
            pairs: Sequence[Any] = ast.literal_eval(found[0] if found else "")
        except (ValueError, SyntaxError) as error:
            raise self._none() from error
        return pairs


@SPACES.register("enas-rnn")
class EnasRnn(PairSpace):
    """The recurrent cell of ENAS: the first node chooses its activation, each further one what it reads and through
    which activation; every pair of nodes has weights of its own, and the output is the mean of what nobody reads.

    Relaxed, the weight of a pair of source and activation is the product of its two softmaxes.

    :param nodes: how many.
    :param size: of embedding and state.
    :param norm: whether nodes are normalised in the search.
    :param classes: size of the vocabulary.
    :raises ValueError: for sizes that make no network.

    >>> f"{EnasRnn().published_size:.2e}"
    '8.04e+15'
    """

    name = "enas-rnn"
    first = 0
    notation = "a number for the first node's function, then two for each further one, such as 0 0 1 1 2"
    #: What the numbers of the notation stand for.
    numbered = ("tanh", "relu", "identity", "sigmoid")

    def __init__(self, nodes: int = 12, size: int = 300, norm: bool = False, classes: int = 10_000) -> None:
        super().__init__(nodes, size, classes, given(locals()), norm)

    @property
    def published_size(self) -> int:
        """Number of cells as the paper counts them, 4^N N!; what can be chosen here is the N-th part of it."""
        return int(4 ** len(self.numbers)) * math.factorial(len(self.numbers))

    def _decisions(self) -> Iterator[Decision]:
        for node in self.numbers:
            group = f"node{node}"
            if node > 1:
                earlier = tuple(map(str, range(node)))
                at = tuple(f"node{source}" for source in range(node))
                yield Decision(f"from{node}", earlier, group=group, kind=f"from{node}", points=at)
            yield Decision(f"f{node}", FUNCTIONS, group=group, kind="f")

    def _when(self, node: int, source: int, function: int) -> tuple[Condition, ...]:
        reads = (on(self._place[f"from{node}"], source),) if node > 1 else ()
        return (*reads, on(self._place[f"f{node}"], function))

    def _pair(self, node: int, choices: Sequence[int]) -> tuple[int, int]:
        return choices[self._place[f"f{node}"]], choices[self._place[f"from{node}"]] if node > 1 else 0

    def _spelled(self, node: int, function: int, source: int) -> dict[str, int]:
        return {f"f{node}": function, f"from{node}": source}

    def table(self, node: int, weights: Tensor) -> Tensor:
        """The weight of each source times that of each function."""
        functions = self._genes(f"f{node}", weights).unsqueeze(1)
        return functions * self._genes(f"from{node}", weights) if node > 1 else functions

    def _weight(self, node: int, source: int) -> str:
        return f"w{node}_{source}"

    def _output(self, pairs: Sequence[Pair] | None) -> Node:
        counted, average = Op("counted", "rnn-counted"), Op("average", "rnn-average")
        if pairs is not None:
            read = {source for _, source in pairs[1:]}
            ends = [Term(f"s{node}", counted) for node in self.numbers if node not in read]
        else:
            # Node 1 always reads node 0.
            own = self.numbers[1:] or self.numbers
            ends = [Term(f"s{node}", counted, self._nobody_reads(node)) for node in own]
        return Node("h", tuple(ends), average)

    def _nobody_reads(self, node: int) -> tuple[Condition, ...]:
        """That no later node's source is this one."""
        return tuple(
            on(self._place[f"from{later}"], *(each for each in range(later) if each != node))
            for later in self.numbers[max(node + 1, 2) :]
        )

    def products(self, ops: Any, node: int, known: Tensor) -> Tensor:
        """One batched product: every pair of nodes has weights of its own."""
        weights = torch.stack([ops[f"w{node}_{source}"].linear.weight for source in range(node)])
        return torch.einsum("irbh,ioh->irbo", known, weights)

    def mean(self, states: Tensor, ends: Tensor) -> Tensor:
        """The mean of the nodes by how much each is read by nobody."""
        shares = ends if len(ends) == 1 else torch.cat([torch.zeros_like(ends[:1]), ends[1:]])
        total = torch.einsum("nr,nrbh->rbh", shares, states)
        return total / shares.sum(0).clamp_min(1e-6).unsqueeze(-1).unsqueeze(-1)

    def ends(self, architecture: Architecture) -> tuple[int, ...]:
        """Nodes that nobody reads."""
        read = {source for _, source in self.pairs(architecture)[1:]}
        return tuple(node for node in self.numbers if node not in read)

    def to_string(self, architecture: Architecture) -> str:
        """Return the authors' notation: the number of the first node's function, then of each further node what it
        reads and the number of its function, such as ``0 0 0 1 1 2 1``."""
        told = [(source, self.numbered.index(name)) for name, source in self.pairs(architecture)]
        return " ".join(str(number) for pair in told for number in pair)[2:]

    def _read(self, text: str) -> Sequence[Any]:
        if not re.fullmatch(r"[0-3](\s+\d+\s+[0-3])*", text.strip()):
            raise self._none()
        numbers = [0, *map(int, text.split())]
        return [(self.numbered[f], source) for source, f in zip(numbers[::2], numbers[1::2], strict=True)]
