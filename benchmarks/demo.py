"""Does the demo's search pay? Ten seeds of `tdgnas search`, and the learning rate that suits the plain network.

    python benchmarks/demo.py --out runs/demo-seeds        # resumable; prints the table
    python benchmarks/demo.py --rates --out runs/demo-seeds

The demo's settings were chosen on seed 100; the ten that judge are 0 to 9. Every row is the mean of two
trainings, with other seeds than the search has trained with; `random` are three networks with as many shortcuts as the
one that was found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from scipy import stats

from tdgnas.runs import Experiment

console = Console(width=120)
RATES = (0.02, 0.05, 0.1)


def found(folder: Path, seed: int, settings: dict[str, Any]) -> dict[str, float]:
    """Run the demo of a seed, or go on with it; return test accuracies in percent by row."""
    rows = Experiment("demo", folder=folder, settings={"seed": seed, **settings}).run()
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row["row"], []).append(100 * row["test_accuracy"])
    return {
        "plain": float(np.mean(values["baseline"])),
        "random": float(np.mean(values["random"])),
        "found": float(np.mean(values[rows[-1]["row"]])),
        "shortcuts": float(rows[-1]["gates"]),
    }


def table(rows: dict[int, dict[str, float]]) -> list[str]:
    """Return the seeds, means, and paired tests of what was found against its controls."""
    names = ["plain", "random", "found", "shortcuts"]
    lines = ["| seed | plain VGG19 | random shortcuts | found | shortcuts |", f"|{' ---: |' * 5}"]
    lines += [
        f"| {seed} | {' | '.join(f'{row[name]:.1f}' for name in names)} |" for seed, row in rows.items()
    ]
    columns = {name: np.array([row[name] for row in rows.values()]) for name in names}
    means = [f"{each.mean():.1f} ± {each.std(ddof=1):.1f}" for each in columns.values()]
    lines += [f"| mean ± sd | {' | '.join(means)} |", ""]
    for name, said in (("plain", "plain VGG19"), ("random", "random shortcuts of the same number")):
        gain = columns["found"] - columns[name]
        test = stats.ttest_1samp(gain, 0.0, alternative="greater")
        lines.append(
            f"Found minus {said}: {gain.mean():+.1f} points (sd {gain.std(ddof=1):.1f}), better for {(gain > 0).sum()} "
            f"of {len(gain)} seeds, one-sided paired t-test p = {test.pvalue:.2g}."
        )
    return lines


def rates(folder: Path, settings: dict[str, Any]) -> list[str]:
    """Return validation accuracies of the plain network by learning rate, on the seed that chose the recipe."""
    lines = [f"| learning rate | {' | '.join(map(str, RATES))} |", f"| --- |{' ---: |' * len(RATES)}"]
    values = []
    for rate in RATES:
        recipe = {"lr": rate, "random_draws": 0}
        own = {**settings, "seed": 100, "budget": {"limit": 1}, "retrain": recipe}
        rows = Experiment("demo", folder=folder / f"rate-{rate}-100", settings=own).run()
        values.append(100 * np.mean([row["valid_accuracy"] for row in rows if row["row"] == "baseline"]))
    return [*lines, f"| plain VGG19, valid (%) | {' | '.join(f'{value:.1f}' for value in values)} |"]


def main(
    out: Annotated[Path, typer.Option(help="Folder of the runs; those that are there are gone on with.")],
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
        rows[seed] = found(out / str(seed), seed, settings)
        (out / "rows.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
        console.print(seed, rows[seed])
    console.print("\n".join(table(rows) if len(rows) > 1 else []), markup=False)


if __name__ == "__main__":
    typer.run(main)
