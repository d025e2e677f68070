"""What distribution is worth, counted and simulated: splits, busy devices, many workers, late gradients.

    python benchmarks/distributed.py

``split``: multiply-adds of populations over several devices, each part's shared nodes once. ``busy``: share of the
workers' time that they work, durations of 1 to 10. ``scaling``: durations of children that are trained here replayed
on 8, 64 and 800 workers of a discrete-event model. ``staleness``: NAS-RL's distribution on the table of 1,296 networks.
What is measured on real workers is in ``distributed_ray.py``.

``--quick`` only shows that it runs.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from deap import base

from tdgnas import batch_map, spaces
from tdgnas.algorithms import evolve
from tdgnas.distributed import ReplicatedLSTM, SimulatedMap, evolve_async
from tdgnas.individual import AccuracyFitness
from tdgnas.runs import make_config
from tdgnas.runs.problem import Problem
from tdgnas.strategies import create
from tdgnas.supernet import Shares

QUICK = False


def few(many: int, quick: int) -> int:
    """A number, or a small one where it shall only run."""
    return quick if QUICK else many


def table(header: str, rows: Iterator[list[Any]]) -> None:
    """Print a table as Markdown."""
    names = header.split("|")
    print("|" + "|".join(f" {name.strip()} " for name in names) + "|")
    print("|" + "---|" * len(names))
    for row in rows:
        print(
            "|" + "|".join(f" {cell:.3g} " if isinstance(cell, float) else f" {cell} " for cell in row) + "|",
            flush=True,
        )
    print()


# counted ---------------------------------------------------------------------------------------------------------


def population(space: Any, kind: str, size: int, rng: random.Random) -> list[Any]:
    """Random networks, or networks a few mutations from one."""
    decisions = space.decisions
    first = decisions.sample(rng)
    found = []
    for _ in range(size):
        choices = list(decisions.sample(rng) if kind == "random" else first)
        for place in rng.sample(range(len(choices)), 0 if kind == "random" else 3):
            choices[place] = rng.randrange(decisions.sizes[place])
        found.append(space.canonical(space.architecture(choices)))
    return list(dict.fromkeys(found))


def split() -> None:
    """Print what it costs to split populations, against one device and against an ideal of several."""

    def rows() -> Iterator[list[Any]]:
        for name, space in (
            ("vgg-shortcuts", spaces.VGGShortcuts(width=1 / 8)),
            ("nasbench201", spaces.NASBench201()),
        ):
            for kind in ("random", "three mutations apart"):
                for parts in (2, 4, 8):
                    found = []
                    for seed in range(few(10, 2)):
                        shares = Shares(space, population(space, kind, 40, random.Random(seed)))
                        costs = [shares.cost(part) for part in shares.split(parts)]
                        whole = shares.cost(shares.order)
                        least = max(whole / parts, max(shares.cost([place]) for place in shares.order))
                        plain = [
                            shares.cost(range(start, len(shares.order), parts)) for start in range(parts)
                        ]
                        alone = sum(shares.cost([place]) for place in shares.order)
                        found.append(
                            (sum(costs) / whole, max(costs) / least, max(plain) / least, whole / alone)
                        )
                    yield [name, kind, parts, *(statistics.mean(each) for each in zip(*found, strict=True))]

    sums = "all devices / one device | dearest / no better is possible | the same, dealt out in turn"
    table(f"space | population of 40 | devices | {sums} | one device / no sharing", rows())


# simulated -------------------------------------------------------------------------------------------------------


@cache
def problem() -> Problem:
    """The table of 1,296 networks."""
    return Problem.made(make_config({"problem": "nas-rl-table", "strategy": {"name": "random"}}))


def toolbox_of(mapping: Any, evaluate: Any) -> base.Toolbox:
    """A toolbox of an evaluation and a map."""
    toolbox = base.Toolbox()
    toolbox.register("map", mapping)
    toolbox.register("evaluate", evaluate)
    return toolbox


def search(form: str, mapping: Any, evaluate: Any, evaluations: int, workers: int) -> Any:
    """Run one of the searches; return its strategy."""
    decisions, known = problem().decisions, {"fitness": AccuracyFitness}
    if form in ("TDGA, generations", "REINFORCE, batches"):
        name, settings = (
            ("tdga", {"population": workers}) if "TDGA" in form else ("reinforce-lstm", {"batch": workers})
        )
        strategy = create(name, decisions, seed=0, **settings, **known)
        evolution = evolve(strategy, toolbox_of(mapping, evaluate), 10**6)
        asked = 0
        while asked < evaluations:
            asked += sum(1 for one in next(evolution).evaluated if one is not None)
        return strategy
    if form == "TDGA, steady":
        strategy = create(
            "tdga-steady", decisions, seed=0, population=min(max(20, workers // 2), 100), **known
        )
    else:
        replicas = max(1, workers // 8) * (2 if "twice" in form else 1)
        strategy = ReplicatedLSTM(
            decisions, shards=5, replicas=replicas, batch=min(8, workers), rng=random.Random(0), **known
        )
    for _ in evolve_async(strategy, toolbox_of(mapping, evaluate), evaluations):
        pass
    return strategy


FORMS = (
    "TDGA, generations",
    "TDGA, steady",
    "REINFORCE, batches",
    "REINFORCE, a replica for 8 workers",
    "REINFORCE, twice as many replicas",
)


def lasting(choices: Any) -> float:
    """A duration from 1 to 10, log-uniform, by the architecture."""
    return float(10 ** random.Random(str(tuple(choices))).random())


def drawn(one: Any) -> float:
    """The duration of an individual."""
    return lasting(problem().decisions.choices(one))


def busy() -> None:
    """Print the share of time that workers work when durations vary by ten."""

    def rows() -> Iterator[list[Any]]:
        for workers in (2, 16, 64):
            for form in FORMS:
                simulated = SimulatedMap(workers, drawn)
                search(form, simulated, problem().evaluate, few(20, 4) * workers, workers)
                yield [workers, form, f"{100 * simulated.share:.0f} %"]

    table("workers | search | busy", rows())


@cache
def durations() -> tuple[float, ...]:
    """Processor seconds of trainings of children, a sample of the 1,296 networks at full width."""
    config = make_config({"problem": f"nas-rl-chain:epochs={few(2, 1)},images={few(400, 40)}"})
    children = Problem.made(config)
    rng, found = random.Random(0), []
    for _ in range(few(12, 3)):
        genes = children.decisions.genes(children.decisions.sample(rng))
        start = time.process_time()
        children.evaluate(genes)
        found.append(time.process_time() - start)
    return tuple(found)


def replayed(one: Any) -> float:
    """A measured duration, of some child, by the architecture; of fifty epochs where two were measured."""
    return 25 * random.Random(str(problem().decisions.choices(one))).choice(durations())


def scaling() -> None:
    """Print efficiency on 8, 64, 800 workers by the model, and what limits it."""
    measured = durations()
    print(
        f"{len(measured)} children: {min(measured):.2f} to {max(measured):.2f} s of processor time for two epochs, "
        f"mean {statistics.mean(measured):.2f} s; replayed as fifty epochs. Of the driver: 1 ms for each hand-out and "
        "result, and the time that the strategy itself took here.\n"
    )

    def rows() -> Iterator[list[Any]]:
        for workers in (8, 64) if QUICK else (8, 64, 800):
            for form in FORMS:
                evaluations = few(12 if workers < 800 else 6, 2) * workers
                waits = "generations" in form or "batches" in form
                start = time.process_time()
                plain = batch_map if waits else SimulatedMap(workers, replayed)
                search(form, plain, problem().evaluate, evaluations, workers)
                own = (time.process_time() - start) / evaluations
                simulated = SimulatedMap(workers, replayed, 0.001 + own / 2)
                search(form, simulated, problem().evaluate, evaluations, workers)
                driver = 2 * simulated.overhead * evaluations / simulated.clock
                slowest = waits or "a replica for" in form  # of a generation, a batch, a replica's eight
                limit = "the slowest of each" if slowest else "the last children"
                limit = "the driver" if driver > 0.5 else limit
                shares = (f"{100 * share:.0f} %" for share in (simulated.share, driver))
                yield [workers, form, *shares, f"{1000 * own:.2f}", limit]

    table(
        "workers | search | workers busy | driver busy | strategy, ms per child | limited by",
        rows(),
    )


def staleness() -> None:
    """Print how late gradients are, and what that does to the search, on the table of 1,296 networks."""

    def rows() -> Iterator[list[Any]]:
        for replicas, children in ((1, 8), (2, 4), (2, 8), (8, 8), (16, 8)):
            late: list[int] = []
            best, last = [], []
            for seed in range(few(10, 1)):
                strategy = ReplicatedLSTM(
                    problem().decisions, shards=5, replicas=replicas, batch=children, lr=0.005,
                    rng=random.Random(seed), fitness=AccuracyFitness,
                )  # fmt: skip
                simulated = SimulatedMap(replicas * children, drawn)
                toolbox = toolbox_of(simulated, problem().evaluate)
                values = [
                    one.fitness.values[0]
                    for turn in evolve_async(strategy, toolbox, few(400, 64))
                    for one in turn.evaluated
                ]
                late += strategy.staleness
                best.append(strategy.best.fitness.values[0])
                last.append(statistics.mean(values[-100:]))
            late.sort()
            yield [replicas, children, statistics.mean(late), late[int(0.95 * len(late))], late[-1],
                   f"{100 * statistics.mean(last):.2f}", f"{100 * statistics.mean(best):.2f}"]  # fmt: skip

    table("replicas K | children m | staleness, mean | 95 % | most | accuracy of the last 100 | best", rows())


PARTS = {one.__name__: one for one in (split, busy, scaling, staleness)}


def main(description: str | None, parts: dict[str, Callable[[], None]]) -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *parts], help="all of them where none is named")
    parser.add_argument("--quick", action="store_true", help="small numbers, only to see that it runs")
    given = parser.parse_args()
    global QUICK
    QUICK = given.quick
    for name in given.parts or parts:
        print(f"## {name}\n", flush=True)
        parts[name]()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main(__doc__, PARTS)
