"""Regularised evolution: the oldest dies, not the worst.

Source: Real, Aggarwal, Huang, Le 2019, *Regularized Evolution for Image Classifier Architecture Search*,
algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from ..decision import Decision
from .base import STRATEGIES
from .checks import check_counts
from .decisions import DecisionStrategy


@STRATEGIES.register("aging")
class AgingEvolution(DecisionStrategy):
    """A queue of individuals; the best of a random sample gets a mutated child, and the oldest leaves.

    The mutation gives one decision, drawn uniformly, another of its choices. Generation 0 evaluates the first
    population, every later one ``batch`` children.

    :param decisions: ``space.decisions``.
    :param population: length of the queue, P (10 on NAS-Bench-201, 100 in the paper).
    :param sample: individuals drawn with replacement for each tournament, S (3 and 25).
    :param batch: children per generation, for evaluating several at once; the paper's algorithm has 1.
    :param options: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: int = 10,
        sample: int = 3,
        batch: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(decisions, **options)
        check_counts(population=population, sample=sample, batch=batch)
        self.size, self.sample, self.batch = population, sample, batch

    def _generate(self) -> list[Any]:
        if self.generation == 0:
            return [self.individual(self.decisions.sample(self.rng)) for _ in range(self.size)]
        return [self._child() for _ in range(self.batch)]

    def _child(self) -> Any:
        drawn = [self.population[self.rng.randrange(len(self.population))] for _ in range(self.sample)]
        choices = list(self.decisions.choices(max(drawn, key=attrgetter("fitness"))))
        place = self.rng.randrange(len(choices))
        other = self.rng.randrange(self.decisions.sizes[place] - 1)
        choices[place] = other if other < choices[place] else other + 1
        return self.individual(choices)

    def _update(self, individuals: list[Any]) -> None:
        self.population = [*self.population, *individuals][-self.size :]  # the oldest comes first
