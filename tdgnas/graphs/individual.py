"""An individual that is a network: a fixed graph, its weights and a DEAP fitness; and mutations that make it grow."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deap import base
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..files.atomic import write_atomic, write_json
from ..individual import LossFitness
from .documents import graph_document, graph_of
from .graph import Graph
from .morphisms import MORPHISMS, Grown, narrow, remove
from .morphisms.channels import why_not_wider
from .morphisms.layers import why_not_removed
from .morphisms.parts import network
from .network import GraphNetwork

_GRAPH, _WEIGHTS = "graph.json", "weights.safetensors"


class GraphIndividual:
    """A network as an individual: children inherit its weights (Lamarckian).

    A copy shares the weights until one of the two is trained or grows, since neither changes a tensor in place.

    :param graph: a fixed graph.
    :param weights: its network's ``state_dict()``; fresh ones when None.
    :param fitness: a DEAP fitness; an invalid :class:`LossFitness` when None.
    :raises RuntimeError: for weights of another network.
    """

    def __init__(
        self,
        graph: Graph,
        weights: Mapping[str, Tensor] | None = None,
        fitness: base.Fitness | None = None,
    ) -> None:
        self.graph = graph
        self.weights: dict[str, Tensor] = dict(graph.network().state_dict() if weights is None else weights)
        if weights is not None:
            network(graph, self.weights)
        self.fitness = LossFitness() if fitness is None else fitness

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphIndividual:
        fitness = type(self.fitness)()
        fitness.wvalues = self.fitness.wvalues
        clone = type(self).__new__(type(self))
        clone.__dict__.update({**vars(self), "weights": dict(self.weights), "fitness": fitness})
        return clone

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({len(self.graph.nodes)} nodes, {self.graph.parameters():,} parameters, "
            f"fitness={self.fitness.values or 'invalid'})"
        )

    def network(self) -> GraphNetwork:
        """Return the network with these weights; training it leaves the individual's as they are."""
        return network(self.graph, self.weights)

    def learn(self, trained: nn.Module) -> None:
        """Take the weights of a trained network over, as a copy."""
        self.weights = {name: one.detach().cpu().clone() for name, one in trained.state_dict().items()}

    def become(self, grown: Grown) -> None:
        """Take what a morphism of this individual's graph has made; an error leaves the individual as it was."""
        weights = grown.carry(self.weights)
        network(grown.graph, weights)
        self.graph, self.weights = grown.graph, weights

    def save(self, folder: str | Path) -> Path:
        """Write ``graph.json`` and ``weights.safetensors``, each atomically; return the folder."""
        folder = Path(folder)
        tensors = {name: tensor.contiguous() for name, tensor in self.weights.items()}
        # Copies share tensors, and safetensors wants every one by itself.
        own = {name: tensor.clone() for name, tensor in tensors.items()}
        write_atomic(folder / _WEIGHTS, lambda temporary: save_file(own, temporary))
        write_json(folder / _GRAPH, graph_document(self.graph))
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> GraphIndividual:
        """Read what :meth:`save` wrote; the fitness is invalid.

        :raises FileNotFoundError: when a file is missing.
        :raises ValueError: when one is damaged, or the weights are another network's.
        """
        folder = Path(folder)
        text = (folder / _GRAPH).read_text(encoding="utf-8")
        try:
            return cls(graph_of(json.loads(text)), load_file(folder / _WEIGHTS))
        except (SafetensorError, RuntimeError) as error:
            raise ValueError(f"{folder / _WEIGHTS} is damaged or another network's: {error}") from error


def mutMorph(
    individual: GraphIndividual,
    kinds: Sequence[str] | None = None,
    *,
    images: Tensor | None = None,
    rng: random.Random | None = None,
) -> tuple[GraphIndividual]:
    """Let a network grow by a random morphism of those that apply: it computes what it did, and can learn more.

    First the kind is drawn among those that apply somewhere, each equally likely, then the place.

    :param individual: with ``graph`` and ``weights``, changed in place.
    :param kinds: names in ``MORPHISMS``; all when None.
    :param images: shape (batch, ...), on which a new layer's BatchNorm is measured.
    :param rng: where random numbers come from, instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when none of the kinds applies anywhere; the individual is left alone.
    """
    draw: Any = rng or random
    names = list(MORPHISMS.names() if kinds is None else kinds)
    places = {name: MORPHISMS.get(name).places(individual.graph) for name in names}
    open_ = [name for name in names if places[name]]
    if not open_:
        raise ValueError(
            f"none of the morphisms {', '.join(names)} applies anywhere in this graph of "
            f"{len(individual.graph.nodes)} nodes; MORPHISMS.get(name).why_not(graph, place) says why"
        )
    name = draw.choice(open_)
    individual.become(MORPHISMS.get(name).grow(individual.graph, draw.choice(places[name]), draw, images))
    return (individual,)


def mutPrune(
    individual: GraphIndividual,
    loss: Callable[[GraphIndividual], float],
    kinds: Sequence[str] = ("narrow", "remove"),
    *,
    keep: float = 0.5,
) -> tuple[GraphIndividual]:
    """Make a network smaller where it costs least: every place is tried, and the one with the least loss is taken.

    Not preserving: the individual computes something else afterwards.

    :param individual: with ``graph`` and ``weights``, changed in place.
    :param loss: of an individual, such as its loss on validation images; called once for each place.
    :param kinds: ``narrow`` (half of the channels of a convolution) and ``remove`` (a layer).
    :param keep: share of the channels that stay.
    :returns: a tuple of the individual.
    :raises ValueError: when nothing can be pruned, or for another kind; the individual is left alone.
    """
    if set(kinds) - {"narrow", "remove"}:
        raise ValueError(f"kinds are {', '.join(kinds)}; networks are pruned by narrow and remove")
    graph, found = individual.graph, []
    if "narrow" in kinds:
        wide = [at for at in graph.ops if not why_not_wider(graph, at) and _wide(graph, at)]
        found += [narrow(graph, individual.weights, at, keep) for at in wide]
    if "remove" in kinds:
        found += [remove(graph, node.name) for node in graph.nodes if not why_not_removed(graph, node.name)]
    if not found:
        raise ValueError("nothing can be pruned: no layer may go, and no convolution has channels to spare")
    tried = [GraphIndividual(grown.graph, grown.carry(individual.weights)) for grown in found]
    best = min(tried, key=loss)
    individual.graph, individual.weights = best.graph, best.weights
    return (individual,)


def _wide(graph: Graph, at: str) -> bool:
    return int(dict(graph.ops[at].settings)["channels_out"]) > 1
