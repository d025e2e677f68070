"""Share of a run's time that its checkpoints take.

A run saves its state when the last checkpoint's cost has fallen below 2 % of the time since then, and between phases.
Everything that saving takes is timed: gathering the state, hashing, writing, flushing to the disk.

Run it alone: ``python benchmarks/checkpoint_cost.py``; ``--width`` and ``--epochs`` make the run larger.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from tdgnas.runs.config import make_config
from tdgnas.runs.phase import Phase
from tdgnas.runs.run import Run


class TimedRun(Run):
    """A run that knows what its checkpoints cost."""

    spent = 0.0
    saves = 0
    largest = 0

    def _save(self, name: str, phase: Phase | None) -> None:
        start = time.perf_counter()
        super()._save(name, phase)
        self.spent += time.perf_counter() - start
        self.saves += 1
        self.largest = max(self.largest, self.checkpoints.paths()[-1].stat().st_size)


def main() -> None:
    """Run, time, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", type=float, nargs="+", default=[0.125, 0.25], help="widths of the space")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of pretraining and of each retraining")
    parser.add_argument("--ngen", type=int, default=5, help="generations")
    parser.add_argument("--device", help="cpu or cuda")
    options = parser.parse_args()
    print(
        "| width | seconds of the run | checkpoints | largest, MB | seconds in checkpoints | share |\n"
        "|---|---|---|---|---|---|"
    )
    for width in options.width:
        document: dict[str, Any] = {
            "space": {"settings": {"width": width}},
            "pretrain": {"epochs": options.epochs, "hold": 1},
            "search": {"ngen": options.ngen},
            "retrain": {"epochs": options.epochs, "random_draws": 0},
        }
        if options.device:
            document["device"] = options.device
        with tempfile.TemporaryDirectory() as temporary:
            run = TimedRun.start(Path(temporary) / "run", make_config(document))
            start = time.perf_counter()
            run.execute()
            seconds = time.perf_counter() - start
            print(
                f"| {width:g} | {seconds:.1f} | {run.saves} | {run.largest / 1e6:.1f} | {run.spent:.2f} "
                f"| {100 * run.spent / seconds:.2f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main()
