"""A run as a folder: started once, resumed as often as it takes."""

from __future__ import annotations

import shlex
import time
import traceback
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from ..files.atomic import is_leftover, remove_leftovers, write_text
from ..files.checkpoints import CheckpointFolder
from ..files.digests import check_digest, digest
from ..files.links import check_links
from ..files.lock import NAME as LOCK
from ..files.lock import FolderLock
from ..files.tables import Appender, Events
from ..registry import import_plugin
from ..seeding import random_states, set_random_states
from .board import Board
from .build import (
    check_device,
    check_operators,
    make_data,
    make_fitness,
    make_recipe,
    make_space,
    make_supernet,
    make_toolbox,
    section,
    with_fastest_order,
    with_order,
)
from .config import ConfigError, RunConfig, config_text, differences, make_config, read_config, read_versions
from .environment import changes, environment, quiet_warnings, same_bits, versions
from .guards import OperatorFailed
from .phase import Context, Phase
from .phases import FINISHED, NAMES, make_phase
from .pretrain_phase import make_pretraining
from .progress import Reporter, Silent
from .signals import stop_signals

#: Share of a run's time after which the next checkpoint is due; those between phases come on top.
CHECKPOINT_SHARE = 0.01

_GROWING = (
    "pretraining.csv",
    "history.csv",
    "timings/evaluation.csv",
    "events.jsonl",
    "retraining.csv",
    "faults.jsonl",
)
# What may be changed in config.toml at any time, and which sections are in use from which phase on.
_FREE = {"tensorboard", "on_error"}
_SECTIONS = {"pretrain": 0, "search": 1, "fitness": 1, "retrain": 2}


class Interrupted(Exception):
    """The run was asked to stop; it has saved everything and can be resumed.

    :ivar code: exit status for a shell, 128 and the signal's number.
    """

    def __init__(self, message: str, code: int = 130) -> None:
        super().__init__(message)
        self.code = code


class RunFailed(RuntimeError):
    """A step cannot be done; the message says which, why, what is saved, and what to do."""


class Run:
    """One run in its folder.

    :param folder: the run's folder; holds ``config.toml``.
    :param config: what defines the run.
    :param reporter: told what happens.
    :raises ConfigError: when the configuration cannot be run; everything is built to know, nothing is written.
    """

    def __init__(self, folder: Path, config: RunConfig, reporter: Reporter | None = None) -> None:
        self.folder = folder
        self.config = config
        self.reporter = reporter or Silent()
        self.checkpoints = CheckpointFolder(folder / "checkpoints")
        self.context = self._build()
        self.faults = Events(folder / "faults.jsonl")
        self._lock: FolderLock | None = None
        self._stop: Any = None
        self._saved_at = self._cost = 0.0
        self._saved = "nothing but the configuration is saved yet"

    @classmethod
    def start(cls, folder: Path, config: RunConfig, reporter: Reporter | None = None) -> Run:
        """Begin a run in a new or empty folder.

        :raises ConfigError: when the folder holds something already, or the configuration cannot be run.
        """
        _check_empty(folder)
        run = cls(folder, config, reporter)
        if config.fitness.order == "measured":
            # Written down, since a clock never says the same twice and the orders differ in their last bits.
            config, said = with_fastest_order(config, run.context.fitness)
            run.reporter.say(said)
            run = cls(folder, config, reporter)
        folder.mkdir(parents=True, exist_ok=True)
        run._lock = FolderLock(folder)
        try:
            _check_empty(folder)
            remove_leftovers(folder)
            write_text(folder / "config.toml", config_text(config, versions()))
        except BaseException:
            run._lock.release()
            raise
        return run

    @classmethod
    def begin(cls, folder: Path, config: RunConfig, reporter: Reporter | None = None) -> Run:
        """Open the run that was begun with this configuration in the folder, or start it.

        :raises ConfigError: when the folder holds something else, or the configuration cannot be run.
        """
        if not (folder / "config.toml").exists():
            return cls.start(folder, config, reporter)
        run = cls.open(folder, reporter)
        if config.fitness.order == "measured":
            config = with_order(config, run.config.fitness.order, run.config.fitness.chunk)
        changed = differences(run.config.model_dump(), config.model_dump())
        if changed:
            raise ConfigError(
                f"{folder} holds a run of other settings: {'; '.join(changed.values())}; choose another folder"
            )
        return run

    @classmethod
    def open(cls, folder: Path, reporter: Reporter | None = None) -> Run:
        """Open the folder of a run that was begun.

        :raises ConfigError: when the folder is no run, or its configuration was changed into an impossible one.
        """
        check_run(folder)
        path = folder / "config.toml"
        run = cls(folder, make_config(read_config(path)), reporter)
        for change in changes(read_versions(path), dict(versions())):
            run.reporter.say(f"warning: {change} since the run began; equal bits are not promised any more")
        return run

    def _build(self) -> Context:
        config = self.config
        with section("imports"):
            for module in config.imports:
                import_plugin(module)
        check_device(config.device)
        board = Board(self.folder / "tensorboard") if config.tensorboard else None
        with section("data"):
            data = make_data(config.data, config.seed)
        with section("space"):
            space = make_space(config.space, data)
        with section("pretrain" if config.pretrain.imagenet else "space"):
            supernet = make_supernet(config, space, data)
        with section("fitness"):
            fitness = make_fitness(config, supernet, data)
        context = Context(config, self.folder, space, supernet.data or data, supernet, fitness)
        context.note, context.board = self._note, board
        # Made for their errors: what cannot be run is refused before anything is trained.
        with section("pretrain"):
            make_pretraining(context)
        with section("search"):
            toolbox = make_toolbox(config, space, supernet, fitness)
        check_operators(toolbox, supernet, config)
        with section("retrain"):
            make_recipe(config.retrain)
        return context

    def execute(self) -> bool:
        """Do what is left of the run.

        :returns: whether anything was left.
        :raises Interrupted: when a signal asked to stop; everything is saved then.
        :raises RunFailed: when a step cannot be done.
        :raises StorageError: when something cannot be written.
        :raises ConfigError: when the configuration was changed since, or another process works in the folder.
        :raises AlteredFile: when a file of the run was changed or removed.
        """
        state = self.checkpoints.load()
        for sentence in self.checkpoints.damaged:
            self.reporter.say(f"warning: {sentence}; the checkpoint before it is used")
        if state is not None and state["phase"] == FINISHED:
            _check_products(self.folder, state["products"])
            return False
        self._lock = self._lock or FolderLock(self.folder)
        try:
            with same_bits(self.config, self.context.supernet.device), quiet_warnings(self.reporter):
                self._execute(state)
        finally:
            self._lock.release()
            self._lock = None
        return True

    def _execute(self, state: dict[str, Any] | None) -> None:
        first = 0 if state is None else NAMES.index(state["phase"])
        self._restore(state, first)
        self._saved_at = time.monotonic()
        with stop_signals(self._ask):
            for number in range(first, len(NAMES)):
                phase = make_phase(number, self.context)
                if state is not None and number == first:
                    if state["state"] is not None:
                        phase.load_state_dict(state["state"])
                        set_random_states(state["random"])
                    self.reporter.say(f"going on with {phase.name}, step {phase.done} of {phase.total}")
                    self._saved = f"the state after {phase.name} step {phase.done} is saved"
                self._work(phase)
                phase.finish()
                self._save([*NAMES, FINISHED][number + 1], None)

    def _restore(self, state: dict[str, Any] | None, first: int) -> None:
        """Bring folder and supernet to where the state was taken; nothing is written before everything is checked."""
        if state is not None:
            self._check_config(state["config"], first)
            for change in changes(state["environment"], environment(self.context.supernet.device)):
                self.reporter.say(
                    f"warning: {change} since the checkpoint; equal bits are not promised any more"
                )
            for name, (size, known) in state["growing"].items():
                check_digest(self.folder / name, known, size)
            _check_products(self.folder, state["products"])
        remove_leftovers(self.folder)
        self.checkpoints.set_aside()
        for name in _GROWING:
            Appender(self.folder / name).cut(0 if state is None else state["growing"].get(name, (0, ""))[0])
        if state is not None:
            self.context.products.update(state["products"])
            self.context.supernet.budget.load_state_dict(state["budget"])
        if first > 0:
            weights = load_file(self.folder / "supernet" / "supernet.safetensors")
            self.context.supernet.load_state_dict(weights)

    def _check_config(self, before: dict[str, Any], first: int) -> None:
        changed = [
            sentence
            for key, sentence in differences(before, self.config.model_dump()).items()
            if key.split(".")[-1] not in _FREE and _SECTIONS.get(key.split(".")[0], 0) <= first
        ]
        if changed:
            raise ConfigError(
                f"{self.folder / 'config.toml'} was changed after the run had used it: {'; '.join(changed)}. "
                "Put it back to go on, or start another run with --config and another --out"
            )

    def _work(self, phase: Phase) -> None:
        self.reporter.phase(phase.name, phase.total, phase.done)
        while phase.done < phase.total:
            numbers = self._step(phase)
            self.reporter.step(phase.done, numbers)
            if self._stop is not None:
                self._save(phase.name, phase)
                raise Interrupted(
                    f"stopped by {self._stop.name} after {phase.name} step {phase.done} of {phase.total}; everything "
                    f"is saved. Go on with: {self._resume()}",
                    128 + self._stop.value,
                )
            if time.monotonic() - self._saved_at > self._cost / CHECKPOINT_SHARE:
                self._save(phase.name, phase)

    def _step(self, phase: Phase) -> dict[str, Any]:
        where = f"{phase.name} stopped in step {phase.done + 1} of {phase.total}"
        try:
            return phase.step()
        except FloatingPointError as error:
            advice = f"tdgnas search --config {shlex.quote(str(self.folder / 'config.toml'))} --out NEW --set KEY=VALUE"
            what = f"Resuming would meet the same step again; start anew with other settings: {advice}"
            raise RunFailed(f"{where}: {error}\n{self._saved}. {what}") from error
        except OperatorFailed as error:
            log = self.folder / "error.log"
            write_text(log, "".join(traceback.format_exception(error)))
            what = (
                f"The traceback is in {log}. Mend the operator, or set search.on_error to skip in its config.toml, "
                f"then: {self._resume()}"
            )
            raise RunFailed(f"{where}: {error}\n{self._saved}. {what}") from error
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                self.reporter.say(f"{where}; {self._saved}")
                raise
            what = f"Free memory and go on with: {self._resume()}, or start anew with a smaller batch_size or width"
            raise RunFailed(
                f"{where}: out of memory ({_first_line(error)})\n{self._saved}. {what}"
            ) from error
        except Exception:
            self.reporter.say(f"{where}; {self._saved}")
            raise

    def _save(self, name: str, phase: Phase | None) -> None:
        start = time.monotonic()
        appenders = {name: Appender(self.folder / name) for name in _GROWING}
        self.checkpoints.save(
            {
                "phase": name,
                "state": None if phase is None else phase.state_dict(),
                "random": random_states(),
                "growing": {
                    key: (file.size, digest(file.path, file.size)) for key, file in appenders.items()
                },
                "products": dict(self.context.products),
                "budget": self.context.supernet.budget.state_dict(),
                "config": self.config.model_dump(),
                "environment": environment(self.context.supernet.device),
            }
        )
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - start
        done = "" if phase is None else f" step {phase.done}"
        self._saved = f"the state {'after' if phase is not None else 'before'} {name}{done} is saved"

    def _note(self, record: dict[str, Any]) -> None:
        self.reporter.say(f"fault, skipped: {record.pop('sentence')}")
        self.faults.append([record])

    def _ask(self, number: Any) -> None:
        if self._stop is not None:
            raise KeyboardInterrupt
        self._stop = number
        self.reporter.alert(f"{number.name}: finishing this step and saving; once more stops at once")

    def _resume(self) -> str:
        return f"tdgnas resume {shlex.quote(str(self.folder))}"


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
    """Whether a run has nothing left to do.

    :raises ConfigError: when the folder is no run.
    :raises DamagedCheckpoint: when all its checkpoints are damaged.
    :raises AlteredFile: when it has finished and one of its files was changed since.
    """
    check_run(folder)
    state = CheckpointFolder(folder / "checkpoints").load()
    if state is None or state["phase"] != FINISHED:
        return False
    _check_products(folder, state["products"])
    return True


def _check_empty(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; choose another --out")
    if folder.exists() and any(path.name != LOCK and not is_leftover(path) for path in folder.iterdir()):
        raise ConfigError(
            f"{folder} is not empty; choose another --out, or go on with `tdgnas resume {folder}` if it is a run"
        )


def _check_products(folder: Path, products: dict[str, str]) -> None:
    for name, known in products.items():
        check_digest(folder / name, known)


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return "alloc" in str(error) and "memory" in str(error)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
