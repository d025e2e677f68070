"""What strategies have in common that need nothing but decisions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from deap import base

from ..decision import Decision, Decisions
from ..individual import Individual, IndividualLike, LossFitness
from .base import Strategy
from .unseen import Unseen

__all__ = ["AskingOnce", "DecisionStrategy", "drawing_from"]


class DecisionStrategy(Strategy):
    """A strategy over decisions with a random generator of its own.

    :param decisions: what is searched: ``space.decisions``.
    :param rng: source of all random numbers; Python's :mod:`random` when None.
    :param fitness: class of the individuals' fitness; :class:`LossFitness` for losses, ``AccuracyFitness`` for what
        is maximised.
    :raises ValueError: when the fitness has another number of values than the strategy takes (``objectives``,
        ``several``).
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        rng: random.Random | None = None,
        fitness: type[base.Fitness] = LossFitness,
    ) -> None:
        super().__init__()
        self.decisions = Decisions.of(decisions)
        self.rng = rng or cast(random.Random, random)
        self.fitness = fitness
        values = len(fitness.weights)
        if values < self.objectives or (values > self.objectives and not self.several):
            raise ValueError(
                f"{type(self).__name__} needs a fitness of {self.objectives} values, {fitness.__name__} has "
                f"the weights {fitness.weights}"
            )

    def individual(self, choices: Sequence[int]) -> Individual:
        """Return an individual that stands for choices, its fitness invalid.

        :raises ValueError: for another number of choices than decisions.
        """
        return self._blank(self.decisions.genes(choices))

    def new(self, choices: Sequence[int]) -> Individual:
        """Return an individual for choices, or for others where ``unseen`` says that these were asked for."""
        return self.individual(choices if self.unseen is None else self.unseen.new(choices, self.rng))

    def live(self, choices: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_] | None:
        """Return which choices matter, in the shape (individuals, decisions) of the choices; None where all do."""
        if not self.decisions.conditional:
            return None
        return np.array([self.decisions.live(row) for row in choices.tolist()])

    def _update(self, individuals: list[IndividualLike]) -> None:
        self.population = individuals

    def _blank(self, genes: list[float]) -> Individual:
        return Individual(genes, self.fitness())


class AskingOnce(DecisionStrategy):
    """A strategy that never asks twice, unless it is told to: see :class:`Unseen`.

    :param decisions: ``space.decisions``.
    :param repeat: whether an architecture may be asked for again.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(self, decisions: Sequence[Decision], *, repeat: bool = False, **given: Any) -> None:
        super().__init__(decisions, **given)
        self.unseen = None if repeat else Unseen(self.decisions)


@contextmanager
def drawing_from(rng: Any) -> Iterator[None]:
    """Let Python's global :mod:`random`, which DEAP's operators draw from, continue ``rng`` for a while."""
    if not isinstance(rng, random.Random):
        yield
        return
    outside = random.getstate()
    random.setstate(rng.getstate())
    try:
        yield
    finally:
        rng.setstate(random.getstate())
        random.setstate(outside)
