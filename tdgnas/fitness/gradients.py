"""Gradients of alpha from a supernet, with their cost counted."""

from __future__ import annotations

import random
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..descent import TrainingDiverged, descend
from ..supernet import Supernet

Array = npt.NDArray[np.float64]


class SupernetGradients:
    """What gradient searches ask of a supernet; image passes go to its budget, forward and backward counting 3.

    First order takes the weights as they are; second order looks one step of the weights ahead (Liu et al.
    2018, eq. 7), which takes four times the passes.

    :param supernet: made with data.
    :param order: 1 or 2.
    :param batch_size: of validation images, and of training images where they are needed.
    :param lr: learning rate of the weights: the look-ahead's xi, and that of ``weight_step`` (SGD).
    :param momentum: of the weights.
    :param weight_decay: of the weights.
    :param clip: largest norm of the gradient of ``weight_step``; None for no limit.
    :raises ValueError: for a supernet without data, or another order.
    """

    def __init__(
        self,
        supernet: Supernet,
        *,
        order: Literal[1, 2] = 1,
        batch_size: int = 64,
        lr: float = 0.025,
        momentum: float = 0.9,
        weight_decay: float = 3e-4,
        clip: float | None = 5.0,
    ) -> None:
        if supernet.data is None:
            raise ValueError("this supernet has no data; make it with Supernet(space, data) for gradients")
        if order not in (1, 2):
            raise ValueError(f"order is {order!r}; it must be 1 (first order) or 2 (second order)")
        self.supernet, self.data = supernet, supernet.data
        self.order, self.batch_size, self.lr, self.clip = order, batch_size, lr, clip
        weights = [weight for weight in supernet.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.SGD(weights, lr, momentum=momentum, weight_decay=weight_decay)

    def alpha_gradients(self, genes: Array, *, seed: int) -> Array:
        """Return the gradient of the validation loss for every row of genes, on images drawn by ``seed``."""
        if self.order == 1:
            return self.supernet.alpha_gradients(genes, seed, self.batch_size)
        return self.supernet.alpha_gradients(
            genes, seed, self.batch_size, xi=self.lr, optimiser=self.optimiser
        )

    def _alpha(self, row: Array) -> Tensor:
        return torch.tensor(row, dtype=self.supernet.alpha.dtype, device=self.supernet.device)


class TrainingGradients(SupernetGradients):
    """Gradients of alpha from a supernet whose weights learn between them: DARTS proper.

    Takes the same parameters as :class:`SupernetGradients`.
    """

    def weight_step(self, genes: Array, *, seed: int) -> None:
        """Take one step of the weights on the relaxed network of ``genes``, on training images drawn by
        ``seed``."""
        images, labels = self.data.train.drawn(self.batch_size, random.Random(seed))
        with self.supernet.learning():
            logits = self.supernet.relaxed(images, self._alpha(genes).unsqueeze(0))
        loss = self.supernet.task.losses(logits, labels)[0]
        descend(loss, self.optimiser, self.clip, TrainingDiverged("training the weights of DARTS"))
        self.supernet.budget.count(passes=3 * len(labels), cause="weights")
