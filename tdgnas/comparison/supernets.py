"""Strategies compared on one pretrained supernet per seed."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from ..data import Splits, load
from ..devices import own_noise
from ..files.atomic import write_json
from ..fitness import SupernetFitness, SupernetGradients, TrainingGradients
from ..individual import LossFitness
from ..runs.search import Unit
from ..spaces import SPACES, Architecture, SearchSpace, create
from ..supernet import Supernet, evaluate_one, evaluation_set, load_supernet, save_supernet
from ..tasks import flat
from ..training import Recipe, evaluate, train
from .session import Session


class SupernetProblem:
    """A space on a data set; fitness is the validation loss on a supernet with frozen weights.

    Each seed has its own split, its own supernet, pretrained once (DARTS, half of the weights' steps on
    sampled networks) and shared by all strategies; those passes count for every one of them. A gradient
    search continues the pretraining on a copy: its weights learn on. What each strategy chose is scored by
    the test loss on the shared supernet and, with ``retrain``, after training from scratch.

    :param space: name of a space.
    :param data: name of a data set.
    :param epochs: of pretraining.
    :param images: validation images of one evaluation.
    :param evaluations: the search's default budget, in evaluations' worth of image passes.
    :param retrain: epochs of training from scratch for each choice; 0 for none.
    :param batch_size: of gradient steps.
    :param settings: of the space.
    :raises ValueError: for an unknown space, or settings that it does not take.
    """

    unit: Unit = "passes"
    higher = False
    gradients = True
    paired = True
    curve = False

    def __init__(
        self,
        space: str,
        data: str,
        *,
        epochs: int = 20,
        images: int = 256,
        evaluations: int = 100,
        retrain: int = 0,
        batch_size: int = 64,
        **settings: Any,
    ) -> None:
        counts = [("epochs", epochs, 0), ("images", images, 2), ("evaluations", evaluations, 1)]
        for name, value, least in [*counts, ("retrain", retrain, 0), ("batch_size", batch_size, 2)]:
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {least}")
        self.space, self.data, self.settings = space, data, settings
        self.epochs, self.images, self.retrain, self.batch_size = epochs, images, retrain, batch_size
        self.limit = float(evaluations * images)
        self.metric = "retrained_accuracy" if retrain else "test_loss"
        self.higher = bool(retrain)
        self.decisions = self._space(self._load(0)).decisions

    @property
    def document(self) -> dict[str, Any]:
        """All settings that its results depend on."""
        own = {
            name: getattr(self, name)
            for name in ("space", "data", "settings", "epochs", "images", "batch_size")
        }
        return {**own, "retrain": self.retrain}

    def _load(self, seed: int) -> Splits:
        torch.set_num_threads(1)
        return load(self.data, seed=seed)

    def _space(self, data: Splits) -> SearchSpace:
        known = inspect.signature(SPACES.get(self.space)).parameters
        channels, size, _ = data.image_shape
        fitting = {"in_channels": channels, "image_size": size, "classes": data.outputs}
        return create(self.space, **{k: v for k, v in fitting.items() if k in known}, **self.settings)

    def _folder(self, seed: int, folder: Path) -> Path:
        return folder / "supernets" / str(seed)

    def prepared(self, seed: int, folder: Path) -> bool:
        """Say whether the seed's supernet is there, made with these settings."""
        try:
            saved = json.loads((self._folder(seed, folder) / "pretraining.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return bool(saved.get("problem") == self._pretraining)

    @property
    def _pretraining(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("space", "data", "settings", "epochs")}

    def prepare(self, seed: int, folder: Path) -> None:
        """Pretrain the seed's supernet."""
        data = self._load(seed)
        supernet = Supernet(self._space(data), data, seed=seed)
        training = supernet.pretraining(self.epochs, alpha_lr=3e-3, hold=0, seed=seed)
        for _ in training:
            pass
        place = self._folder(seed, folder)
        shutil.rmtree(place, ignore_errors=True)
        save_supernet(supernet, place)
        # Written last: without it the folder counts as unfinished.
        write_json(place / "pretraining.json", {"problem": self._pretraining, "passes": training.passes})

    def open(self, seed: int, folder: Path) -> Session:
        """Load the seed's supernet, with the passes of its pretraining already on the budget."""
        data, place = self._load(seed), self._folder(seed, folder)
        supernet = load_supernet(place, data)
        images = min(self.images, len(data.valid))
        fitness = SupernetFitness(supernet, data.valid, size=images, batch_size=images)
        passes = json.loads((place / "pretraining.json").read_text(encoding="utf-8"))["passes"]
        fitness.budget.count(passes=int(passes), cause="pretraining")

        def source(order: int, weights: bool) -> SupernetGradients:
            kind = TrainingGradients if weights else SupernetGradients
            rate = 0.001 if self.epochs else 0.025  # where the pretraining's cosine ended
            return kind(supernet, order=order, batch_size=self.batch_size, lr=rate)  # type: ignore[arg-type]

        def final(chosen: Architecture) -> dict[str, float]:
            return self._final(load_supernet(place, data), data, chosen, seed)

        start = supernet.alpha.double().cpu().tolist()
        return Session(supernet.space, fitness, LossFitness, final, source, start, whole=True)

    def _final(self, supernet: Supernet, data: Splits, chosen: Architecture, seed: int) -> dict[str, float]:
        where = evaluation_set(data.test.to(supernet.device), batch_size=self.images)
        score = evaluate_one(supernet, where, chosen)
        space = supernet.space
        found = {
            "test_loss": score.loss,
            **{f"test_{name}": value for name, value in score.measures.items()},
            "parameters_M": space.parameters(chosen) / 1e6,
        }
        if self.retrain:
            recipe = Recipe(epochs=self.retrain, weight_decay=3e-4, warmup=0)
            with own_noise(seed):
                network = space.network(chosen)
            train(network, data, recipe, seed=seed)
            found |= flat({"retrained": evaluate(network, data.test)})
        return found
