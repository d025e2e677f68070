"""Train one network from scratch, an epoch at a time: one seed, one result, also after a restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..data import Splits
from ..descent import TrainingDiverged, descend
from ..devices import autocast, channels_last, own_noise, pick_device
from ..parallel import present
from ..settings import check_whole
from ..tasks import flat
from .cards import check_tensors
from .evaluation import evaluate, outputs_of
from .recipe import Recipe

_ORDER, _AUGMENT, _NOISE = range(3)  # independent streams of one seed
CHECK_EVERY = 50  # steps between looks at the loss on a GPU, where each look waits for the queue


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: its number from 0, loss and measures by name, and seconds of wall time.

    There are no validation figures (None) where the recipe trains on the validation images.
    """

    epoch: int
    train: dict[str, float]
    valid: dict[str, float] | None
    seconds: float

    def row(self) -> dict[str, float]:
        """Return it as one row of a table, without the seconds: ``train_loss``, ``valid_accuracy`` and so on."""
        return {"epoch": self.epoch, **flat({"train": self.train, "valid": self.valid})}


class Training:
    """Iterator over the epochs of one training; ``next()`` trains an epoch and returns its record.

    Order of the images, augmentation and the network's own noise (dropout) in an epoch are functions of the
    seed and the epoch alone; torch's global generator is put back afterwards. Processes that have joined (see
    :mod:`tdgnas.parallel`) train together, each on its share of every batch; only the noise is each one's own. So a
    training continued from :meth:`state_dict` equals one that never stopped, bit for bit on the CPU. ``data.test`` is
    never read.

    :param network: trained in place; its initial weights are the caller's. It returns ``(N, outputs)`` or, while
        training, ``(outputs, auxiliary outputs)``. Where it has a method
        ``start_epoch(epoch, epochs)``, this is called before each epoch (drop-path that rises, for instance).
    :param data: weights learn from ``data.train``, records report ``data.valid``; with ``recipe.with_valid`` weights
        learn from both.
    :param recipe: hyperparameters.
    :param seed: a whole number of at least 0.
    :param device: default: CUDA if there, else the CPU. Network and images are moved to it.
    :raises ValueError: for a bad seed, a device that is not there, a network without trainable weights, or a batch
        smaller than the number of processes.
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
        check_whole(0, seed=seed)
        self.device = pick_device(device)
        self.network = network.to(self.device)
        if recipe.channels_last:
            self.network = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.processes = present()
        self.recipe = recipe
        self.seed = seed
        self.epoch = 0
        self.records: list[EpochRecord] = []
        self.optimizer = _optimizer(self.network, recipe)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "float16")
        self.averaged = deepcopy(self.network).requires_grad_(False) if recipe.ema is not None else None
        # Both parts of a data set are of one kind.
        train = data.train.joined(data.valid) if recipe.with_valid else data.train  # type: ignore[arg-type]
        if min(recipe.batch_size, len(train)) < self.processes.count:
            raise ValueError(
                f"{self.processes.count} processes cannot share a batch of {min(recipe.batch_size, len(train))}; raise "
                "batch_size, or start fewer"
            )
        self._train = train.to(self.device)
        self._valid = None if recipe.with_valid else data.valid.to(self.device)
        self.task = data.task
        self._outputs = data.outputs
        self._inside = False

    def __iter__(self) -> Training:
        return self

    def __next__(self) -> EpochRecord:
        if self.epoch >= self.recipe.epochs:
            raise StopIteration
        self._refuse_unfinished("trained on")
        started = time.perf_counter()
        self._inside = True
        with self.processes.together():
            for _, module in self._modules():
                self.processes.same(module)
            learned = self._train_epoch()
            held_out = self._validate()
        record = EpochRecord(self.epoch, learned, held_out, time.perf_counter() - started)
        self.records.append(record)
        self.epoch += 1
        if self.averaged is None and _average_from(self.records, self.recipe.average_after) is not None:
            self.averaged = deepcopy(self.network).requires_grad_(False)
        self._inside = False
        return record

    def _validate(self) -> dict[str, float] | None:
        if self._valid is None:
            return None
        found = evaluate(self.evaluated, self._valid, precision=self.recipe.precision)
        if not np.isfinite(found["loss"]):
            raise TrainingDiverged("training", self.epoch)
        return found

    @property
    def evaluated(self) -> nn.Module:
        """What the records describe: the moving average where the recipe has one, else the network."""
        return self.network if self.averaged is None else self.averaged

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on: ``{"values": JSON-friendly dict, "tensors": flat dict on the CPU}``.

        :raises RuntimeError: when an epoch broke off and left the weights between two epochs.
        """
        self._refuse_unfinished("saved")
        tensors = {f"{p}.{name}": t for p, m in self._modules() for name, t in m.state_dict().items()}
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{slot}": t for slot, t in slots.items() if t is not None}
        values = {
            "seed": self.seed,
            "recipe": self.recipe.model_dump(),
            "records": [asdict(record) for record in self.records],
            "scaler": self.scaler.state_dict(),
        }
        return {"values": values, "tensors": {name: _copy(tensor) for name, tensor in tensors.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken; made for a network of the same shape, the same recipe and seed.

        :raises ValueError: when network, recipe or seed differ; it names the difference and changes nothing.
        """
        values, tensors = state["values"], state["tensors"]
        if values["seed"] != self.seed:
            raise ValueError(f"the state was saved with seed {values['seed']}, this training has {self.seed}")
        _check_recipe(values["recipe"], self.recipe.model_dump())
        records = [EpochRecord(**record) for record in values["records"]]
        modules = self._modules()[: 1 if self.recipe.ema is None else 2]
        if _average_from(records, self.recipe.average_after) is not None:
            modules.append(("averaged", deepcopy(self.network).requires_grad_(False)))
        for part, module in modules:
            check_tensors("the state", _part(tensors, part), module)
        slots = _optimizer_slots(_part(tensors, "optimizer"), self.optimizer)
        for part, module in modules:
            module.load_state_dict(_part(tensors, part))
        self.averaged = dict(modules).get("averaged")
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        self.scaler.load_state_dict(values["scaler"])
        self.records = records
        self.epoch = len(self.records)
        self._inside = False

    def _modules(self) -> list[tuple[str, nn.Module]]:
        averaged = [] if self.averaged is None else [("averaged", self.averaged)]
        return [("network", self.network), *averaged]

    def _refuse_unfinished(self, wish: str) -> None:
        if self._inside:
            raise RuntimeError(
                f"epoch {self.epoch} broke off half-way, so this training cannot be {wish}; "
                "load the state that was saved before it"
            )

    def _train_epoch(self) -> dict[str, float]:
        recipe, processes = self.recipe, self.processes
        order = _stream(self.seed, self.epoch, _ORDER)
        # Everybody needs a share of every batch.
        whole = self._train.order(recipe.batch_size, order, max(2, processes.count))
        generator = torch.Generator().manual_seed(_stream(self.seed, self.epoch, _AUGMENT))
        check_every = 1 if self.device.type == "cpu" else CHECK_EVERY
        losses: list[Tensor] = []
        sums = torch.zeros(len(self.task.names), dtype=torch.float64, device=self.device)
        starts = getattr(self.network, "start_epoch", None)
        if starts is not None:
            starts(self.epoch, recipe.epochs)
        self.network.train()
        feed = self._train.feed([indices[processes.share(len(indices))] for indices in whole])
        with own_noise(_stream(self.seed, self.epoch, _NOISE + processes.rank), self.device):
            for step, (images, targets) in enumerate(feed):
                self._set_learning_rate(recipe.learning_rate(self.epoch, step, len(whole)))
                own = processes.share(len(whole[step]))
                images = recipe.augment(images, generator, (own.start, len(whole[step])))
                count = len(whole[step]) * self._train.targets
                loss, found = self._step(images, targets, count, step, len(whole))
                losses.append(loss)
                sums += found
                if (step + 1) % check_every == 0 or step + 1 == len(whole):
                    self._check_finite(losses, step + 1 - check_every)
        weights = torch.tensor([len(each) * self._train.targets for each in whole], dtype=torch.float64)
        mean = (torch.stack(losses).double().cpu() * weights).sum() / weights.sum()
        return {
            **self.task.means(processes.sum(sums).tolist(), int(weights.sum())),
            "loss": float(mean),
        }  # the loss as it was learned

    def _step(
        self, images: Tensor, targets: Tensor, whole: int, step: int, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Take one step; return the loss of the whole batch, and sums of the measures over this process's share."""
        learned = torch.zeros((), device=self.device)
        sums = torch.zeros(len(self.task.names), dtype=torch.float64, device=self.device)

        def losses() -> Iterator[Tensor]:
            nonlocal learned, sums
            k = self.recipe.accumulate
            for part, wanted in zip(images.chunk(k), targets.chunk(k), strict=True):
                total, loss, found = self._loss(part, wanted, self.epoch == step == 0)
                learned, sums = learned + loss * (len(wanted) / whole), sums + found
                yield total * (len(wanted) / whole)

        descend(losses(), self.optimizer, self.recipe.clip, scaler=self.scaler)
        since = _average_from(self.records, self.recipe.average_after) or 0
        self._average((self.epoch - since) * steps + step)
        return self.processes.sum(learned), sums

    def _loss(self, images: Tensor, targets: Tensor, check: bool) -> tuple[Tensor, Tensor, Tensor]:
        """The loss that is learned from, the loss without the auxiliary one, and sums of the measures."""
        recipe = self.recipe
        if recipe.channels_last:
            images = channels_last(images)
        with autocast(self.device, recipe.precision):
            given = self.network(images)
        outputs, auxiliary = outputs_of(given, targets)
        if outputs.shape[1] < self._outputs:
            raise ValueError(
                f"the network has {outputs.shape[1]} outputs, but the data has {self._outputs} classes or targets"
            )
        if check:
            self.task.check(outputs.detach(), targets)
        loss = self.task.batch_loss(outputs, targets, recipe.label_smoothing)
        total = loss
        if auxiliary is not None and recipe.aux_weight:
            extra = self.task.batch_loss(auxiliary, targets, recipe.label_smoothing)
            total = loss + recipe.aux_weight * extra
        penalty = getattr(self.network, "penalty", None)
        if penalty is not None:
            total = total + penalty
        return total, loss.detach(), self.task.sums(outputs.detach(), targets)

    @torch.no_grad()
    def _average(self, step: int) -> None:
        if self.averaged is None:
            return
        ema = (
            self.recipe.ema
        )  # young averages follow faster; without it, the plain mean since averaging began
        decay = 1 - 1 / (step + 1) if ema is None else min(ema, (step + 1) / (step + 10))
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
            raise TrainingDiverged("training", self.epoch, first + int(bad[0]))


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


def _average_from(records: list[EpochRecord], patience: int | None) -> int | None:
    """The first epoch whose weights are averaged: the validation loss was above what it was ``patience`` and more
    epochs before (Merity, Keskar, Socher 2018, *Regularizing and Optimizing LSTM Language Models*, algorithm 1).
    """
    losses = [record.valid["loss"] for record in records if record.valid is not None]
    if patience is not None:
        for epoch in range(patience + 1, len(losses)):
            if losses[epoch] > min(losses[: epoch - patience]):
                return epoch + 1
    return None


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


def _optimizer_slots(
    tensors: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[int, dict[str, Tensor]]:
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, slot = name.partition(".")
        if int(index) >= len(weights) or (tensor.ndim and tensor.shape != weights[int(index)].shape):
            raise ValueError(
                f"the state belongs to another optimiser: optimizer.{name} of shape {tuple(tensor.shape)} "
                f"fits none of the {len(weights)} trainable weights here"
            )
        slots.setdefault(int(index), {})[slot] = tensor.clone()
    return slots


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name[len(part) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}


def _check_recipe(saved: Mapping[str, object], own: Mapping[str, object]) -> None:
    odd = [name for name in sorted(set(saved) | set(own)) if saved.get(name) != own.get(name)]
    if odd:
        differences = ", ".join(f"{name} {saved.get(name)} there, {own.get(name)} here" for name in odd)
        raise ValueError(f"the state was saved with another recipe: {differences}")
