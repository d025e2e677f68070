"""How one network is trained: every number of it, checked when it is written down."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..data import Augment

__all__ = ["Recipe", "darts_cifar10", "vgg_cifar10"]

SCHEDULES = ("constant", "cosine", "step")
OPTIMIZERS = ("sgd", "adam")


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of training from scratch.

    :param epochs: passes over the training split.
    :param batch_size: images per step.
    :param lr: learning rate after the warm-up.
    :param momentum: of SGD; for Adam it is not used.
    :param nesterov: Nesterov's momentum.
    :param weight_decay: L2 penalty on all weights.
    :param schedule: ``constant``; ``cosine``, from lr to ``min_lr``; ``step``, times ``gamma`` at milestones.
    :param min_lr: where the cosine ends.
    :param milestones: epochs, counted from 0, at whose start the step schedule falls.
    :param gamma: factor of the step schedule.
    :param warmup: epochs over which the learning rate rises linearly from about 0.
    :param clip: largest norm of the gradient over all weights; None leaves it.
    :param augment: random changes of the training images.
    :param label_smoothing: share of the target spread over all classes.
    :param optimizer: ``sgd`` or ``adam``.
    :param amp: bfloat16 where it is safe, on CUDA only; elsewhere it is float32 all the same.
    :param channels_last: memory layout that convolutions prefer; changes speed and rounding only.
    :param aux_weight: weight of the auxiliary loss of a network that returns ``(logits, auxiliary logits)``.
    :param ema: decay of a moving average of the weights, which is then what is evaluated; None keeps none.
    :param with_valid: learn from the validation images too, for a final training whose choices are all made. Nothing
        is held out then but the test set, and no validation figures are reported.
    :raises ValueError: for a value outside its range.
    """

    epochs: int
    batch_size: int
    lr: float
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: str = "constant"
    min_lr: float = 0.0
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    warmup: int = 0
    clip: float | None = None
    augment: Augment = field(default_factory=Augment)
    label_smoothing: float = 0.0
    optimizer: str = "sgd"
    amp: bool = False
    channels_last: bool = False
    aux_weight: float = 0.0
    ema: float | None = None
    with_valid: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))  # lists come from JSON and TOML
        self._check_numbers()
        self._check_choices()

    def _check_numbers(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("warmup", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {least}")
        for name, value, good, range_ in (
            ("lr", self.lr, self.lr > 0, "above 0"),
            ("momentum", self.momentum, 0 <= self.momentum < 1, "in [0, 1)"),
            ("weight_decay", self.weight_decay, self.weight_decay >= 0, "at least 0"),
            ("min_lr", self.min_lr, 0 <= self.min_lr <= self.lr, "between 0 and lr"),
            ("gamma", self.gamma, self.gamma > 0, "above 0"),
            ("clip", self.clip, self.clip is None or self.clip > 0, "above 0, or None"),
            ("label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "in [0, 1)"),
            ("aux_weight", self.aux_weight, self.aux_weight >= 0, "at least 0"),
            ("ema", self.ema, self.ema is None or 0 < self.ema < 1, "between 0 and 1, or None"),
        ):
            if not good or (value is not None and not math.isfinite(value)):
                raise ValueError(f"{name} is {value}; it must be {range_}")
        if self.warmup >= self.epochs:
            raise ValueError(
                f"warmup is {self.warmup} of {self.epochs} epochs; it must be shorter than the training"
            )

    def _check_choices(self) -> None:
        for name, value, known in (
            ("schedule", self.schedule, SCHEDULES),
            ("optimizer", self.optimizer, OPTIMIZERS),
        ):
            if value not in known:
                raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(known)}")
        if (self.schedule == "step") != bool(self.milestones):
            raise ValueError(
                f"schedule is {self.schedule!r} with milestones {self.milestones}; "
                "milestones belong to the step schedule, which needs at least one"
            )
        if list(self.milestones) != sorted(set(self.milestones)) or min(self.milestones, default=1) < 1:
            raise ValueError(f"milestones are {self.milestones}; they must be rising epochs from 1 on")
        if self.nesterov and (self.optimizer != "sgd" or self.momentum == 0):
            raise ValueError("nesterov needs optimizer='sgd' and a momentum above 0")
        if not isinstance(self.augment, Augment):
            raise ValueError(f"augment is {self.augment!r}; it must be a tdgnas.data.Augment")

    def learning_rate(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """The learning rate of one step, a pure function of where it stands.

        >>> recipe = Recipe(epochs=3, batch_size=8, lr=1.0, schedule="step", milestones=(1, 2), gamma=0.5)
        >>> recipe.learning_rate(2)
        0.25

        :param epoch: counted from 0.
        :param step: step within the epoch, counted from 0.
        :param steps: steps of one epoch. The cosine moves with every step; at step 0 of each epoch it has the
            value of a cosine that moves once an epoch.
        """
        if epoch < self.warmup:
            return self.lr * (epoch * steps + step + 1) / (self.warmup * steps)
        if self.schedule == "cosine":
            done = (epoch + step / steps - self.warmup) / (self.epochs - self.warmup)
            return self.min_lr + (self.lr - self.min_lr) * (1 + math.cos(math.pi * done)) / 2
        if self.schedule == "step":
            return self.lr * float(self.gamma ** sum(milestone <= epoch for milestone in self.milestones))
        return self.lr


def vgg_cifar10(epochs: int = 150) -> Recipe:
    """Retraining of VGG19 with shortcuts on CIFAR-10, as published; the rate falls at 2/3 of the epochs.

    >>> vgg_cifar10().milestones
    (100,)
    """
    return Recipe(
        epochs=epochs,
        batch_size=64,
        lr=0.009,
        momentum=0.9,
        schedule="step",
        milestones=(max(1, round(epochs * 2 / 3)),),
        gamma=0.234,
        augment=Augment(crop=4, flip=True),
    )


def darts_cifar10(epochs: int = 600) -> Recipe:
    """Final training of DARTS cells on CIFAR-10 (Liu et al. 2018); drop-path belongs to the network."""
    return Recipe(
        epochs=epochs,
        batch_size=96,
        lr=0.025,
        momentum=0.9,
        weight_decay=3e-4,
        schedule="cosine",
        clip=5.0,
        augment=Augment(crop=4, flip=True, cutout=16),
        aux_weight=0.4,
    )
