"""Problems whose fitness looks at networks that nobody has trained."""

from __future__ import annotations

from typing import ClassVar

import torch

from ..data import Splits
from ..fitness import ZeroCostFitness
from ..settings import Section
from .build import make_both, section
from .problem import FITNESSES, Problem
from .settings import Config, ZeroCostSettings


@FITNESSES.register("zero-cost")
class OnZeroCost(Problem):
    """A score of the architecture's own network with fresh weights, such as NASWOT; the search trains nothing."""

    Settings: ClassVar[type[Section]] = ZeroCostSettings
    unused: ClassVar[tuple[str, ...]] = ("map", "pretrain")

    data: Splits
    evaluate: ZeroCostFitness

    def __init__(self, config: Config) -> None:
        settings: ZeroCostSettings = config.fitness
        self.data, self.space = make_both(config)
        with section("fitness"):
            self.evaluate = ZeroCostFitness(
                self.space,
                self.data,
                score=settings.score,
                images=settings.images,
                seed=config.seed,
                device=config.device,
            )
        self.task = self.data.task
        self.fitness, self.worst = self.evaluate.fitness_type, self.evaluate.worst

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.evaluate.device
