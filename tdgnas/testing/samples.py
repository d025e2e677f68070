"""Individuals, populations and problems that the checks work on."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from deap import base, tools

from ..decision import Decision, Decisions
from ..individual import GenesLike, Individual, IndividualLike, LossFitness
from ..operators import mutFlipGate

GENES = 12
#: Three gates, each followed by a decision of three choices; a target each.
SLICES = (slice(0, 1), slice(1, 4), slice(4, 5), slice(5, 8), slice(8, 9), slice(9, 12))
GROUPS = ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11])


class ListIndividual(list):  # type: ignore[type-arg]
    """A list with a fitness, as ``creator.create`` makes it."""

    def __init__(self, genes: Iterable[Any] = ()) -> None:
        super().__init__(genes)
        self.fitness = LossFitness()


class NumpyIndividual(np.ndarray):
    """An ndarray with a fitness: its slices are views and its sums are individuals that share its fitness class."""

    fitness: Any = LossFitness

    def __new__(cls, genes: Iterable[Any] = ()) -> NumpyIndividual:
        made: NumpyIndividual = np.array(list(genes)).view(cls)
        made.fitness = LossFitness()
        return made

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> NumpyIndividual:
        clone = type(self)(self.tolist())
        clone.__dict__.update({name: deepcopy(value, memo) for name, value in vars(self).items()})
        return clone

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.tolist(),), vars(self)

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)


CONTAINERS: dict[str, Callable[[Iterable[Any]], IndividualLike]] = {
    "Individual": Individual,
    "list": ListIndividual,
    "ndarray": NumpyIndividual,
}


def real_genes(rng: random.Random) -> list[Any]:
    """Draw architecture parameters between -1 and 1."""
    return [rng.uniform(-1.0, 1.0) for _ in range(GENES)]


Genome = Callable[[random.Random], list[Any]]
"""Makes the genes of an individual."""
GENOMES: dict[str, Genome] = {
    "real": real_genes,
    "binary": lambda rng: [rng.randrange(2) for _ in range(GENES)],
}


def values_of(individual: GenesLike) -> list[Any]:
    """Return the genes as plain values, comparable whatever the container."""
    return [gene.item() if isinstance(gene, np.generic) else gene for gene in individual]


def evaluated(
    individual: IndividualLike, values: Sequence[float], fitness: type[base.Fitness] | None = None
) -> IndividualLike:
    """Give an individual a fitness."""
    if fitness is not None:
        individual.fitness = fitness()
    individual.fitness.values = tuple(values)
    return individual


class QuadraticSource:
    """A stand-in for a supernet: the loss is the squared distance of the genes to a target.

    :ivar calls: how often gradients were asked for.
    """

    def __init__(self, target: float = 0.25, broken_row: int | None = None) -> None:
        self.target = target
        self.broken_row = broken_row
        self.calls = 0

    def loss(self, individual: Iterable[float]) -> float:
        """Return the loss of an individual."""
        return float(sum((float(gene) - self.target) ** 2 for gene in individual))

    def __call__(self, individual: Iterable[float]) -> tuple[float]:
        """Return the loss as a fitness."""
        return (self.loss(individual),)

    def alpha_gradients(self, genes: npt.ArrayLike, *, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return the gradient of every row; the first gene of row ``broken_row`` has none."""
        self.calls += 1
        gradients = 2.0 * (np.asarray(genes, dtype=np.float64) - self.target)
        if self.broken_row is not None and self.broken_row < len(gradients):
            gradients[self.broken_row, 0] = np.nan
        return gradients


def defaults(
    length: int = GENES, slices: Sequence[slice] = SLICES, groups: Sequence[Sequence[int]] = GROUPS
) -> dict[str, Any]:
    """Return values for the parameters that operators usually have, by name."""
    source = QuadraticSource()
    return {
        "slices": slices, "groups": groups, "indpb": 0.5, "mu": 0.0, "sigma": 0.3, "alpha": 0.5, "eta": 20.0,
        "low": -1.0, "up": 1.0, "scale": 1.0, "temperature": 1.0, "tournsize": 3, "lr": 1e-2, "supernet": source,
        "evaluate": source, "probabilities": [0.5] * length, "size": length,
        "start": [-1.0] * length, "mutate": partial(mutFlipGate, indpb=0.5), "times": 3,
        "ref_points": tools.uniform_reference_points(2, 4), "decisions": _decisions(slices),
    }  # fmt: skip


def _decisions(slices: Sequence[slice]) -> Decisions:
    """Decisions with these genes."""
    counts = [where.stop - where.start for where in slices]
    choices = [tuple(map(str, range(max(2, count)))) for count in counts]
    return Decisions(
        Decision(str(place), each, binary=count == 1)
        for place, (each, count) in enumerate(zip(choices, counts, strict=True))
    )


DECISIONS = (
    Decision("gate0", ("off", "on"), binary=True),
    Decision("kind0", ("a", "b", "c", "d")),
    Decision("gate1", ("off", "on"), binary=True),
    Decision("gate2", ("off", "on"), binary=True),
    Decision("kind1", ("a", "b", "c", "d")),
)


class SmallProblem:
    """Losses of 128 architectures; callable as a fitness, and a source of gradients.

    :param objectives: 1, or 2 for a size beside the loss.
    :param maximise: give 10 minus the loss, to be maximised.
    :ivar evaluated: the choices that were evaluated, in order.
    """

    def __init__(self, objectives: int = 1, maximise: bool = False) -> None:
        self.decisions = Decisions(DECISIONS)
        self.objectives, self.maximise = objectives, maximise
        rng = random.Random(0)
        self.effects = [[rng.random() for _ in decision.choices] for decision in DECISIONS]
        self.evaluated: list[tuple[int, ...]] = []

    @property
    def median(self) -> float:
        """The loss that half of all architectures exceed."""
        losses = sorted(
            self.loss(choices) for choices in itertools.product(*map(range, self.decisions.sizes))
        )
        return losses[len(losses) // 2]

    def loss(self, choices: Sequence[int]) -> float:
        """Return the loss of choices."""
        return sum(effect[choice] for effect, choice in zip(self.effects, choices, strict=True))

    def values(self, individual: GenesLike) -> tuple[float, ...]:
        """Return fitness values without noting the evaluation."""
        choices = self.decisions.choices(individual)
        loss = self.loss(choices)
        value = 10.0 - loss if self.maximise else loss
        return (value,) if self.objectives == 1 else (value, float(sum(choices)))

    def __call__(self, individual: GenesLike) -> tuple[float, ...]:
        """Return the fitness of an individual."""
        self.evaluated.append(self.decisions.choices(individual))
        return self.values(individual)

    def alpha_gradients(self, genes: npt.NDArray[np.float64], *, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return the gradient of the loss with respect to the relaxed choices, for every row."""
        rows = np.asarray(genes, dtype=np.float64)
        gradients = np.zeros_like(rows)
        for decision, where, effect in zip(DECISIONS, self.decisions.slices, self.effects, strict=True):
            values = np.asarray(effect)
            if decision.binary:
                on = 1 / (1 + np.exp(-rows[:, where]))
                gradients[:, where] = on * (1 - on) * (values[1] - values[0])
            else:
                shares = np.exp(rows[:, where] - rows[:, where].max(axis=1, keepdims=True))
                shares /= shares.sum(axis=1, keepdims=True)
                gradients[:, where] = shares * (values - (shares * values).sum(axis=1, keepdims=True))
        return gradients
