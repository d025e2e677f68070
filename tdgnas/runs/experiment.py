"""A run as a folder: started once, resumed as often as it takes."""

from __future__ import annotations

import json
import shlex
import time
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from ..devices import out_of_memory
from ..files import Json, State
from ..files.atomic import remove_leftovers, write_text
from ..files.checkpoints import CheckpointFolder
from ..files.digests import check_recorded, recorded
from ..files.lock import FolderLock
from ..files.tables import Appender, Events
from ..parallel import alone, present
from ..registry import import_plugin
from ..seeding import random_states, set_random_states
from ..signals import stop_signals
from ..supernet import make_pretraining
from ..trust import check_trust, named_code, remember
from .board import Board
from .build import check_device, section, with_fastest_order, with_order
from .config import config_text, differences, make_config, read_config, read_versions
from .environment import changes, environment, quiet_warnings, same_bits, versions
from .errors import ConfigError, Interrupted, RunFailed
from .folder import check_empty, check_run, check_unchanged
from .guards import OperatorFailed
from .on_supernet import SEARCHED
from .phase import Context, Phase
from .phases import FINISHED, TOGETHER, make_phase, phase_names
from .problem import Problem
from .progress import Reporter
from .retrain_phase import check_retraining, more_trainings, reopened
from .sections import document_of, merged
from .settings import Config
from .together import call, follow
from .wiring import check_fit, try_strategy

#: Share of a run's time after which the next checkpoint is due; those between phases come on top.
CHECKPOINT_SHARE = 0.01

_GROWING = (
    "pretraining.csv", "history.csv", "timings/evaluation.csv", "events.jsonl", "retraining.csv", "faults.jsonl",
)  # fmt: skip


class Experiment:
    """A strategy on a problem within a budget, in a folder: begun once, resumed as often as it takes.

    Everything is built at once, so that what cannot be run is refused before anything is trained or written.

    :param problem: a name or more, see `tdgnas problems`; or a whole configuration.
    :param strategy: a name, see `tdgnas strategies`; the problem's own, or ``darts-tdga``, when None.
    :param budget: number of the problem's own unit, or a pair of unit and number; the problem's own when None.
    :param folder: the run's folder.
    :param settings: further keys of the configuration, nested: ``{"strategy": {"population": 20}}``.
    :param reporter: told what happens.
    :raises ConfigError: when it cannot be run, with the reason and what can.
    """

    def __init__(
        self,
        problem: str | Config = "main",
        strategy: str | None = None,
        budget: float | tuple[str, float] | None = None,
        folder: str | Path = "runs/latest",
        *,
        settings: Mapping[str, Any] | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        if isinstance(problem, Config):
            self.config = problem
        else:
            self.config = make_config(document_of(problem, strategy, budget, settings or {}))
        self.folder = Path(folder)
        self.reporter = reporter or Reporter()
        self.checkpoints = CheckpointFolder(self.folder / "checkpoints")
        self.phases = phase_names(self.config)
        self.context = self._build()
        self.faults = Events(self.folder / "faults.jsonl")
        self._lock: FolderLock | None = None
        self._stop: Any = None
        self._saved_at = self._cost = 0.0
        self._saved = "nothing but the configuration is saved yet"

    def run(self) -> list[Json]:
        """Begin in the folder, or go on with what was begun there with these settings, to the end.

        :returns: the rows of results.json.
        :raises ConfigError: when the folder holds something else.
        :raises Interrupted: when a signal asked to stop; everything is saved then.
        """
        fresh = self._saved_at == 0.0 and not (self.folder / "config.toml").exists()
        run = self._started() if fresh else Experiment.begin(self.folder, self.config, self.reporter)
        run.execute()
        rows: list[Json] = json.loads((self.folder / "results.json").read_text(encoding="utf-8"))
        return rows

    @classmethod
    def start(cls, folder: Path, config: Config, reporter: Reporter | None = None) -> Experiment:
        """Begin a run in a new or empty folder.

        :raises ConfigError: when the folder holds something already, or the configuration cannot be run.
        """
        check_empty(folder)
        return cls(config, folder=folder, reporter=reporter)._started()

    def _started(self) -> Experiment:
        """Make the folder of this run, which has not begun."""
        run, folder, config = self, self.folder, self.config
        check_empty(folder)
        if _measured(config):
            # Written down, since a clock never says the same twice and the orders differ in their last bits.
            config, said = with_fastest_order(config, run.context.problem.evaluate)
            run.reporter.say(said)
            run = type(self)(config, folder=folder, reporter=self.reporter)
        folder.mkdir(parents=True, exist_ok=True)
        run._lock = FolderLock(folder)
        try:
            check_empty(folder)
            remove_leftovers(folder)
            write_text(folder / "config.toml", config_text(config, versions()))
            remember(folder, named_code(config.model_dump()))
        except BaseException:
            run._lock.release()
            raise
        return run

    @classmethod
    def begin(cls, folder: Path, config: Config, reporter: Reporter | None = None) -> Experiment:
        """Open the run that was begun with this configuration in the folder, or start it.

        :raises ConfigError: when the folder holds something else, or the configuration cannot be run.
        """
        if not (folder / "config.toml").exists():
            return cls.start(folder, config, reporter)
        run = cls.open(folder, reporter)
        if _measured(config):
            config = with_order(config, run.config.fitness.order, run.config.fitness.chunk)
        changed = differences(run.config.model_dump(), config.model_dump())
        if list(changed) == ["retrain.seeds"] and more_trainings(config, run.config.model_dump()):
            return run.with_trainings(config.retrain.seeds)
        if changed:
            raise ConfigError(
                f"{folder} holds a run of other settings: {'; '.join(changed.values())}; choose another folder"
            )
        return run

    @classmethod
    def open(cls, folder: Path, reporter: Reporter | None = None, *, trusted: bool = False) -> Experiment:
        """Open the folder of a run that was begun.

        :param trusted: consent to import the code that the folder names, where somebody else began it.
        :raises ConfigError: when the folder is no run, or its configuration was changed into an impossible one.
        :raises UntrustedCode: when it names code that nobody has consented to import.
        :raises LinkedFile: when something in it leads out of it.
        """
        check_run(folder)
        path = folder / "config.toml"
        document = read_config(path)
        check_trust(folder, named_code(document), trusted)
        import_modules(document)
        run = cls(make_config(document), folder=folder, reporter=reporter)
        for change in changes(read_versions(path), dict(versions())):
            run.reporter.say(f"warning: {change} since the run began; equal bits are not promised any more")
        return run

    def with_trainings(self, trainings: int) -> Experiment:
        """Ask for more trainings of every network in the result table, of a run that is finished or not.

        The run goes on as if it had been begun with so many; :meth:`execute` does what is missing.

        :param trainings: of every network, those that are done included: the key ``retrain.seeds``.
        :raises ConfigError: when nothing is retrained, or it was begun with more.
        """
        settings = self.config.retrain
        if settings is None or not settings.epochs:
            raise ConfigError(
                f"{self.folder} retrains no networks, so there cannot be more trainings of them"
            )
        if trainings < settings.seeds:
            raise ConfigError(
                f"{self.folder} trains every network {settings.seeds} times already; ask for more than that"
            )
        if trainings == settings.seeds:
            return self
        config = make_config(merged(self.config.model_dump(), {"retrain": {"seeds": trainings}}))
        run = type(self)(config, folder=self.folder, reporter=self.reporter)
        run._lock = FolderLock(self.folder)
        path = self.folder / "config.toml"
        write_text(path, config_text(config, read_versions(path)))
        return run

    @classmethod
    def follow(cls) -> None:
        """Train with the first of the processes that have joined, which does the run; nothing is written that stays."""
        follow(present(), lambda config, folder: cls(config, folder=folder).context)

    def _build(self) -> Context:
        config = self.config
        import_modules(config.model_dump(include={"imports"}))
        check_fit(config)
        check_device(config.device)
        board = Board(self.folder / "tensorboard") if config.tensorboard else None
        with section("fitness"):
            problem = Problem.made(config)
        problem.folder = self.folder
        context = Context(config, self.folder, problem)
        context.note, context.board = self._note, board
        # Made for their errors: what cannot be run is refused before anything is trained.
        if config.pretrain is not None:
            with section("pretrain"):
                make_pretraining(context.supernet, config.pretrain)
        try_strategy(config, problem)
        if config.retrain is not None:
            with section("retrain"):
                check_retraining(context)
        return context

    def execute(self, until: str = FINISHED) -> bool:
        """Do what is left of the run.

        :param until: name of the phase before which to stop.
        :returns: whether anything was left.
        :raises Interrupted: when a signal asked to stop; everything is saved then.
        :raises RunFailed: when a step cannot be done.
        :raises StorageError: when something cannot be written.
        :raises ConfigError: when the configuration was changed since, another process works in the folder, or it has
            results whose checkpoints were removed.
        :raises AlteredFile: when a file of the run was changed or removed.
        """
        state = self.checkpoints.load()
        for sentence in self.checkpoints.damaged:
            self.reporter.say(f"warning: {sentence}; the checkpoint before it is used")
        if state is not None and state["phase"] == FINISHED:
            more = more_trainings(self.config, state["config"])
            check_recorded(self.folder, state["growing"], state["products"], whole=not more)
            if not more:
                return False
            state = reopened(self.folder, state)
        if state is None and (self.folder / "results.json").exists():
            raise ConfigError(
                f"{self.folder} has results and no checkpoints: the search would begin again and overwrite them; "
                "`tdgnas show` and `report` need none. To search again, take another folder"
            )
        self._lock = self._lock or FolderLock(self.folder)
        present().tell(self.config.model_dump())
        try:
            with same_bits(self.config, self.context.problem.device), quiet_warnings(self.reporter):
                self._execute(state, until)
        finally:
            self._lock.release()
            self._lock = None
        present().tell()
        return True

    def _execute(self, state: State | None, until: str) -> None:
        names = [*self.phases, FINISHED]
        first = 0 if state is None else names.index(state["phase"])
        self._restore(state, first)
        self._saved_at = time.monotonic()
        with stop_signals(self._ask):
            for number in range(first, names.index(until)):
                resumed = state["state"] if state is not None and number == first else None
                together = names[number] in TOGETHER
                if together:
                    call(present(), self.context, names[number], resumed)
                with nullcontext() if together else alone():
                    phase = make_phase(names[number], self.context)
                    if state is not None and number == first:
                        if resumed is not None:
                            phase.load_state_dict(resumed)
                            set_random_states(state["random"])
                        self.reporter.say(f"going on with {phase.name}, step {phase.done} of {phase.total}")
                        self._saved = f"the state after {phase.name} step {phase.done} is saved"
                    self._work(phase)
                    phase.finish()
                self._save(names[number + 1], None)

    def _restore(self, state: State | None, first: int) -> None:
        """Bring folder and supernet to where the state was taken; nothing is written before everything is checked."""
        if state is not None:
            check_unchanged(self.folder, state["config"], self.config, self.phases[first])
            for change in changes(state["environment"], environment(self.context.problem.device)):
                self.reporter.say(
                    f"warning: {change} since the checkpoint; equal bits are not promised any more"
                )
            check_recorded(self.folder, state["growing"], state["products"], whole=False)
        remove_leftovers(self.folder)
        self.checkpoints.set_aside()
        for name in _GROWING:
            Appender(self.folder / name).cut(0 if state is None else state["growing"].get(name, (0, ""))[0])
        if state is not None:
            self.context.products.update(state["products"])
            self.context.problem.budget.load_state_dict(state["budget"])
        supernet = self.context.problem.supernet
        if first > 0 and supernet is not None:
            over = first > self.phases.index("search") and (self.folder / SEARCHED).exists()
            saved = self.folder / (SEARCHED if over else "supernet")
            supernet.load_state_dict(load_file(saved / "supernet.safetensors"))

    def _work(self, phase: Phase) -> None:
        self.reporter.phase(phase.name, phase.total, phase.done)
        while phase.done < phase.total:
            numbers = self._step(phase)
            present().tell(self._stop is not None)
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

    def _step(self, phase: Phase) -> Json:
        where = f"{phase.name} stopped in step {phase.done + 1} of {phase.total}"
        try:
            return phase.step()
        except Exception as error:
            known = self._advice(error)
            if known is None:
                self.reporter.say(f"{where}; {self._saved}")
                raise
            raise RunFailed(f"{where}: {known[0]}\n{self._saved}. {known[1]}") from error

    def _advice(self, error: Exception) -> tuple[str, str] | None:
        """What went wrong and what to do about it, where that is known."""
        if isinstance(error, FloatingPointError):
            begun = shlex.quote(str(self.folder / "config.toml"))
            advice = f"tdgnas search --config {begun} --out NEW --set KEY=VALUE"
            what = f"Resuming would meet the same step again; start anew with other settings: {advice}"
            return str(error), what
        if isinstance(error, OperatorFailed):
            log = write_text(self.folder / "error.log", "".join(traceback.format_exception(error)))
            what = (
                f"The traceback is in {log}. Mend the operator, or set on_error to skip in its config.toml, "
            )
            return str(error), f"{what}then: {self._resume()}"
        if out_of_memory(error):
            first = (str(error) or type(error).__name__).splitlines()[0]
            what = f"Free memory and go on with: {self._resume()}, or start anew with a smaller batch_size or width"
            return f"out of memory ({first})", what
        return None

    def _save(self, name: str, phase: Phase | None) -> None:
        start = time.monotonic()
        self.checkpoints.save(
            {
                "phase": name,
                "state": None if phase is None else phase.state_dict(),
                "random": random_states(),
                "growing": recorded(self.folder, _GROWING),
                "products": dict(self.context.products),
                "budget": self.context.problem.budget.state_dict(),
                "config": self.config.model_dump(),
                "environment": environment(self.context.problem.device),
            }
        )
        self._saved_at = time.monotonic()
        self._cost = self._saved_at - start
        done = "" if phase is None else f" step {phase.done}"
        self._saved = f"the state {'after' if phase is not None else 'before'} {name}{done} is saved"

    def _note(self, record: Json) -> None:
        self.reporter.say(f"fault, skipped: {record.pop('sentence')}")
        self.faults.append([record])

    def _ask(self, number: Any) -> None:
        if self._stop is not None:
            raise KeyboardInterrupt
        self._stop = number
        self.reporter.alert(f"{number.name}: finishing this step and saving; once more stops at once")

    def _resume(self) -> str:
        return f"tdgnas resume {shlex.quote(str(self.folder))}"


def import_modules(document: Mapping[str, Any]) -> None:
    """Import the modules of one's own that a configuration names.

    :raises ConfigError: when one cannot be imported.
    """
    with section("imports"):
        for module in document.get("imports") or []:
            import_plugin(module)


def _measured(config: Config) -> bool:
    return getattr(config.fitness, "order", None) == "measured"
