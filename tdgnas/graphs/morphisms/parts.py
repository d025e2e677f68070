"""What a morphism knows of an operation: the layers that it is made of, and where channels enter and leave it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..graph import Graph
from ..network import GraphNetwork
from ..nodes import Node, Term
from ..ops import Op, make

State = dict[str, Tensor]
"""Weights of a graph's network: its ``state_dict()``."""

Carry = Callable[[Mapping[str, Tensor]], State]
"""Makes the weights of the new network from those of the old one, which stay as they are."""


class Grown(NamedTuple):
    """What a morphism makes.

    :ivar graph: the new graph.
    :ivar carry: the map of the weights, from ``old.state_dict()`` to what the new network loads.
    """

    graph: Graph
    carry: Carry


_PLAIN = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Identity, nn.Dropout, nn.Dropout2d)


@dataclass(frozen=True)
class Parts:
    """An operation whose channels can be followed: at most one layer of it mixes them.

    :param layers: name and layer, in their order; on torch's ``meta`` device.
    :param mixing: place of the convolution or linear layer; None where channels pass one by one.
    """

    layers: tuple[tuple[str, nn.Module], ...]
    mixing: int | None

    @property
    def leaving(self) -> int:
        """Number of channels that leave, where they are mixed."""
        assert self.mixing is not None
        return int(self.layers[self.mixing][1].weight.shape[0])  # type: ignore[index]

    @property
    def convolves(self) -> bool:
        """Whether it has a convolution."""
        return self.mixing is not None and isinstance(self.layers[self.mixing][1], nn.Conv2d)

    def norms(self, *, after: bool) -> list[str]:
        """Names of the batch normalisations before the mixing layer, or after it."""
        cut = len(self.layers) if self.mixing is None else self.mixing
        chosen = self.layers[cut:] if after else self.layers[:cut]
        return [name for name, layer in chosen if isinstance(layer, nn.BatchNorm2d)]

    def not_negative(self, before: bool) -> bool:
        """Whether no value that leaves is below 0, when ``before`` says so of those that enter."""
        for _, layer in self.layers:
            before = isinstance(layer, nn.ReLU) or (before and isinstance(layer, _PLAIN))
        return before


def parts(op: Op) -> Parts | None:
    """Return what an operation is made of; None where its channels cannot be followed, as in a kind of one's own."""
    try:
        return _parts(replace(op, name=""))
    except TypeError:  # settings that are more than values
        return None


@lru_cache(maxsize=4096)
def _parts(op: Op) -> Parts | None:
    with torch.device("meta"):
        module = make(op)
    layers = tuple(module.named_children()) if type(module) is nn.Sequential else (("", module),)
    mixing = None
    for place, (_, layer) in enumerate(layers):
        if (isinstance(layer, nn.Conv2d) and layer.groups == 1) or isinstance(layer, nn.Linear):
            if mixing is not None:
                return None
            mixing = place
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            if layer.output_size not in (1, (1, 1)):
                return None
        elif isinstance(layer, nn.Flatten):  # a channel is one number only after the mean over the image
            if place == 0 or not isinstance(layers[place - 1][1], nn.AdaptiveAvgPool2d):
                return None
        elif not isinstance(layer, (nn.BatchNorm2d, nn.ReLU, *_PLAIN)):
            return None
    found = Parts(layers, mixing)
    needed = {"channels_in", "channels_out"} if found.convolves else {"channels"}
    told = needed <= dict(op.settings).keys()  # under their usual names, else nobody could change them
    return found if told or not any(True for _ in module.parameters()) else None


def changed(op: Op, **settings: Any) -> Op:
    """Return an operation with other settings."""
    return replace(op, settings={**dict(op.settings), **settings})


def key(op: Op | str, layer: str, tensor: str) -> str:
    """Name of a tensor of a network's state."""
    name = op if isinstance(op, str) else op.name
    return ".".join(part for part in ("ops", name, layer, tensor) if part)


def fresh(op: Op) -> State:
    """Return fresh weights of an operation, as they are called in a network's state."""
    return {f"ops.{op.name}.{name}": tensor.detach() for name, tensor in make(op).state_dict().items()}


def new_name(graph: Graph, stem: str) -> str:
    """Return a name that neither a node nor an operation of a graph has."""
    taken = {node.name for node in graph.nodes} | set(graph.ops)
    return next(name for number in range(len(taken) + 1) if (name := f"{stem}{number}") not in taken)


def node_of(graph: Graph, name: str) -> tuple[int, Node]:
    """Return a node and its place.

    :raises ValueError: when there is none of this name.
    """
    for place, node in enumerate(graph.nodes):
        if node.name == name:
            return place, node
    raise ValueError(
        f"the graph has no node {name!r}; there are {', '.join(node.name for node in graph.nodes)}"
    )


def op_of(graph: Graph, name: str) -> Op:
    """Return an operation.

    :raises ValueError: when there is none of this name.
    """
    if name not in graph.ops:
        raise ValueError(f"the graph has no operation {name!r}; there are {', '.join(graph.ops)}")
    return graph.ops[name]


def refuse(why: str) -> None:
    """Raise a ValueError where there is a reason."""
    if why:
        raise ValueError(why)


def rereading(nodes: Sequence[Node], old: str, new: str) -> tuple[Node, ...]:
    """Return nodes that read another source instead."""

    def own(term: Term) -> Term:
        return replace(term, source=new) if term.source == old else term

    return tuple(replace(node, terms=tuple(map(own, node.terms))) for node in nodes)


def with_ops(nodes: tuple[Node, ...], ops: Mapping[str, Op]) -> tuple[Node, ...]:
    """Return nodes with other operations in place of those of the same names."""

    def own(op: Op | None) -> Op | None:
        return None if op is None else ops.get(op.name, op)

    return tuple(
        replace(
            node, terms=tuple(Term(term.source, own(term.op)) for term in node.terms), post=own(node.post)
        )
        for node in nodes
    )


def network(graph: Graph, weights: Mapping[str, Tensor]) -> GraphNetwork:
    """Return a graph's network with these weights.

    :raises RuntimeError: when they are another network's, as torch says.
    """
    with torch.device("meta"):
        made = graph.network()
    made = made.to_empty(device="cpu")
    made.load_state_dict(weights)
    return made
