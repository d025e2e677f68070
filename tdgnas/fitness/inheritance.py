"""Weights that children inherit: whose are at hand, and what a child begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..data import Splits
from ..devices import own_noise
from ..spaces import SearchSpace

Weights = dict[str, Tensor]
"""Of a network: its ``state_dict()``."""

Choices = tuple[int, ...]

IMAGES = 64
"""Training images on which the BatchNorm of a new layer is measured."""


class Inheritance:
    """The weights of the networks that were trained or inherited from last, and of the best one; others are dropped.

    Kept for certain are those of the children that were trained together last, and of the best one before and after
    these: which of them wins, a budget that ends among them decides.

    :param space: with ``ancestors`` and ``inherited``.
    :param data: new BatchNorms are measured on its first training images.
    :param keep: networks whose weights are kept.
    :param higher: whether larger values are better.

    :ivar weights: by canonical choices, the one that was used last at the end.
    :ivar passes: image passes that the start of a child took, until they are paid for.
    """

    def __init__(self, space: SearchSpace, data: Splits, keep: int, higher: bool) -> None:
        self.space, self.data, self.keep, self.higher = space, data, keep, higher
        self.weights: dict[Choices, Weights] = {}
        self.best: tuple[float, Choices] | None = None
        self.passes: dict[tuple[Choices, float], int] = {}

    def start(self, child: tuple[Choices, float]) -> Weights | None:
        """Return the first weights of a child; None where no ancestor has any."""
        space: Any = self.space
        choices = child[0]
        # One trained before with less effort is its own ancestor.
        parent = next((one for one in (choices, *space.ancestors(choices)) if one in self.weights), None)
        if parent is None:
            return None
        self.weights[parent] = own = self.weights.pop(parent)
        images = self.data.train.batch(slice(0, IMAGES))[0].cpu()
        with own_noise(0), torch.no_grad():  # fresh weights of new layers are drawn, and then replaced
            found, self.passes[child] = space.inherited(parent, choices, own, images)
        return dict(found)

    def take(
        self, trained: Sequence[tuple[tuple[Choices, float], tuple[float | None, str, Weights | None]]]
    ) -> None:
        """Keep the weights of children that were trained, in their order, and drop old ones."""
        held = {choices for (choices, _), _ in trained} | {one[1] for one in (self.best,) if one}
        for (choices, _), (value, _, weights) in trained:
            if value is None or weights is None:
                continue
            self.weights.pop(choices, None)
            self.weights[choices] = weights
            if self.best is None or (value > self.best[0] if self.higher else value < self.best[0]):
                self.best = value, choices
        old = [one for one in self.weights if one not in held]
        for one in old[: max(0, len(self.weights) - self.keep)]:
            del self.weights[one]

    def state_dict(self) -> dict[str, Any]:
        """The weights, and whose is the best."""
        return {"weights": list(self.weights.items()), "best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.weights = {tuple(choices): weights for choices, weights in state["weights"]}
        self.best = None if state["best"] is None else (state["best"][0], tuple(state["best"][1]))
