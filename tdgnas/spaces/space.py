"""What a search space is: decisions, a graph that they switch, and everything that follows from the two."""

from __future__ import annotations

import random
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ..decision import Choices, Decision, Decisions, Genes
from ..graphs import Graph, Node
from .architecture import Architecture
from .rules import RULES

if TYPE_CHECKING:
    from torch import nn

    from ..graphs import GraphNetwork


class SearchSpace(ABC):
    """Decisions, and the conditional graph whose terms they switch; or a fixed graph for every architecture.

    A space author passes decisions and nodes to this constructor; nothing else has to be written. Where architectures
    cannot share weights, there are no nodes, and the author writes :meth:`fixed`; such a space has no supernet.

    :param decisions: the decisions, in the order of the genes.
    :param nodes: the description of the supernet, see :class:`tdgnas.graphs.Node`; the last node is the logits. None
        where every architecture has a graph of its own.
    :param image_shape: (channels, height, width) of an image; or the shape of another input.
    :param classes: number of classes.
    :param settings: the keywords that make an equal space again, JSON values only.
    :raises ValueError: for doubled decisions or nodes that do not fit together.

    :ivar shares_weights: whether there is a conditional graph, and so a supernet.
    :ivar decisions: the decisions, which know by the graph which of an architecture's choices matter.
    """

    name: ClassVar[str]

    def __init__(
        self,
        decisions: Sequence[Decision],
        nodes: Sequence[Node] | None,
        image_shape: tuple[int, ...],
        classes: int,
        settings: dict[str, Any],
    ) -> None:
        self.decisions = Decisions.of(decisions)
        self.shares_weights = nodes is not None
        self._last: tuple[Architecture, Graph] | None = None
        if nodes is not None:
            self._graph = Graph(nodes, image_shape, self.decisions)
            if self._graph.can_die:
                self.decisions = Decisions(self.decisions, live=self._graph.live)
        self.image_shape = image_shape
        self.classes = classes
        self.settings = settings
        self.slices, self.length = self.decisions.slices, self.decisions.length

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"{type(self).__name__}({settings})"

    # genes and choices -------------------------------------------------------------------------------------------

    def choices(self, individuals: Sequence[Sequence[float]] | Genes) -> Choices:
        """Return the canonical choices of individuals, shape (individuals, decisions): the loci of a population's
        entropy.
        """
        return self.decisions.loci(individuals)

    def decode(self, individual: Sequence[float] | Genes) -> Architecture:
        """Return the architecture of an alpha-vector: positive genes are on, the largest of K genes wins."""
        row = np.asarray(individual, dtype=np.float64).reshape(1, -1)
        return Architecture(self.name, tuple(self.decisions.table(row)[0].tolist()))

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the one spelling of an architecture's network: choices that do not matter are the first ones."""
        return Architecture(self.name, self.decisions.canonical(architecture.choices))

    def encode(self, architecture: Architecture, scale: float = 1.0) -> list[float]:
        """Return genes of ``+scale`` and ``-scale`` that decode to the architecture."""
        self.check(architecture)
        return self.decisions.genes(architecture.choices, scale)

    def architecture(self, choices: Sequence[int] | dict[str, str]) -> Architecture:
        """Return the architecture of choices by index, or by name with the first choice for those not named.

        :raises ValueError: for an unknown decision or choice, or another number of choices.
        """
        if isinstance(choices, dict):
            unknown = sorted(set(choices) - {decision.name for decision in self.decisions})
            if unknown:
                raise ValueError(f"{self.name!r} has no decision {unknown[0]!r}")
            choices = [
                _choice_of(decision, choices.get(decision.name, decision.choices[0]))
                for decision in self.decisions
            ]
        architecture = Architecture(self.name, tuple(int(choice) for choice in choices))
        self.check(architecture)
        return architecture

    def check(self, architecture: Architecture) -> None:
        """Check that an architecture belongs to this space.

        :raises ValueError: saying what does not fit.
        """
        if architecture.space != self.name:
            raise ValueError(f"this architecture belongs to {architecture.space!r}, not to {self.name!r}")
        try:
            self.decisions.check(architecture.choices)
        except ValueError as error:
            raise ValueError(f"this is no architecture of {self!r}: {error}") from None

    def sample(self, rng: random.Random | None = None) -> Architecture:
        """Return an architecture drawn uniformly with ``rng``, or with Python's :mod:`random`."""
        return Architecture(self.name, self.decisions.sample(rng))

    def sample_like(self, architecture: Architecture, rng: random.Random | None = None) -> Architecture:
        """Return a random control: as many gates as the architecture has, elsewhere; K-way choices drawn anew."""
        self.check(architecture)
        draw = rng or random
        choices = list(architecture.choices)
        gates = [number for number, decision in enumerate(self.decisions) if decision.binary]
        shuffled = draw.sample([choices[gate] for gate in gates], len(gates))
        for gate, choice in zip(gates, shuffled, strict=True):
            choices[gate] = choice
        for number, decision in enumerate(self.decisions):
            if not decision.binary:
                choices[number] = draw.randrange(len(decision.choices))
        return Architecture(self.name, tuple(choices))

    path_shares: ClassVar[Mapping[str, float]] = {}
    """How often single paths take each choice of a K-way decision when a supernet is pretrained by them, 1 for those
    not named: operations that only their own steps train need more of them than what merely passes the trunk on."""

    default_rule: ClassVar[str] = "threshold"
    """Name of the rule that discretises the space's relaxed weights where nothing else is asked for."""

    def controls(
        self,
        best: Architecture,
        weights: Genes | None = None,
        rng: random.Random | None = None,
        draws: int = 1,
        rules: Sequence[str] = (),
    ) -> list[tuple[str, Architecture]]:
        """Return what a search's winner is compared with, as pairs of a row's name and an architecture: the baseline,
        random ones of the winner's size, and what the relaxed weights alone give by their rules.

        :param weights: relaxed weights, such as of a pretrained supernet; None where there are none.
        :param draws: how many random ones.
        :param rules: names of the rules; the default one and, for gates with a target, ``round-k`` where none is named.
        """
        baseline = self.baseline()
        rows = [] if baseline is None else [("baseline", baseline)]
        rows += [("random", self.sample_like(best, rng)) for _ in range(draws)]
        if weights is not None:
            gates = all(decision.binary and decision.group for decision in self.decisions)
            own = (self.default_rule, "round-k") if gates else (self.default_rule,)
            for rule in rules or own:
                named = rule.replace("-", " ") if rule != "round-k" else rule
                rows.append((f"DARTS, {named}", RULES.get(rule)(self, weights)))
        return rows

    def skips(self, architecture: Architecture, kind: str = "normal") -> int:
        """Number of skip connections in a kind of cell.

        :raises ValueError: when the space has no cells.
        """
        raise ValueError(f"this counts skip connections of cells; {self.name!r} has no cells")

    def baseline(self) -> Architecture | None:
        """Return the architecture that a search has to beat, where the space has one: all gates off."""
        if all(decision.binary for decision in self.decisions):
            return Architecture(self.name, (0,) * len(self.decisions))
        return None

    @property
    def groups(self) -> list[list[int]]:
        """Genes of each group of decisions (``Decision.group``), in the order of the decisions."""
        return self.decisions.groups

    # what follows from the graph ---------------------------------------------------------------------------------

    @property
    def graph(self) -> Graph:
        """The supernet as a conditional graph.

        :raises ValueError: when every architecture has a graph of its own.
        """
        if not self.shares_weights:
            raise ValueError(
                f"the networks of {self.name!r} share no weights: each is a graph of its own, so there is no supernet; "
                "score them from scratch or by a table (fitness.kind=scratch, fitness.kind=table)"
            )
        return self._graph

    def fixed(self, architecture: Architecture) -> Graph:
        """Return the graph of one architecture, without decisions."""
        self.check(architecture)
        return self.graph.fixed(architecture.choices)

    def drawn_from(self, architecture: Architecture) -> tuple[Graph, tuple[int, ...]]:
        """Return the graph that an architecture's network is made of, and the choices that it takes: the conditional
        one with the architecture's, or its own fixed one with none.
        """
        self.check(architecture)
        if self.shares_weights:
            return self.graph, architecture.choices
        # One after another asks for parameters, multiply-adds and the network of the same one.
        if self._last is None or self._last[0] != architecture:
            self._last = architecture, self.fixed(architecture)
        return self._last[1], ()

    def frame(self) -> nn.Module | None:
        """Return what stands around the graph, with fresh weights: ``frame(graph, inputs)`` runs ``graph``, which takes
        a batch to a batch, as often as it wants, and gives the outputs. None where the graph takes the inputs itself.
        """
        return None

    def fused(self, ops: Any, value: Tensor, weights: Tensor) -> Tensor | None:
        """Return what the relaxed graph makes of a batch, computed in a quicker way than term by term; None where there
        is no other way.

        :param ops: the graph's operations by name.
        :param value: shape (rows * batch, ...).
        :param weights: relaxed weights, shape (rows, genes).
        """
        return None

    def example(self, count: int, generator: torch.Generator) -> Tensor:
        """Return inputs that a network takes, drawn at random, each with one output."""
        return torch.randn((count, *self.image_shape), generator=generator)

    def network(self, architecture: Architecture) -> GraphNetwork:
        """Return the stand-alone network of an architecture, with fresh weights."""
        graph, choices = self.drawn_from(architecture)
        return graph.network(choices)

    final_options: ClassVar[Mapping[str, Any]] = {}
    """What :meth:`final_network` takes beside images and classes, with defaults; empty where it is the stand-alone
    network, and fits the space's own images only."""

    def final_network(
        self,
        architecture: Architecture,
        *,
        in_channels: int | None = None,
        image_size: int | None = None,
        classes: int | None = None,
        **options: Any,
    ) -> nn.Module:
        """Return the network of an architecture that is worth training to the end, with fresh weights.

        It is the stand-alone network, unless a space gives it another form.

        :param in_channels: channels of the images; the space's own when None.
        :param image_size: height of the images; the space's own when None.
        :param classes: number of classes; the space's own when None.
        :param options: of the final form, where the space has one.
        :raises ValueError: for options that the network does not take, or other images or classes than it is made for.
        """
        if options:
            raise ValueError(f"the network of {self.name!r} has no options, got {', '.join(options)}")
        side = self.image_shape[1] if len(self.image_shape) > 1 else None
        own = (self.image_shape[0], side, self.classes)
        asked = zip((in_channels, image_size, classes), own, strict=True)
        if any(given not in (None, own) for given, own in asked):
            raise ValueError(
                f"the network of {self!r} takes images of shape {self.image_shape} and tells {self.classes} classes "
                f"apart; the data has {in_channels} channels, size {image_size} and {classes} classes. Load it with "
                "another size or channels, or take the data that was searched on"
            )
        return self.network(architecture)

    def _fitting(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options of a final network, with images and classes those of the space where none are given.

        :raises ValueError: for an option that the network does not take.
        """
        own = {"in_channels": self.image_shape[0], "image_size": self.image_shape[1], "classes": self.classes}
        strange = sorted(options.keys() - own.keys() - self.final_options.keys())
        if strange:
            there = ", ".join(self.final_options)
            raise ValueError(f"there is no option {strange[0]!r} of this network; there are {there}")
        asked = {name: value for name, value in options.items() if value is not None or name not in own}
        return {**self.final_options, **own, **asked}

    def parameters(self, architecture: Architecture) -> int:
        """Number of parameters of the stand-alone network."""
        graph, choices = self.drawn_from(architecture)
        return graph.parameters(choices)

    def macs(self, architecture: Architecture) -> int:
        """Multiply-adds of one forward pass on one image (convolutions and linear layers)."""
        graph, choices = self.drawn_from(architecture)
        return graph.macs(choices)

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the choices that differ from the first."""
        self.check(architecture)
        named = [
            f"{decision.name}" if decision.binary else f"{decision.name}={decision.choices[choice]}"
            for decision, choice in zip(self.decisions, architecture.choices, strict=True)
            if choice or not decision.binary
        ]
        return " ".join(named) or "(nothing)"


def given(local: Mapping[str, Any]) -> dict[str, Any]:
    """Return a space's settings: what its constructor was given, of ``locals()`` as its first line sees them."""
    return {name: value for name, value in local.items() if name not in ("self", "__class__")}


def _choice_of(decision: Decision, name: str) -> int:
    if name not in decision.choices:
        raise ValueError(
            f"decision {decision.name!r} has no choice {name!r}; there are {', '.join(decision.choices)}"
        )
    return decision.choices.index(name)
