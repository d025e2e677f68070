"""NSGA-II over error, size and more, as a (mu + lambda) strategy.

Source: Deb, Pratap, Agarwal, Meyarivan 2002, *A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II*.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, ClassVar

from deap import base, tools

from ..decision import Decision
from ..individual import IndividualLike, fitness_of
from ..operators import cxDecision, mutChoice
from ..settings import Count, Share
from .base import STRATEGIES
from .decisions import AskingOnce, drawing_from

__all__ = ["NSGA2"]

_TWO_LOSSES = fitness_of(-1.0, -1.0)


@STRATEGIES.register("nsga2")
class NSGA2(AskingOnce):
    """Non-dominated sorting with crowding distance; whole decisions are crossed and redrawn.

    The evaluation returns two values or more, see :class:`tdgnas.fitness.WithObjectives`. ``best`` is the best by the
    first one. A child whose architecture was asked for before is mutated on until it is new, see :class:`Unseen`.

    :param decisions: ``space.decisions``.
    :param mu: parents.
    :param lambda_: children per generation.
    :param cxpb: probability that a pair of parents is crossed.
    :param indpb: probability that the mutation redraws a decision; 1 / decisions when None.
    :param fitness: class of the individuals' fitness, of two values or more.
    :param given: ``repeat`` and ``rng``, see :class:`AskingOnce`.
    """

    objectives: ClassVar[int] = 2
    several: ClassVar[bool] = True

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        mu: Count = 20,
        lambda_: Count = 20,
        cxpb: Share = 0.8,
        indpb: Share | None = None,
        fitness: type[base.Fitness] = _TWO_LOSSES,
        **given: Any,
    ) -> None:
        super().__init__(decisions, fitness=fitness, **given)
        self.indpb = 1 / len(self.decisions) if indpb is None else indpb
        self.mu, self.lambda_, self.cxpb = mu, lambda_, cxpb

    def _generate(self) -> list[IndividualLike]:
        if self.generation == 0:
            return [self.new(self.decisions.sample(self.rng)) for _ in range(self.mu)]
        with drawing_from(self.rng):
            children: list[IndividualLike] = []
            while len(children) < self.lambda_:
                children.extend(self._pair())
        return children[: self.lambda_]

    def _pair(self) -> list[IndividualLike]:
        pair = [self.clone(self._parent()) for _ in range(2)]
        if random.random() < self.cxpb:
            cxDecision(*pair, slices=self.decisions.slices)
        for child in pair:
            mutChoice(child, slices=self.decisions.slices, indpb=self.indpb)
            del child.fitness.values
            if self.unseen is not None:
                self.unseen.renew(child)
        return pair

    def _parent(self) -> IndividualLike:
        first, second = (self.population[random.randrange(len(self.population))] for _ in range(2))
        if second.fitness.dominates(first.fitness):
            return second
        if first.fitness.dominates(second.fitness):
            return first
        return max(first, second, key=lambda individual: individual.fitness.crowding_dist)

    def _update(self, individuals: list[IndividualLike]) -> None:
        # nd="log" is about a hundred times faster than the default and sorts the same.
        self.population = tools.selNSGA2([*self.population, *individuals], self.mu, nd="log")
        self._crowd()

    def _crowd(self) -> None:
        # Distances among the survivors alone, so that they can be computed again when a state is loaded.
        tools.selNSGA2(self.population, len(self.population), nd="log")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        if self.population:
            self._crowd()

    def front(self) -> list[IndividualLike]:
        """Return the individuals of the present population that none of it dominates."""
        return list(tools.sortLogNondominated(self.population, len(self.population), first_front_only=True))
