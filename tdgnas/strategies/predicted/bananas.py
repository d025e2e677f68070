"""BANANAS: an ensemble of small networks on an encoding of the architecture, and independent Thompson sampling.

Source: White, Neiswanger, Savani 2021, *BANANAS: Bayesian Optimization with Neural Architectures for Neural
Architecture Search*, algorithm 1; numbers of the authors' code where the paper leaves them open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...decision import Decision
from ...settings import Count, Positive, Share
from ..base import STRATEGIES
from .model import Array, one_hot
from .search import PredictedSearch, Row

__all__ = ["Bananas"]

if TYPE_CHECKING:
    from .ensemble import EnsembleModel

Encode = Callable[[Sequence[int]], Sequence[float]]


@STRATEGIES.register("bananas")
class Bananas(PredictedSearch):
    """BANANAS: candidates around the best architecture, scored by an ensemble, drawn by independent Thompson samples.

    A candidate is the best architecture with each decision redrawn with probability 1 / decisions. Of every candidate a
    number is drawn from a normal distribution with the ensemble's mean and deviation, and the ``batch`` candidates with
    the greatest are evaluated. Other than there, targets are ranks. The encoding is the problem's (``encode``), such as
    the paths of NAS-Bench-201's cell, else one-hot choices. See :class:`PredictedSearch` for what both share.

    :param decisions: ``space.decisions``.
    :param networks: in the ensemble.
    :param layers: hidden layers of a network.
    :param width: units of a layer.
    :param epochs: of training.
    :param lr: learning rate of Adam.
    :param initial: random architectures to begin with.
    :param population: how many of the best evaluated so far have offspring.
    :param offspring: candidates for each generation.
    :param redraw: probability that a candidate comes from a member; else it is random.
    :param batch: how many are evaluated before the ensemble is trained anew.
    :param encode: numbers of choices, see :data:`PROVIDED`.
    :param given: ``memory`` of :class:`PredictedSearch`; ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        networks: Count = 5,
        layers: Count = 10,
        width: Count = 20,
        epochs: Count = 150,
        lr: Positive = 0.01,
        initial: Count = 10,
        population: Count = 1,
        offspring: Count = 100,
        redraw: Share = 1.0,
        batch: Count = 10,
        encode: Encode | None = None,
        **given: Any,
    ) -> None:
        self.encode = encode
        self.shape: dict[str, Any] = {
            "networks": networks,
            "layers": layers,
            "width": width,
            "epochs": epochs,
            "lr": lr,
        }
        own: dict[str, Any] = {
            "population": population,
            "offspring": offspring,
            "redraw": redraw,
            "batch": batch,
        }
        super().__init__(decisions, initial=initial, **own, **given)

    def _model(self) -> EnsembleModel:
        from .ensemble import EnsembleModel  # torch is imported by those who need it

        return EnsembleModel(self.encode or self._one_hot, self.rng, **self.shape)

    def _one_hot(self, choices: Sequence[int]) -> list[float]:
        found: list[float] = one_hot(self.decisions.sizes, np.array([choices]))[0].tolist()
        return found

    def _vary(self) -> Row:
        found = list(self.parents[self.rng.randrange(len(self.parents))])
        for place, size in enumerate(self.decisions.sizes):
            if self.rng.random() < 1 / len(found):
                found[place] = self.rng.randrange(size)
        return tuple(found)

    def _choose(self, candidates: list[Row], mean: Array, deviation: Array) -> list[Row]:
        drawn = [self.rng.gauss(m, s) for m, s in zip(mean.tolist(), deviation.tolist(), strict=True)]
        ranked = sorted(zip(drawn, candidates, strict=True), reverse=True)
        return [choices for _, choices in ranked[: self.batch]]
