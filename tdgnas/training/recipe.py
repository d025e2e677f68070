"""How one network is trained: every number of it, checked when it is written down."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, StrictBool, model_validator

from ..data import Augment
from ..devices import Precision
from ..settings import Decay, Epochs, Number, Rate, Section, Whole


class Recipe(Section):
    """Hyperparameters of training from scratch.

    The one home of these ranges and defaults: the section ``[retrain]`` of a run's configuration is a subclass.

    :raises pydantic.ValidationError: a ValueError, for a value outside its range.
    """

    epochs: Annotated[int, Field(strict=True, ge=1, le=100_000)] = Field(
        10, description="passes over the training images"
    )
    batch_size: Whole = Field(64, ge=1, description="images per step")
    lr: Rate = Field(0.05, description="learning rate after the warm-up")
    momentum: Number = Field(0.9, ge=0, lt=1, description="of SGD")
    nesterov: StrictBool = Field(False, description="Nesterov's momentum")
    weight_decay: Decay = Field(5e-4, description="L2 penalty on all weights")
    schedule: Literal["constant", "cosine", "step"] = Field(
        "cosine", description="constant; cosine, from lr to min_lr; step, times gamma at milestones"
    )
    min_lr: Number = Field(0.0, ge=0, description="where the cosine ends")
    milestones: list[Whole] = Field(
        default_factory=list, description="epochs, counted from 0, at whose start step falls"
    )
    gamma: Number = Field(0.1, gt=0, description="factor of step")
    warmup: Epochs = Field(
        1, description="epochs over which the rate rises linearly from about 0, at most all but the last"
    )
    clip: Number | None = Field(5.0, gt=0, description="largest norm of the gradient over all weights")
    augment: Augment = Field(default_factory=Augment, description="random changes of the training images")
    label_smoothing: Number = Field(
        0.0, ge=0, lt=1, description="share of the target spread over all classes, where the task knows it"
    )
    optimizer: Literal["sgd", "adam"] = Field("sgd", description="sgd or adam")
    precision: Precision = Field(
        "float32", description="float32; bfloat16 or float16 where torch's autocast takes it for safe"
    )
    accumulate: Whole = Field(
        1,
        ge=1,
        description="parts that a step computes one after another, which saves memory; BatchNorm sees a part",
    )
    channels_last: StrictBool = Field(
        False, description="memory layout that convolutions prefer; changes speed and rounding only"
    )
    aux_weight: Number = Field(
        0.0, ge=0, description="weight of the auxiliary loss of a network that has auxiliary outputs"
    )
    ema: Number | None = Field(
        None, gt=0, lt=1, description="decay of a moving average of the weights, which is then evaluated"
    )
    average_after: Whole | None = Field(
        None,
        ge=1,
        description="epochs without a better validation loss after which the mean of all further weights is evaluated "
        "(the trigger of ASGD)",
    )
    with_valid: StrictBool = Field(
        False, description="learn from the validation images too; only the test set is held out then"
    )

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        if self.min_lr > self.lr:
            raise ValueError(f"min_lr ({self.min_lr:g}) is larger than lr ({self.lr:g})")
        if (self.schedule == "step") != bool(self.milestones):
            raise ValueError(
                f"schedule is {self.schedule!r} with milestones {self.milestones}; "
                "milestones belong to the step schedule, which needs at least one"
            )
        if self.milestones != sorted(set(self.milestones)) or min(self.milestones, default=1) < 1:
            raise ValueError(f"milestones are {self.milestones}; they must be rising epochs from 1 on")
        if self.average_after is not None and (self.with_valid or self.ema is not None):
            raise ValueError(
                "average_after looks at the validation loss and has a mean of its own: leave with_valid and ema"
            )
        if self.nesterov and (self.optimizer != "sgd" or self.momentum == 0):
            raise ValueError("nesterov needs optimizer='sgd' and a momentum above 0")
        return self

    def over(self, epochs: int, **changes: object) -> Recipe:
        """Return the recipe for another number of epochs: its milestones move along.

        >>> vgg_cifar10(150).over(30, lr=0.001).milestones
        [20]

        :param changes: other values by name.
        """
        moved = sorted({max(1, round(each * epochs / self.epochs)) for each in self.milestones})
        return Recipe(**{**self.model_dump(), "epochs": epochs, "milestones": moved, **changes})

    def passes(self, train: int, valid: int) -> int:
        """Sample passes of a whole training that reports on the validation samples after every epoch.

        >>> Recipe(epochs=2).passes(train=100, valid=50)
        700

        :param train: training samples.
        :param valid: validation samples.
        """
        return self.epochs * (3 * (train + valid) if self.with_valid else 3 * train + valid)

    def learning_rate(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """The learning rate of one step, a pure function of where it stands.

        >>> recipe = Recipe(epochs=3, lr=1.0, schedule="step", milestones=[1, 2], gamma=0.5, warmup=0)
        >>> recipe.learning_rate(2)
        0.25

        :param epoch: counted from 0.
        :param step: step within the epoch, counted from 0.
        :param steps: steps of one epoch. The cosine moves with every step; at step 0 of each epoch it has the
            value of a cosine that moves once an epoch.
        """
        warmup = min(self.warmup, self.epochs - 1)
        if epoch < warmup:
            return self.lr * (epoch * steps + step + 1) / (warmup * steps)
        if self.schedule == "cosine":
            done = (epoch + step / steps - warmup) / (self.epochs - warmup)
            return self.min_lr + (self.lr - self.min_lr) * (1 + math.cos(math.pi * done)) / 2
        if self.schedule == "step":
            return self.lr * float(self.gamma ** sum(milestone <= epoch for milestone in self.milestones))
        return self.lr


def vgg_cifar10(epochs: int = 150) -> Recipe:
    """Retraining of VGG19 with shortcuts on CIFAR-10, as published; the rate falls at 2/3 of the epochs.

    >>> vgg_cifar10().milestones
    [100]
    """
    return Recipe(
        epochs=epochs,
        batch_size=64,
        lr=0.009,
        weight_decay=0.0,
        schedule="step",
        milestones=[max(1, round(epochs * 2 / 3))],
        gamma=0.234,
        warmup=0,
        clip=None,
        augment=Augment(crop=4, flip=True),
    )


def darts_cifar10(epochs: int = 600) -> Recipe:
    """Final training of DARTS cells on CIFAR-10 (Liu et al. 2018); drop-path belongs to the network."""
    return Recipe(
        epochs=epochs,
        batch_size=96,
        lr=0.025,
        weight_decay=3e-4,
        warmup=0,
        augment=Augment(crop=4, flip=True, cutout=16),
        aux_weight=0.4,
    )


def darts_text(epochs: int = 8_000) -> Recipe:
    """Final training of recurrent cells (Liu et al. 2018); dropouts and penalties belong to the network."""
    return Recipe(
        epochs=epochs,
        batch_size=64,
        lr=20.0,
        momentum=0.0,
        weight_decay=8e-7,
        schedule="constant",
        warmup=0,
        clip=0.25,
        average_after=5,
    )
