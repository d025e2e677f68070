"""Training the shared weights during the search, on the networks of the population."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from ..descent import TrainingDiverged, descend

if TYPE_CHECKING:
    from .supernet import Supernet

_WHAT = "training the weights during the search"


class WeightTraining:
    """A few steps of SGD on the weights, each on the discrete network of one individual drawn from the population.

    Register it as ``toolbox.register("train", WeightTraining(supernet))``; :class:`TDGA` then calls it before each
    generation and evaluates everybody anew, since the weights have changed.

    :param supernet: trained in place; made with data.
    :param lr: learning rate.
    :param momentum: of SGD.
    :param weight_decay: of SGD.
    :param steps: steps per call.
    :param batch_size: training images per step.
    :param rng: source of the draws; Python's :mod:`random` when None.
    :raises ValueError: when the supernet has no data, or a number is impossible.
    """

    def __init__(
        self,
        supernet: Supernet,
        *,
        lr: float = 0.005,
        momentum: float = 0.9,
        weight_decay: float = 3e-4,
        steps: int = 4,
        batch_size: int = 64,
        rng: random.Random | None = None,
    ) -> None:
        if supernet.data is None:
            raise ValueError("weight training needs data; make the supernet with Supernet(space, data)")
        if steps < 1 or batch_size < 2 or not lr > 0:
            raise ValueError(
                f"steps={steps}, batch_size={batch_size}, lr={lr}: all must be positive, the batch 2 or more"
            )
        self.supernet = supernet
        self.steps = steps
        self.batch_size = min(batch_size, len(supernet.data.train))
        weights = [parameter for parameter in supernet.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.SGD(weights, lr, momentum=momentum, weight_decay=weight_decay)
        self.rng = rng

    def __call__(self, population: Sequence[Any]) -> None:
        """Train; individuals are only read.

        :raises TrainingDiverged: when the loss is no longer finite.
        """
        data = self.supernet.data
        assert data is not None
        for step in range(self.steps):
            images, labels = data.train.drawn(self.batch_size, self.rng)
            architecture = self.supernet.decode((self.rng or random).choice(population))
            with self.supernet.learning():
                logits = self.supernet.discrete(images, architecture)
            loss = self.supernet.task.losses(logits.unsqueeze(0), labels)[0]
            rate = self.optimiser.param_groups[0]["lr"]
            advice = f"lower lr (now {rate:g}; in a run's configuration fitness.weight_lr)"
            descend(loss, self.optimiser, None, TrainingDiverged(_WHAT, step=step + 1, advice=advice))
            self.supernet.budget.count(passes=3 * len(labels), cause="weights")

    def state_dict(self) -> dict[str, Any]:
        """State of the optimiser; the weights are the supernet's."""
        return {"optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.optimiser.load_state_dict(state["optimiser"])
