"""Runs killed by SIGKILL at random moments and resumed until they are done, compared with runs never stopped.

Each run is worked on by one child process after another, and every child is killed: some at a random moment of a phase
chosen beforehand, some inside a write (just before or after the file is flushed to the disk or put in its place).
Half of the children write a checkpoint after every step, the others as seldom as a run does by itself. In the end
all files of the run (but wall-clock times and the checkpoints themselves) have to equal those of the run that was never
stopped, byte for byte, weights among them. Several kinds of runs take turns: frozen and alternately trained weights,
losses and accuracies, discrete and relaxed fitness, first and second order; and every other strategy once.

Run it alone: ``python benchmarks/kill_and_resume.py --kills 100``; exit status 1 when anything differs.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import torch

import tdgnas.runs.experiment as running
from tdgnas.runs import Config, Experiment, make_config
from tdgnas.runs.progress import Reporter
from tdgnas.strategies import STRATEGIES

PHASES = ("starting, reading a checkpoint", "pretraining", "search", "retraining")
FREE = ("timings/", "checkpoints/", ".lock")

TINY: dict[str, dict[str, Any]] = {
    "space": {"settings": {"width": 0.03125}},
    "data": {"train": 64, "valid": 32, "test": 32},
    "pretrain": {"epochs": 4, "hold": 1, "batch_size": 32},
    "strategy": {"population": 4},
    "budget": {"limit": 5},
    "fitness": {"size": 32},
    "retrain": {"epochs": 3, "random_draws": 0, "batch_size": 32},
}
KINDS: dict[str, dict[str, dict[str, Any]]] = {
    "frozen weights, loss": {},
    "weights trained in the search, accuracy, second order, feedback": {
        "pretrain": {"order": 2, "relaxation": "target-softmax", "epochs": 3},
        "strategy": {
            "population": 4,
            "alternate": True,
            "temperature": {"schedule": "feedback", "target": 20.0},
        },
        "fitness": {"measure": "accuracy", "batchnorm": "recalibrated", "calibration_size": 32},
        "retrain": {"augment": {"crop": 2, "flip": True}},
    },
    "relaxed fitness, other operators": {
        "strategy": {
            "variation": {"mutate": "flip-gate", "mate": "target"},
            "selection": {"entropy": "variance"},
        },
        "fitness": {"mode": "relaxed"},
    },
    "cells, one sampled path, dropout on skips": {
        "space": {"name": "darts-cells", "settings": {"cells": 2, "channels": 2, "nodes": 3}},
        "data": {"size": 8},
        "pretrain": {"computed": "one", "skip_dropout": 0.3},
        "strategy": {"variation": {"mutate": "choice", "mate": "decision"}},
    },
}
KINDS |= {
    name: {"strategy": {"name": name}} for name in STRATEGIES.names() if name not in ("darts-tdga", "optuna")
}


@dataclass(frozen=True)
class Death:
    """How a child is to die.

    :param phase: number of the phase.
    :param seconds: after the phase has begun; negative for a death inside a write.
    :param write: the how manyeth flush or renaming of the phase the child does not survive.
    :param often: whether the child writes a checkpoint after every step.
    """

    phase: int
    seconds: float
    write: int
    often: bool


class Teller(Reporter):
    """Tells the process that does the killing which phase a run is in; counts the time of each phase."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.begun = [time.monotonic()]

    def phase(self, name: str, total: int, done: int) -> None:
        """Remember the phase."""
        self.place.value = PHASES.index(name)
        self.begun.append(time.monotonic())


def configuration(kind: str) -> Config:
    """The tiny run, with the changes that a kind makes."""
    document: dict[str, Any] = {
        "seed": 1,
        "device": "cpu",
        **{name: dict(keys) for name, keys in TINY.items()},
    }
    for name, keys in KINDS[kind].items():
        own = document.get(name, {}) if "name" not in keys else {}
        document[name] = {**own, **keys}
    return make_config(document)


def work(folder: Path, config: Config, reporter: Teller) -> None:
    """Start a run, or go on with it."""
    torch.set_num_threads(1)
    Experiment.begin(folder, config, reporter).execute()


def live_and_die(folder: Path, config: Config, place: Any, death: Death) -> None:
    """What a child does."""
    if death.often:
        running.CHECKPOINT_SHARE = 1e9
    if death.seconds < 0:
        left = [death.write]
        for name in ("fsync", "replace"):
            setattr(os, name, deadly(getattr(os, name), place, death.phase, left))
    work(folder, config, Teller(place))


def deadly(function: Callable[..., Any], place: Any, phase: int, left: list[int]) -> Callable[..., Any]:
    """Wrap a function of the file system: the process dies just before or just after its n-th call in a phase."""

    def call(*arguments: Any) -> None:
        if place.value == phase:
            left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        function(*arguments)

    return call


def contents(folder: Path) -> dict[str, bytes]:
    """All files that have to be equal."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: data for name, data in found.items() if not name.startswith(FREE)}


def choose_death(reached: int, seconds: list[float], rng: random.Random) -> Death:
    """Choose a phase that the run has not left yet, the present one more often, and a moment in it."""
    later = rng.randrange(max(reached, 1), len(PHASES))
    phase = rng.choices([0, max(reached, 1), later], [0.15, 0.65, 0.2])[0]
    inside = phase > 0 and rng.random() < 0.4
    moment = rng.uniform(0.0, seconds[phase])
    return Death(phase, -1.0 if inside else moment, rng.randint(1, 8), rng.random() < 0.5)


def kill_at(child: ForkProcess, place: Any, death: Death) -> None:
    """Wait for the moment, kill; return when the child has ended in whatever way."""
    start = time.monotonic()
    while child.is_alive() and (death.seconds < 0 or place.value < death.phase):
        time.sleep(0.002)
        start = time.monotonic()
    child.join(max(0.0, start + death.seconds - time.monotonic()))
    if child.exitcode is None:
        with suppress(ProcessLookupError):
            os.kill(child.pid or 0, signal.SIGKILL)
        child.join()


def kill_until_done(
    folder: Path, config: Config, seconds: list[float], rng: random.Random
) -> Iterator[tuple[int, bool, bool]]:
    """Work on a run with children that are killed.

    Yields the phase of each kill, whether it was aimed at a write, and whether a file was left half written.
    """
    context = multiprocessing.get_context("fork")
    place, reached = context.Value("i", 0, lock=False), 0
    while True:
        place.value = 0
        death = choose_death(reached, seconds, rng)
        child = context.Process(target=live_and_die, args=(folder, config, place, death))
        child.start()
        kill_at(child, place, death)
        reached = max(reached, place.value)
        if child.exitcode == 0:
            return
        if child.exitcode != -signal.SIGKILL:
            raise SystemExit(f"a child ended with {child.exitcode} in {folder}; see its traceback above")
        yield place.value, death.seconds < 0, any(folder.rglob(".*.part*"))


def whole_run(folder: Path, config: Config) -> list[float]:
    """Run without a stop; return the seconds of starting and of each phase."""
    teller = Teller(multiprocessing.Value("i", 0))
    work(folder, config, teller)
    moments = [*teller.begun, time.monotonic()]
    return [after - before for before, after in itertools.pairwise(moments)]


def main() -> None:
    """Kill, resume, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100, help="go on until so many children were killed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = random.Random(options.seed)
    moments: Counter[int] = Counter()
    writes: Counter[int] = Counter()
    halves: Counter[int] = Counter()
    runs: Counter[str] = Counter()
    different: list[str] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        whole, seconds = {}, {}
        # So that all imports are done before clocks run.
        Experiment(configuration(next(iter(KINDS))), folder=root / "nothing")
        for number, kind in enumerate(KINDS):
            seconds[kind] = whole_run(root / f"whole{number}", configuration(kind))
            whole[kind] = contents(root / f"whole{number}")
        # Every kind at least once, and no run is given up half-way: each has to be compared.
        while moments.total() + writes.total() < options.kills or len(runs) < len(KINDS):
            kind = list(KINDS)[runs.total() % len(KINDS)]
            folder = root / f"run{runs.total()}"
            for phase, inside, half in kill_until_done(folder, configuration(kind), seconds[kind], rng):
                (writes if inside else moments)[phase] += 1
                halves[phase] += half
            runs[kind] += 1
            found = contents(folder)
            names = sorted(set(found) | set(whole[kind]))
            different += [f"{kind}: {name}" for name in names if found.get(name) != whole[kind].get(name)]
            killed = moments.total() + writes.total()
            print(f"{killed} kills, {runs.total()} runs, {len(different)} differences", file=sys.stderr)
    print("| killed while | at a random moment | inside a write | both | a file left half written |")
    print("|---|---|---|---|---|")
    for place, phase in enumerate(PHASES):
        total = moments[place] + writes[place]
        print(f"| {phase} | {moments[place]} | {writes[place]} | {total} | {halves[place]} |")
    total = moments.total() + writes.total()
    print(f"| all | {moments.total()} | {writes.total()} | {total} | {halves.total()} |\n")
    print("| kind of run | runs killed and resumed | files compared in each |\n|---|---|---|")
    for kind in KINDS:
        print(f"| {kind} | {runs[kind]} | {len(whole[kind])} |")
    print(f"\nDifferent files: {len(different)}. Seconds in all: {time.monotonic() - begun:.0f}.")
    for line in different:
        print(f"- {line}")
    raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
