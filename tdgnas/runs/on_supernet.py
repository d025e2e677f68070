"""Problems whose fitness is a supernet with shared weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch

from ..files import Json, State
from ..fitness import RankSumFitness, TrainingGradients
from ..settings import Section
from ..spaces import Architecture
from ..supernet import Supernet, evaluate_one, evaluation_set, save_supernet
from ..supernet.alternating import WeightTraining
from .build import make_both, make_fitness, make_supernet, section
from .errors import ConfigError
from .problem import FITNESSES, Problem
from .settings import Config, SupernetSettings

SEARCHED = "searched"
"""Folder of the supernet as a search has left it that trains the weights on."""


@FITNESSES.register("supernet")
class OnSupernet(Problem):
    """Loss or a measure on held-out data, with the shared weights of a pretrained supernet."""

    Settings: ClassVar[type[Section]] = SupernetSettings
    whole: ClassVar[bool] = True
    gradients: ClassVar[bool] = True
    supernet: Supernet

    def __init__(self, config: Config) -> None:
        self.config = config
        data, self.space = make_both(config)
        with section("pretrain" if config.pretrain.imagenet else "space"):
            self.supernet = make_supernet(config, self.space, data)
        self.data = self.supernet.data or data
        with section("fitness"):
            self.evaluate = make_fitness(config, self.supernet, self.data)
        self.task = self.data.task
        self.fitness = self.evaluate.fitness_type
        self.worst = 1.0 if config.fitness.controls else self.task.worst_of(config.fitness.measure)
        needed = self.evaluate.where.passes
        if config.budget.unit == "passes" and config.budget.limit < needed:
            raise ConfigError(
                f"budget: {config.budget.limit:g} passes are too few for one evaluation, which takes {needed}; "
                "give more, or count by budget.unit=evaluations"
            )
        self._source: TrainingGradients | None = None
        self._learned = False
        self._version = self.supernet.version

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.supernet.device

    @property
    def offers(self) -> Mapping[str, Callable[[], Any]]:
        """Gradients of alpha whose weights can learn on, alpha, its relaxed weights, and training of the weights."""
        settings: SupernetSettings = self.config.fitness
        return {
            **super().offers,
            "source": self._gradients,
            "start": lambda: self.supernet.alpha.double().cpu().tolist(),
            "weights": self.supernet.relaxed_weights,
            "train": lambda: WeightTraining(self.supernet, **dict(settings.weights)),
        }

    def _gradients(self) -> TrainingGradients:
        pretrain, settings = self.config.pretrain, self.config.fitness
        # Where the pretraining's schedule ended.
        rate = pretrain.lr_min if pretrain.epochs and pretrain.schedule == "cosine" else pretrain.lr
        self._source = TrainingGradients(
            self.supernet,
            order=settings.gradient_order,
            batch_size=settings.gradient_batch,
            lr=rate or pretrain.lr,
            momentum=pretrain.momentum,
            weight_decay=pretrain.weight_decay,
            clip=pretrain.clip,
        )
        return self._source

    def final(self, architecture: Architecture) -> dict[str, float]:
        """Return loss and measures on the test data, with the supernet's present weights."""
        assert self.data is not None
        where = evaluation_set(
            self.data.test.to(self.supernet.device), batch_size=self.config.fitness.batch_size
        )
        score = evaluate_one(self.supernet, where, architecture)
        return {"test_loss": score.loss, **{f"test_{name}": value for name, value in score.measures.items()}}

    def keep_winner(self, architecture: Architecture) -> list[Path]:
        """Write the weights where the search has changed them; those that it began with are kept beside."""
        if not self.learned or self.folder is None:
            return []
        saved = save_supernet(self.supernet, self.folder / SEARCHED)
        return [saved / "supernet.json", saved / "supernet.safetensors"]

    def release(self) -> None:
        """Free the values that were kept for the next generation, and end the workers where there are some."""
        self.evaluate.release()

    def begin(self) -> None:
        """Take the present weights as those that the search begins with."""
        self._version, self._learned = self.supernet.version, False

    @property
    def learned(self) -> bool:
        """Whether weights have changed since :meth:`begin`."""
        self._learned = self._learned or self.supernet.version != self._version
        return self._learned

    def measured(self, architectures: Sequence[Architecture]) -> list[Json]:
        """Return the measures and passes; these scores are in the fitness' cache, only there they cost nothing."""
        if self.evaluate.mode != "threshold":
            return super().measured(architectures)
        passes = self.evaluate.where.passes
        return [
            {**score.measures, **self.beside(one), "passes": passes}
            for one, score in zip(architectures, self.evaluate.scores(architectures), strict=True)
        ]

    def beside(self, architecture: Architecture) -> dict[str, float]:
        """Return the terms of a sum of ranks."""
        ranked = isinstance(self.evaluate, RankSumFitness)
        return self.evaluate.beside(architecture) if ranked else {}

    def state_dict(self) -> State:
        """The optimiser of the weights, and the weights where they have changed since :meth:`begin`."""
        return {
            "source": None if self._source is None else self._source.optimiser.state_dict(),
            "supernet": dict(self.supernet.state_dict()) if self.learned else None,
        }

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken."""
        if state["supernet"] is not None:
            self.supernet.load_state_dict(state["supernet"])
            self._learned = True
        if self._source is not None and state["source"] is not None:
            self._source.optimiser.load_state_dict(state["source"])
