"""Share of a run's time that its checkpoints and records take.

A run saves its state when the last checkpoint's cost has fallen below 1 % of the time since then, and between phases.
Everything that saving takes is timed: gathering the state, hashing, writing, flushing to the disk; so are the lines
that are appended to its tables and flushed after every step.

Run it alone: ``python benchmarks/checkpoint_cost.py`` is the problem ``main`` with its defaults, then twice its width;
``--epochs`` and ``--ngen`` make it shorter.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tdgnas.files.checkpoints import CheckpointFolder
from tdgnas.files.tables import Appender
from tdgnas.runs import Config, Experiment, make_config


class Clock:
    """Seconds spent in some function, and how often."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time taken."""

        def call(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self.seconds += time.perf_counter() - start
                self.calls += 1

        return call


class WeighedFolder(CheckpointFolder):
    """Checkpoints that remember how large the largest was."""

    largest = 0

    def save(self, state: Any) -> Path:
        """Write one, and weigh it."""
        path = super().save(state)
        self.largest = max(self.largest, path.stat().st_size)
        return path


def measure(config: Config) -> list[str]:
    """Run once; return the cells of a row."""
    saves, lines = Clock(), Clock()
    whole_save, whole_write = Experiment._save, Appender.write
    Experiment._save = saves.timed(whole_save)  # type: ignore[method-assign]
    Appender.write = lines.timed(whole_write)  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory() as temporary:
            run = Experiment.start(Path(temporary) / "run", config)
            run.checkpoints = folder = WeighedFolder(run.checkpoints.folder)
            start = time.perf_counter()
            run.execute()
            seconds = time.perf_counter() - start
    finally:
        Experiment._save, Appender.write = whole_save, whole_write  # type: ignore[method-assign]
    return [
        f"{seconds:.1f}",
        str(saves.calls),
        f"{folder.largest / 1e6:.1f}",
        f"{saves.seconds:.2f}",
        f"{100 * saves.seconds / seconds:.2f} %",
        str(lines.calls),
        f"{100 * lines.seconds / seconds:.2f} %",
    ]


def main() -> None:
    """Run, time, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=float, nargs="+", default=[0.125, 0.25], help="widths of the space")
    parser.add_argument("--epochs", type=int, help="epochs of pretraining and of each retraining")
    parser.add_argument("--ngen", type=int, help="generations")
    parser.add_argument("--device", help="cpu or cuda")
    options = parser.parse_args()
    print(
        "| width | seconds of the run | checkpoints | largest, MB | seconds in checkpoints | share of checkpoints "
        "| writes to tables | share of tables |\n|---|---|---|---|---|---|---|---|"
    )
    for width in options.width:
        document: dict[str, Any] = {"space": {"settings": {"width": width}}}
        if options.epochs is not None:
            document["pretrain"] = {"epochs": options.epochs, "hold": 1}
            document["retrain"] = {"epochs": options.epochs}
        if options.ngen is not None:
            document["budget"] = {"limit": options.ngen}
        if options.device:
            document["device"] = options.device
        print(f"| {width:g} | {' | '.join(measure(make_config(document)))} |", flush=True)


if __name__ == "__main__":
    main()
