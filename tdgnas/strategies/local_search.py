"""Local search: hill climbing over networks that differ in one decision, the strongest simple baseline on tables.

Source: White, Nolen, Savani 2020, *Exploring the Loss Landscape in Neural Architecture Search*, section 3; with the
first improvement instead of the best one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count
from .base import STRATEGIES
from .decisions import DecisionStrategy
from .unseen import Unseen

__all__ = ["LocalSearch"]


@STRATEGIES.register("local-search")
class LocalSearch(DecisionStrategy):
    """Tries the neighbours of an architecture in random order and moves to the first that is better.

    A neighbour differs in one decision. Where none is better, the search begins again at a random architecture. It
    never asks twice: neighbours that were evaluated before are passed over, since what lies behind them was climbed
    already. Once every architecture has been asked for, random ones are asked for again.

    :param decisions: ``space.decisions``.
    :param batch: neighbours per generation, for evaluating several at once; the first better one among them counts.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    asynchronous = True
    keeps = ("left", "starts")

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        batch: Count = 1,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.unseen = Unseen(self.decisions)
        self.batch = batch
        self.left: list[
            tuple[int, ...]
        ] = []  # neighbours of the present one that were not tried, the next one last
        self.starts: list[list[int]] = []  # random architectures that are being evaluated

    def _generate(self) -> list[IndividualLike]:
        assert self.unseen is not None
        found: list[IndividualLike] = []
        while self.left and len(found) < self.batch:
            choices = self.left.pop()
            if self.unseen.note(choices):
                found.append(self.individual(choices))
        if found:
            return found
        start = self.new(self.decisions.sample(self.rng))
        self.starts.append(list(self.decisions.choices(start)))
        return [start]

    def _update(self, individuals: list[IndividualLike]) -> None:
        moved = False
        for individual in individuals:
            choices = self.decisions.choices(individual)
            begins = list(choices) in self.starts
            if begins:
                self.starts.remove(list(choices))
            # A neighbour that comes back late, when the search has begun again elsewhere, counts where it is better.
            better = not self.population or individual.fitness > self.population[0].fitness
            if not moved and (better or (begins and not self.left)):
                moved = True
                self.population = [individual]
                self.left = list(self._neighbours(choices))
                self.rng.shuffle(self.left)

    def _neighbours(self, choices: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for place, size in enumerate(self.decisions.sizes):
            for other in range(size):
                if other != choices[place]:
                    yield (*choices[:place], other, *choices[place + 1 :])
