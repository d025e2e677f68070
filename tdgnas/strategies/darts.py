"""DARTS: gradient descent on one alpha, alternating with the weights, then discretisation.

Source: Liu, Simonyan, Yang 2018, *DARTS: Differentiable Architecture Search*, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from ..decision import Decision
from ..individual import IndividualLike
from ..operators import GradientSource
from ..settings import Count, NotNegative, Positive
from .adam import adam_step
from .base import STRATEGIES
from .decisions import DecisionStrategy

__all__ = ["DARTS", "WeightTrainer"]


@runtime_checkable
class WeightTrainer(Protocol):
    """A gradient source whose weights can learn between the steps of alpha."""

    def weight_step(self, genes: Any, *, seed: int) -> None:
        """Take one step of the weights at the given alpha, shape (genes,), on training images drawn by
        ``seed``."""


@STRATEGIES.register("darts")
class DARTS(DecisionStrategy):
    """One alpha-vector that follows its gradient; each generation takes ``steps`` of them and then evaluates
    it.

    Whether the gradient is of first or second order is the source's affair (see ``SupernetGradients``). A
    source that has ``weight_step`` learns between alpha's steps, first alpha and then the weights. Decoding
    the individual discretises it: gates above one half, the likeliest of K choices.

    :param decisions: ``space.decisions``.
    :param source: gives ``alpha_gradients(genes, seed=...)``, such as a supernet.
    :param steps: of alpha per generation.
    :param lr: learning rate of alpha.
    :param optimizer: ``adam`` (betas 0.5 and 0.999) or ``sgd``.
    :param weight_decay: adds weight_decay * alpha to the gradient.
    :param start: alpha to begin with; 1e-3 * N(0, 1) when None.
    :param select: whether the search settles on the ``last`` alpha, as published, or the ``best`` one
        evaluated.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    needs_gradients: ClassVar[bool] = True
    keeps = ("alpha", "moments", "taken")  # the weights are the source's to save

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        source: GradientSource,
        steps: Count = 10,
        lr: Positive = 3e-3,
        optimizer: Literal["adam", "sgd"] = "adam",
        weight_decay: NotNegative = 0.0,
        start: Sequence[float] | None = None,
        select: Literal["last", "best"] = "last",
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        if not isinstance(source, GradientSource):
            raise TypeError(
                f"source must have alpha_gradients(genes, seed=...), as a supernet has; got {source!r}"
            )
        self.source, self.steps, self.lr, self.weight_decay = source, steps, lr, weight_decay
        self.optimizer, self.recommends = optimizer, select
        length = self.decisions.length
        drawn = [1e-3 * self.rng.gauss(0.0, 1.0) for _ in range(length)] if start is None else list(start)
        if len(drawn) != length:
            raise ValueError(f"start has {len(drawn)} genes; the decisions have {length}")
        self.alpha = np.array(drawn, dtype=np.float64)
        self.moments = np.zeros((2, length))
        self.taken = 0

    def _generate(self) -> list[IndividualLike]:
        if self.generation > 0:
            for _ in range(self.steps):
                self._step()
        return [self._blank(self.alpha.tolist())]

    def _step(self) -> None:
        gradient = np.asarray(self.source.alpha_gradients(self.alpha[None], seed=self.rng.getrandbits(32)))[0]
        gradient = gradient + self.weight_decay * self.alpha
        if not np.isfinite(gradient).all():
            raise FloatingPointError(
                f"alpha's gradient is not finite after {self.taken} steps; lower the learning rate"
            )
        self.taken += 1
        if self.optimizer == "sgd":
            self.alpha = self.alpha - self.lr * gradient
        else:
            step, self.moments = adam_step(gradient, self.moments, self.taken, betas=(0.5, 0.999))
            self.alpha = self.alpha - self.lr * step
        if isinstance(self.source, WeightTrainer):
            self.source.weight_step(self.alpha, seed=self.rng.getrandbits(32))
