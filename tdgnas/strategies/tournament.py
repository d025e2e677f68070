"""Evolution by tournaments in a population that only grows.

Source: Liu et al. 2018, *Hierarchical Representations for Efficient Architecture Search*, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from ..decision import Decision
from ..individual import IndividualLike
from ..operators import initMutated, mutMotif
from ..settings import Count, Natural, Share
from .base import STRATEGIES
from .decisions import AskingOnce

__all__ = ["Tournament"]


@STRATEGIES.register("tournament")
class Tournament(AskingOnce):
    """The best of a random share of all individuals so far gets a mutated child; nobody leaves.

    The mutation, :func:`tdgnas.operators.mutMotif`, draws a kind of decisions (a level), a group of it (a motif), a
    decision and its new choice. The first individuals are ``start``, such as chains of identities, mutated many times;
    random ones where the problem has no start. A child whose architecture was asked for before is mutated on until it
    is new, see :class:`Unseen`.

    :param decisions: ``space.decisions``.
    :param population: individuals to begin with (200 in the paper).
    :param share: of the population that a tournament is among; two of them at least.
    :param mutations: of the start, for each of the first individuals.
    :param batch: children per generation.
    :param start: genes to begin with, see :data:`PROVIDED`.
    :param given: ``repeat``, ``rng`` and ``fitness``, see :class:`AskingOnce`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: Count = 20,
        share: Share = 0.05,
        mutations: Natural = 1000,
        batch: Count = 1,
        start: Sequence[float] | None = None,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.size, self.share, self.mutations, self.batch, self.start = (
            population, share, mutations, batch, start
        )  # fmt: skip
        self.mutate: Any = partial(mutMotif, decisions=self.decisions)

    def _generate(self) -> list[IndividualLike]:
        if self.generation == 0:
            return [self._first() for _ in range(self.size)]
        return [self._child() for _ in range(self.batch)]

    def _first(self) -> IndividualLike:
        if self.start is None:
            return self.new(self.decisions.sample(self.rng))
        mutate = partial(self.mutate, rng=self.rng)
        return self.new(self.decisions.choices(initMutated(self._blank, self.start, mutate, self.mutations)))

    def _child(self) -> IndividualLike:
        size = min(len(self.population), max(2, round(self.share * len(self.population))))
        child = self.clone(max(self.rng.sample(self.population, size), key=attrgetter("fitness")))
        return self.new(self.decisions.choices(self.mutate(child, rng=self.rng)[0]))

    def _update(self, individuals: list[IndividualLike]) -> None:
        self.population = [*self.population, *individuals]
