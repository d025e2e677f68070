"""Which channels of a graph belong together, and networks with more or fewer of them.

Source: Chen, Goodfellow, Shlens 2016, *Net2Net: Accelerating Learning via Knowledge Transfer* (wider).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ..graph import Graph
from ..nodes import INPUT, Node
from ..ops import Op
from .parts import Carry, Grown, Parts, State, changed, key, op_of, parts, refuse, with_ops


class Channels:
    """The channels of a fixed graph in classes: those of a class are the same channel, seen in several places.

    A sum makes the channels of its summands one by one the same, and so does an operation that passes channels on, and
    one that reads several values. A concatenation keeps all of them apart. Channels of the input and of the output, and
    those that an unknown operation reads or gives, are fixed.

    :ivar enters: of every operation that is understood, the classes of the channels that enter it.
    :ivar leaves: likewise, of those that leave it; where they are mixed, they are others.
    """

    def __init__(self, graph: Graph) -> None:
        self._parent: list[int] = []
        self._fixed: set[int] = set()
        self.enters: dict[str, list[int]] = {}
        self.leaves: dict[str, list[int]] = {}
        values = {INPUT: self._new(graph.input_shape[0], fixed=True)}
        for node in graph.nodes:
            values[node.name] = self._node(graph, node, values)
        self._fixed.update(values[graph.output])
        for found in (self.enters, self.leaves):
            found.update({name: [self._root(one) for one in ids] for name, ids in found.items()})
        self._fixed = {self._root(one) for one in self._fixed}

    def fixed(self, ids: Sequence[int]) -> bool:
        """Whether some of these are channels whose number cannot change."""
        return not self._fixed.isdisjoint(ids)

    def _node(self, graph: Graph, node: Node, values: Mapping[str, list[int]]) -> list[int]:
        terms = [
            values[term.source]
            if term.op is None
            else self._through(term.op, values[term.source], graph.profile.outputs[term.op.name][0])
            for term in node.terms
        ]
        after = graph.profile.values[node.name][0]
        if node.combine == "call" or not terms:
            for ids in terms:
                self._fixed.update(ids)
            joined = self._new(after if node.post is None or terms else node.shape[0], fixed=True)  # type: ignore[index]
        elif node.combine == "concat":
            joined = [one for ids in terms for one in ids]
        else:
            joined = terms[0]
            for ids in terms[1:]:
                self._unite(joined, ids)
        called = node.combine == "call" and node.terms
        return joined if node.post is None or called else self._through(node.post, joined, after)

    def _through(self, op: Op, ids: list[int], count: int) -> list[int]:
        found = parts(op)
        if found is None:
            self._fixed.update(ids)
            return self._new(count, fixed=True)
        self._unite(self.enters.setdefault(op.name, ids), ids)
        if found.mixing is None:
            self.leaves[op.name] = ids
        elif op.name not in self.leaves:
            self.leaves[op.name] = self._new(count)
        return self.leaves[op.name]

    def _new(self, count: int, fixed: bool = False) -> list[int]:
        ids = list(range(len(self._parent), len(self._parent) + count))
        self._parent += ids
        if fixed:
            self._fixed.update(ids)
        return ids

    def _root(self, one: int) -> int:
        while self._parent[one] != one:
            self._parent[one] = self._parent[self._parent[one]]
            one = self._parent[one]
        return one

    def _unite(self, some: Sequence[int], others: Sequence[int]) -> None:
        for one, other in zip(some, others, strict=True):
            self._parent[self._root(one)] = self._root(other)


@lru_cache(maxsize=64)
def channels(graph: Graph) -> Channels:
    """Return the channels of a graph."""
    return Channels(graph)


def why_not_wider(graph: Graph, at: str) -> str:
    """Say why the channels that leave an operation cannot be more or fewer; nothing where they can."""
    found = parts(op_of(graph, at))
    if found is None or not found.convolves:
        return f"the operation {at!r} is no single convolution whose channels could be counted anew"
    if channels(graph).fixed(channels(graph).leaves[at]):
        return (
            f"the channels of {at!r} are tied to the image, to the output or to an operation of an unknown kind, by a "
            "sum or because they pass there unmixed; their number cannot change"
        )
    return ""


def widen(
    graph: Graph, at: str, factor: float = 2.0, *, spread: float = 0.0, rng: random.Random | None = None
) -> Grown:
    """Make an operation give more channels: randomly chosen ones are copied, and what reads them shares their weights.

    Every reader's incoming weights are divided by the number of copies; BatchNorm entries are copied; all summands of
    a sum grow alike. Equal copies would learn alike for ever: with a spread they are read with unequal shares, which
    change nothing in what is computed.

    :param graph: a fixed graph.
    :param at: name of an operation with one convolution.
    :param factor: of the channels, above 1.
    :param spread: how far from equal the shares of the copies are, 0 to 1.
    :param rng: where random numbers come from, instead of :mod:`random`.
    :raises ValueError: where the number of channels cannot change, or for a factor or spread out of range.
    """
    if not factor > 1 or not 0 <= spread < 1:
        raise ValueError(
            f"factor is {factor} and spread {spread}; expected more than 1, and from 0 to below 1"
        )
    refuse(why_not_wider(graph, at))
    draw: Any = rng or random
    classes = list(dict.fromkeys(channels(graph).leaves[at]))
    counts = dict.fromkeys(classes, 1)
    for one in draw.choices(classes, k=max(1, round((factor - 1) * len(classes)))):
        counts[one] += 1
    return _counted(graph, counts, spread, draw.getrandbits(32))


def narrow(graph: Graph, state: Mapping[str, Tensor], at: str, keep: float = 0.5) -> Grown:
    """Make an operation give fewer channels, those whose loss is the least: not preserving.

    The loss of a channel is estimated by the norm of the weights that read it, times its scale in BatchNorm.

    :param graph: a fixed graph.
    :param state: its weights.
    :param at: name of an operation with one convolution.
    :param keep: share of the channels that stay, one at least.
    :raises ValueError: where the number of channels cannot change, one is left, or for a share out of range.
    """
    if not 0 < keep < 1:
        raise ValueError(f"keep is {keep}; expected a share between 0 and 1")
    refuse(why_not_wider(graph, at))
    classes = list(dict.fromkeys(channels(graph).leaves[at]))
    if len(classes) < 2:
        raise ValueError(f"the operation {at!r} gives one channel, which is the last")
    weight = _importance(graph, state)
    order = sorted(classes, key=lambda one: weight.get(one, 0.0))
    gone = order[: min(len(order) - 1, max(1, round((1 - keep) * len(order))))]
    return _counted(graph, dict.fromkeys(gone, 0), 0.0, 0)


def _importance(graph: Graph, state: Mapping[str, Tensor]) -> dict[int, float]:
    found: dict[int, float] = {}
    scale: dict[int, float] = {}
    for name, ids in channels(graph).enters.items():
        own = parts(graph.ops[name])
        assert own is not None
        ends = [(ids, norm) for norm in own.norms(after=False)]
        ends += [(channels(graph).leaves[name], norm) for norm in own.norms(after=True)]
        for classes, norm in ends:
            given = state.get(key(name, norm, "weight"))
            scale.update({} if given is None else dict(zip(classes, given.abs().tolist(), strict=True)))
        if own.mixing is not None:
            read = (
                state[key(name, own.layers[own.mixing][0], "weight")].transpose(0, 1).flatten(1).norm(dim=1)
            )
            for one, value in zip(ids, read.tolist(), strict=True):
                found[one] = found.get(one, 0.0) + value
    return {one: value * scale.get(one, 1.0) for one, value in found.items()}


def _counted(graph: Graph, counts: Mapping[int, int], spread: float, seed: int) -> Grown:
    """Return the network in which every channel is there so many times, each copy right after the first."""
    known = channels(graph)
    ops: dict[str, Op] = {}
    plans: list[tuple[str, Parts, list[int], list[int], list[float]]] = []
    rng = random.Random(seed)
    for name, op in graph.ops.items():
        found = parts(op)
        if found is None or counts.keys().isdisjoint({*known.enters[name], *known.leaves[name]}):
            continue
        entering, leaving = (_copies(ids[name], counts) for ids in (known.enters, known.leaves))
        sizes = {"channels": len(entering), "channels_in": len(entering), "channels_out": len(leaving)}
        ops[name] = changed(op, **{one: sizes[one] for one in dict(op.settings) if one in sizes})
        plans.append((name, found, entering, leaving, _shares(entering, spread, rng)))

    def carry(state: Mapping[str, Tensor]) -> State:
        made = dict(state)
        for name, found, entering, leaving, shares in plans:
            made.update(_resized(name, found, entering, leaving, shares, state))
        return made

    return Grown(Graph(with_ops(graph.nodes, ops), graph.input_shape), _checked(carry))


def _checked(carry: Carry) -> Carry:
    """No gradient follows weights from one network to the next."""

    def run(state: Mapping[str, Tensor]) -> State:
        with torch.no_grad():
            return carry(state)

    return run


def _copies(ids: Sequence[int], counts: Mapping[int, int]) -> list[int]:
    return [place for place, one in enumerate(ids) for _ in range(counts.get(one, 1))]


def _shares(copies: Sequence[int], spread: float, rng: random.Random) -> list[float]:
    """Shares of the copies of each channel, 1 in sum."""
    drawn = [1.0 + spread * rng.uniform(-1, 1) if spread else 1.0 for _ in copies]
    total: dict[int, float] = {}
    for one, value in zip(copies, drawn, strict=True):
        total[one] = total.get(one, 0.0) + value
    return [value / total[one] for one, value in zip(copies, drawn, strict=True)]


def _resized(
    name: str,
    found: Parts,
    entering: list[int],
    leaving: list[int],
    shares: list[float],
    state: Mapping[str, Tensor],
) -> State:
    made: State = {}
    places = torch.tensor(entering)
    for number, (layer, _) in enumerate(found.layers):
        weight = state.get(key(name, layer, "weight"))
        if number == found.mixing and weight is not None:
            scale = weight.new_tensor(shares).view(1, -1, *(1,) * (weight.ndim - 2))
            weight = weight[:, places] * scale
            places = torch.tensor(leaving)
            made[key(name, layer, "weight")] = weight[places]
        for tensor in ("weight", "bias", "running_mean", "running_var"):
            own = state.get(key(name, layer, tensor))
            if own is not None and key(name, layer, tensor) not in made:
                made[key(name, layer, tensor)] = own[places]
    return made
