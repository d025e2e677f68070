"""One pretraining for several experiments that differ in their search only."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..files.checkpoints import CheckpointFolder
from ..files.lock import NAME as LOCK
from .errors import ConfigError
from .experiment import Experiment
from .pretrain_phase import PretrainPhase

_OWN = ("config.toml", "checkpoints", LOCK)


def pretrained(folder: Path) -> bool:
    """Whether a folder holds an experiment that has done its pretraining."""
    state = CheckpointFolder(folder / "checkpoints").load()
    return state is not None and state["phase"] != PretrainPhase.name


def adopt_pretraining(experiment: Experiment, donor: Path) -> None:
    """Let an experiment that has not begun go on from another one's pretraining, its costs included.

    :param experiment: whose folder was begun; one that has a checkpoint stays as it is.
    :param donor: folder of an experiment with the same seed, data and space that has done its pretraining, and no more.
    :raises ConfigError: when its pretraining is another one.
    """
    if experiment.checkpoints.load() is not None:
        return
    state = CheckpointFolder(donor / "checkpoints").load()
    own = experiment.config.model_dump()
    if state is None or any(
        state["config"][key] != own[key] for key in ("seed", "data", "space", "pretrain")
    ):
        raise ConfigError(f"{donor} holds no pretraining with the settings of {experiment.folder}")
    for path in donor.iterdir():
        if path.name in _OWN:
            continue
        place = experiment.folder / path.name
        if path.is_dir():
            shutil.copytree(path, place, dirs_exist_ok=True)
        else:
            shutil.copy2(path, place)
    experiment.checkpoints.save({**state, "config": own})
