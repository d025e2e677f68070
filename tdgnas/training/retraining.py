"""Train a found architecture to the end: checkpoints, a model file and its card in one folder."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..data import Splits
from ..files.checkpoints import CheckpointFolder
from ..files.links import check_links
from ..parallel import present
from ..settings import check_whole
from .cards import Card, make_card, save_model
from .evaluation import evaluate
from .recipe import Recipe
from .trainer import EpochRecord, Training


def retrain(
    network: nn.Module,
    data: Splits,
    recipe: Recipe,
    folder: str | Path,
    *,
    name: str = "network",
    architecture: Mapping[str, Any] | None = None,
    command: str = "",
    seed: int = 0,
    device: torch.device | str | None = None,
    resume: bool = False,
    checkpoint_every: int = 1,
    progress: Callable[[EpochRecord], object] | None = None,
) -> Card:
    """Train a network through all epochs and write it to a folder: ``model.safetensors``, ``card.json``, ``card.md``.

    A checkpoint is kept after every ``checkpoint_every`` epochs, the last two of them; training that is resumed ends as
    if it had never stopped, bit for bit on the CPU. What is written is the moving average where the recipe has one.
    Processes that have joined train it together (see :mod:`tdgnas.parallel`); the first one writes, all read, and their
    number may change when training is resumed. The test set is read once, after the last epoch. A recipe with
    ``with_valid`` trains on training and validation images together; the card then has the test accuracy alone.

    :param network: with fresh weights; trained in place.
    :param architecture: what it is, for the card.
    :param command: what makes it again, for the card.
    :param resume: go on from the newest whole checkpoint in the folder; a damaged one is named in a warning.
    :param progress: called with each epoch's record.
    :returns: the card.
    :raises FileExistsError: when the folder has checkpoints or a model already and ``resume`` is off.
    :raises LinkedFile: when a link lies in the folder, which would lead out of it.
    :raises TrainingDiverged: when the loss is not finite.
    """
    folder = Path(folder)
    check_whole(checkpoint_every=checkpoint_every)
    checkpoints = _checkpoints(folder, resume)
    training = Training(network, data, recipe, seed, device)
    started = time.perf_counter() - (_resume(training, checkpoints) if checkpoints.paths() else 0.0)
    for record in training:
        done = training.epoch
        if training.processes.leads and (done % checkpoint_every == 0 or done == recipe.epochs):
            elapsed = time.perf_counter() - started
            checkpoints.save({"training": training.state_dict(), "seconds": elapsed})
        if progress is not None:
            progress(record)
    known: dict[str, Any] = {"name": name, "architecture": dict(architecture or {}), "command": command}
    known["seconds"] = time.perf_counter() - started
    known["measures"] = _measured(training, data)
    card = training_card(training, data, **known)
    if training.processes.leads:
        save_model(training.evaluated, card, folder)
    return card


def _checkpoints(folder: Path, resume: bool) -> CheckpointFolder:
    check_links(folder)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    if not resume and (checkpoints.paths() or (folder / "model.safetensors").exists()):
        raise FileExistsError(
            f"{folder} has a training already; go on with resume=True or choose another folder"
        )
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    return checkpoints


def _resume(training: Training, checkpoints: CheckpointFolder) -> float:
    """Go on from the newest whole checkpoint; return the seconds that it took to get there."""
    state = checkpoints.load()
    for sentence in checkpoints.damaged:
        warnings.warn(f"{sentence}; going on from the checkpoint before it", stacklevel=3)
    if checkpoints.damaged and present().leads:
        checkpoints.set_aside()
    training.load_state_dict(state["training"])
    return float(state["seconds"])


def _measured(training: Training, data: Splits) -> dict[str, dict[str, float]]:
    parts = {"test": data.test} if training.recipe.with_valid else {"valid": data.valid, "test": data.test}
    precision = training.recipe.precision
    with training.processes.together():
        return {
            name: evaluate(training.evaluated, part.to(training.device), precision=precision)
            for name, part in parts.items()
        }


def training_card(training: Training, data: Splits, **known: Any) -> Card:
    """Return the card of a training that has ended: its network, recipe and seed, and the data are filled in.

    :param data: what it was trained on.
    :param known: other fields of :class:`Card`, ``name`` among them.
    """
    return make_card(
        training.evaluated,
        data.image_shape,
        classes=data.classes,
        mean=tuple(data.mean),
        std=tuple(data.std),
        data=data.name,
        task=data.task.name,
        recipe=training.recipe.model_dump(),
        seed=training.seed,
        **known,
    )
