"""Pretraining of the supernet: weights on training images, alpha on validation images, alternately (DARTS)."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..descent import TrainingDiverged, descend
from ..devices import autocast, own_noise
from ..parallel import present
from ..seeding import pack_random, unpack_random
from ..spaces import Architecture, sample
from ..tasks import flat
from .bilevel import Batch, gradient_passes
from .guards import Stop, annealed, stop_at_skips
from .guards import skip_dropout as skip_drop
from .learner import Learner
from .paths import SampledPath, sample_path
from .pretrain_settings import PretrainSettings

if TYPE_CHECKING:
    from ..data import Data


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch of pretraining did: means of loss and measures by name, image passes so far, seconds.

    :param train: of the steps of the weights.
    :param valid: of the relaxed network on the last validation batch.
    :param gates: the sum of the relaxed weights.
    """

    epoch: int
    train: dict[str, float]
    valid: dict[str, float]
    gates: float
    passes: int
    seconds: float

    def row(self) -> dict[str, float]:
        """Return it as one row of a table, without the seconds: ``train_loss``, ``valid_accuracy`` and so on."""
        means = flat({"train": self.train, "valid": self.valid})
        return {"epoch": self.epoch, **means, "gates": self.gates, "passes": self.passes}


class Pretraining(Iterator[EpochRecord]):
    """An iterator that trains a supernet for one epoch at each step.

    Each step of an epoch takes one gradient step of alpha on a validation batch (from epoch ``hold`` on), then one of
    the weights on a training batch. A share ``discrete`` of the weights' steps runs a discrete network, drawn from the
    present relaxed weights, so that the weights fit the discrete networks that a search scores. BatchNorm normalises by
    the batch throughout; only the weights' steps update running statistics. Processes that have joined (see
    :mod:`tdgnas.parallel`) train it together, each on its share of every batch; only dropout is each one's own.

    :param supernet: trained in place; made with data.
    :param settings: all numbers, see :class:`PretrainSettings`; its defaults when None.
    :param stop: a guard that may end the pretraining after an epoch, see :func:`stop_at_skips`; that of the settings
        when None.
    :param seed: fixes data order and draws.
    :ivar stopped: why the guard ended it; None while it has not.
    :ivar history: relaxed weights before the first epoch and after each, one number per gene.
    :raises ValueError: for a supernet without data, settings that its space has no use for, or a batch that the
        processes cannot share evenly.
    :raises TrainingDiverged: when the loss is no longer finite, naming epoch and step.
    """

    def __init__(
        self,
        supernet: Learner,
        settings: PretrainSettings | None = None,
        *,
        stop: Stop | None = None,
        seed: int = 0,
    ) -> None:
        if supernet.data is None:
            raise ValueError("pretraining needs data; make the supernet with Supernet(space, data)")
        settings = settings or PretrainSettings()
        if stop is None and settings.stop_skips:
            supernet.space.skips(supernet.space.sample(random.Random(0)))  # refuses a space without cells
            stop = stop_at_skips(settings.stop_skips)
        with skip_drop(supernet, settings.skip_dropout):  # refuses a space without skip connections
            pass
        self.supernet = supernet
        self.settings = settings
        self.epoch = 0
        self.batch_size = min(settings.batch_size, len(supernet.data.train))
        self.steps = max(1, len(supernet.data.train) // self.batch_size)
        self.processes = present()
        for size in (self.batch_size, min(self.batch_size, len(supernet.data.valid))):
            if size % self.processes.count:
                raise ValueError(
                    f"{self.processes.count} processes cannot share a batch of {size} evenly; choose another batch_size"
                )
        self.stop, self.seed = stop, seed
        self.alpha = supernet.alpha.detach().clone().requires_grad_()
        weights = [parameter for parameter in supernet.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.SGD(
            weights,
            settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            foreach=True,  # the same numbers, quicker than one weight after another
        )
        self.alpha_optimiser = torch.optim.Adam(
            [self.alpha], settings.alpha_lr, betas=(0.5, 0.999), weight_decay=settings.alpha_weight_decay
        )
        self.rng = random.Random(seed)
        self.passes = 0
        self.stopped: str | None = None
        self.history: list[list[float]] = [supernet.relaxed_weights().tolist()]

    def __next__(self) -> EpochRecord:
        if self.epoch >= self.settings.epochs or self.stopped is not None:
            raise StopIteration
        start = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(self.epoch)
        # What the epoch draws besides its data order is a function of the seed and the epoch's number.
        noise = random.Random(f"{self.seed} {self.epoch}").getrandbits(63)
        device, precision = self.supernet.device, self.settings.precision
        with (
            own_noise(noise ^ self.processes.rank, device),
            self._dropout(),
            self.supernet.learning(),
            self.processes.together(),
            autocast(device, precision),
        ):
            self.processes.same(self.supernet.ops)
            means = self._epoch(torch.Generator().manual_seed(noise))
        self.epoch += 1
        weights = self.supernet.relaxed_weights()
        self.history.append(weights.tolist())
        self.stopped = None if self.stop is None else self.stop(self.supernet)
        seconds = time.perf_counter() - start
        return EpochRecord(self.epoch, *means, float(weights.sum()), self.passes, seconds)

    def _dropout(self) -> AbstractContextManager[None]:
        rate = annealed(self.settings.skip_dropout, self.epoch, self.settings.epochs)
        return skip_drop(self.supernet, rate) if rate else nullcontext()

    def _epoch(self, generator: torch.Generator) -> tuple[dict[str, float], dict[str, float]]:
        data = self.supernet.data
        assert data is not None
        orders = [part.drawn_order(self.batch_size, self.rng) for part in (data.train, data.valid)]
        steps, alpha = range(self.steps), self.learns_alpha(self.epoch)
        train = self._batches(data.train, orders[0], steps, generator)
        held_out = self._batches(data.valid, orders[1], steps if alpha else steps[-1:], generator)
        task = self.supernet.task
        learned, measured = torch.zeros(2, len(task.names), dtype=torch.float64)
        for step in steps:
            batch = next(train)
            if alpha or step == self.steps - 1:
                valid = next(held_out)
            if alpha:
                xi = self.optimiser.param_groups[0]["lr"] if self.settings.order == 2 else 0.0
                self._alpha_step(batch, valid, xi, self._path())
            learned += self._weight_step(batch, step)
            if step == self.steps - 1:
                measured = self._measure(valid)
        return task.means(learned.tolist(), self.steps), task.means(measured.tolist(), 1)

    def learns_alpha(self, epoch: int) -> bool:
        """Whether alpha takes steps in an epoch, counted from 0."""
        return epoch >= self.settings.hold

    def learning_rate(self, epoch: float) -> float:
        """Learning rate of the weights in an epoch, counted from 0."""
        given = self.settings
        if given.schedule == "constant":
            return given.lr
        return given.lr_min + (given.lr - given.lr_min) * (1 + math.cos(math.pi * epoch / given.epochs)) / 2

    def _batches(
        self, data: Data, order: Tensor, steps: Sequence[int], generator: torch.Generator
    ) -> Iterator[Batch]:
        """This process's shares of the batches of some steps."""
        # The validation set may be smaller than the training set: it is read round and round.
        size = min(self.batch_size, len(order))
        own = self.processes.share(size)
        places = torch.arange(size)[own]
        index = [order[(step * self.batch_size + places) % len(order)] for step in steps]
        for images, labels in data.feed(index):
            yield self.settings.augment(images, generator, (own.start, size)), labels

    def _parts(self, batch: Batch) -> list[Batch]:
        k = self.settings.accumulate
        return list(zip(batch[0].chunk(k), batch[1].chunk(k), strict=True))

    def _path(self) -> SampledPath | None:
        if self.settings.computed == "all":
            return None
        return sample_path(self.supernet.space, self.supernet.alpha, self.settings.temperature, self.rng)

    def _alpha_step(
        self, train: Batch, valid: Batch, xi: float = 0.0, path: SampledPath | None = None
    ) -> None:
        gradient = torch.zeros_like(self.alpha)
        for part in self._parts(valid):
            found = self.supernet.bilevel_gradient(
                self.alpha, train, part, xi=xi, optimiser=self.optimiser, path=path
            )
            gradient = gradient + found * (len(part[1]) / len(valid[1]))
        self.alpha.grad = gradient
        self.alpha_optimiser.step()
        self.supernet.alpha.copy_(self.alpha.detach())
        self._count(gradient_passes(len(valid[1]), 2 if xi else 1))

    def _count(self, passes: int) -> None:
        passes *= self.processes.count
        self.passes += passes
        self.supernet.budget.count(passes=passes, cause="pretraining")

    def _weight_step(self, batch: Batch, step: int) -> Tensor:
        supernet = self.supernet
        if self.rng.random() < self.settings.discrete:
            drawn = self._draw()
            return self._learn([lambda images: supernet.discrete(images, drawn)], batch, step)
        path = self._path()
        return self._learn([lambda images: supernet.mixed(images, supernet.alpha, path)], batch, step)

    def _learn(self, networks: Sequence[Callable[[Tensor], Tensor]], batch: Batch, step: int) -> Tensor:
        """Take a step down the mean loss of some networks; return what the last one's loss and measures are."""
        means = torch.zeros(len(self.supernet.task.names), dtype=torch.float64)

        def losses() -> Iterator[Tensor]:
            nonlocal means
            for images, targets in self._parts(batch):
                share = len(targets) / len(batch[1])
                found = []
                for network in networks:
                    outputs = network(images)
                    found.append(self.supernet.task.losses(outputs.unsqueeze(0), targets)[0])
                means = means + share * self._means(found[-1], outputs, targets)
                yield torch.stack(found).mean() * (share / self.processes.count)

        self._descend(losses(), step)
        self._count(3 * len(batch[1]) * len(networks))
        return means

    def _descend(self, losses: Iterator[Tensor], step: int) -> None:
        rate = self.optimiser.param_groups[0]["lr"]
        advice = f"lower the learning rate (now {rate:g}) or clip the gradient"
        diverged = TrainingDiverged("pretraining", self.epoch + 1, step + 1, advice)
        descend(losses, self.optimiser, self.settings.clip, diverged)

    def _draw(self) -> Architecture:
        return sample(self.supernet.space, self.supernet.relaxed_weights(), self.rng)

    def _measure(self, batch: Batch) -> Tensor:
        with torch.no_grad(), self.supernet.frozen():
            logits = self.supernet.mixed(batch[0], self.supernet.alpha)
            return self._means(self.supernet.task.losses(logits.unsqueeze(0), batch[1])[0], logits, batch[1])

    def _means(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """Means over a batch of the loss, which is known, and of the measures; over all processes' shares."""
        means = self.supernet.task.sums(outputs.detach(), targets) / len(targets)
        means[0] = loss.detach()
        return self.processes.sum(means / self.processes.count).cpu()

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, beside the supernet's own ``state_dict``.

        A copy, as JSON values and tensors: a pretraining that goes on from it equals one that never stopped.
        """
        return {
            "epoch": self.epoch,
            "passes": self.passes,
            "budget": self.supernet.budget.state_dict(),
            "alpha": self.alpha.detach().clone(),
            "optimiser": deepcopy(self.optimiser.state_dict()),
            "alpha_optimiser": deepcopy(self.alpha_optimiser.state_dict()),
            "rng": pack_random(self.rng),
            "stopped": self.stopped,
            "history": [list(weights) for weights in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        :raises ValueError: when the state belongs to another space.
        """
        if state["alpha"].shape != self.alpha.shape:
            raise ValueError(
                f"the state has {len(state['alpha'])} genes, this supernet's alpha {len(self.alpha)}; "
                "was it saved with other settings of the space?"
            )
        self.epoch, self.passes = state["epoch"], state["passes"]
        self.supernet.budget.load_state_dict(state["budget"])
        with torch.no_grad():
            self.alpha.copy_(state["alpha"])
            self.supernet.alpha.copy_(state["alpha"])
        self.optimiser.load_state_dict(deepcopy(state["optimiser"]))
        self.alpha_optimiser.load_state_dict(deepcopy(state["alpha_optimiser"]))
        unpack_random(self.rng, state["rng"])
        self.stopped = state["stopped"]
        self.history = [list(weights) for weights in state["history"]]
