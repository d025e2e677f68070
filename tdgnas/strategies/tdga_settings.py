"""Groups of settings of the thermodynamical searches: variation, temperature, selection, the gradient step."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool, model_validator

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
from ..settings import Natural, NotNegative, Positive, Section, Share

__all__ = ["GradientStep", "Selection", "Temperature", "Variation"]


class Variation(Section):
    """How offspring are made. An operator is one of `tdgnas operators`, or one of your own as ``module:object``."""

    mate: str = Field("uniform", description="the crossover")
    mutate: str = Field("gaussian", description="the mutation")
    cxpb: Share = Field(0.8, description="probability that a pair is crossed")
    mutpb: Share = Field(0.2, description="probability that an individual is mutated")
    indpb_mate: Share = Field(0.5, description="probability per gene or decision, of the crossover")
    indpb_mutate: Share | None = Field(
        0.2, description="probability per gene or decision, of the mutation; 1 / decisions where none"
    )
    sigma: Positive = Field(0.2, description="standard deviation of a Gaussian mutation")
    scale: Positive = Field(1.0, description="initial genes are +scale or -scale")
    gates: Share = Field(
        0.5, description="probability of a gate in the first population, where nothing is inherited"
    )
    mate_parameters: dict[str, Any] = Field(
        default_factory=dict, description="of the crossover by name, before those of other settings"
    )
    mutate_parameters: dict[str, Any] = Field(default_factory=dict, description="of the mutation, likewise")


class Temperature(Section):
    """The temperature of the selection, in the energies' unit per nat."""

    schedule: Literal["constant", "geometric", "linear", "feedback"] = Field(
        "geometric", description="over the generations"
    )
    start: NotNegative = Field(0.1, description="first temperature, in the energies' unit per nat")
    stop: NotNegative = Field(1e-4, description="last temperature (geometric, linear)")
    ngen: Natural = Field(30, description="generations from the first to the last (geometric, linear)")
    target: NotNegative | None = Field(None, description="entropy in nats that feedback aims at")
    gain: Positive = Field(0.1, description="how strongly feedback follows")
    relative: StrictBool = Field(False, description="in units of the spread of the pool's energies")

    @model_validator(mode="after")
    def _fits(self) -> Temperature:
        if self.schedule == "geometric" and not (self.start > 0 and self.stop > 0):
            raise ValueError("a geometric schedule needs start and stop above 0")
        if self.schedule == "feedback" and (self.target is None or not 1e-6 <= self.start <= 1e6):
            raise ValueError("a feedback schedule needs a target entropy and a start between 1e-6 and 1e6")
        return self

    def make(self) -> Schedule:
        """Make the schedule."""
        ngen = max(self.ngen, 1)
        if self.schedule == "constant":
            return Constant(self.start)
        if self.schedule == "feedback":
            return Feedback(self.start, target=self.target or 0.0, gain=self.gain)
        kind = Geometric if self.schedule == "geometric" else Linear
        return kind(self.start, self.stop, ngen=ngen)


class Selection(Section):
    """How the next population is selected."""

    operator: str = Field(
        "thermodynamic", description="see `tdgnas operators`, or one of your own as module:object"
    )
    elite: Natural = Field(1, description="best individuals that mutation cannot reach")
    entropy: Literal["shannon", "distance", "variance", "logdet"] = Field(
        "shannon", description="of the selection"
    )
    replacement: StrictBool = Field(True, description="whether a selected candidate can be selected again")
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="of the selection by name, before those of other settings"
    )

    def make_entropy(self, loci: Loci) -> Entropy:
        """Make the entropy.

        :param loci: a population's choices, which Shannon's form counts.
        """
        kinds = {"distance": MeanDistanceEntropy, "variance": VarianceEntropy, "logdet": LogDetEntropy}
        return ShannonEntropy(loci) if self.entropy == "shannon" else kinds[self.entropy]()


class GradientStep(Section):
    """The step of each individual down the gradient of alpha."""

    steps: Natural = Field(1, description="per generation; 0 for no local search")
    lr: Positive = Field(0.05, description="learning rate")
    optimizer: Literal["adam", "sgd"] = Field("adam", description="of the steps")
