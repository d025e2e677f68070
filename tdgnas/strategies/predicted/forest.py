"""A random forest on choices, and the search of SMAC's form that asks for the greatest expected improvement.

Sources: Hutter, Hoos, Leyton-Brown 2011, *Sequential Model-Based Optimization for General Algorithm Configuration*;
Lindauer et al. 2022, *SMAC3*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy  # which imports its parts when they are used

from ...decision import Choices, Decision
from ...settings import Count, Share
from ..base import STRATEGIES
from .model import Array, Model, one_hot
from .search import PredictedSearch, Row

__all__ = ["ForestModel", "ForestSearch"]


class ForestModel(Model):
    """A random forest on one-hot choices; the deviation is that of its trees.

    :param sizes: number of choices of each decision.
    :param rng: seeds each forest.
    :param trees: in the forest; each is grown to the end on a bootstrap sample and looks at all features.
    """

    def __init__(self, sizes: Sequence[int], rng: Any, trees: int = 10) -> None:
        super().__init__()
        self.sizes, self.rng, self.trees = tuple(sizes), rng, trees

    def _predict(self, targets: Array, candidates: Choices) -> tuple[Array, Array]:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(self.trees, random_state=self.rng.getrandbits(32))
        forest.fit(one_hot(self.sizes, self.choices), targets)
        features = one_hot(self.sizes, candidates).astype(np.float32)
        each = np.stack([tree.predict(features) for tree in forest.estimators_])
        return each.mean(axis=0), each.std(axis=0)


@STRATEGIES.register("random-forest")
class ForestSearch(PredictedSearch):
    """Bayesian optimisation with a random forest and expected improvement, SMAC's form.

    As SMAC3 for hyperparameters, with 10 trees. Other than there, the acquisition is maximised over ``offspring``
    candidates, most of them neighbours of the best ten, instead of by local searches and thousands of random ones; the
    first architectures are uniformly random instead of a Sobol sequence; targets are ranks instead of logarithms; and
    no evaluation is given away at random: ``explore=0.2, redraw=0.5`` is nearer to SMAC3 and clearly worse on
    NAS-Bench-201's validation signal. See :class:`PredictedSearch` for what both share.

    :param decisions: ``space.decisions``.
    :param trees: in the forest.
    :param explore: probability that an evaluation goes to a random one of the candidates.
    :param initial: random architectures to begin with.
    :param population: how many of the best evaluated so far have neighbours among the candidates.
    :param offspring: candidates for each generation.
    :param redraw: probability that a candidate is a neighbour; else it is random.
    :param given: ``batch``, ``memory`` of :class:`PredictedSearch`; ``rng`` and ``fitness``, see
        :class:`DecisionStrategy`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        trees: Count = 10,
        explore: Share = 0.0,
        initial: Count = 10,
        population: Count = 10,
        offspring: Count = 200,
        redraw: Share = 0.9,
        **given: Any,
    ) -> None:
        self.trees, self.explore = trees, explore
        given |= {"initial": initial, "population": population, "offspring": offspring, "redraw": redraw}
        super().__init__(decisions, **given)

    def _model(self) -> ForestModel:
        return ForestModel(self.decisions.sizes, self.rng, self.trees)

    def _choose(self, candidates: list[Row], mean: Array, deviation: Array) -> list[Row]:
        gains = expected_improvement(mean, deviation, float(self.targets().max()))
        left = np.argsort(-gains, kind="stable").tolist()
        chosen = []
        for _ in range(min(self.batch, len(left))):
            at_random = self.rng.random() < self.explore
            chosen.append(candidates[left.pop(self.rng.randrange(len(left)) if at_random else 0)])
        return chosen


def expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return by how much more than ``best`` is to be expected, where less counts as nothing.

    Source: Jones, Schonlau, Welch 1998, equation 15.
    """
    above, norm = mean - best, scipy.stats.norm
    with np.errstate(divide="ignore", invalid="ignore"):
        z = above / deviation
        gains = above * norm.cdf(z) + deviation * norm.pdf(z)
    return np.where(deviation > 0, gains, np.maximum(above, 0.0))
