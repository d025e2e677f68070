"""Random search: every architecture equally likely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..decision import Decision
from .base import STRATEGIES
from .checks import check_counts
from .decisions import DecisionStrategy


@STRATEGIES.register("random")
class RandomSearch(DecisionStrategy):
    """Draws each choice uniformly, with replacement: the control of every comparison.

    :param decisions: ``space.decisions``.
    :param batch: individuals per generation; it changes nothing but how many are evaluated at once.
    :param options: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(self, decisions: Sequence[Decision], *, batch: int = 10, **options: Any) -> None:
        super().__init__(decisions, **options)
        check_counts(batch=batch)
        self.batch = batch

    def _generate(self) -> list[Any]:
        return [self.individual(self.decisions.sample(self.rng)) for _ in range(self.batch)]

    def _update(self, individuals: list[Any]) -> None:
        self.population = individuals
