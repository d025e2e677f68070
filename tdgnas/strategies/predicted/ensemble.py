"""An ensemble of small networks that predicts from an encoding of the architecture, as BANANAS has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ...decision import Choices
from .model import Array, Model

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
