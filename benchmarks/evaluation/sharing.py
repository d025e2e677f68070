"""Sections of population_evaluation.py: what sharing values saves, on populations and over recorded searches."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from typing import Any

from recorded_search import load

from evaluation.timing import HERE, Row, clock, evaluation_set, in_turns, loop, population, ratio, show
from tdgnas.graphs import Interner
from tdgnas.spaces import Architecture, DartsCells, NASBench201, VGGShortcuts
from tdgnas.supernet import EvaluationSet, PopulationEvaluator, Supernet

SEARCHES = ("tdga_search_uniform.json", "tdga_search_layer_order.json", "tdga_search_darts.json")


def populations(given: argparse.Namespace) -> list[Row]:
    """Random and mutated populations: the loop, duplicates removed, depth-first, folded."""
    rows = []
    for stride in given.max_stride:
        space = VGGShortcuts(width=given.width, max_stride=stride or None)
        supernet = Supernet(space, device="cpu")
        for kind in ("random", "3", "1"):
            for last in (False, True):
                where = evaluation_set(given.images, given.batch_size, last=last)
                chosen = population(space, kind, given.population, given.seed)
                found = both_orders(supernet, where, chosen, given)
                rows.append(
                    {"gates": space.length, "population": apart(kind), "channels last": last, **found}
                )
                show(rows[-1])
    return rows


def cells(given: argparse.Namespace) -> list[Row]:
    """Spaces of cells, where a decision repeats in every cell and few values are shared: the loop and both orders."""
    rows = []
    for space in (
        DartsCells(cells=5, channels=given.cell_channels),
        NASBench201(channels=given.cell_channels),
    ):
        supernet = Supernet(space, device="cpu")
        where = evaluation_set(given.cell_images, min(given.batch_size, given.cell_images))
        for kind in ("random", "3", "1"):
            chosen = population(space, kind, given.population, given.seed)
            rows.append(
                {
                    "space": space.name,
                    "population": apart(kind),
                    **both_orders(supernet, where, chosen, given),
                }
            )
            show(rows[-1])
    return rows


def apart(kind: str) -> str:
    return kind if kind == "random" else f"{kind} mutation(s) apart"


def both_orders(
    supernet: Supernet, where: EvaluationSet, chosen: Sequence[Architecture], given: argparse.Namespace
) -> Row:
    """What is left of a population's work, and the time of the loop, depth-first and folded in turns."""

    def way(order: Any) -> float:
        evaluator = PopulationEvaluator(supernet, where, order=order, cache_bytes=0)
        return clock(lambda: evaluator.scores(chosen))

    loop(supernet, where, chosen, 1)  # the first call of a convolution takes longer
    seconds = in_turns(
        {
            "loop": lambda: loop(supernet, where, chosen, given.loop),
            "depth-first": lambda: way("depth-first"),
            "folded": lambda: way("folded"),
        },
        given.repeats,
    )
    return {
        **counts(supernet, where, chosen),
        "loop s": statistics.median(seconds["loop"]),
        "depth-first x": ratio(seconds, "depth-first"),
        "folded x": ratio(seconds, "folded"),
        "bookkeeping %": 100 * planning(supernet, where, chosen) / min(seconds["depth-first"]),
    }


def counts(supernet: Supernet, where: EvaluationSet, chosen: Sequence[Architecture]) -> Row:
    """Shares of nodes and multiply-adds that are left, and values held at once, by planning alone."""
    found: Row = {"distinct": len(set(chosen))}
    largest = max(len(labels) for _, labels in where.batches)
    for order in ("depth-first", "folded"):
        evaluator = PopulationEvaluator(supernet, where, order=order, cache_bytes=0)  # type: ignore[arg-type]
        request = evaluator.request(chosen)
        plans = request.plans()
        request.count_runs(plans)
        if order == "depth-first":
            found["nodes left %"] = 100 * request.executed.evaluations / request.requested.requests
            found["multiply-adds left %"] = (
                100 * request.executed.macs_executed / request.requested.macs_requested
            )
        (plan,) = plans.values()
        found[f"{order} MiB"] = plan.peak(evaluator.costs) * largest * 4 / 2**20
    return found


def planning(supernet: Supernet, where: EvaluationSet, chosen: Sequence[Architecture]) -> float:
    """Seconds that finding out what to compute takes, for all batches of images together."""
    evaluator = PopulationEvaluator(supernet, where, cache_bytes=1 << 30)
    for architecture in chosen:
        supernet.space.check(architecture)

    def plan() -> None:
        evaluator.interner = Interner(supernet.space.graph.nodes)
        evaluator.costs = type(evaluator.costs)(supernet.space)
        evaluator.request(chosen).plans()

    return min(clock(plan) for _ in range(3))


def growth(given: argparse.Namespace) -> list[Row]:
    """More individuals, more images."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    cases = [(n, given.growth_images) for n in given.sizes] + [(10, images) for images in given.image_counts]
    rows = []
    for n, images in cases:
        where = evaluation_set(images, given.batch_size)
        for kind in ("random", "3", "1"):
            chosen = population(space, kind, n, given.seed)
            some = min(given.loop, 6 if images <= 500 else 2)
            seconds = in_turns(
                {
                    "loop": lambda: loop(supernet, where, chosen, some),  # noqa: B023
                    "shared": lambda: clock(
                        lambda: PopulationEvaluator(supernet, where, cache_bytes=0).scores(chosen)  # noqa: B023
                    ),
                },
                given.repeats if images <= 2000 else 1,
            )
            rows.append(
                {
                    "N": n,
                    "images": images,
                    "population": kind,
                    **counts(supernet, where, chosen),
                    "loop s": statistics.median(seconds["loop"]),
                    "shared s": statistics.median(seconds["shared"]),
                    "x": ratio(seconds, "shared"),
                }
            )
            show(rows[-1])
    return rows


def searches(given: argparse.Namespace) -> list[Row]:
    """Recorded searches: counts for every way, and the time with remembered scores and the value cache."""
    space = VGGShortcuts(width=given.width)
    supernet = Supernet(space, device="cpu")
    where = evaluation_set(given.search_images, min(given.search_images, given.batch_size))
    rows = []
    for name in SEARCHES:
        if not (HERE / name).is_file():
            continue
        settings, generations = load(HERE / name, space)
        generations = generations[: given.generations]
        asked = sum(map(len, generations))
        naive = sum(space.macs(each) for generation in generations for each in generation)
        row: Row = {
            "search": name.removeprefix("tdga_search_").removesuffix(".json"),
            "N": settings["population"],
            "asked": asked,
            "distinct, each generation %": 100 * sum(len(set(g)) for g in generations) / asked,
            "distinct ever %": 100 * len({each for g in generations for each in g}) / asked,
            "duplicates removed x": naive / sum(space.macs(each) for g in generations for each in set(g)),
        }
        for label, mib, remember in [
            ("shared", 0, False),
            ("and scores remembered", 0, True),
            *((f"and {mib} MiB cache", mib, True) for mib in given.cache_mib),
        ]:
            row[f"{label}, multiply-adds x"] = naive / replay_counts(
                supernet, where, generations, mib, remember
            )
        row |= replay(supernet, where, generations, given)
        rows.append(row)
        show(row)
    return rows


def replay_counts(
    supernet: Supernet,
    where: EvaluationSet,
    generations: list[list[Architecture]],
    mib: float,
    remember: bool,
) -> int:
    """Multiply-adds of a recorded search, by planning alone."""
    evaluator = PopulationEvaluator(supernet, where, cache_bytes=int(mib * 2**20))
    known: set[Architecture] = set()
    total = 0
    for generation in generations:
        fresh = [each for each in dict.fromkeys(generation) if each not in known]
        evaluator.note([each for each in generation if each in known])
        if remember:
            known.update(fresh)
        if fresh:
            request = evaluator.request(fresh)
            (plan,) = request.plans().values()
            total += sum(evaluator.costs.macs[value] for value in plan.computed)
            evaluator.cache.entries = {key: [] for key in request.keep}
    return total


def replay(
    supernet: Supernet, where: EvaluationSet, generations: list[list[Architecture]], given: argparse.Namespace
) -> Row:
    """Time of a whole recorded search; the loop's is that of a few individuals of every fifth generation, before it.

    Between the generations of a search the loop would be slower by half, since it finds no memory at hand.
    """
    some = [each for g in generations[::5] for each in g[:: max(1, len(g) // 3)][:3]]
    naive = min(loop(supernet, where, some, len(some)) for _ in range(2)) / len(some)
    naive *= sum(map(len, generations))
    evaluator = PopulationEvaluator(supernet, where, cache_bytes=int(given.cache_mib[-1] * 2**20))
    known: set[Architecture] = set()
    shared = 0.0
    for generation in generations:
        fresh = [each for each in dict.fromkeys(generation) if each not in known]
        evaluator.note([each for each in generation if each in known])
        known.update(fresh)
        shared += clock(lambda: evaluator.scores(fresh))  # noqa: B023
    late = evaluator.counters
    return {
        "images": where.images,
        "loop s": naive,
        "search s": shared,
        "search x": naive / shared,
        "counted x": late.macs_requested / late.macs_executed,
    }
