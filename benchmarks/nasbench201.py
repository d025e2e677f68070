"""NAS-Bench-201: the published searches again, and the others beside them.

    python benchmarks/nasbench201.py                 # 500 runs of each strategy at 12,000 simulated seconds
    python benchmarks/nasbench201.py --runs 50 --strategy tdga --strategy aging
    python benchmarks/nasbench201.py --keep runs --figure anytime.svg     # runs in the folder are not run again
    python benchmarks/nasbench201.py --unit evaluations --budget 200 --strategy tdga --strategy local-search

A search sees the validation accuracy after 12 epochs and pays the time of those epochs; reported is the final test
accuracy of the best architecture by that signal (Dong and Yang 2020, table 5). Runs are spread over processes; the
LSTM controllers of many runs advance together.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from scipy.stats import mannwhitneyu
from statsmodels.stats.multitest import multipletests

from tdgnas import pictures
from tdgnas.comparison import effect, parse
from tdgnas.comparison.curves import band
from tdgnas.fitness import TabularFitness, load_table
from tdgnas.individual import AccuracyFitness
from tdgnas.runs.search import Search, Trace
from tdgnas.spaces import NASBench201
from tdgnas.strategies import create, wants
from tdgnas.strategies.controllers.reinforce_lstm import PRESETS, Controller, make_trainer
from tdgnas.workers import cpus

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
    # With a model of what is good.
    "tdga-gp",
    "tdga-gp-batch5=tdga-gp:batch=5",
    "tdga-gp-cold=tdga-gp:temperature=0.0",
    "tdga-gp-mean=tdga-gp:deviation=0.0",
    # Tuned with as many tries as tdga-gp, see nasbench201_tuning.py.
    "gp-ucb=tdga-gp:temperature=0.0,initial=10,population=10,deviation=1.0,process.rho=0.6,process.noise=0.1",
    "aging-predicted",
    "random-forest",
    "optuna-tpe=optuna",
    # The slowest: six and ten seconds a run.
    "bananas",
    "optuna-gp=optuna:sampler=gp",
]
#: What others are tested against.
HERO = "tdga-gp"
#: Of the figure.
DRAWN = ["random", "aging", "aging-tuned", "local-search", "tdga", "gp-ucb"]
Run = tuple[float, float, int, list[list[float]]]
"""Signal of the choice, its final test accuracy (both 0 to 1), evaluations, and the choice's course: budget used and
final test accuracy whenever it changed."""
Results = dict[str, tuple[list[Run], float]]
"""Runs by the strategy's label, and the seconds that they took."""


@lru_cache
def problem() -> Any:
    space = NASBench201()
    return space, load_table(space)


def one_search(
    name: str, options: dict[str, Any], seed: int, limit: float, repeats: Any, unit: Any = "seconds"
) -> tuple[TabularFitness, Trace]:
    """Run one strategy with one seed; return its fitness and what it saw."""
    fitness = TabularFitness(*problem(), repeats=repeats)
    strategy = begun(name, options, seed, fitness)
    return fitness, Search(strategy, fitness, fitness.budget, unit=unit, limit=limit).run()


def begun(name: str, options: dict[str, Any], seed: int, fitness: TabularFitness) -> Any:
    """Return the strategy, which has proposed nothing yet."""
    given = {"encode": fitness.space.path_encoding} if "encode" in wants(name) else {}
    return create(name, fitness.decisions, seed=seed, fitness=AccuracyFitness, **given, **options)


def lacking(text: str) -> str | None:
    """Say which package a strategy needs that is not installed, if any."""
    spec = parse(text)
    try:
        begun(spec.name, spec.options, 0, TabularFitness(*problem()))
    except ImportError as error:
        return str(error)
    return None


def run_searches(
    name: str,
    options: dict[str, Any],
    seeds: Sequence[int],
    limit: float,
    repeats: Any,
    unit: Any = "seconds",
) -> list[Run]:
    """Run one strategy with many seeds, one after another."""
    space, _ = problem()
    found = []
    for seed in seeds:
        fitness, trace = one_search(name, options, seed, limit, repeats, unit)
        course = [[used, fitness.final(space.decode(genes))] for used, _, genes in trace.points]
        found.append((trace.points[-1][1], course[-1][1], trace.evaluations, course))
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
    best, counts = [-1.0] * len(seeds), [0] * len(seeds)
    courses: list[list[list[float]]] = [[] for _ in seeds]
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
                    if signal > best[run]:
                        best[run] = signal
                        courses[run].append([fitness.budget.seconds, float(fitness.finals[row])])
        trainer.step(choices, rewards)
    each = zip(best, counts, courses, strict=True)
    return [(signal, course[-1][1], count, course) for signal, count, course in each]


def run_all(
    text: str, seeds: Sequence[int], limit: float, repeats: str, unit: str, jobs: int, pool: Executor | None
) -> list[Run]:
    """Run a strategy with all seeds, spread over processes."""
    spec = parse(text)
    parts = [part for start in range(jobs) if (part := list(seeds[start::jobs]))]
    arguments: list[tuple[Any, ...]] = [
        (spec.name, spec.options, part, limit, repeats, unit) for part in parts
    ]
    function: Any = run_searches
    if spec.name == "reinforce-lstm" and unit == "seconds":
        function, arguments = run_controllers, [one[1:-1] for one in arguments]
    waiting = [pool.submit(function, *one) if pool else None for one in arguments]
    found: list[Any] = [None] * len(seeds)
    for place, (one, future) in enumerate(zip(arguments, waiting, strict=True)):
        found[place::jobs] = future.result() if future else function(*one)
    return found


def kept(
    folder: Path | None, text: str, seeds: range, settings: list[Any], work: Callable[[range], list[Run]]
) -> tuple[list[Run], float]:
    """Return the runs of a strategy and the seconds that they took; those in the folder are not run again.

    :param work: runs seeds; asked for those that are missing.
    """
    path = None if folder is None else folder / f"{parse(text).label}.json"
    asked, runs, seconds = [text, seeds.start, *settings], [], 0.0
    if path is not None and path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["asked"] == asked:
            runs, seconds = [tuple(run) for run in found["runs"]], found["seconds"]
    if len(runs) < len(seeds):
        start = time.perf_counter()
        runs += work(seeds[len(runs) :])
        seconds += time.perf_counter() - start
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"asked": asked, "seconds": seconds, "runs": runs}), encoding="utf-8")
    return runs[: len(seeds)], seconds


def main(
    strategy: Annotated[
        list[str] | None, typer.Option(help="NAME or LABEL=NAME:key=value; once for each.")
    ] = None,
    runs: Annotated[int, typer.Option(help="Runs of each strategy.")] = 500,
    first_seed: Annotated[int, typer.Option(help="Seed of the first run.")] = 0,
    budget: Annotated[float, typer.Option(help="Of each run: simulated seconds, or evaluations.")] = 12_000.0,
    unit: Annotated[str, typer.Option(help="Of the budget: seconds or evaluations.")] = "seconds",
    repeats: Annotated[
        str, typer.Option(help="charged: an architecture is paid each time (as published); free: once.")
    ] = "charged",
    jobs: Annotated[int | None, typer.Option(help="Processes; one per CPU by default.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder of runs: those in it are not run again.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the table there, as Markdown.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw the anytime curves there.")] = None,
) -> None:
    """Run searches on NAS-Bench-201's table and compare them with the published figures."""
    console = Console(width=170)
    wanted = list(dict.fromkeys(strategy or STRATEGIES))
    try:
        problem()
        if runs < 1 or budget <= 0:
            raise ValueError(f"--runs is {runs} and --budget {budget}; both must be above 0")
        for text in list(wanted):
            if word := lacking(text):
                if strategy:
                    raise ValueError(word)
                console.print(f"{parse(text).label}: left out, {word}", markup=False)
                wanted.remove(text)
        workers = min(jobs or cpus(), runs)
        pool = (
            ProcessPoolExecutor(workers, get_context("spawn"), initializer=problem) if workers > 1 else None
        )
        results = {}
        seeds = range(first_seed, first_seed + runs)
        for text in wanted:
            label = parse(text).label
            work = partial(run_all, text, limit=budget, repeats=repeats, unit=unit, jobs=workers, pool=pool)
            results[label] = kept(keep, text, seeds, [budget, unit, repeats], work)
            console.print(f"{label}: {runs} runs in {results[label][1]:.1f} s", highlight=False)
    except (ValueError, OSError) as error:
        console.print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(1) from None
    title = f"{runs} runs, {budget:g} {'simulated ' * (unit == 'seconds')}{unit}, repeats {repeats}"
    places = [place for place in (50, 100, 200) if place <= budget] if unit == "evaluations" else []
    report(results, console, out, title, places)
    if figure is not None:
        draw(results, figure, budget, "simulated seconds" if unit == "seconds" else unit)


def draw(results: Results, path: Path, budget: float, unit: str) -> None:
    """Draw the mean final test accuracy of the choice over the budget, with its 95 % confidence band."""
    grid = np.linspace(0, budget, 241)
    shown = [label for label in [HERO, *DRAWN] if label in results] or list(results)
    percent = {
        label: [[(used, 100 * final) for used, final in run[3]] for run in results[label][0]]
        for label in shown
    }
    curves = {label: band(courses, grid) for label, courses in percent.items()}
    pictures.save(pictures.bands_figure(curves, unit, "test accuracy of the choice (%)"), path)


def tests(results: Results) -> dict[str, str]:
    """Return Holm-corrected p values of Mann and Whitney's test of each strategy against the hero."""
    finals = {label: [run[1] for run in found] for label, (found, _) in results.items()}
    others = [label for label in finals if label != HERO]
    if HERO not in finals or not others:
        return {}
    raw = [mannwhitneyu(finals[HERO], finals[label]).pvalue for label in others]
    return dict(zip(others, (f"{p:.0e}" for p in multipletests(raw, method="holm")[1]), strict=True))


def report(
    results: Results, console: Console, out: Path | None, title: str, places: Sequence[int] = ()
) -> None:
    """Print the table and, where wanted, write it as Markdown.

    :param places: of the budget, at which the choice's final accuracy is told as well.
    """
    names = [
        "strategy",
        "runs",
        "test accuracy (%)",
        "median",
        "signal (%)",
        "evaluations",
        "A against random",
    ]
    names += [
        f"p against {HERO}",
        "published",
        "within one std",
        *(f"at {place}" for place in places),
        "seconds",
    ]
    control = [run[1] for run in results["random"][0]] if "random" in results else None
    tested = tests(results)
    rows = []
    for label, (found, seconds) in results.items():
        signals, finals, counts = (np.array([run[place] for run in found]) for place in (0, 1, 2))
        finals, signals = 100 * finals, 100 * signals
        std = finals.std(ddof=1) if len(finals) > 1 else float("nan")
        row = [label, str(len(found)), f"{finals.mean():.2f} ± {std:.2f}", f"{np.median(finals):.2f}"]
        row += [f"{signals.mean():.2f}", f"{counts.mean():.1f}"]
        row.append("–" if control is None else f"{effect(finals / 100, control, higher=True):.2f}")
        row.append(tested.get(label, "–"))
        if label in PUBLISHED and not places:
            mean, published_std = PUBLISHED[label]
            row += [
                f"{mean:.2f} ± {published_std:.2f}",
                "yes" if abs(finals.mean() - mean) <= published_std else "NO",
            ]
        else:
            row += ["–", "–"]
        reached = band(
            [[(used, final) for used, final in run[3]] for run in found], np.array(places, dtype=float)
        )
        row += [f"{100 * mean:.2f}" for mean in reached.mean]
        rows.append([*row, f"{seconds:.1f}"])
    table = Table(title=title)
    for name in names:
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if out is not None:
        lines = [f"| {' | '.join(row[:-1])} |" for row in [names, ["---"] * len(names), *rows]]  # no seconds
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
