"""Train one network from scratch, an epoch at a time: one seed, one result, also after a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data import Batches, Splits
from ..devices import own_noise, pick_device
from .evaluation import evaluate, logits_of
from .recipe import Recipe
from .state import load_training_state, training_state

__all__ = ["EpochRecord", "Training", "TrainingDiverged", "train"]

_ORDER, _AUGMENT, _NOISE = range(3)  # independent streams of one seed
CHECK_EVERY = 50  # steps between looks at the loss on a GPU, where each look waits for the queue


class TrainingDiverged(RuntimeError):
    """The loss became infinite or NaN.

    :ivar epoch: counted from 0.
    :ivar step: step within the epoch, counted from 0; None when only the validation showed it.
    """

    def __init__(self, epoch: int, step: int | None) -> None:
        where = f"epoch {epoch}, " + ("at its validation" if step is None else f"step {step}")
        super().__init__(
            f"the loss is not finite in {where}; lower lr, set clip (5.0, say) or warmup, or check the data"
        )
        self.epoch = epoch
        self.step = step

    def __reduce__(self) -> tuple[type[TrainingDiverged], tuple[int, int | None]]:
        # It comes back from worker processes: made again from its arguments, not from its message.
        return type(self), (self.epoch, self.step)


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: its number from 0, mean losses in nats, accuracies in 0..1, and seconds of wall time.

    There are no validation figures (None) where the recipe trains on the validation images.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float


class Training:
    """Iterator over the epochs of one training; ``next()`` trains an epoch and returns its record.

    Order of the images, augmentation and the network's own noise (dropout) in an epoch are functions of the
    seed and the epoch alone; torch's global generator is put back afterwards. So a training continued from
    :meth:`state_dict` equals one that never stopped, bit for bit on the CPU. ``data.test`` is never read.

    :param network: trained in place; its initial weights are the caller's. It returns logits
        ``(N, classes)`` or, while training, ``(logits, auxiliary logits)``. Where it has a method
        ``start_epoch(epoch, epochs)``, this is called before each epoch (drop-path that rises, for instance).
    :param data: weights learn from ``data.train``, records report ``data.valid``; with ``recipe.with_valid`` weights
        learn from both.
    :param recipe: hyperparameters.
    :param seed: a whole number of at least 0.
    :param device: default: CUDA if there, else the CPU. Network and images are moved to it.
    :raises ValueError: for a bad seed, a device that is not there, or a network without trainable weights.
    :raises TrainingDiverged: by ``next()``, when the loss is not finite.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Splits,
        recipe: Recipe,
        seed: int = 0,
        device: torch.device | str | None = None,
    ) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed is {seed!r}; it must be a whole number of at least 0")
        self.device = pick_device(device)
        self.network = network.to(self.device)
        if recipe.channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.seed = seed
        self.epoch = 0
        self.records: list[EpochRecord] = []
        self.optimizer = _optimizer(self.network, recipe)
        self.averaged = deepcopy(self.network).requires_grad_(False) if recipe.ema is not None else None
        train = data.train.joined(data.valid) if recipe.with_valid else data.train
        self._train = train.to(self.device)
        self._valid = None if recipe.with_valid else data.valid.to(self.device)
        self._classes = len(data.classes)
        self._inside = False

    def __iter__(self) -> Training:
        return self

    def __next__(self) -> EpochRecord:
        if self.epoch >= self.recipe.epochs:
            raise StopIteration
        self._refuse_unfinished("trained on")
        started = time.perf_counter()
        self._inside = True
        train_loss, train_accuracy = self._train_epoch()
        valid_loss, valid_accuracy = self._validate()
        seconds = time.perf_counter() - started
        record = EpochRecord(self.epoch, train_loss, train_accuracy, valid_loss, valid_accuracy, seconds)
        self.records.append(record)
        self.epoch += 1
        self._inside = False
        return record

    def _validate(self) -> tuple[float, float] | tuple[None, None]:
        if self._valid is None:
            return None, None
        loss, accuracy = evaluate(self.evaluated, self._valid, amp=self.recipe.amp)
        if not np.isfinite(loss):
            raise TrainingDiverged(self.epoch, None)
        return loss, accuracy

    @property
    def evaluated(self) -> nn.Module:
        """What the records describe: the moving average where the recipe has one, else the network."""
        return self.network if self.averaged is None else self.averaged

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on: ``{"values": JSON-friendly dict, "tensors": flat dict on the CPU}``.

        :raises RuntimeError: when an epoch broke off and left the weights between two epochs.
        """
        self._refuse_unfinished("saved")
        return training_state(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken; made for a network of the same shape, the same recipe and seed.

        :raises ValueError: when network, recipe or seed differ; it names the difference and changes nothing.
        """
        self.records = [EpochRecord(**record) for record in load_training_state(self, state)]
        self.epoch = len(self.records)
        self._inside = False

    def _refuse_unfinished(self, wish: str) -> None:
        if self._inside:
            raise RuntimeError(
                f"epoch {self.epoch} broke off half-way, so this training cannot be {wish}; "
                "load the state that was saved before it"
            )

    def _train_epoch(self) -> tuple[float, float]:
        recipe = self.recipe
        # BatchNorm cannot train on one image where a map is one pixel wide.
        lone = len(self._train) > 1 and len(self._train) % recipe.batch_size == 1
        order = _stream(self.seed, self.epoch, _ORDER)
        batches = Batches(self._train, recipe.batch_size, seed=order, drop_last=lone)
        generator = torch.Generator().manual_seed(_stream(self.seed, self.epoch, _AUGMENT))
        check_every = 1 if self.device.type == "cpu" else CHECK_EVERY
        losses: list[Tensor] = []
        counts: list[int] = []
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        starts = getattr(self.network, "start_epoch", None)
        if starts is not None:
            starts(self.epoch, recipe.epochs)
        self.network.train()
        with own_noise(_stream(self.seed, self.epoch, _NOISE), self.device):
            for step, indices in enumerate(batches.epoch()):
                self._set_learning_rate(recipe.learning_rate(self.epoch, step, len(batches)))
                images, labels = self._train.batch(indices)
                loss, hits = self._step(recipe.augment(images, generator), labels, step, len(batches))
                losses.append(loss)
                counts.append(len(labels))
                correct += hits
                if (step + 1) % check_every == 0 or step + 1 == len(batches):
                    self._check_finite(losses, step + 1 - check_every)
        weights = torch.tensor(counts, dtype=torch.float64)
        mean = (torch.stack(losses).double().cpu() * weights).sum() / weights.sum()
        return float(mean), int(correct) / sum(counts)

    def _step(self, images: Tensor, labels: Tensor, step: int, steps: int) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        if recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=recipe.amp and self.device.type == "cuda"
        ):
            output = self.network(images)
        logits, auxiliary = logits_of(output, labels)
        if logits.shape[1] < self._classes:
            raise ValueError(
                f"the network tells {logits.shape[1]} classes apart, but the data has {self._classes}"
            )
        loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
        total = loss
        if auxiliary is not None and recipe.aux_weight:
            extra = functional.cross_entropy(auxiliary, labels, label_smoothing=recipe.label_smoothing)
            total = loss + recipe.aux_weight * extra
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        if recipe.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self.optimizer.step()
        self._average(self.epoch * steps + step)
        return loss.detach(), (logits.argmax(1) == labels).sum()

    @torch.no_grad()
    def _average(self, step: int) -> None:
        if self.averaged is None or self.recipe.ema is None:
            return
        decay = min(self.recipe.ema, (step + 1) / (step + 10))  # young averages follow faster
        current = self.network.state_dict()
        for name, mean in self.averaged.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(current[name], 1 - decay)
            else:
                mean.copy_(current[name])

    def _set_learning_rate(self, lr: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def _check_finite(self, losses: list[Tensor], first: int) -> None:
        first = max(first, 0)
        bad = torch.stack(losses[first:]).isfinite().logical_not().nonzero()
        if len(bad):
            raise TrainingDiverged(self.epoch, first + int(bad[0]))


def train(
    network: nn.Module,
    data: Splits,
    recipe: Recipe,
    seed: int = 0,
    device: torch.device | str | None = None,
    progress: Callable[[EpochRecord], object] | None = None,
) -> list[EpochRecord]:
    """Train ``network`` in place through all epochs of ``recipe`` and return the records.

    With a moving average the network ends with the averaged weights, which the records describe.

    :param progress: called with each epoch's record.
    :raises TrainingDiverged: when the loss is not finite.
    """
    training = Training(network, data, recipe, seed, device)
    for record in training:
        if progress is not None:
            progress(record)
    if training.averaged is not None:
        network.load_state_dict(training.averaged.state_dict())
    return training.records


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    if not weights:
        raise ValueError("the network has no trainable weights; is requires_grad off, or is it empty?")
    if recipe.optimizer == "adam":
        return torch.optim.Adam(weights, lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(
        weights,
        lr=recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )


def _stream(seed: int, epoch: int, purpose: int) -> int:
    """A seed for one purpose in one epoch."""
    return int(np.random.SeedSequence((seed, epoch, purpose)).generate_state(1, np.uint64)[0] >> np.uint64(1))
