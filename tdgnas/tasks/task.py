"""A task: what a network's outputs are held against, and how that is measured."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

#: Outputs (N, outputs) and targets (N,) or (N, outputs) to one value per sample, shape (N,).
PerSample = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Measure:
    """A number that is told of a network: the mean over the samples of a value per sample.

    :param function: outputs (N, outputs) and targets to values of shape (N,).
    :param higher: whether larger values are better.
    :param finish: what is told of the mean, such as ``math.sqrt`` of a mean square.
    :param worst: what takes the place of a value that is not finite; the task's worst value when None.
    :param share: whether it lies between 0 and 1 and is told in percent.
    """

    function: PerSample
    higher: bool = True
    finish: Callable[[float], float] = float
    worst: float | None = None
    share: bool = False

    def text(self, value: float) -> str:
        """Return a value for people."""
        return f"{100 * value:.2f} %" if self.share else f"{value:.4f}"


@dataclass(frozen=True, eq=False)
class Task:
    """What is learned from a data set.

    >>> Task("median", lambda outputs, targets: (outputs - targets).abs().mean(1)).measure("loss").higher
    False

    :param name: for files, tables and messages.
    :param loss: outputs (N, outputs) in float32 or float64 and targets to losses per sample, shape (N,). Targets are
        class numbers, int64 (N,), or numbers, float32 (N, outputs), as the data set has them.
    :param measures: by name; ``loss`` is there without being given.
    :param worst: what a loss that is not finite counts as: worse than any real one, and still a number that can be
        averaged.
    :param smoothed: the mean loss of a batch with so much label smoothing, where the task knows that.
    :raises ValueError: for a name that cannot be one, a measure called ``loss``, or a worst value that is not finite.
    """

    name: str
    loss: PerSample
    measures: Mapping[str, Measure] = field(default_factory=dict)
    worst: float = 1e6
    smoothed: Callable[[Tensor, Tensor, float], Tensor] | None = None

    def __post_init__(self) -> None:
        if not self.name or not all(each.isidentifier() for each in self.measures):
            raise ValueError(
                f"the task {self.name!r} has measures {', '.join(map(repr, self.measures))}; it needs a name, and its "
                "measures need names of letters, digits and _"
            )
        if "loss" in self.measures:
            raise ValueError(f"the task {self.name!r} measures its loss without being told; leave it out")
        if not math.isfinite(self.worst):
            raise ValueError(f"the worst value of the task {self.name!r} is {self.worst}; it must be finite")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what is measured: ``loss`` first, then the measures."""
        return ("loss", *self.measures)

    @property
    def headline(self) -> str:
        """Name of the measure that reports show first: the first one, the loss where there is none."""
        return self.names[min(1, len(self.measures))]

    def measure(self, name: str) -> Measure:
        """Return a measure by name; ``loss`` is one.

        :raises ValueError: for an unknown name, with those that there are.
        """
        if name == "loss":
            return Measure(self.loss, higher=False)
        if name not in self.measures:
            near = difflib.get_close_matches(name, self.names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ValueError(
                f"the task {self.name!r} has no measure {name!r}{hint} There are: {', '.join(self.names)}"
            )
        return self.measures[name]

    def worst_of(self, name: str) -> float:
        """Return what a value of a measure that is not finite counts as."""
        measure = self.measure(name)
        if measure.worst is not None:
            return measure.worst
        return -self.worst if measure.higher else self.worst

    def losses(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of each row.

        :param outputs: shape (rows, batch, outputs).
        :param targets: of one batch, the same for all rows.
        :returns: shape (rows,).
        """
        return self._values(self.loss, outputs, targets).mean(dim=-1)

    def batch_loss(self, outputs: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        """Return the mean loss of a batch, with label smoothing where the task knows it.

        :raises ValueError: for smoothing where the task knows none.
        """
        if self.smoothed is not None:
            return self.smoothed(outputs, targets, smoothing)
        if smoothing:
            raise ValueError(
                f"label_smoothing is {smoothing}, but the task {self.name!r} knows none; leave it at 0"
            )
        return self.losses(outputs.unsqueeze(0), targets)[0]

    def sums(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return sums over the batch of the loss and of each measure, in float64.

        :param outputs: shape (..., batch, outputs).
        :param targets: of one batch, the same for all rows.
        :returns: shape (1 + measures, ...), in the order of :attr:`names`.
        """
        functions = (self.loss, *(measure.function for measure in self.measures.values()))
        # A measure may be the loss told in another way.
        values = {
            each: self._values(each, outputs, targets).double().sum(-1) for each in dict.fromkeys(functions)
        }
        return torch.stack([values[each] for each in functions])

    def means(self, sums: Sequence[float], count: int) -> dict[str, float]:
        """Return what is told of sums over ``count`` samples, by name."""
        finishes = (float, *(measure.finish for measure in self.measures.values()))
        return {
            name: finish(total / count)
            for name, finish, total in zip(self.names, finishes, sums, strict=True)
        }

    def check(self, outputs: Tensor, targets: Tensor) -> None:
        """Check loss and measures on the first batch, before anything is trained.

        :param outputs: what a network gave, shape (N, outputs), N at least 1.
        :raises ValueError: naming the one whose values have another shape than (N,), or a loss that is not finite.
        """
        wide = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
        for name in self.names:
            values = self.measure(name).function(wide, targets)
            shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            if shape != (len(outputs),):
                raise ValueError(
                    f"{name} of the task {self.name!r} gives {shape} for outputs of shape {tuple(outputs.shape)} and "
                    f"targets of shape {tuple(targets.shape)}; expected one value per sample, ({len(outputs)},)"
                )
            if name == "loss" and not torch.isfinite(values).all():
                bad = values[~torch.isfinite(values)][0].item()
                raise ValueError(
                    f"the loss of the task {self.name!r} is {bad} on the first batch; do its targets fit it?"
                )

    @staticmethod
    def _values(function: PerSample, outputs: Tensor, targets: Tensor) -> Tensor:
        # bfloat16 has too few digits for a loss.
        wide = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
        flat = wide.flatten(0, -2)
        repeats = flat.shape[0] // len(targets)
        repeated = targets if repeats == 1 else targets.repeat(repeats, *[1] * (targets.ndim - 1))
        return function(flat, repeated).reshape(outputs.shape[:-1])


def flat(parts: Mapping[str, Mapping[str, float] | None]) -> dict[str, float]:
    """Return measures of several parts of the data as one row: ``train_loss``, ``valid_accuracy`` and so on.

    :param parts: measures by name, by part; a part with None has none.
    """
    return {f"{part}_{name}": value for part, found in parts.items() for name, value in (found or {}).items()}


def check_targets(targets: Tensor, outputs: int, where: str) -> None:
    """Check that targets can be learned by a network of so many outputs.

    :param targets: class numbers, int64 (N,), each in 0..outputs-1; or numbers, floating-point (N, outputs), finite.
    :param where: whose targets they are, for the message.
    :raises ValueError: saying what does not fit.
    """
    if targets.is_floating_point():
        if targets.ndim != 2 or targets.shape[1] != outputs:
            raise ValueError(
                f"{where} has targets of shape {tuple(targets.shape)}; with {outputs} outputs they have the shape "
                f"({len(targets)}, {outputs})"
            )
        if not torch.isfinite(targets).all():
            raise ValueError(f"{where} has targets that are not finite; leave these samples out")
        return
    low, high = (int(targets.min()), int(targets.max())) if len(targets) else (0, 0)
    if low < 0 or high >= outputs:
        raise ValueError(
            f"{where} has labels from {low} to {high}; with {outputs} classes they lie in 0..{outputs - 1}"
        )
