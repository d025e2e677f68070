"""Does the demo's search pay? Ten seeds of `tdgnas search --problem demo`, and searches at the same budget.

    python benchmarks/demo.py --out runs/demo-seeds                                  # resumable; prints the table
    python benchmarks/demo.py --out runs/demo-seeds --strategy random --strategy tdga
    python benchmarks/demo.py --rates --out runs/demo-seeds                          # the plain network's learning rate

The demo's settings were chosen on seed 100; the ten that judge are 0 to 9. Every number is the mean of three trainings,
with other seeds than the search has trained with; `random controls` are three networks of the size of the found one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from evaluation.paired import paired
from rich.console import Console

from tdgnas.runs import Experiment

console = Console(width=120)
RATES = (0.03, 0.1, 0.3)
PLAIN, CONTROLS = "plain chain", "random controls"


def found(folder: Path, seed: int, strategy: str, settings: dict[str, Any]) -> dict[str, float]:
    """Run the demo of a seed, or go on with it; return mean test accuracies in percent by column."""
    own = {**settings, "seed": seed}
    if strategy != "tdga":
        own |= {"strategy": {"name": strategy}, "retrain": {"random_draws": 0}}
    rows = Experiment("demo", folder=folder / f"{strategy}-{seed}", settings=own).run()
    values: dict[str, list[float]] = {}
    for row, named in ((row, row["row"]) for row in rows):
        column = {
            "tdga": "TDGA",
            "baseline": PLAIN,
            "random": CONTROLS if strategy == "tdga" else strategy,
        }.get(named, named)
        values.setdefault(column, []).append(100 * row["test_accuracy"])
    return {column: float(np.mean(accuracies)) for column, accuracies in values.items()}


def rates(folder: Path, settings: dict[str, Any]) -> list[str]:
    """Return validation accuracies of the plain network by learning rate, on the seed that chose the recipe."""
    lines = [f"| learning rate | {' | '.join(map(str, RATES))} |", f"| --- |{' ---: |' * len(RATES)}"]
    values = []
    for rate in RATES:
        recipe = {"lr": rate, "random_draws": 0}
        own = {**settings, "seed": 100, "budget": {"limit": 1}, "retrain": recipe}
        rows = Experiment("demo", folder=folder / f"rate-{rate}-100", settings=own).run()
        values.append(100 * np.mean([row["valid_accuracy"] for row in rows if row["row"] == "baseline"]))
    return [*lines, f"| plain chain, valid (%) | {' | '.join(f'{value:.1f}' for value in values)} |"]


def main(
    out: Annotated[Path, typer.Option(help="Folder of the runs; those that are there are gone on with.")],
    strategy: Annotated[list[str], typer.Option(help="Searches, TDGA first.")] = ["tdga", "random"],  # noqa: B006
    seeds: Annotated[int, typer.Option(help="Seeds from 0 on.")] = 10,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that train networks.")] = 2,
    grid: Annotated[
        bool, typer.Option("--rates", help="The plain network's learning rates instead.")
    ] = False,
) -> None:
    """Run the demo for many seeds, or the plain network with other learning rates."""
    settings: dict[str, Any] = {} if workers == 1 else {"map": {"kind": "processes", "workers": workers}}
    if grid:
        console.print("\n".join(rates(out, settings)), markup=False)
        return
    rows: dict[int, dict[str, float]] = {}
    for seed in range(first, first + seeds):
        rows[seed] = {}
        for name in strategy:
            rows[seed] |= found(out, seed, name, settings)
        (out / "rows.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
        console.print(seed, rows[seed])
    console.print("\n".join(paired(rows, "TDGA") if len(rows) > 1 else []), markup=False)


if __name__ == "__main__":
    typer.run(main)
