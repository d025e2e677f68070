"""Evaluating one architecture on frozen weights: the meaning that :class:`PopulationEvaluator` has to equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import torch
from torch import Tensor

from .. import devices
from ..spaces import Architecture
from ..tasks import CLASSIFICATION, Task
from .batchnorm import Policy, Statistics
from .counters import Counters

if TYPE_CHECKING:
    from ..data import Data
    from .supernet import Supernet

BatchNormPolicy = Literal["batch", "recalibrated", "running"]
POLICIES: tuple[BatchNormPolicy, ...] = get_args(BatchNormPolicy)


@dataclass(frozen=True)
class EvaluationSet:
    """The images on which everything is scored: fixed batches, the same for every individual.

    :param batches: pairs of normalised images and targets.
    :param calibration: images from which ``recalibrated`` BatchNorm statistics are taken; else None.
    :param policy: how BatchNorm normalises: ``batch`` by each of the batches, ``recalibrated`` by the statistics that
        the architecture itself has on the calibration images, ``running`` by the supernet's running statistics.
    :param task: what is measured.
    """

    batches: tuple[tuple[Tensor, Tensor], ...]
    calibration: Tensor | None
    policy: BatchNormPolicy
    task: Task = CLASSIFICATION

    @property
    def images(self) -> int:
        """Number of images scored."""
        return sum(len(labels) for _, labels in self.batches)

    @property
    def passes(self) -> int:
        """Image passes that one architecture costs, calibration included."""
        return self.images + (0 if self.calibration is None else len(self.calibration))

    @property
    def normalising(self) -> Policy:
        """What BatchNorm does on the batches: recalibrated statistics are given to it."""
        return "given" if self.policy == "recalibrated" else self.policy


@dataclass(frozen=True)
class Score:
    """What evaluation returns for one individual: the task's mean loss, and its measures by name."""

    loss: float
    measures: Mapping[str, float]

    @classmethod
    def of(cls, task: Task, sums: Sequence[Sequence[float]], images: int) -> Score:
        """Make it of sums over batches, shape (1 + measures, batches), and the number of images in all of them."""
        means = task.means([sum(each) for each in sums], images)
        return cls(means.pop("loss"), means)


class Evaluator(Protocol):
    """What scores the populations of a fitness, such as :class:`PopulationEvaluator`."""

    counters: Counters

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return the score of each architecture, in their order."""
        ...

    def note(self, architectures: Sequence[Architecture]) -> None:
        """Count requests for architectures whose scores are known already."""
        ...


def evaluation_set(
    data: Data,
    *,
    size: int | None = None,
    batch_size: int = 500,
    policy: BatchNormPolicy = "batch",
    calibration: Data | None = None,
    calibration_size: int = 256,
    channels_last: bool = True,
) -> EvaluationSet:
    """Fix the images of a fitness: the first ``size`` of ``data`` (which its split has shuffled), in equal batches.

    :param calibration: where ``recalibrated`` takes its images from (training images).
    :param channels_last: lay images out with the channels last, and so everything computed from them: the same
        numbers up to rounding, in about half the time.
    :raises ValueError: for an unknown policy, a missing calibration set or impossible sizes.
    """
    if policy not in POLICIES:
        raise ValueError(f"there is no BatchNorm policy {policy!r}; there are {', '.join(POLICIES)}")
    size = len(data) if size is None else size
    if not 2 <= size <= len(data):
        raise ValueError(
            f"the fitness should use {size} images; the set has {len(data)} and at least 2 are needed"
        )
    if batch_size < 2:
        raise ValueError(f"batch_size is {batch_size}; BatchNorm needs at least 2 images")
    if policy == "recalibrated" and calibration_size < 2:
        raise ValueError(
            f"calibration_size is {calibration_size}; BatchNorm's statistics need at least 2 images"
        )
    layout: Callable[[Tensor], Tensor] = devices.channels_last if channels_last else Tensor.contiguous
    batches = tuple(
        (layout(inputs), targets) for inputs, targets in data.in_order(batch_size, slice(0, size), even=True)
    )
    images = None
    if policy == "recalibrated":
        if calibration is None:
            raise ValueError("the policy 'recalibrated' needs training images: pass calibration=data.train")
        images = layout(calibration.batch(slice(0, min(calibration_size, len(calibration))))[0])
    return EvaluationSet(batches, images, policy, data.task)


def evaluate_one(supernet: Supernet, where: EvaluationSet, what: Architecture | Tensor) -> Score:
    """Score one architecture, or the relaxed network of one alpha-vector of shape (genes,)."""

    def run(images: Tensor) -> Tensor:
        if isinstance(what, Architecture):
            return supernet.discrete(images, what)
        return supernet.relaxed(images, what.unsqueeze(0))[0]

    return Score.of(where.task, sums_of(supernet, where, run).tolist(), where.images)


def relaxed_scores(
    supernet: Supernet, where: EvaluationSet, genes: Tensor, *, rows: int | None = None
) -> list[Score]:
    """Return the score of the relaxed network of each alpha-vector; equal to :func:`evaluate_one` up to rounding.

    :param genes: shape (individuals, genes).
    :param rows: how many share one pass, each with BatchNorm statistics of its own; when None 16 on a GPU and 1 on
        a CPU, where larger batches are slower.
    """
    if len(genes) == 0:
        return []
    parts = torch.split(genes, rows or (16 if supernet.device.type == "cuda" else 1))
    sums = [sums_of(supernet, where, partial(supernet.relaxed, genes=part)) for part in parts]
    return [Score.of(where.task, each, where.images) for each in torch.cat(sums, 1).transpose(0, 1).tolist()]


def sums_of(supernet: Supernet, where: EvaluationSet, run: Callable[[Tensor], Tensor]) -> Tensor:
    """Return sums of loss and measures of the outputs that ``run`` makes of images, on frozen weights.

    :returns: shape (1 + measures, ..., batches), where a batch's outputs have the shape (..., images, outputs).
    """
    statistics: Statistics = []
    sums = []
    with torch.inference_mode():
        if where.calibration is not None:
            with supernet.frozen("record", statistics):
                run(where.calibration)
        for images, targets in where.batches:
            with supernet.frozen(where.normalising, statistics):
                sums.append(where.task.sums(run(images), targets))
        return torch.stack(sums, dim=-1)
