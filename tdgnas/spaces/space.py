"""What a search space is: decisions, a description of the supernet, and everything that follows from the two."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from .architecture import Architecture
from .decision import Decision
from .nodes import INPUT, Node, check_nodes
from .program import Step, program

if TYPE_CHECKING:
    import networkx as nx
    from torch import nn

    from .profile import Profile

Genes = npt.NDArray[np.float64]
Choices = npt.NDArray[np.int64]


class SearchSpace(ABC):
    """An ordered tuple of decisions and the nodes that they switch.

    A space author passes decisions and nodes to this constructor and writes :meth:`operation`; nothing else.

    :param decisions: the decisions, in the order of the genes.
    :param nodes: the description of the supernet, see :class:`Node`; the last node is the logits.
    :param image_shape: (channels, height, width) of an image.
    :param classes: number of classes.
    :param settings: the keywords that make an equal space again, JSON values only.
    :raises ValueError: for doubled decisions or nodes that do not fit together.
    """

    name: ClassVar[str]

    def __init__(
        self,
        decisions: Sequence[Decision],
        nodes: Sequence[Node],
        image_shape: tuple[int, int, int],
        classes: int,
        settings: dict[str, Any],
    ) -> None:
        self.decisions = tuple(decisions)
        self.nodes = tuple(nodes)
        self.image_shape = image_shape
        self.classes = classes
        self.settings = settings
        names = [decision.name for decision in self.decisions]
        if not names or len(set(names)) != len(names):
            raise ValueError("a space needs decisions, each with a name of its own")
        check_nodes(self.nodes, self.decisions)
        ends = np.cumsum([decision.genes for decision in self.decisions]).tolist()
        self.slices = tuple(slice(end - d.genes, end) for d, end in zip(self.decisions, ends, strict=True))
        self.length: int = ends[-1]

    @abstractmethod
    def operation(self, name: str) -> nn.Module:
        """Make the module of an operation named by a node, with fresh weights."""

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"{type(self).__name__}({settings})"

    # genes and choices -------------------------------------------------------------------------------------------

    def genes(self, individuals: Sequence[Sequence[float] | Genes] | Genes) -> Genes:
        """Return individuals as an array of shape (individuals, genes).

        :raises ValueError: when an individual has another length than the space.
        """
        rows = [np.asarray(individual, dtype=np.float64) for individual in individuals]
        wrong = next((row for row in rows if row.shape != (self.length,)), None)
        if wrong is not None:
            raise ValueError(
                f"an individual of {self.name!r} has {self.length} genes, this one has shape {wrong.shape}; "
                "was it made for another space or other settings?"
            )
        return np.stack(rows) if rows else np.empty((0, self.length))

    def choices(self, individuals: Sequence[Sequence[float] | Genes] | Genes) -> Choices:
        """Return the choices of individuals, shape (individuals, decisions): the loci of a population's entropy."""
        genes = self.genes(individuals)
        columns = [
            genes[:, where.start] > 0 if decision.binary else genes[:, where].argmax(axis=1)
            for decision, where in zip(self.decisions, self.slices, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.int64)

    def decode(self, individual: Sequence[float] | Genes) -> Architecture:
        """Return the architecture of an alpha-vector: positive genes are on, the largest of K genes wins."""
        return Architecture(self.name, tuple(self.choices([np.asarray(individual)])[0].tolist()))

    def encode(self, architecture: Architecture, scale: float = 1.0) -> list[float]:
        """Return genes of ``+scale`` and ``-scale`` that decode to the architecture."""
        self.check(architecture)
        genes = [-scale] * self.length
        for decision, where, choice in zip(self.decisions, self.slices, architecture.choices, strict=True):
            if decision.binary:
                genes[where.start] = scale if choice else -scale
            else:
                genes[where.start + choice] = scale
        return genes

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
        if len(architecture.choices) != len(self.decisions):
            raise ValueError(
                f"{self.name!r} with these settings has {len(self.decisions)} decisions, "
                f"the architecture has {len(architecture.choices)} choices"
            )
        for decision, choice in zip(self.decisions, architecture.choices, strict=True):
            if not 0 <= choice < len(decision.choices):
                raise ValueError(
                    f"decision {decision.name!r} has {len(decision.choices)} choices, got {choice}"
                )

    def sample(self, rng: random.Random | None = None) -> Architecture:
        """Return an architecture drawn uniformly with ``rng``, or with Python's :mod:`random`."""
        draw = (rng or random).randrange
        return Architecture(self.name, tuple(draw(len(decision.choices)) for decision in self.decisions))

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

    def baseline(self) -> Architecture | None:
        """Return the architecture that a search has to beat, where the space has one: all gates off."""
        if all(decision.binary for decision in self.decisions):
            return Architecture(self.name, (0,) * len(self.decisions))
        return None

    @cached_property
    def groups(self) -> list[list[int]]:
        """Genes of each group of decisions (``Decision.group``), in the order of the decisions."""
        members: dict[str, list[int]] = {}
        for decision, where in zip(self.decisions, self.slices, strict=True):
            members.setdefault(decision.group or decision.name, []).extend(range(where.start, where.stop))
        return list(members.values())

    # what follows from the nodes ---------------------------------------------------------------------------------

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """Names of all operations of the supernet, in order."""
        return tuple(dict.fromkeys(name for node in self.nodes for name in node.operations))

    @cached_property
    def profile(self) -> Profile:
        """Shapes and costs of the space's parts."""
        from .profile import profile

        return profile(self.nodes, self.operation, self.image_shape)

    def program(self, architecture: Architecture) -> list[Step]:
        """Return the steps that compute an architecture, see :func:`program`."""
        self.check(architecture)
        return program(self.nodes, architecture.choices)

    def network(self, architecture: Architecture) -> nn.Module:
        """Return the stand-alone network of an architecture, with fresh weights."""
        from .network import ArchitectureNetwork

        self.check(architecture)
        return ArchitectureNetwork(self.nodes, architecture.choices, self.operation, self.profile.shapes)

    def parameters(self, architecture: Architecture) -> int:
        """Number of parameters of the stand-alone network."""
        used = {step.operation(self.nodes) for step in self.program(architecture)[1:]}
        return sum(self.profile.parameters[name] for name in used if name is not None)

    def macs(self, architecture: Architecture) -> int:
        """Multiply-adds of one forward pass on one image (convolutions and linear layers)."""
        return sum(self.profile.step_macs(step, self.nodes) for step in self.program(architecture)[1:])

    def graph(self, architecture: Architecture) -> nx.MultiDiGraph[str]:
        """Return the architecture as a graph: nodes by name, edges with ``op``, ``decision`` and ``choice``.

        Edges that a decision switched on also carry ``choice_name``.
        """
        import networkx as nx

        self.check(architecture)
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(space=self.name)
        graph.add_node(INPUT, shape=self.image_shape)
        for node in self.nodes:
            graph.add_node(node.name, shape=self.profile.values[node.name], post=node.post)
            for term in node.terms:
                if term.decision is None or architecture.choices[term.decision] == term.choice:
                    made = None if term.decision is None else self.decisions[term.decision]
                    names = {} if made is None else {"choice_name": made.choices[term.choice]}
                    decision = None if made is None else made.name
                    graph.add_edge(
                        term.source, node.name, op=term.op, decision=decision, choice=term.choice, **names
                    )
        return graph

    def draw(self, architecture: Architecture, path: str | Path) -> Path:
        """Draw an architecture into a file; its ending says the format (``.png``, ``.svg``, ``.pdf``)."""
        from .drawing import draw_graph

        return draw_graph(self.graph(architecture), Path(path), title=self.name)

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the choices that differ from the first."""
        self.check(architecture)
        named = [
            f"{decision.name}" if decision.binary else f"{decision.name}={decision.choices[choice]}"
            for decision, choice in zip(self.decisions, architecture.choices, strict=True)
            if choice or not decision.binary
        ]
        return " ".join(named) or "(nothing)"


def _choice_of(decision: Decision, name: str) -> int:
    if name not in decision.choices:
        raise ValueError(
            f"decision {decision.name!r} has no choice {name!r}; there are {', '.join(decision.choices)}"
        )
    return decision.choices.index(name)
