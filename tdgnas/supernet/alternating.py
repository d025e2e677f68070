"""Training the shared weights during the search, on the networks that it proposes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field, StrictBool, model_validator

from ..descent import TrainingDiverged, descend
from ..settings import Count, Decay, Images, Number, Rate, Section, checked

if TYPE_CHECKING:
    from .supernet import Supernet

_WHAT = "training the weights during the search"


class WeightSettings(Section):
    """How the weights learn, where a strategy trains them on during the search (SGD).

    ENAS' macro search has ``lr`` 0.05, ``lr_min`` 0.0005, ``restart`` 10, ``nesterov``, ``weight_decay`` 2.5e-4 and
    ``batch_size`` 128.
    """

    lr: Rate = Field(0.005, description="learning rate")
    lr_min: Number = Field(0.0, ge=0, description="where each cosine ends, with restarts")
    restart: Count | None = Field(
        None, description="epochs until a cosine begins anew, doubled each time; a constant rate where none"
    )
    momentum: Number = Field(0.9, ge=0, lt=1, description="of SGD")
    nesterov: StrictBool = Field(False, description="Nesterov's momentum")
    weight_decay: Decay = Field(3e-4, description="of the weights")
    steps: Count = Field(4, description="steps each time, where a strategy does not say how many")
    batch_size: Images = Field(64, description="training images per step")

    @model_validator(mode="after")
    def _fits(self) -> WeightSettings:
        if self.lr_min > self.lr:
            raise ValueError(f"lr_min ({self.lr_min:g}) is larger than lr ({self.lr:g})")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum")
        return self


class WeightTraining:
    """Steps of SGD on the weights, each on the discrete network of one individual; BatchNorm takes the batch's
    statistics.

    Register it as ``toolbox.register("train", WeightTraining(supernet))``; :class:`TDGA` then calls it before each
    generation and evaluates everybody anew, since the weights have changed. :class:`Enas` calls it with architectures
    of its own.

    :param supernet: trained in place; made with data.
    :param rng: source of the draws; Python's :mod:`random` when None.
    :param settings: those of :class:`WeightSettings`.
    :ivar epoch: steps of one pass over the training data.
    :raises ValueError: when the supernet has no data, or a number is impossible.
    """

    def __init__(self, supernet: Supernet, *, rng: random.Random | None = None, **settings: Any) -> None:
        if supernet.data is None:
            raise ValueError("weight training needs data; make the supernet with Supernet(space, data)")
        self.supernet, self.rng = supernet, rng
        self.settings = own = checked(WeightSettings, settings)
        self.batch_size = min(own.batch_size, len(supernet.data.train))
        self.epoch = math.ceil(len(supernet.data.train) / self.batch_size)
        self.taken = 0
        weights = [parameter for parameter in supernet.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.SGD(
            weights, own.lr, momentum=own.momentum, weight_decay=own.weight_decay, nesterov=own.nesterov
        )

    def __call__(self, population: Sequence[Sequence[float]], *, each: bool = False) -> None:
        """Train; individuals are only read.

        :param population: individuals.
        :param each: take one step on each of them in turn, instead of ``steps`` on individuals drawn from them.
        :raises TrainingDiverged: when the loss is no longer finite.
        """
        for step in range(len(population) if each else self.settings.steps):
            data = self.supernet.data
            assert data is not None
            images, labels = data.train.drawn(self.batch_size, self.rng)
            individual = population[step] if each else (self.rng or random).choice(population)
            architecture = self.supernet.decode(individual)
            with self.supernet.learning():
                logits = self.supernet.discrete(images, architecture)
            loss = self.supernet.task.losses(logits.unsqueeze(0), labels)[0]
            self.optimiser.param_groups[0]["lr"] = rate = self.rate(self.taken / self.epoch)
            advice = f"lower lr (now {rate:g}; in a run's configuration fitness.weights.lr)"
            descend(loss, self.optimiser, None, TrainingDiverged(_WHAT, step=step + 1, advice=advice))
            self.supernet.budget.count(passes=3 * len(labels), cause="weights")
            self.taken += 1

    def rate(self, epoch: float) -> float:
        """Return the learning rate after so many passes over the data (Loshchilov and Hutter 2017, eq. 5)."""
        own = self.settings
        if own.restart is None:
            return own.lr
        length = own.restart
        while epoch >= length:
            epoch, length = epoch - length, 2 * length
        return own.lr_min + (own.lr - own.lr_min) * (1 + math.cos(math.pi * epoch / length)) / 2

    def state_dict(self) -> dict[str, Any]:
        """State of the optimiser; the weights are the supernet's."""
        return {"optimiser": self.optimiser.state_dict(), "taken": self.taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.optimiser.load_state_dict(state["optimiser"])
        self.taken = state["taken"]
