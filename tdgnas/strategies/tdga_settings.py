"""Groups of settings of the thermodynamical searches: variation, temperature, selection, the gradient step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..operators import (
    Constant,
    Entropy,
    Feedback,
    Geometric,
    Linear,
    Loci,
    LogDetEntropy,
    MeanDistanceEntropy,
    Schedule,
    ShannonEntropy,
    VarianceEntropy,
)
from .ranges import NotNegative, Positive, Rate, Whole, check_settings

__all__ = ["GradientStep", "Selection", "Temperature", "Variation"]


@dataclass(frozen=True)
class Variation:
    """How offspring are made.

    :param mate: the crossover, see `tdgnas operators`, or one of your own as ``module:object``.
    :param mutate: the mutation, likewise.
    :param cxpb: probability that a pair is crossed.
    :param mutpb: probability that an individual is mutated.
    :param indpb_mate: probability per gene or decision, of the crossover.
    :param indpb_mutate: probability per gene or decision, of the mutation; 1 / decisions where none.
    :param sigma: standard deviation of a Gaussian mutation.
    :param scale: initial genes are +scale or -scale.
    :param mate_parameters: of the crossover by name, before those of other settings.
    :param mutate_parameters: of the mutation, likewise.
    """

    mate: str = "uniform"
    mutate: str = "gaussian"
    cxpb: Rate = 0.8
    mutpb: Rate = 0.2
    indpb_mate: Rate = 0.5
    indpb_mutate: Rate | None = 0.2
    sigma: Positive = 0.2
    scale: Positive = 1.0
    mate_parameters: Mapping[str, Any] = field(default_factory=dict)
    mutate_parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_settings(type(self), vars(self))


@dataclass(frozen=True)
class Temperature:
    """The temperature of the selection.

    :param schedule: over the generations.
    :param start: first temperature, in the energies' unit per nat.
    :param stop: last temperature (geometric, linear).
    :param ngen: generations from the first to the last (geometric, linear).
    :param target: entropy in nats that feedback aims at.
    :param gain: how strongly feedback follows.
    :param relative: in units of the spread of the pool's energies.
    """

    schedule: Literal["constant", "geometric", "linear", "feedback"] = "geometric"
    start: NotNegative = 0.1
    stop: NotNegative = 1e-4
    ngen: Whole = 30
    target: NotNegative | None = None
    gain: Positive = 0.1
    relative: bool = False

    def __post_init__(self) -> None:
        check_settings(type(self), vars(self))
        if self.schedule == "geometric" and not (self.start > 0 and self.stop > 0):
            raise ValueError("a geometric schedule needs start and stop above 0")
        if self.schedule == "feedback" and (self.target is None or not 1e-6 <= self.start <= 1e6):
            raise ValueError("a feedback schedule needs a target entropy and a start between 1e-6 and 1e6")

    def make(self) -> Schedule:
        """Make the schedule."""
        ngen = max(self.ngen, 1)
        if self.schedule == "constant":
            return Constant(self.start)
        if self.schedule == "geometric":
            return Geometric(self.start, self.stop, ngen=ngen)
        if self.schedule == "linear":
            return Linear(self.start, self.stop, ngen=ngen)
        return Feedback(self.start, target=self.target or 0.0, gain=self.gain)


@dataclass(frozen=True)
class Selection:
    """How the next population is selected.

    :param operator: the selection, see `tdgnas operators`, or one of your own as ``module:object``.
    :param elite: best individuals that mutation cannot reach.
    :param entropy: of the selection.
    :param replacement: whether a selected candidate can be selected again.
    :param parameters: of the selection by name, before those of other settings.
    """

    operator: str = "thermodynamic"
    elite: Whole = 1
    entropy: Literal["shannon", "distance", "variance", "logdet"] = "shannon"
    replacement: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_settings(type(self), vars(self))

    def make_entropy(self, loci: Loci) -> Entropy:
        """Make the entropy.

        :param loci: a population's choices, which Shannon's form counts.
        """
        kinds = {"distance": MeanDistanceEntropy, "variance": VarianceEntropy, "logdet": LogDetEntropy}
        return ShannonEntropy(loci) if self.entropy == "shannon" else kinds[self.entropy]()


@dataclass(frozen=True)
class GradientStep:
    """The step of each individual down the gradient of alpha.

    :param steps: per generation; 0 for no local search.
    :param lr: learning rate.
    :param optimizer: of the steps.
    """

    steps: Whole = 1
    lr: Positive = 0.05
    optimizer: Literal["adam", "sgd"] = "adam"

    def __post_init__(self) -> None:
        check_settings(type(self), vars(self))
