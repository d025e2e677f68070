"""Regularised evolution: the oldest dies, not the worst.

Source: Real, Aggarwal, Huang, Le 2019, *Regularized Evolution for Image Classifier Architecture Search*,
algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count
from .base import STRATEGIES
from .decisions import AskingOnce

__all__ = ["AgingEvolution"]


@STRATEGIES.register("aging")
class AgingEvolution(AskingOnce):
    """A queue of individuals; the best of a random sample gets a mutated child, and the oldest leaves.

    The mutation gives one decision, drawn uniformly, another of its choices. Generation 0 evaluates the first
    population, every later one ``batch`` children. A child whose architecture was asked for before is mutated on
    until it is new, or drawn at random after 50 steps; the published algorithm repeats.

    :param decisions: ``space.decisions``.
    :param population: length of the queue, P (10 on NAS-Bench-201, 100 in the paper).
    :param sample: individuals drawn with replacement for each tournament, S (3 and 25).
    :param batch: children per generation, for evaluating several at once; the paper's algorithm has 1.
    :param given: ``repeat``, ``rng`` and ``fitness``, see :class:`AskingOnce`.
    """

    asynchronous = True

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: Count = 10,
        sample: Count = 3,
        batch: Count = 1,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.size, self.sample, self.batch = population, sample, batch

    def _generate(self) -> list[IndividualLike]:
        if self.generation == 0:
            return [self.new(self.decisions.sample(self.rng)) for _ in range(self.size)]
        return [self._child() for _ in range(self.batch)]

    def _child(self) -> IndividualLike:
        drawn = [self.population[self.rng.randrange(len(self.population))] for _ in range(self.sample)]
        parent = self.decisions.choices(max(drawn, key=attrgetter("fitness")))
        return self.new(self.decisions.neighbour(parent, self.rng))

    def _update(self, individuals: list[IndividualLike]) -> None:
        self.population = [*self.population, *individuals][-self.size :]  # the oldest comes first
