"""Cells of nodes that each read one earlier node through one activation: DARTS' and ENAS' recurrent spaces."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...decision import Decision
from ...graphs import INPUT, Condition, Graph, Node, Op, Term, on
from ...settings import check_whole
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace, given
from .frame import Frame, RecurrentNetwork, parts_of
from .fused import fused
from .operations import ACTIVATIONS

FUNCTIONS = tuple(ACTIVATIONS)
Pair = tuple[str, int]

#: Cells as published (Liu, Simonyan, Yang 2018): what each node reads and through which activation.
PUBLISHED: dict[str, tuple[Pair, ...]] = {
    "DARTS_V1": (
        ("relu", 0), ("relu", 1), ("tanh", 2), ("relu", 3), ("relu", 4), ("identity", 1), ("relu", 5), ("relu", 1),
    ),
    "DARTS_V2": (
        ("sigmoid", 0), ("relu", 1), ("relu", 1), ("identity", 1), ("tanh", 2), ("sigmoid", 5), ("tanh", 3),
        ("relu", 5),
    ),
}  # fmt: skip


class RecurrentSpace(SearchSpace):
    """What the recurrent spaces have in common: a graph from token and state to the new state, inside a frame.

    An input is a row of tokens, and there is an output for every token.

    :param state: numbers that a stream carries on, the output of the cell first.
    """

    final_options: ClassVar[Mapping[str, Any]] = {
        "size": 850, "embedding_dropout": 0.2, "state_dropout": 0.25, "output_dropout": 0.75, "word_dropout": 0.1,
        "activation_penalty": 0.0, "change_penalty": 0.0, "tied": True,
    }  # fmt: skip

    size: int

    def __init__(
        self, decisions: Sequence[Decision], nodes: Sequence[Node] | None, classes: int, settings: dict[str, Any],
        state: int,
    ) -> None:  # fmt: skip
        self._state = state
        super().__init__(decisions, nodes, (settings["size"] + state,), classes, settings)
        self.image_shape = (1,)

    def frame(self) -> Frame:
        """Return what stands around the cell, with fresh weights."""
        return Frame(self.classes, self.size, self._state)

    def example(self, count: int, generator: torch.Generator) -> Tensor:
        """Return single tokens."""
        return torch.randint(self.classes, (count, 1), generator=generator).float()

    def cell(self, architecture: Architecture, size: int) -> Graph:
        """Return the graph of an architecture's cell of another size, as it is trained to the end."""
        raise NotImplementedError

    def network(self, architecture: Architecture) -> RecurrentNetwork:
        """Return the stand-alone network of an architecture, with fresh weights."""
        return RecurrentNetwork(self.frame(), *self.drawn_from(architecture))

    def final_network(self, architecture: Architecture, **options: Any) -> RecurrentNetwork:
        """Return the network that is trained to the end.

        :param options: ``size`` of embedding and cell; dropout of embedding, state, output and words;
            ``activation_penalty`` and ``change_penalty``; ``tied``; and ``classes``, the vocabulary.
        :raises ValueError: for another option, or a size that is none.
        """
        self.check(architecture)
        own = {
            key: value
            for key, value in options.items()
            if key not in ("in_channels", "image_size", "classes")
        }
        strange = sorted(own.keys() - self.final_options.keys())
        if strange:
            raise ValueError(
                f"there is no option {strange[0]!r} of this network; there are {', '.join(self.final_options)}"
            )
        made = {**self.final_options, **own}
        check_whole(size=made["size"])
        size, classes = made["size"], options.get("classes") or self.classes
        frame = Frame(classes, size, size * self._state // self.size, **parts_of(made))
        return RecurrentNetwork(frame, self.cell(architecture, size))

    def parameters(self, architecture: Architecture) -> int:
        """Number of parameters of the stand-alone network, the frame's included."""
        return super().parameters(architecture) + self.classes * (self.size + 1)

    def macs(self, architecture: Architecture) -> int:
        """Multiply-adds for one token."""
        return super().macs(architecture) + self.classes * self.size

    def equations(self, architecture: Architecture) -> str:
        """Return the cell as equations, one a line."""
        raise NotImplementedError


class PairSpace(RecurrentSpace):
    """Nodes that each read one earlier node through one activation; a highway goes past each.

    :ivar first: the first node that chooses; those before it are what they are.
    """

    first: int

    def __init__(self, nodes: int, size: int, classes: int, settings: dict[str, Any], norm: bool) -> None:
        check_whole(nodes=nodes, size=size, classes=classes)
        #: Numbers of the nodes, s0 first.
        self.numbers, self.size, self.norm = range(nodes), size, norm
        decisions = list(self._decisions())
        self._place = {decision.name: place for place, decision in enumerate(decisions)}
        super().__init__(decisions, self._nodes(size), classes, settings, size)

    def _decisions(self) -> Iterator[Decision]:
        for node in self.numbers[self.first :]:
            group = f"node{node}"
            if node > 1:
                earlier = tuple(map(str, range(node)))
                at = tuple(f"node{source}" for source in range(node))
                yield Decision(f"from{node}", earlier, group=group, kind=f"from{node}", points=at)
            yield Decision(f"f{node}", FUNCTIONS, group=group, kind="f")

    def _reads(self, node: int, source: int) -> tuple[Condition, ...]:
        return (on(self._place[f"from{node}"], source),) if node > 1 else ()

    def _nodes(self, size: int, pairs: Sequence[Pair] | None = None) -> list[Node]:
        """Return the nodes: with all that can be chosen, or with the (function, source) pairs of all from s0 on."""
        norm = self.norm and pairs is None
        nodes = [*self._first(size, pairs)]
        for node in self.numbers[1:]:
            terms = []
            for source in range(node):
                if pairs is not None and pairs[node][1] != source:
                    continue
                gates = Op(self._weight(node, source), "rnn-gates", {"size": size})
                nodes.append(Node(f"g{node}_{source}", (Term(f"s{source}", gates),)))
                for choice, name in enumerate(FUNCTIONS):
                    if pairs is None:
                        when = (*self._reads(node, source), on(self._place[f"f{node}"], choice))
                        terms.append(Term(f"g{node}_{source}", _highway(name), when))
                    elif pairs[node][0] == name:
                        terms.append(Term(f"g{node}_{source}", _highway(name)))
            post = Op(f"norm{node}", "plain-norm", {"size": size}) if norm else None
            nodes.append(Node(f"s{node}", tuple(terms), post))
        return [*nodes, self._output(pairs)]

    # the relaxed cell in one piece --------------------------------------------------------------------------------

    def fused(self, ops: Any, value: Tensor, weights: Tensor) -> Tensor:
        """Return what the relaxed graph gives, with all that a node may read in one product; see :func:`fused`."""
        return fused(self, ops, value, weights)

    def genes_of(self, decision: str) -> slice:
        """The genes of a decision, by its name."""
        return self.slices[self._place[decision]]

    def products(self, ops: Any, node: int, known: Tensor) -> Tensor:
        """Return what a node's weights make of the nodes that it may read, (nodes, ..., size) to twice the size."""
        raise NotImplementedError

    def mean(self, states: Tensor, ends: Tensor) -> Tensor:
        """Return the output of all nodes, (nodes, rows, streams, size), and their weights as ends, (nodes, rows)."""
        raise NotImplementedError

    def _first(self, size: int, pairs: Sequence[Pair] | None) -> list[Node]:
        gates = Op("w0", "rnn-input-gates", {"size": size})
        place, own = self._place.get("f0"), None if pairs is None else pairs[0][0]
        terms = [
            Term("g0", _highway(name), () if own or place is None else on(place, choice))
            for choice, name in enumerate(FUNCTIONS)
            if name == own or (own is None and (place is not None or choice == 0))
        ]
        return [Node("g0", (Term(INPUT, gates),)), Node("s0", tuple(terms))]

    def _weight(self, node: int, source: int) -> str:
        raise NotImplementedError

    def _output(self, pairs: Sequence[Pair] | None) -> Node:
        raise NotImplementedError

    def pairs(self, architecture: Architecture) -> tuple[Pair, ...]:
        """Return what each node does and reads, as (function, source); s0 reads the input, written as 0."""
        self.check(architecture)
        choices = architecture.choices
        found = []
        for node in self.numbers:
            function, source = self._place.get(f"f{node}"), self._place.get(f"from{node}")
            named = FUNCTIONS[0] if function is None else FUNCTIONS[choices[function]]
            found.append((named, 0 if source is None else choices[source]))
        return tuple(found)

    def cell(self, architecture: Architecture, size: int) -> Graph:
        """Return the graph of an architecture's cell of another size, without BatchNorm."""
        return Graph(self._nodes(size, self.pairs(architecture)), (2 * size,))

    # the text form -----------------------------------------------------------------------------------------------

    def to_string(self, architecture: Architecture) -> str:
        """Return the authors' notation: ``Genotype(recurrent=[('relu', 0), ...], concat=range(1, 9))``."""
        pairs = [*self.pairs(architecture)[self.first :]]
        return f"Genotype(recurrent={pairs!r}, concat=range({self.first}, {len(self.numbers)}))"

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of the authors' notation, or of a published name.

        :raises ValueError: when it is none of this space, naming the node.
        """
        if text in PUBLISHED:
            pairs: Any = PUBLISHED[text]
        else:
            found = re.search(r"\[.*?\]", text, re.DOTALL)
            try:
                pairs = ast.literal_eval(found[0] if found else "")
            except (ValueError, SyntaxError) as error:
                raise ValueError(
                    f"this is no recurrent cell; expected Genotype(recurrent=[('relu', 0), ...], concat=range(1, 9)) "
                    f"or one of {', '.join(PUBLISHED)}"
                ) from error
        own = self.numbers[self.first :]
        if len(pairs) != len(own):
            raise ValueError(f"this cell has {len(pairs)} pairs; the space has {len(own)} nodes that choose")
        choices = [0] * len(self.decisions)
        for node, pair in zip(own, pairs, strict=True):
            if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] not in FUNCTIONS:
                raise ValueError(
                    f"node {node} is {pair!r}; expected such as ('tanh', 0) of {', '.join(FUNCTIONS)}"
                )
            if pair[1] not in range(max(node, 1)):
                raise ValueError(f"node {node} reads {pair[1]}; it can read 0 to {max(node, 1) - 1}")
            choices[self._place[f"f{node}"]] = FUNCTIONS.index(pair[0])
            if node > 1:
                choices[self._place[f"from{node}"]] = pair[1]
        return self.architecture(choices)

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
    shift; the relaxed weight of a pair of source and activation is the product of its two softmaxes. The final form
    has no BatchNorm.

    :param nodes: that choose.
    :param size: of embedding and state.
    :param norm: whether nodes are normalised in the search.
    :param classes: size of the vocabulary.
    :raises ValueError: for sizes that make no network.

    >>> space = DartsRnn()
    >>> math.prod(space.decisions.sizes)
    2642411520
    """

    name = "darts-rnn"
    first = 1

    def __init__(self, nodes: int = 8, size: int = 300, norm: bool = True, classes: int = 10_000) -> None:
        settings = given(locals())
        check_whole(nodes=nodes)
        super().__init__(nodes + 1, size, classes, settings, norm)

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


@SPACES.register("enas-rnn")
class EnasRnn(PairSpace):
    """The recurrent cell of ENAS: the first node chooses its activation, each further one what it reads and through
    which activation; every pair of nodes has weights of its own, and the output is the mean of what nobody reads.

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

    def __init__(self, nodes: int = 12, size: int = 300, norm: bool = False, classes: int = 10_000) -> None:
        super().__init__(nodes, size, classes, given(locals()), norm)

    @property
    def published_size(self) -> int:
        """Number of cells as the paper counts them, 4^N N!; what can be chosen here is the N-th part of it."""
        return int(4 ** len(self.numbers)) * math.factorial(len(self.numbers))

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
