"""A strategy: what to evaluate next, and what to learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tdgnas.decision import Decision
from tdgnas.strategies import DecisionStrategy


class HillClimber(DecisionStrategy):
    """Redraw one decision of the best architecture so far, several times per generation.

    :param decisions: ``space.decisions``.
    :param neighbours: architectures per generation.
    :param options: ``rng`` and ``fitness``, see :class:`tdgnas.strategies.DecisionStrategy`.
    """

    def __init__(self, decisions: Sequence[Decision], *, neighbours: int = 8, **options: Any) -> None:
        super().__init__(decisions, **options)
        if neighbours < 1:
            raise ValueError(f"neighbours is {neighbours}; try at least one")
        self.neighbours = neighbours

    def _generate(self) -> list[Any]:
        if self.best is None:
            return [self.individual(self.decisions.sample(self.rng)) for _ in range(self.neighbours)]
        return [self._neighbour() for _ in range(self.neighbours)]

    def _neighbour(self) -> Any:
        choices = list(self.decisions.choices(self.best))
        place = self.rng.randrange(len(choices))
        choices[place] = self.rng.randrange(self.decisions.sizes[place])
        return self.individual(choices)

    def _update(self, individuals: list[Any]) -> None:
        self.population = individuals
