"""NAS-Bench-201: the published searches again, and the others beside them.

    python benchmarks/nasbench201.py                 # 500 runs of each strategy at 12,000 simulated seconds
    python benchmarks/nasbench201.py --runs 50 --strategy tdga --strategy aging

A search sees the validation accuracy after 12 epochs and pays the time of those epochs; reported is the final test
accuracy of the best architecture by that signal (Dong and Yang 2020, table 5). Runs are spread over processes; the
LSTM controllers of many runs advance together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from tdgnas.comparison import cpus, effect, parse
from tdgnas.fitness import TabularFitness, load_table
from tdgnas.individual import AccuracyFitness
from tdgnas.runs.search import Search, Trace
from tdgnas.spaces import NASBench201
from tdgnas.strategies import create
from tdgnas.strategies.controllers.reinforce_lstm import PRESETS, Controller, make_trainer

PUBLISHED = {"aging": (93.92, 0.30), "random": (93.70, 0.36), "reinforce-table": (93.85, 0.37)}
#: As published: what was asked for before may be asked for again.
REPEATING = [
    "aging=aging:repeat=true",
    "random=random:repeat=true",
    "reinforce-table=reinforce-table:lr=0.01",
    "reinforce-table-fast=reinforce-table:lr=0.1",
    "ga-repeating=ga:repeat=true",
    "tdga-repeating=tdga:repeat=true",
    "aging-tuned-repeating=aging:population=30,sample=20,repeat=true",
    "reinforce-lstm=reinforce-lstm:controller.shared=false",
    "reinforce-enas=reinforce-lstm:settings=enas-macro,controller.shared=false",
    "reinforce-lstm-shared=reinforce-lstm",
    "reinforce-enas-shared=reinforce-lstm:settings=enas-macro",
]
#: Those that never ask twice, which is the default.
STRATEGIES = [
    *REPEATING,
    "aging-new=aging",
    "random-new=random",
    "ga",
    "tdga",
    "aging-tuned=aging:population=30,sample=20",
    "local-search",
]
Run = tuple[float, float, int]
"""Signal of the choice, its final test accuracy (both 0 to 1), and evaluations."""


@lru_cache
def problem() -> Any:
    space = NASBench201()
    return space, load_table(space)


def one_search(
    name: str, options: dict[str, Any], seed: int, limit: float, repeats: Any
) -> tuple[TabularFitness, Trace]:
    """Run one strategy with one seed; return its fitness and what it saw."""
    space, table = problem()
    fitness = TabularFitness(space, table, repeats=repeats)
    strategy = create(name, fitness.decisions, seed=seed, fitness=AccuracyFitness, **options)
    return fitness, Search(strategy, fitness, fitness.budget, unit="seconds", limit=limit).run()


def run_searches(
    name: str, options: dict[str, Any], seeds: Sequence[int], limit: float, repeats: Any
) -> list[Run]:
    """Run one strategy with many seeds, one after another."""
    space, _ = problem()
    found = []
    for seed in seeds:
        fitness, trace = one_search(name, options, seed, limit, repeats)
        _, signal, genes = trace.points[-1]
        found.append((signal, fitness.final(space.decode(genes)), trace.evaluations))
    return found


def run_controllers(options: dict[str, Any], seeds: Sequence[int], limit: float, repeats: Any) -> list[Run]:
    """Run the LSTM controller with many seeds at once; the same searches as one by one, in a fraction of the time."""
    import torch

    torch.set_num_threads(1)
    space, table = problem()
    rngs = [random.Random(seed) for seed in seeds]
    own = {key: value for key, value in options.items() if not key.startswith("controller.")}
    shape = {key.partition(".")[2]: value for key, value in options.items() if key not in own}
    preset, batch = own.pop("settings", "nas-rl"), own.pop("batch", None)
    batch = batch or PRESETS[preset]["batch"]
    trainer = make_trainer(space.decisions, rngs, preset, Controller(**shape), **own)
    sizes = space.decisions.sizes
    fitnesses = [TabularFitness(space, table, repeats=repeats) for _ in seeds]
    best: list[tuple[float, int]] = [(-1.0, 0)] * len(seeds)
    counts = [0] * len(seeds)
    while min(fitness.budget.seconds for fitness in fitnesses) < limit:
        uniforms = [[[rng.random() for _ in sizes] for _ in range(batch)] for rng in rngs]
        choices = trainer.controller.sample(torch.tensor(uniforms))
        rewards = np.zeros(choices.shape[:2])
        for run, (fitness, drawn) in enumerate(zip(fitnesses, choices.tolist(), strict=True)):
            for place, one in enumerate(drawn):
                before = fitness.budget.evaluations
                row = fitness.charge(tuple(one))
                rewards[run, place] = signal = float(fitness.signal[row])
                if fitness.budget.seconds <= limit:
                    counts[run] += fitness.budget.evaluations - before
                    best[run] = max(best[run], (signal, -row))
        trainer.step(choices, rewards)
    finals = fitnesses[0].finals
    return [(signal, float(finals[-row]), count) for (signal, row), count in zip(best, counts, strict=True)]


def run_all(
    text: str, seeds: Sequence[int], limit: float, repeats: str, jobs: int, pool: Executor | None
) -> list[Run]:
    """Run a strategy with all seeds, spread over processes."""
    spec = parse(text)
    parts = [part for start in range(jobs) if (part := list(seeds[start::jobs]))]
    function, first = (run_searches, (spec.name,)) if spec.name != "reinforce-lstm" else (run_controllers, ())
    arguments = [(*first, spec.options, part, limit, repeats) for part in parts]
    if pool is None:
        return [run for one in arguments for run in function(*one)]
    futures = [pool.submit(function, *one) for one in arguments]
    return [run for future in futures for run in future.result()]


def main(
    strategy: Annotated[
        list[str] | None, typer.Option(help="NAME or LABEL=NAME:key=value; once for each.")
    ] = None,
    runs: Annotated[int, typer.Option(help="Runs of each strategy.")] = 500,
    first_seed: Annotated[int, typer.Option(help="Seed of the first run.")] = 0,
    budget: Annotated[float, typer.Option(help="Simulated seconds of each run.")] = 12_000.0,
    repeats: Annotated[
        str, typer.Option(help="charged: an architecture is paid each time (as published); free: once.")
    ] = "charged",
    jobs: Annotated[int | None, typer.Option(help="Processes; one per CPU by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the table there, as Markdown.")] = None,
) -> None:
    """Run searches on NAS-Bench-201's table and compare them with the published figures."""
    console = Console(width=170)
    try:
        problem()
        if runs < 1 or budget <= 0:
            raise ValueError(f"--runs is {runs} and --budget {budget}; both must be above 0")
        workers = min(jobs or cpus(), runs)
        pool = (
            ProcessPoolExecutor(workers, get_context("spawn"), initializer=problem) if workers > 1 else None
        )
        results = {}
        for text in strategy or STRATEGIES:
            start = time.perf_counter()
            seeds = range(first_seed, first_seed + runs)
            found = run_all(text, seeds, budget, repeats, workers, pool)
            results[parse(text).label] = (found, time.perf_counter() - start)
            console.print(
                f"{parse(text).label}: {runs} runs in {results[parse(text).label][1]:.1f} s", highlight=False
            )
    except (ValueError, OSError) as error:
        console.print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(1) from None
    report(results, console, out, f"{runs} runs, {budget:g} simulated seconds, repeats {repeats}")


def report(
    results: dict[str, tuple[list[Run], float]], console: Console, out: Path | None, title: str
) -> None:
    """Print the table and, where wanted, write it as Markdown."""
    names = [
        "strategy",
        "test accuracy (%)",
        "median",
        "best",
        "signal (%)",
        "evaluations",
        "A against random",
    ]
    names += ["published", "within one std", "seconds"]
    control = [run[1] for run in results["random"][0]] if "random" in results else None
    rows = []
    for label, (found, seconds) in results.items():
        signals, finals, counts = (np.array(column) for column in zip(*found, strict=True))
        finals, signals = 100 * finals, 100 * signals
        std = finals.std(ddof=1) if len(finals) > 1 else float("nan")
        row = [label, f"{finals.mean():.2f} ± {std:.2f}", f"{np.median(finals):.2f}", f"{finals.max():.2f}"]
        row += [f"{signals.mean():.2f}", f"{counts.mean():.1f}"]
        row.append("–" if control is None else f"{effect(finals / 100, control, higher=True):.2f}")
        if label in PUBLISHED:
            mean, published_std = PUBLISHED[label]
            row += [
                f"{mean:.2f} ± {published_std:.2f}",
                "yes" if abs(finals.mean() - mean) <= published_std else "NO",
            ]
        else:
            row += ["–", "–"]
        rows.append([*row, f"{seconds:.1f}"])
    table = Table(title=title)
    for name in names:
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if out is not None:
        lines = [f"| {' | '.join(row)} |" for row in [names, ["---"] * len(names), *rows]]
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
