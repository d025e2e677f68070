"""A plain genetic algorithm on alpha-vectors, of DEAP's stock operators: the control for TDGA."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from deap import tools

from ..decision import Decision
from .base import STRATEGIES
from .checks import check_counts, check_rates
from .decisions import DecisionStrategy, drawing_from


@STRATEGIES.register("ga")
class GA(DecisionStrategy):
    """Tournament selection, uniform crossover, Gaussian mutation; the best individuals are kept.

    The published settings: 15 individuals, 20 generations, genes uniform in -1 to 1 at first.

    :param decisions: ``space.decisions``.
    :param population: individuals.
    :param cxpb: probability that a pair is crossed.
    :param mutpb: probability that an individual is mutated.
    :param indpb: probability of each gene, in mutation.
    :param sigma: standard deviation of the mutation.
    :param tournament: individuals per tournament.
    :param elite: how many of the best pass unchanged.
    :param options: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: int = 15,
        cxpb: float = 0.8,
        mutpb: float = 0.2,
        indpb: float = 0.2,
        sigma: float = 0.2,
        tournament: int = 3,
        elite: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(decisions, **options)
        check_counts(population=population, tournament=tournament)
        check_rates(cxpb=cxpb, mutpb=mutpb, indpb=indpb)
        if not (0 <= elite <= population and sigma >= 0):
            raise ValueError(
                f"elite is {elite} and sigma {sigma}; elite lies in 0 to {population}, sigma is >= 0"
            )
        self.size, self.tournament, self.elite = population, tournament, elite
        self.cxpb, self.mutpb, self.indpb, self.sigma = cxpb, mutpb, indpb, sigma

    def _generate(self) -> list[Any]:
        if self.generation == 0:
            draw, length = self.rng.uniform, self.decisions.length
            return [self._blank([draw(-1.0, 1.0) for _ in range(length)]) for _ in range(self.size)]
        with drawing_from(self.rng):
            return self._offspring()

    def _offspring(self) -> list[Any]:
        best = [self.clone(individual) for individual in tools.selBest(self.population, self.elite)]
        chosen = tools.selTournament(self.population, self.size - self.elite, tournsize=self.tournament)
        children = [self.clone(individual) for individual in chosen]
        for first, second in zip(children[::2], children[1::2], strict=False):
            if random.random() < self.cxpb:
                tools.cxUniform(first, second, indpb=0.5)
                del first.fitness.values, second.fitness.values
        for child in children:
            if random.random() < self.mutpb:
                tools.mutGaussian(child, mu=0.0, sigma=self.sigma, indpb=self.indpb)
                del child.fitness.values
        return [*best, *children]

    def _update(self, individuals: list[Any]) -> None:
        self.population = individuals
