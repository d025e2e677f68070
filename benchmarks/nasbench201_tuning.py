"""Tuning on NAS-Bench-201, on the validation signal and on seeds of its own only.

    python benchmarks/nasbench201_tuning.py tdga --settings 100
    python benchmarks/nasbench201_tuning.py aging --settings 20
    python benchmarks/nasbench201_tuning.py tdga-gp --settings 40 --runs 60
    python benchmarks/nasbench201_tuning.py gp-ucb --settings 40 --runs 60    # the same without a temperature

Settings are drawn at random and judged by the mean signal (validation accuracy after 12 epochs) of the best
architecture that a search saw; no test accuracy is read. The seeds, 10000 and later, are not those of
``nasbench201.py``.
"""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Annotated, Any

import numpy as np
import typer
from nasbench201 import one_search
from rich.progress import track

from tdgnas.workers import cpus

PREDICTED: dict[str, list[Any]] = {
    "initial": [5, 10],
    "population": [1, 2, 3, 5, 10],
    "offspring": [10, 20, 50, 100],
    "redraw": [0.5, 0.8, 0.9, 1.0],
    "deviation": [0.5, 1.0, 2.0, 3.0],
    "process.rho": [0.5, 0.6, 0.7, 0.8],
    "process.noise": [0.05, 0.1, 0.3, 0.5],
}
CHOICES: dict[str, dict[str, list[Any]]] = {
    "tdga-gp": {**PREDICTED, "temperature": [0.03, 0.1, 0.2, 0.3]},
    "gp-ucb": PREDICTED,
    "tdga": {
        "population": [4, 6, 8, 10, 15, 20],
        "variation.cxpb": [0.0, 0.3, 0.5, 0.8, 1.0],
        "variation.mutpb": [0.2, 0.4, 0.6, 0.8, 1.0],
        "variation.indpb_mutate": [1 / 6, 1 / 4, 1 / 3],
        "temperature.start": [1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02],
        "fall": [1.0, 0.1, 0.01],
        "temperature.ngen": [5, 10, 20],
        "selection.replacement": [True, False],
    },
    "aging": {"population": [5, 10, 20, 30, 50], "sample": [2, 3, 5, 10, 20]},
    "ga": {
        "population": [5, 10, 15, 20, 30],
        "cxpb": [0.0, 0.5, 0.8, 1.0],
        "mutpb": [0.2, 0.5, 0.8, 1.0],
        "indpb": [1 / 6, 1 / 4, 1 / 3, 1 / 2],
        "tournament": [2, 3, 5],
    },
    "reinforce-table": {
        "lr": [0.01, 0.03, 0.1, 0.2, 0.3, 0.5],
        "batch": [1, 2, 4],
        "baseline": [0.5, 0.9, 0.99],
    },
}


#: What a name above stands for, where it is no strategy's.
FIXED: dict[str, tuple[str, dict[str, Any]]] = {"gp-ucb": ("tdga-gp", {"temperature": 0.0})}


def judge(name: str, settings: dict[str, Any], runs: int, limit: float) -> tuple[float, float]:
    """Return the mean signal of a strategy's choices in percent, and its standard error."""
    name, fixed = FIXED.get(name, (name, {}))
    options = fixed | settings
    if "fall" in options:
        options["temperature.stop"] = options["temperature.start"] * options.pop("fall")
    signals = []
    for seed in range(10_000, 10_000 + runs):
        _, trace = one_search(name, options, seed, limit, "free")
        signals.append(100 * trace.points[-1][1])
    return float(np.mean(signals)), float(np.std(signals, ddof=1) / np.sqrt(runs))


def main(
    strategy: Annotated[str, typer.Argument(help="One of those with settings here.")] = "tdga",
    settings: Annotated[int, typer.Option(help="Settings to try; the defaults are tried as well.")] = 40,
    runs: Annotated[int, typer.Option(help="Runs of each.")] = 150,
    seed: Annotated[int, typer.Option(help="Of the draw of settings.")] = 0,
    budget: Annotated[float, typer.Option(help="Simulated seconds of each run.")] = 12_000.0,
    show: Annotated[int, typer.Option(help="How many of the best to print.")] = 15,
    jobs: Annotated[int | None, typer.Option(help="Processes; one per CPU by default.")] = None,
) -> None:
    """Try settings of a strategy and print them, the best signal first."""
    if strategy not in CHOICES:
        raise typer.BadParameter(f"{strategy!r} has no settings here; there are {', '.join(CHOICES)}")
    rng = random.Random(seed)
    drawn: list[dict[str, Any]] = [{}]
    for _ in range(settings):
        one = {key: rng.choice(values) for key, values in CHOICES[strategy].items()}
        if one not in drawn:
            drawn.append(one)
    with ProcessPoolExecutor(jobs or cpus(), get_context("spawn")) as pool:
        futures = [pool.submit(judge, strategy, one, runs, budget) for one in drawn]
        judged = [future.result() for future in track(futures, description=strategy)]
    ranked = sorted(zip(judged, drawn, strict=True), key=lambda pair: -pair[0][0])
    for (mean, error), one in [*ranked[:show], *[pair for pair in ranked[show:] if not pair[1]]]:
        words = ", ".join(f"{key} {value:.3g}" for key, value in one.items()) or "(defaults)"
        print(f"{mean:.3f} ± {error:.3f}  {words}")


if __name__ == "__main__":
    typer.run(main)
