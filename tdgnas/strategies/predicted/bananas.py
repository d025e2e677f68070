"""BANANAS: an ensemble of small networks on an encoding of the architecture, and independent Thompson sampling.

Source: White, Neiswanger, Savani 2021, *BANANAS: Bayesian Optimization with Neural Architectures for Neural
Architecture Search*, algorithm 1; numbers of the authors' code where the paper leaves them open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...decision import Choices, Decision
from ...settings import Count, Positive, Share
from ..base import STRATEGIES
from .model import Array, Model, one_hot
from .search import PredictedSearch, Row

__all__ = ["Bananas", "EnsembleModel"]

Encode = Callable[[Sequence[int]], Sequence[float]]


class EnsembleModel(Model):
    """Feedforward networks, trained anew for each prediction; the deviation is that among them.

    All are trained at once, as batched matrix products: ReLU layers of equal width, the mean absolute error, Adam with
    betas 0.9 and 0.99, batches of 32, Glorot's uniform initial weights, each with its own order of the data.

    :param encode: numbers of choices.
    :param rng: seeds each ensemble.
    :param networks: in the ensemble.
    :param layers: hidden layers.
    :param width: units of each.
    :param epochs: of the training.
    :param lr: learning rate.
    """

    def __init__(
        self, encode: Encode, rng: Any, *, networks: int, layers: int, width: int, epochs: int, lr: float
    ) -> None:
        super().__init__()
        self.encode, self.rng = encode, rng
        self.networks, self.layers, self.width, self.epochs, self.lr = networks, layers, width, epochs, lr

    def _features(self, choices: Choices) -> Tensor:
        return torch.tensor([list(self.encode(row)) for row in choices.tolist()])

    def _predict(self, targets: Array, candidates: Choices) -> tuple[Array, Array]:
        generator = torch.Generator().manual_seed(self.rng.getrandbits(32))
        known, wanted = self._features(self.choices), torch.tensor(targets, dtype=torch.float32)
        sizes = [known.shape[1], *[self.width] * self.layers, 1]
        weights = [self._glorot(a, b, generator) for a, b in pairwise(sizes)]
        biases = [torch.zeros(self.networks, 1, b, requires_grad=True) for b in sizes[1:]]
        adam = torch.optim.Adam([*weights, *biases], lr=self.lr, betas=(0.9, 0.99), foreach=True)
        for _ in range(self.epochs):
            orders = torch.rand(self.networks, len(known), generator=generator).argsort(dim=1)
            for batch in torch.split(orders, 32, dim=1):
                error = (_forward(known[batch], weights, biases) - wanted[batch]).abs().mean(dim=1).sum()
                adam.zero_grad()
                error.backward()  # type: ignore[no-untyped-call]
                adam.step()
        with torch.no_grad():
            every = self._features(candidates).expand(self.networks, -1, -1)
            each = _forward(every, weights, biases).double().numpy()
        return each.mean(axis=0), each.std(axis=0)

    def _glorot(self, inputs: int, outputs: int, generator: torch.Generator) -> Tensor:
        bound = (6 / (inputs + outputs)) ** 0.5
        drawn = torch.rand(self.networks, inputs, outputs, generator=generator)
        return nn.Parameter((2 * drawn - 1) * bound)


def _forward(x: Tensor, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Tensor:
    """Return the outputs of all networks, shape (networks, rows)."""
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        x = torch.baddbmm(bias, x, weight).relu()
    return torch.baddbmm(biases[-1], x, weights[-1])[..., 0]


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
        return EnsembleModel(self.encode or self._one_hot, self.rng, **self.shape)

    def _one_hot(self, choices: Sequence[int]) -> list[float]:
        found: list[float] = one_hot(self.decisions.sizes, np.array([choices]))[0].tolist()
        return found

    def _vary(self) -> Row:
        found = list(self.decisions.choices(self.population[self.rng.randrange(len(self.population))]))
        for place, size in enumerate(self.decisions.sizes):
            if self.rng.random() < 1 / len(found):
                found[place] = self.rng.randrange(size)
        return tuple(found)

    def _choose(self, candidates: list[Row], mean: Array, deviation: Array) -> list[Row]:
        drawn = [self.rng.gauss(m, s) for m, s in zip(mean.tolist(), deviation.tolist(), strict=True)]
        ranked = sorted(zip(drawn, candidates, strict=True), reverse=True)
        return [choices for _, choices in ranked[: self.batch]]
