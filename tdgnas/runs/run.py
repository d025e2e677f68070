"""A run as a folder: started once, resumed as often as it takes."""

from __future__ import annotations

import hashlib
import platform
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any

from safetensors.torch import load_file

from ..checkpoint import CheckpointFolder
from ..fitness import SupernetFitness
from ..spaces import load_architecture
from .build import make_data, make_fitness, make_recipe, make_space, make_supernet, make_toolbox
from .config import ConfigError, RunConfig, config_text, make_config, read_config
from .files import Appender, write_text
from .phases import Context, Phase, PretrainPhase, RetrainPhase, SearchPhase, phase_names
from .progress import Reporter, Silent

#: Largest share of a run's time that checkpoints may take.
CHECKPOINT_SHARE = 0.02

_GROWING = ("pretraining.csv", "history.csv", "events.jsonl")
_PRODUCTS = ("supernet/supernet.safetensors", "architecture.json")


class Interrupted(Exception):
    """The run was asked to stop; it has saved everything and can be resumed."""


class Run:
    """One run in its folder.

    :param folder: the run's folder; holds ``config.toml``.
    :param config: what defines the run.
    :param reporter: told what happens.
    """

    def __init__(self, folder: Path, config: RunConfig, reporter: Reporter | None = None) -> None:
        self.folder = folder
        self.config = config
        self.reporter = reporter or Silent()
        self.checkpoints = CheckpointFolder(folder / "checkpoints")
        self.context = self._build()
        self._stop: str | None = None
        self._saved_at = time.monotonic()
        self._cost = 0.0

    @classmethod
    def start(cls, folder: Path, config: RunConfig, reporter: Reporter | None = None) -> Run:
        """Begin a run in a new or empty folder.

        :raises ConfigError: when the folder holds something already, or the configuration cannot be run.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(
                f"{folder} is not empty; choose another --out, or `tdgnas resume {folder}` if it is a run"
            )
        run = cls(folder, config, reporter)
        write_text(folder / "config.toml", config_text(config, versions()))
        return run

    @classmethod
    def open(cls, folder: Path, reporter: Reporter | None = None) -> Run:
        """Open the folder of a run that was begun.

        :raises ConfigError: when the folder is no run, or its configuration was changed into an impossible one.
        """
        if not (folder / "config.toml").is_file():
            raise ConfigError(f"{folder} has no config.toml, so it is not the folder of a run")
        return cls(folder, make_config(read_config(folder / "config.toml")), reporter)

    def _build(self) -> Context:
        config = self.config
        data = make_data(config.data, config.seed)
        space = make_space(config.space, data)
        supernet = make_supernet(config, space, data)
        fitness: SupernetFitness = make_fitness(config, supernet, data)
        # Made for their errors: a wrong operator or recipe is refused before anything is trained.
        make_toolbox(config, space, supernet, fitness)
        make_recipe(config.retrain)
        return Context(config, self.folder, space, supernet.data or data, supernet, fitness)

    def execute(self) -> None:
        """Do what is left of the run.

        :raises Interrupted: when a signal asked to stop; everything is saved then.
        """
        state = self.checkpoints.load()
        sizes = {} if state is None else state["sizes"]
        for name in _GROWING:
            Appender(self.folder / name).cut(sizes.get(name, 0))
        names = list(phase_names())
        first = 0 if state is None else names.index(state["phase"])
        self._restore(state, first)
        with self._signals():
            for number in range(first, len(names)):
                phase = self._phase(number)
                if state is not None and number == first:
                    if state["state"] is not None:
                        phase.load_state_dict(state["state"])
                    self.reporter.say(f"going on with {phase.name}, step {phase.done} of {phase.total}")
                self._work(phase)
                phase.finish()
                if number + 1 < len(names):
                    self._save(names[number + 1], None)

    def _phase(self, number: int) -> Phase:
        if number == 0:
            return PretrainPhase(self.context)
        if number == 1:
            return SearchPhase(self.context)
        _, best = load_architecture(self.folder / "architecture.json")
        return RetrainPhase(self.context, best)

    def _restore(self, state: dict[str, Any] | None, first: int) -> None:
        if state is None or first == 0:
            return
        for name, digest in state["products"].items():
            if _digest(self.folder / name) != digest:
                raise ConfigError(
                    f"{self.folder / name} is missing or was changed after the run wrote it; put it back, or start anew"
                )
        weights = load_file(self.folder / "supernet" / "supernet.safetensors")
        self.context.supernet.load_state_dict(weights)

    def _work(self, phase: Phase) -> None:
        self.reporter.phase(phase.name, phase.total, phase.done)
        while phase.done < phase.total:
            numbers = phase.step()
            self.reporter.step(phase.done, numbers)
            if self._stop is not None:
                self._save(phase.name, phase)
                raise Interrupted(
                    f"stopped by {self._stop} after {phase.name} step {phase.done} of {phase.total}; everything is "
                    f"saved. Go on with: tdgnas resume {self.folder}"
                )
            if time.monotonic() - self._saved_at > self._cost / CHECKPOINT_SHARE:
                self._save(phase.name, phase)

    def _save(self, name: str, phase: Phase | None) -> None:
        start = time.monotonic()
        present = [product for product in _PRODUCTS if (self.folder / product).exists()]
        self.checkpoints.save(
            {
                "phase": name,
                "state": None if phase is None else phase.state_dict(),
                "sizes": {growing: Appender(self.folder / growing).size for growing in _GROWING},
                "products": {product: _digest(self.folder / product) for product in present},
            }
        )
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - start

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(number: int, _: FrameType | None) -> None:
            if self._stop is not None:
                raise KeyboardInterrupt
            self._stop = signal.Signals(number).name
            self.reporter.say(f"{self._stop}: finishing this step and saving; once more stops at once")

        before = {}
        for name in (signal.SIGINT, signal.SIGTERM):
            try:
                before[name] = signal.signal(name, ask)
            except ValueError:  # not the main thread: whoever runs us there handles signals
                break
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in ("tdgnas", "torch", "torchvision", "numpy", "scipy", "deap", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _digest(path: Path) -> str:
    if not path.is_file():
        return "missing"
    return hashlib.sha256(path.read_bytes()).hexdigest()
