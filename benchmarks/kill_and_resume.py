"""Runs killed by SIGKILL at random moments and resumed until they are done, compared with runs never stopped.

Each run is worked on by one child process after another; every child is killed after a random time. In the end all
files of the run (but wall-clock times and the checkpoints themselves) have to equal those of the run that was never
stopped, byte for byte. Several kinds of runs take turns: frozen and alternately trained weights, losses and
accuracies, discrete and relaxed fitness, first and second order.

Run it alone: ``python benchmarks/kill_and_resume.py --kills 100``; exit status 1 when anything differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from tdgnas.runs.config import RunConfig, make_config
from tdgnas.runs.progress import Silent
from tdgnas.runs.run import Run

PHASES = ("building", "pretraining", "search", "retraining")
FREE = ("timings/", "checkpoints/", ".lock")

TINY: dict[str, dict[str, Any]] = {
    "space": {"settings": {"width": 0.03125}},
    "data": {"train": 96, "valid": 64, "test": 64},
    "pretrain": {"epochs": 4, "hold": 1, "batch_size": 32},
    "search": {"population": 6, "ngen": 6},
    "fitness": {"size": 32},
    "retrain": {"epochs": 2, "random_draws": 1, "batch_size": 32},
}
KINDS: dict[str, dict[str, dict[str, Any]]] = {
    "frozen weights, loss": {},
    "weights trained in the search, accuracy, second order, feedback": {
        "pretrain": {"order": 2, "relaxation": "target-softmax", "epochs": 3},
        "search": {"weights": "alternate", "temperature": {"schedule": "feedback", "target": 20.0}},
        "fitness": {"measure": "accuracy", "batchnorm": "recalibrated", "calibration_size": 32},
        "retrain": {"crop": 2, "flip": True},
    },
    "relaxed fitness, other operators": {
        "search": {"mutate": "flip-gate", "mate": "target", "entropy": "variance"},
        "fitness": {"mode": "relaxed"},
    },
}


class Teller(Silent):
    """Tells the process that does the killing which phase a run is in."""

    def __init__(self, place: Any) -> None:
        self.place = place

    def phase(self, name: str, total: int, done: int) -> None:
        """Remember the phase."""
        self.place.value = PHASES.index(name)


def configuration(kind: str) -> RunConfig:
    """The tiny run, with the changes that a kind makes."""
    document: dict[str, Any] = {
        "seed": 1,
        "device": "cpu",
        **{name: dict(keys) for name, keys in TINY.items()},
    }
    for name, keys in KINDS[kind].items():
        document[name] = {**document.get(name, {}), **keys}
    return make_config(document)


def work(folder: Path, config: RunConfig, place: Any) -> None:
    """Start a run, or go on with it."""
    torch.set_num_threads(1)
    reporter = Teller(place)
    run = (
        Run.open(folder, reporter)
        if (folder / "config.toml").exists()
        else Run.start(folder, config, reporter)
    )
    run.execute()


def contents(folder: Path) -> dict[str, bytes]:
    """All files that have to be equal."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: data for name, data in found.items() if not name.startswith(FREE)}


def kill_until_done(
    folder: Path, config: RunConfig, longest: float, rng: random.Random
) -> Iterator[tuple[str, bool]]:
    """Work on a run with children that are killed; yield the phase of each kill and whether a file was half written."""
    context = multiprocessing.get_context("fork")
    place = context.Value("i", 0)
    while True:
        place.value = 0
        child = context.Process(target=work, args=(folder, config, place))
        child.start()
        child.join(rng.uniform(0.0, longest))
        if child.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(child.pid or 0, signal.SIGKILL)
            child.join()
        if child.exitcode == 0:
            return
        if child.exitcode != -signal.SIGKILL:
            raise SystemExit(f"a child ended with {child.exitcode} in {folder}; see its traceback above")
        yield PHASES[place.value], any(folder.rglob(".*.part*"))


def main() -> None:
    """Kill, resume, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100, help="go on until so many children were killed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--longest", type=float, help="seconds a child may live; default: half of a whole run"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = random.Random(options.seed)
    killed: Counter[str] = Counter()
    halves: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    different: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        whole, longest = {}, {}
        for number, kind in enumerate(KINDS):
            start = time.monotonic()
            work(root / f"whole{number}", configuration(kind), multiprocessing.Value("i", 0))
            longest[kind] = options.longest or (time.monotonic() - start) / 2
            whole[kind] = contents(root / f"whole{number}")
        # Every kind at least once, and no run is given up half-way: each has to be compared.
        while killed.total() < options.kills or len(runs) < len(KINDS):
            kind = list(KINDS)[runs.total() % len(KINDS)]
            folder = root / f"run{runs.total()}"
            for phase, half in kill_until_done(folder, configuration(kind), longest[kind], rng):
                killed[phase] += 1
                halves[phase] += half
            runs[kind] += 1
            found = contents(folder)
            names = sorted(set(found) | set(whole[kind]))
            different += [f"{kind}: {name}" for name in names if found.get(name) != whole[kind].get(name)]
            print(
                f"{killed.total()} kills, {runs.total()} runs, {len(different)} differences", file=sys.stderr
            )
    print("| killed while | kills | of these with a file half written |\n|---|---|---|")
    for phase in PHASES:
        print(f"| {phase} | {killed[phase]} | {halves[phase]} |")
    print(f"| all | {killed.total()} | {halves.total()} |\n")
    print("| kind of run | runs killed and resumed | files compared in each |\n|---|---|---|")
    for kind in KINDS:
        print(f"| {kind} | {runs[kind]} | {len(whole[kind])} |")
    print(f"\nDifferent files: {len(different)}")
    for line in different:
        print(f"- {line}")
    raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
