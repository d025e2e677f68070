"""Regularised evolution with a predictor: of many children, the one that looks best is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Literal

import numpy as np

from ...decision import Decision
from ...individual import IndividualLike
from ...settings import Count, Share
from ..base import STRATEGIES
from .forest import ForestModel
from .gp import ChoiceGP
from .model import Array, Model
from .search import PredictedSearch, Row

__all__ = ["PredictedAging"]


@STRATEGIES.register("aging-predicted")
class PredictedAging(PredictedSearch):
    """Aging evolution (:class:`AgingEvolution`) of whose children only those of the best predicted mean are evaluated.

    :param decisions: ``space.decisions``.
    :param model: ``gp``, a :class:`ChoiceGP` as of ``tdga-gp``, or ``forest``, a :class:`ForestModel`.
    :param sample: individuals drawn with replacement for the tournament of each child.
    :param initial: random architectures to begin with.
    :param population: length of the queue; the oldest leaves.
    :param offspring: children from which the evaluated ones are chosen.
    :param redraw: probability that a candidate is a child; else it is random.
    :param given: ``batch``, ``memory`` of :class:`PredictedSearch`; ``rng`` and ``fitness``, see
        :class:`DecisionStrategy`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        model: Literal["gp", "forest"] = "gp",
        sample: Count = 10,
        initial: Count = 10,
        population: Count = 30,
        offspring: Count = 20,
        redraw: Share = 1.0,
        **given: Any,
    ) -> None:
        self.kind, self.sample = model, sample
        given |= {"initial": initial, "population": population, "offspring": offspring, "redraw": redraw}
        super().__init__(decisions, **given)

    def _model(self) -> Model:
        if self.kind == "forest":
            return ForestModel(self.decisions.sizes, self.rng)
        return ChoiceGP(0.7 ** min(1.0, 6 / len(self.decisions)))  # as in tdga-gp

    def _vary(self) -> Row:
        drawn = [self.population[self.rng.randrange(len(self.population))] for _ in range(self.sample)]
        parent = self.decisions.choices(max(drawn, key=attrgetter("fitness")))
        return self.decisions.neighbour(parent, self.rng)

    def _survivors(self, pool: list[IndividualLike]) -> list[IndividualLike]:
        return pool[-self.size :]

    def _choose(self, candidates: list[Row], mean: Array, deviation: Array) -> list[Row]:
        return [candidates[place] for place in np.argsort(-mean, kind="stable")[: self.batch]]
