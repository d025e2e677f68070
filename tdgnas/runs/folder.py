"""The folder of a run: whether it is one, whether it is finished, whether its files are what the run wrote."""

from __future__ import annotations

from pathlib import Path

from ..files import Json
from ..files.atomic import is_leftover
from ..files.checkpoints import CheckpointFolder
from ..files.digests import check_recorded
from ..files.links import check_links
from ..files.lock import NAME as LOCK
from .config import differences, make_config, read_config
from .errors import ConfigError
from .phases import FINISHED
from .retrain_phase import more_trainings
from .settings import Config

# What may be changed in config.toml at any time, and which sections are in use from which phase on.
_FREE = {"tensorboard", "on_error"}
_SECTIONS = {
    "pretrain": 0,
    "strategy": 1,
    "budget": 1,
    "fitness": 1,
    "retrain": 2,
    "map": 9,
    "map.asynchronous": 1,
}
_PLACES = {"pretraining": 0, "search": 1, "retraining": 2, "final": 2}


def check_run(folder: Path) -> None:
    """Check that a folder is a run's, and that nothing in it leads out of it.

    :raises ConfigError: when it is no run.
    :raises LinkedFile: when a link lies in it.
    """
    check_links(folder)
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}")
    if not (folder / "config.toml").is_file():
        raise ConfigError(f"{folder} has no config.toml, so it is not the folder of a run")


def finished(folder: Path) -> bool:
    """Whether a run has nothing left to do, more trainings that its config.toml asks for included.

    :raises ConfigError: when the folder is no run.
    :raises DamagedCheckpoint: when all its checkpoints are damaged.
    :raises AlteredFile: when it has finished and one of its files was changed since.
    """
    check_run(folder)
    state = CheckpointFolder(folder / "checkpoints").load()
    if state is None or state["phase"] != FINISHED:
        return False
    asked, done = read_config(folder / "config.toml").get("retrain"), state["config"]["retrain"]
    if asked and done and asked.get("seeds") != done["seeds"]:
        return False
    check_recorded(folder, state["growing"], state["products"], whole=True)
    return True


def check_unchanged(folder: Path, before: Json, now: Config, phase: str) -> None:
    """Check that nothing was changed in config.toml that a run has used up to a phase; more trainings may be asked for.

    :param before: the configuration as it was then.
    :raises ConfigError: when something was, saying what.
    """
    known = make_config(before).model_dump()  # a key that an earlier version did not have is at its default
    changed = [
        sentence
        for key, sentence in differences(known, now.model_dump()).items()
        if key.split(".")[-1] not in _FREE
        and not (key == "retrain.seeds" and more_trainings(now, before))
        and _SECTIONS.get(key, _SECTIONS.get(key.split(".")[0], 0)) <= _PLACES[phase]
    ]
    if changed:
        raise ConfigError(
            f"{folder / 'config.toml'} was changed after the run had used it: {'; '.join(changed)}. "
            "Put it back to go on, or start another run with --config and another --out"
        )


def check_empty(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; choose another --out")
    if folder.exists() and any(path.name != LOCK and not is_leftover(path) for path in folder.iterdir()):
        raise ConfigError(
            f"{folder} is not empty; choose another --out, or go on with `tdgnas resume {folder}` if it is a run"
        )
