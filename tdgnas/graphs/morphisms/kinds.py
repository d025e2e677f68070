"""The morphisms by name: where each applies in a graph, and what it makes there."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import Tensor

from ...registry import Registry
from ..graph import Graph
from ..nodes import INPUT
from . import channels, layers
from .parts import Grown

At = "str | tuple[str, str]"


@dataclass(frozen=True)
class Morphism:
    """A kind of function-preserving change.

    :param candidates: the places of a graph that are looked at: names, or pairs of names.
    :param why_not: says of a graph and a place why it does not apply there; nothing where it does.
    :param grow: makes the new graph and the map of the weights of graph, place, random numbers, and images or None.
    """

    candidates: Callable[[Graph], Iterable[Any]]
    why_not: Callable[[Graph, Any], str]
    grow: Callable[[Graph, Any, random.Random, Tensor | None], Grown]

    def places(self, graph: Graph) -> list[Any]:
        """Return where it applies, in the order of the graph."""
        return list(_places(self, graph))


@lru_cache(maxsize=2000)  # a search asks again and again about the same graphs
def _places(kind: Morphism, graph: Graph) -> tuple[Any, ...]:
    return tuple(at for at in kind.candidates(graph) if not kind.why_not(graph, at))


def _check(kind: Morphism) -> None:
    if not isinstance(kind, Morphism):
        raise TypeError(f"a kind of morphism is a tdgnas.graphs.Morphism; got {kind!r}")


MORPHISMS: Registry[Morphism] = Registry("morphism", "tdgnas.morphisms", _check)
"""The function-preserving morphisms by name; ``MORPHISMS.register("mine")(Morphism(...))`` adds one."""

SPREAD = 0.5
"""How far from equal the shares of copied channels are where a search widens."""


def _names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def _pairs(graph: Graph) -> list[tuple[str, str]]:
    names = [INPUT, *_names(graph)]
    return [(source, target) for place, target in enumerate(names) for source in names[:place]]


for _name, _kind in {
    "deepen": Morphism(
        _names, layers.why_not_deeper, lambda graph, at, rng, images: layers.deepen(graph, at, images=images)
    ),
    "widen": Morphism(
        lambda graph: graph.ops,
        channels.why_not_wider,
        lambda graph, at, rng, images: channels.widen(graph, at, spread=SPREAD, rng=rng),
    ),
    "kernel": Morphism(
        lambda graph: graph.ops,
        layers.why_no_larger_kernel,
        lambda graph, at, rng, images: layers.enlarge_kernel(graph, at),
    ),
    "skip": Morphism(_pairs, layers.why_no_skip, lambda graph, at, rng, images: layers.add_skip(graph, at)),
    "concat": Morphism(
        _pairs, layers.why_no_concat, lambda graph, at, rng, images: layers.add_concat(graph, at)
    ),
    "branch": Morphism(
        lambda graph: graph.ops,
        layers.why_no_branch,
        lambda graph, at, rng, images: layers.branch(graph, at),
    ),
}.items():
    MORPHISMS.register(_name)(_kind)
