"""Sections of population_evaluation.py: other ways to evaluate, and where the time goes."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from evaluation.timing import Row, clock, evaluation_set, in_turns, loop, population, ratio, show
from tdgnas.spaces import Architecture, VGGShortcuts
from tdgnas.supernet import (
    CompiledEvaluator,
    PopulationEvaluator,
    Supernet,
    evaluate_one,
    fastest,
    race,
)


def compiling(given: argparse.Namespace) -> list[Row]:
    """torch.compile of the dense form, channels last, and sharing, for one architecture of a random population."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    chosen = population(space, "random", given.loop, given.seed)
    sets = {last: evaluation_set(given.images, given.batch_size, last=last) for last in (False, True)}
    ways: dict[str, Callable[[], float]] = {}
    rows = []
    for last, where in sets.items():
        suffix = "channels last" if last else "contiguous"
        dense = CompiledEvaluator(supernet, where)
        seconds = clock(lambda: dense.scores(chosen[:1]))  # noqa: B023
        rows.append({"way": f"compilation, {suffix}", "ms each": 1e3 * seconds})
        ways[f"loop, {suffix}"] = lambda w=where: loop(supernet, w, chosen, given.loop)  # type: ignore[misc]
        ways[f"compiled, {suffix}"] = lambda d=dense: clock(lambda: d.scores(chosen))  # type: ignore[misc]
        ways[f"shared depth-first, {suffix}"] = lambda w=where: clock(  # type: ignore[misc]
            lambda: PopulationEvaluator(supernet, w, cache_bytes=0).scores(chosen)
        )
    seconds_by = in_turns(ways, given.repeats)
    for name in ways:
        each = 1e3 * statistics.median(seconds_by[name]) / len(chosen)
        rows.append({"way": name, "ms each": each, "x": ratio(seconds_by, name, "loop, contiguous")})
    for row in rows:
        show(row)
    return rows


def folding(given: argparse.Namespace) -> list[Row]:
    """Depth-first and folded by the size of the batch, 16 random individuals, wall time."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    chosen = population(space, "random", 16, given.seed)
    rows = []
    for batch in (8, 32, 128, 500):
        where = evaluation_set(batch, batch)
        choice = fastest(supernet, where, chosen, repeats=given.repeats)
        best = choice.options["order"]
        if best == "folded":
            best += f" {choice.options['chunk'] or 'by size'}"
        rows.append(
            {
                "images per batch": batch,
                **{f"{name} s": seconds for name, seconds in choice.seconds.items()},
                "chosen": best,
                "equal bits": choice.equal,
            }
        )
        show(rows[-1])
    return rows


def gradients(given: argparse.Namespace) -> list[Row]:
    """Alpha gradients of a population: all rows together, one by one; second order alone and together."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    train, valid = evaluation_set(128, 64, last=False).batches
    genes = torch.randn(given.rows, space.length, generator=torch.Generator().manual_seed(1))

    def first(rows: int) -> float:
        def run() -> None:
            with supernet.batchnorm.use("batch"):
                for part in torch.split(genes, rows):
                    alpha = part.clone().requires_grad_()
                    torch.autograd.grad(
                        supernet.task.losses(supernet.relaxed(valid[0], alpha), valid[1]).sum(), alpha
                    )

        return clock(run)

    def bilevel() -> float:
        return clock(
            lambda: [
                supernet.bilevel_gradient(a.clone().requires_grad_(), train, valid, xi=0.025) for a in genes
            ]
        )

    def second(rows: int) -> float:
        return clock(lambda: supernet.bilevel_gradients(genes, train, valid, xi=0.025, rows=rows))

    for parameter in supernet.parameters():
        parameter.requires_grad_(False)
    ways = {f"first order, {rows} row(s) a pass": (lambda r=rows: first(r)) for rows in (1, 4, given.rows)}
    firsts = in_turns(ways, given.repeats)  # type: ignore[arg-type]
    for parameter in supernet.parameters():
        parameter.requires_grad_(True)
    ways = {
        "second order, weights changed in place": bilevel,  # type: ignore[dict-item]
        "second order, weights untouched": lambda: second(1),  # type: ignore[dict-item,misc]
        f"second order, {given.rows} rows together": lambda: second(given.rows),  # type: ignore[dict-item,misc]
    }
    seconds = {**firsts, **in_turns(ways, given.repeats)}  # type: ignore[arg-type]
    rows = []
    for name, each in seconds.items():
        base = next(iter(firsts if name in firsts else ways))
        rows.append(
            {
                "way": name,
                "ms each alpha": 1e3 * statistics.median(each) / len(genes),
                "x": ratio(seconds, name, base),
            }
        )
        show(rows[-1])
    return rows


def racing(given: argparse.Namespace) -> list[Row]:
    """Regret of racing on populations of 32, on a supernet trained on the digits."""
    import tdgnas
    from tdgnas.supernet import evaluation_set as real_images

    data = tdgnas.data.load("digits")
    space = VGGShortcuts(width=1 / 32)
    supernet = Supernet(space, data, device="cpu").pretrain(given.racing_epochs)
    where = real_images(data.valid, batch_size=57)
    rows = []
    kinds: dict[str, list[list[Architecture]]] = {
        kind: [population(space, kind, 32, seed) for seed in range(given.races)] for kind in ("random", "3")
    }
    for kind, groups in kinds.items():
        exact = [PopulationEvaluator(supernet, where).scores(group) for group in groups]
        spread = statistics.mean(statistics.pstdev([s.loss for s in scores]) for scores in exact)
        for keep in (0.25, 0.5, 0.75):
            regrets, passes = [], []
            for group, scores in zip(groups, exact, strict=True):
                evaluator = PopulationEvaluator(supernet, where)
                result = race(evaluator, group, keep=keep)
                losses = [score.loss for score in scores]
                winner = min(range(len(group)), key=lambda n: result.scores[n].loss)
                regrets.append(losses[winner] - min(losses))
                passes.append(evaluator.counters.passes / (where.images * len(set(group))))
            rows.append(
                {
                    "population": kind,
                    "keep": keep,
                    "image passes %": 100 * statistics.mean(passes),
                    "best found %": 100 * sum(regret == 0 for regret in regrets) / len(regrets),
                    "mean regret nats": statistics.mean(regrets),
                    "largest regret nats": max(regrets),
                    "standard deviation of the losses": spread,
                }
            )
            show(rows[-1])
    return rows


def profiles(given: argparse.Namespace) -> list[Row]:
    """torch.profiler: where the time goes before (the loop, contiguous) and after (shared, channels last)."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    chosen = population(space, "3", 16, given.seed)
    before, after = (evaluation_set(given.images, given.batch_size, last=last) for last in (False, True))
    runs = {
        "loop, contiguous": lambda: [evaluate_one(supernet, before, each) for each in chosen],
        "loop, channels last": lambda: [evaluate_one(supernet, after, each) for each in chosen],
        "shared, channels last": lambda: PopulationEvaluator(supernet, after, cache_bytes=0).scores(chosen),
    }
    return profiled(runs, [torch.profiler.ProfilerActivity.CPU])


def profiled(runs: dict[str, Callable[[], Any]], activities: list[Any]) -> list[Row]:
    """Shares of the operations in the time of each run; what is in no operation is Python."""
    gpu = torch.profiler.ProfilerActivity.CUDA in activities
    tables = {}
    for name, run in runs.items():
        run()
        with torch.profiler.profile(activities=activities) as trace:
            start = time.perf_counter()  # the profiler's time, whatever timer was chosen
            run()
            seconds = time.perf_counter() - start
        own = {
            e.key: (e.self_device_time_total if gpu else e.self_cpu_time_total) / 1e6
            for e in trace.key_averages()
        }
        tables[name] = {"seconds": seconds, "in no operation": seconds - sum(own.values()), **own}
    names = {
        key for table in tables.values() for key, spent in table.items() if spent > 0.01 * table["seconds"]
    }
    names -= {"seconds", "in no operation"}
    order = sorted(names, key=lambda key: -next(iter(tables.values())).get(key, 0.0))
    rows: list[Row] = [
        {"operation": "all, seconds", **{name: table["seconds"] for name, table in tables.items()}}
    ]
    for key in [*order, "in no operation"]:
        shares = {name: 100 * table.get(key, 0.0) / table["seconds"] for name, table in tables.items()}
        rows.append({"operation": f"{key} %", **shares})
    for row in rows:
        show(row)
    return rows
