"""Tiny runs, and children that are killed while they work on one."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tdgnas.runs import Config as Settings
from tdgnas.runs import Experiment, Interrupted, make_config
from tdgnas.runs.progress import Reporter

# Wall-clock figures, and what says where a run stands, may differ between two runs; everything else may not.
_FREE = ("timings/", "checkpoints/", ".lock", "report.html", "figures/", "error.log")


def tiny_document(**sections: Any) -> dict[str, Any]:
    """The configuration of a run of a few seconds; sections given here are merged into it."""
    document: dict[str, Any] = {
        "seed": 4,
        "device": "cpu",
        "space": {"settings": {"width": 0.03125}},
        "data": {"train": 32, "valid": 16, "test": 16},
        "pretrain": {"epochs": 2, "hold": 1, "batch_size": 16},
        "strategy": {"population": 4},
        "budget": {"limit": 2},
        "fitness": {"size": 16},
        "retrain": {"epochs": 2, "random_draws": 0, "batch_size": 32},
    }
    for name, section in sections.items():
        own = {} if name == "strategy" and "name" in section else document.get(name, {})
        document[name] = {**own, **section} if isinstance(section, dict) else section
    return document


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Settings]:
    """Makes the configuration of a tiny run."""
    return lambda **sections: make_config(tiny_document(**sections))


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Settings]) -> Path:
    """The folder of a tiny run that was never stopped; not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    run = Experiment.start(folder, tiny())
    assert run.execute()
    return folder


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Reads all files of a run that have to be equal to those of a run that was never stopped."""

    def read(folder: Path) -> dict[str, bytes]:
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        return {name: data for name, data in found.items() if not name.startswith(_FREE)}

    return read


def _work(folder: Path, config: Settings, deadly: int, often: bool) -> None:
    """Start or go on with a run in this (forked) process, which dies at its n-th flush to the disk."""
    import tdgnas.runs.experiment as module

    if often:
        module.CHECKPOINT_SHARE = 1e9
    flush, flushes = os.fsync, [0]

    def fsync(handle: int) -> None:
        flushes[0] += 1
        if flushes[0] == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(handle)

    os.fsync = fsync  # type: ignore[assignment]
    Experiment.begin(folder, config).execute()


@pytest.fixture(scope="session")
def work_until_killed() -> Callable[..., int]:
    """Works on a run in a child process that kills itself at its n-th flush; returns the exit code (-9: killed)."""

    def work(folder: Path, config: Settings, deadly: int, often: bool = True) -> int:
        process = multiprocessing.get_context("fork").Process(
            target=_work, args=(folder, config, deadly, often)
        )
        process.start()
        process.join()
        assert process.exitcode is not None
        return process.exitcode

    return work


class Listener(Reporter):
    """Keeps what a run says, and sends this process a signal after the n-th step."""

    def __init__(self, stop_after: int = -1, number: signal.Signals = signal.SIGINT) -> None:
        self.said: list[str] = []
        self.steps = 0
        self.stop_after, self.number = stop_after, number

    def say(self, text: str) -> None:
        """Keep a line."""
        self.said.append(text)

    alert = say

    def step(self, done: int, numbers: dict[str, Any]) -> None:
        """Count a step."""
        self.steps += 1
        if self.steps == self.stop_after:
            os.kill(os.getpid(), self.number)

    @property
    def text(self) -> str:
        """Everything said."""
        return "\n".join(self.said)


@pytest.fixture(scope="session")
def listener() -> Callable[..., Listener]:
    """Makes reporters that keep what they are told."""
    return Listener


@pytest.fixture(scope="session")
def _halfway(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Settings]) -> Path:
    """The folder of the tiny run, stopped by Ctrl-C after the second generation, with two checkpoints."""
    import tdgnas.runs.experiment as module

    folder = tmp_path_factory.mktemp("halfway") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHECKPOINT_SHARE", 1e9)
        with pytest.raises(Interrupted):
            Experiment.start(folder, tiny(), Listener(stop_after=4)).execute()
    return folder


@pytest.fixture
def halfway(_halfway: Path, tmp_path: Path) -> Path:
    """A copy of a run that was stopped in the middle of its search."""
    return Path(shutil.copytree(_halfway, tmp_path / "halfway"))
