"""Problems whose fitness is a training from scratch of every architecture."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch

from ..data import Splits
from ..fitness import TrainingFitness
from ..settings import Section
from ..spaces import Architecture
from ..training import evaluate
from ..workers import Workers
from .build import make_both, make_map, section, settings_for
from .problem import FITNESSES, Problem
from .settings import Config, ScratchSettings


@FITNESSES.register("scratch")
class OnScratch(Problem):
    """Loss or a measure on held-out data of the architecture's own network, trained for a few epochs."""

    Settings: ClassVar[type[Section]] = ScratchSettings
    unused: ClassVar[tuple[str, ...]] = ("pretrain",)

    data: Splits
    evaluate: TrainingFitness

    def __init__(self, config: Config) -> None:
        settings: ScratchSettings = config.fitness
        self.data, self.space = make_both(config)
        with section("fitness"):
            self.evaluate = TrainingFitness(
                self.space,
                self.data,
                **settings_for(TrainingFitness, settings),
                fidelities=settings.fidelity,
                seed=config.seed,
                device=config.device,
                map=make_map(config.map),
            )
        self.task = self.data.task
        self.fitness, self.worst = self.evaluate.fitness_type, self.evaluate.worst

    @classmethod
    def has_fidelity(cls, config: Config) -> bool:
        """Whether a training can be shorter, or of less."""
        settings: ScratchSettings = config.fitness
        return settings.fidelity != "epochs" or settings.recipe.epochs > 1

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.evaluate.device

    def keep_in(self, folder: Path) -> None:
        """Write every child as soon as it is trained, so that a run that is killed trains none twice."""
        self.evaluate.keep_in(folder / "children.csv")

    def release(self) -> None:
        """End the workers."""
        if isinstance(self.evaluate.map, Workers):
            self.evaluate.map.close()

    def final(self, architecture: Architecture) -> dict[str, float]:
        """Return loss and measures on the test data of the network, trained as in the search."""
        network = self.evaluate.train(architecture).evaluated
        found = evaluate(network, self.data.test.to(self.device))
        return {f"test_{name}": value for name, value in found.items()}
