"""The tasks that come with the package: one of several classes, numbers, and several labels at once."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

from ..registry import Registry
from .task import Measure, Task


def _cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs, targets, reduction="none")


def _smoothed(outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    return functional.cross_entropy(outputs, targets, label_smoothing=smoothing)


def _right(outputs: Tensor, targets: Tensor) -> Tensor:
    return outputs.argmax(-1) == targets


def _perplexity(mean: float) -> float:
    return math.exp(min(mean, 100.0))  # a diverged network is told as a number that files can hold


def _square(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().mean(1)


def _distance(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).abs().mean(1)


def _each_label(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(1)


def _share_right(outputs: Tensor, targets: Tensor) -> Tensor:
    return ((outputs > 0) == (targets > 0.5)).double().mean(1)


def _all_right(outputs: Tensor, targets: Tensor) -> Tensor:
    return ((outputs > 0) == (targets > 0.5)).all(1)


#: One class of several: mean cross-entropy in nats; ``accuracy``, the share of right answers.
CLASSIFICATION = Task(
    "classification", _cross_entropy, {"accuracy": Measure(_right, worst=0.0, share=True)}, smoothed=_smoothed
)
#: A text, token by token: mean cross-entropy in nats; ``perplexity``, its exponential.
LANGUAGE = Task(
    "language", _cross_entropy, {"perplexity": Measure(_cross_entropy, higher=False, finish=_perplexity)}
)
#: Numbers: the mean square of the difference; ``rmse``, its root, and ``mae``, the mean distance.
REGRESSION = Task(
    "regression",
    _square,
    {"rmse": Measure(_square, higher=False, finish=math.sqrt), "mae": Measure(_distance, higher=False)},
)
#: Several labels at once, each 0 or 1: the mean binary cross-entropy over the labels; ``label_accuracy``, the share of
#: right labels, and ``exact``, the share of samples with all labels right.
MULTI_LABEL = Task(
    "multi-label",
    _each_label,
    {
        "label_accuracy": Measure(_share_right, worst=0.0, share=True),
        "exact": Measure(_all_right, worst=0.0, share=True),
    },
)


def _check(value: object) -> None:
    if not isinstance(value, Task):
        raise TypeError(f"{value!r} is no task; register a tdgnas.tasks.Task(name, loss, measures)")


#: Tasks by name, those of other packages under the entry point group ``tdgnas.tasks``.
TASKS: Registry[Task] = Registry("task", "tdgnas.tasks", _check)
for _task in (CLASSIFICATION, REGRESSION, MULTI_LABEL, LANGUAGE):
    TASKS.register(_task.name)(_task)
