"""A plain genetic algorithm over decisions: the control for TDGA."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from deap import tools

from ..decision import Decision
from ..individual import Individual, IndividualLike
from ..operators import cxDecision, mutChoice
from ..settings import Count, Natural, Share
from .base import STRATEGIES
from .decisions import AskingOnce, drawing_from

__all__ = ["GA"]


@STRATEGIES.register("ga")
class GA(AskingOnce):
    """Tournament selection; whole decisions are crossed and redrawn; the best individuals are kept.

    A child that was crossed or mutated and whose architecture was asked for before has one decision after the other
    redrawn until it is new, or is drawn at random after 50 of these (see :class:`Unseen`).

    :param decisions: ``space.decisions``.
    :param population: individuals.
    :param cxpb: probability that a pair is crossed.
    :param mutpb: probability that an individual is mutated.
    :param indpb: probability that the mutation redraws a decision; 1 / decisions where none.
    :param tournament: individuals per tournament.
    :param elite: how many of the best pass unchanged.
    :param given: ``repeat``, ``rng`` and ``fitness``, see :class:`AskingOnce`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: Count = 15,
        cxpb: Share = 0.8,
        mutpb: Share = 0.2,
        indpb: Share | None = None,
        tournament: Count = 3,
        elite: Natural = 1,
        **given: Any,
    ) -> None:
        if elite > population:
            raise ValueError(f"elite is {elite}; it lies in 0 to {population}, the population")
        super().__init__(decisions, **given)
        self.size, self.tournament, self.elite = population, tournament, elite
        self.cxpb, self.mutpb = cxpb, mutpb
        self.indpb = 1 / len(self.decisions) if indpb is None else indpb

    def _generate(self) -> list[IndividualLike]:
        if self.generation == 0:
            return [self.new(self._sampled()) for _ in range(self.size)]
        with drawing_from(self.rng):
            return self._offspring()

    def _sampled(self) -> Sequence[int]:
        return self.decisions.sample(self.rng)

    def _mate(self, first: Individual, second: Individual) -> None:
        cxDecision(first, second, slices=self.decisions.slices)

    def _mutate(self, child: Individual) -> None:
        mutChoice(child, slices=self.decisions.slices, indpb=self.indpb)

    def _offspring(self) -> list[IndividualLike]:
        best = [self.clone(individual) for individual in tools.selBest(self.population, self.elite)]
        chosen = tools.selTournament(self.population, self.size - self.elite, tournsize=self.tournament)
        children = [self.clone(individual) for individual in chosen]
        for first, second in zip(children[::2], children[1::2], strict=False):
            if random.random() < self.cxpb:
                self._mate(first, second)
                del first.fitness.values, second.fitness.values
        for child in children:
            if random.random() < self.mutpb:
                self._mutate(child)
                del child.fitness.values
            if self.unseen is not None and not child.fitness.valid:
                self.unseen.renew(child)
        return [*best, *children]
