"""Problems whose fitness is a training from scratch of every architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import torch

from ..data import Splits
from ..fitness import TrainingFitness
from ..settings import Section
from ..spaces import Architecture, space_document
from ..training import evaluate, load_weights, make_card, save_model
from ..workers import Workers
from .build import make_both, make_map, section, settings_for
from .problem import FITNESSES, Problem
from .settings import Config, ScratchSettings

#: Folder of a winner whose weights were inherited and learned in the search.
_GROWN = "grown"


@FITNESSES.register("scratch")
class OnScratch(Problem):
    """Loss or a measure on held-out data of the architecture's own network, trained for a few epochs."""

    Settings: ClassVar[type[Section]] = ScratchSettings
    unused: ClassVar[tuple[str, ...]] = ("pretrain",)
    trains: ClassVar[bool] = True

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

    def keep_winner(self, architecture: Architecture) -> list[Path]:
        """Write the winner's weights, which were inherited and learned in the search, as a trained network."""
        known = self.evaluate.inherit
        weights = known and known.weights.get(self.space.canonical(architecture).choices)
        if not weights or self.folder is None:
            return []
        network, folder = self.space.network(architecture), self.folder / _GROWN
        network.load_state_dict(weights)
        made_of = {"space": space_document(self.space), "choices": list(architecture.choices)}
        card = make_card(
            network,
            self.data.image_shape,
            name=f"{self.space.name}, as it was trained in the search",
            classes=self.data.classes,
            mean=tuple(self.data.mean),
            std=tuple(self.data.std),
            data=self.data.name,
            task=self.task.name,
            measures={"valid": evaluate(network.to(self.device), self.data.valid.to(self.device))},
            recipe=self.evaluate.recipe.model_dump(),
            architecture=made_of,
        )
        save_model(network, card, folder)
        return [folder / name for name in ("model.safetensors", "card.json", "card.md")]

    def release(self) -> None:
        """End the workers."""
        if isinstance(self.evaluate.map, Workers):
            self.evaluate.map.close()

    def final(self, architecture: Architecture) -> dict[str, float]:
        """Return loss and measures on the test data of the network, trained as in the search.

        Where weights are inherited, those of a search's winner are its own; any other network begins with fresh ones.
        """
        own = None if self.folder is None else self.folder / _GROWN
        if own is not None and _is_of(own / "card.json", architecture):
            network = load_weights(self.space.network(architecture), own).to(self.device)
        else:
            network = self.evaluate.train(architecture).evaluated
        found = evaluate(network, self.data.test.to(self.device))
        return {f"test_{name}": value for name, value in found.items()}


def _is_of(card: Path, architecture: Architecture) -> bool:
    """Whether there is a card, and it is this architecture's."""
    if not card.is_file():
        return False
    known = json.loads(card.read_text(encoding="utf-8"))["architecture"].get("choices")
    return bool(known == list(architecture.choices))
