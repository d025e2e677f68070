"""Networks that grow: an architecture is the list of moves that led to it from a small network.

Source: Elsken, Metzen, Hutter 2017, *Simple and Efficient Architecture Search for Convolutional Neural Networks*.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from ..decision import Choices, Decision, Decisions, Genes
from ..graphs import INPUT, MORPHISMS, Graph, Node, Op, Term, graph_of
from ..registry import resolve
from ..settings import check_whole
from .architecture import Architecture
from .registry import SPACES
from .space import SearchSpace, given

END, STAY = "end", "stay"
"""The choices of a move that change nothing: no more moves follow, and the network only learns on."""

Moves = tuple[tuple[int, int], ...]
"""What was done, in its order: the choice of each move, and its place among those where the morphism applies."""

#: Graphs that a space remembers; strategies ask for the same ones again and again.
_KEPT = 2000

_LABELS = ("input", "conv1", "conv3", "conv5", "conv7", "pool", "join", "other")


def plain(channels: int, shape: tuple[int, int, int], classes: int) -> Graph:
    """Return the network that growth begins with: three 3x3 convolutions with max-pooling between them."""
    nodes = []
    source, entering = INPUT, shape[0]
    for layer in (1, 2, 3):
        sizes = {"channels_in": entering, "channels_out": channels, "kernel": 3}
        nodes.append(Node(f"conv{layer}", (Term(source, Op(f"conv{layer}", "conv-norm-relu", sizes)),)))
        source, entering = f"conv{layer}", channels
        if layer < 3:
            pool = Op(f"pool{layer}", "pool", {"kind": "max", "kernel": 3, "stride": 2})
            nodes.append(Node(f"pool{layer}", (Term(source, pool),)))
            source = f"pool{layer}"
    head = Op("head", "head", {"channels": channels, "classes": classes})
    return Graph([*nodes, Node("logits", (Term(source, head),))], shape)


def features(graph: Graph) -> list[int]:
    """Return what the entropy of a population of graphs is about: how often each operation is there, how often each
    follows each other one, and the number of parameters on a logarithmic scale, 2 to a doubling."""
    counts = np.zeros((len(_LABELS) + 1, len(_LABELS)), dtype=np.int64)
    known = {INPUT: 0}
    for node in graph.nodes:
        for term in node.terms:
            known[node.name] = label = _label(term.op)
            counts[known[term.source], label] += 1
            counts[-1, label] += 1
        if len(node.terms) != 1:
            known[node.name] = _LABELS.index("join")
    return [*counts.ravel().tolist(), round(2 * math.log2(max(1, graph.parameters())))]


def _label(op: Op | None) -> int:
    kernel = None if op is None else dict(op.settings).get("kernel", 1 if op.kind == "conv" else None)
    name = "join" if op is None else "pool" if "pool" in op.kind else f"conv{kernel}"
    return _LABELS.index(name if name in _LABELS else "other")


class Growth:
    """Moves from one network on: which apply, what they make, and how weights follow.

    :param start: the network.
    :param kinds: of moves, after ``end``.
    :param steps: the most moves.
    :param places: choices of a place.
    :param first: the most moves that are drawn at once.
    """

    def __init__(self, start: Graph, kinds: Sequence[str], steps: int, places: int, first: int) -> None:
        self.start, self.kinds, self.steps, self.count = start, (END, *kinds), steps, places
        self.first = min(first, steps)
        self._graphs: dict[Moves, Graph] = {(): start}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_graphs": {(): self.start}}

    def graph(self, moves: Moves) -> Graph:
        """Return the network after some moves."""
        if moves not in self._graphs:
            found = self._grown(self.graph(moves[:-1]), moves, None)
            made = found if isinstance(found, Graph) else found.graph
            while len(self._graphs) >= _KEPT:
                self._graphs.pop(next(each for each in self._graphs if each))
            self._graphs[moves] = made
        return self._graphs[moves]

    def _grown(self, graph: Graph, moves: Moves, images: Tensor | None) -> Any:
        """What the last move makes of a graph: the same graph where it only stays."""
        kind, place = moves[-1]
        if self.kinds[kind] == STAY:
            return graph
        # A network is its moves: what is drawn depends on nothing else.
        rng = random.Random(repr(moves))
        return MORPHISMS.get(self.kinds[kind]).grow(graph, self.at(graph, kind, place), rng, images)

    def at(self, graph: Graph, kind: int, place: int) -> Any:
        """Return where a move applies."""
        there = MORPHISMS.get(self.kinds[kind]).places(graph)
        return there[place if len(there) <= self.count else place * len(there) // self.count]

    def places(self, graph: Graph, kind: int) -> int:
        """Number of places of a move that differ; 0 where it does not apply."""
        name = self.kinds[kind]
        if name in (END, STAY):
            return int(name == STAY)
        return min(self.count, len(MORPHISMS.get(name).places(graph)))

    def moves(self, choices: Sequence[int]) -> Moves:
        """Return the moves that choices stand for: all before the first that is ``end`` or does not apply."""
        found: Moves = ()
        for kind, place in zip(choices[::2], choices[1::2], strict=True):
            there = self.places(self.graph(found), kind) if kind else 0
            if not there:
                break
            found = (*found, (kind, place % there))
        return found

    def choices(self, moves: Moves) -> tuple[int, ...]:
        """Return the choices of moves."""
        rest = (0,) * (2 * (self.steps - len(moves)))
        return (*(each for move in moves for each in move), *rest)

    def step(self, moves: Moves, rng: Any) -> Moves:
        """Return moves with one more, drawn of those that apply; or one less, where there can be no more."""
        graph = self.graph(moves)
        there = {kind: self.places(graph, kind) for kind in range(1, len(self.kinds))}
        kinds = [kind for kind, count in there.items() if count] if len(moves) < self.steps else []
        if not kinds:
            return moves[:-1]
        kind = kinds[rng.randrange(len(kinds))]
        return (*moves, (kind, rng.randrange(there[kind])))

    def carry(
        self, before: Moves, after: Moves, state: Mapping[str, Tensor], images: Tensor | None
    ) -> tuple[dict[str, Tensor], int]:
        """Return the weights of a network of those of an earlier one, and the image passes that took.

        :param before: the first moves of ``after``.
        """
        passes, weights = 0, dict(state)
        for number in range(len(before), len(after)):
            moves = after[: number + 1]
            found = self._grown(self.graph(moves[:-1]), moves, images)
            if not isinstance(found, Graph):
                weights = found.carry(weights)
                measured = images is not None and self.kinds[moves[-1][0]] == "deepen"
                passes += len(images) if measured and images is not None else 0
        return weights, passes


class GrowthDecisions(Decisions):
    """Decisions that are moves; their entropy is that of the graphs they lead to.

    :param growth: what they mean.
    """

    def __init__(self, growth: Growth) -> None:
        names = tuple(map(str, range(growth.count)))
        decisions = []
        for step in range(1, growth.steps + 1):
            decisions.append(Decision(f"move{step}", growth.kinds, group=f"step{step}", kind="move"))
            decisions.append(Decision(f"place{step}", names, group=f"step{step}", kind="place"))
        super().__init__(decisions, live=self._matters)
        self.growth = growth

    def _matters(self, choices: Sequence[int]) -> list[bool]:
        """The moves that were made with their places, where there are several, and the one that ends them."""
        moves = self.growth.moves(choices)
        found = [False] * len(self)
        for step in range(min(len(moves) + 1, self.growth.steps)):
            found[2 * step] = True
            if step < len(moves):
                graph = self.growth.graph(moves[:step])
                found[2 * step + 1] = self.growth.places(graph, moves[step][0]) > 1
        return found

    def canonical(self, choices: Sequence[int]) -> tuple[int, ...]:
        """Return the one spelling of the moves that are made; what does not apply is an end."""
        return self.growth.choices(self.growth.moves(choices))

    def sample(self, rng: random.Random | None = None) -> tuple[int, ...]:
        """Return choices of a random number of moves, each drawn among those that apply."""
        draw: Any = rng or random
        return self.drawn(draw.randrange(self.growth.first + 1), draw)

    def drawn(self, moves: int, rng: Any) -> tuple[int, ...]:
        """Return choices of so many random moves."""
        found: Moves = ()
        for _ in range(moves):
            found = self.growth.step(found, rng)
        return self.growth.choices(found)

    def neighbour(self, choices: Sequence[int], rng: Any = random) -> tuple[int, ...]:
        """Return choices with one move more, or one less where there can be no more."""
        return self.growth.choices(self.growth.step(self.growth.moves(choices), rng))

    def onward(self, choices: Sequence[int]) -> tuple[int, ...]:
        """Return choices of the same network, which learns on: with one ``stay`` more, where there can be one."""
        moves, kinds = self.growth.moves(choices), self.growth.kinds
        more = ((kinds.index(STAY), 0),) if STAY in kinds and len(moves) < self.growth.steps else ()
        return self.growth.choices((*moves, *more))

    def loci(self, individuals: Sequence[Any] | Genes) -> Choices:
        """Return the features of the individuals' graphs, shape (individuals, features): the loci of their entropy."""
        rows = [self.growth.moves(row) for row in self.table(individuals).tolist()]
        return np.array([features(self.growth.graph(row)) for row in rows], dtype=np.int64)


@SPACES.register("grown")
class GrownSpace(SearchSpace):
    """What grows from a small network by function-preserving morphisms.

    An architecture is a list of moves: ``deepen``, ``widen`` and the others of ``tdgnas.graphs.MORPHISMS`` with their
    place, ``stay`` (the network as it is, which learns on), and ``end``. A move that does not apply is an end. Places
    are counted among those where a morphism applies; where there are more than can be told apart, evenly spread ones
    are taken. A fitness that inherits weights takes those of the longest list that begins alike
    (``fitness.inherit``). The loci of a population's entropy are counts of operations and of what follows what.

    :param start: the first network: ``plain``; ``my_module:my_graph``, a function of image shape and classes that
        returns a fixed graph; or a graph as :func:`tdgnas.graphs.graph_document` has it.
    :param channels: of the convolutions of ``plain``.
    :param kinds: of moves.
    :param steps: the most moves.
    :param places: choices of each place.
    :param first: the most moves of a random network; all further ones are mutations.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    :raises ValueError: for an unknown kind, or a first network of other images.

    >>> space = GrownSpace(image_size=8, steps=3)
    >>> space.describe(space.grown(["deepen", "widen"], [1, 0]))
    'deepen pool1, widen conv1'
    """

    name = "grown"

    def __init__(
        self,
        start: str | Mapping[str, Any] = "plain",
        channels: int = 8,
        kinds: Sequence[str] = (STAY, "deepen", "widen", "kernel", "skip", "concat", "branch"),
        steps: int = 20,
        places: int = 16,
        first: int = 5,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = {**given(locals()), "kinds": list(kinds)}
        check_whole(channels=channels, steps=steps, first=first, in_channels=in_channels, classes=classes)
        check_whole(2, places=places, image_size=image_size)
        for kind in kinds:
            if kind != STAY:
                MORPHISMS.get(kind)
        if len(set(kinds)) < len(kinds) or not set(kinds) - {STAY}:
            raise ValueError(f"kinds are {list(kinds)}; expected different ones, a morphism among them")
        shape = (in_channels, image_size, image_size)
        if start == "plain":
            graph = plain(channels, shape, classes)
        elif isinstance(start, str):
            graph = resolve(start)(shape, classes)
        else:
            graph = graph_of(start)
        if not isinstance(graph, Graph) or graph.decisions or graph.input_shape != shape:
            raise ValueError(
                f"start gave {graph!r}; expected a fixed tdgnas.graphs.Graph of images of shape {shape}"
            )
        if graph.profile.values[graph.output] != (classes,):
            raise ValueError(
                f"the first network gives {graph.profile.values[graph.output]}, not {classes} logits"
            )
        self.growth = Growth(graph, kinds, steps, places, first)
        super().__init__(GrowthDecisions(self.growth), None, shape, classes, settings)

    def choices(self, individuals: Sequence[Sequence[float]] | Genes) -> Choices:
        """Return the canonical choices of individuals, shape (individuals, decisions)."""
        rows = self.decisions.table(individuals).tolist()
        return np.array([self.decisions.canonical(row) for row in rows], dtype=np.int64)

    def fixed(self, architecture: Architecture) -> Graph:
        """Return the graph that the moves lead to."""
        self.check(architecture)
        return self.growth.graph(self.growth.moves(architecture.choices))

    def sample_like(self, architecture: Architecture, rng: random.Random | None = None) -> Architecture:
        """Return a random control: as many moves."""
        self.check(architecture)
        moves = self.growth.moves(architecture.choices)
        return Architecture(self.name, self.decisions.drawn(len(moves), rng or random))  # type: ignore[attr-defined]

    def baseline(self) -> Architecture:
        """Return the first network."""
        return Architecture(self.name, (0,) * len(self.decisions))

    def grown(self, kinds: Sequence[str], places: Sequence[int]) -> Architecture:
        """Return the architecture of moves by name, each with its place.

        :raises ValueError: for an unknown kind, or more moves than there may be.
        """
        moves = zip(kinds, places, strict=True)
        named: dict[str, str] = {}
        for step, (kind, place) in enumerate(moves, start=1):
            named |= {f"move{step}": kind, f"place{step}": str(place)}
        return self.architecture(named)

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the moves."""
        self.check(architecture)
        moves = self.growth.moves(architecture.choices)
        said = []
        for number, (kind, place) in enumerate(moves):
            name, at = self.growth.kinds[kind], ()
            if name != STAY:
                at = self.growth.at(self.growth.graph(moves[:number]), kind, place)
            said.append(f"{name} {at if isinstance(at, str) else ' to '.join(at)}".strip())
        return ", ".join(said) or "(as it began)"

    # what a fitness inherits weights by --------------------------------------------------------------------------

    def ancestors(self, choices: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the canonical choices of the networks that an architecture grew through, the youngest first."""
        moves = self.growth.moves(choices)
        return [self.growth.choices(moves[:length]) for length in range(len(moves) - 1, -1, -1)]

    def inherited(
        self,
        parent: Sequence[int],
        child: Sequence[int],
        state: Mapping[str, Tensor],
        images: Tensor | None = None,
    ) -> tuple[dict[str, Tensor], int]:
        """Return the weights of a network with those of one of its ancestors, and the image passes that took.

        :param parent: choices of the ancestor.
        :param child: choices of the network.
        :param state: the ancestor's ``state_dict()``.
        :param images: shape (batch, ...), on which new BatchNorms are measured.
        """
        return self.growth.carry(self.growth.moves(parent), self.growth.moves(child), state, images)
