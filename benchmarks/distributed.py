"""What distribution is worth: two workers against one process, overheads, splits, busy devices, many workers simulated.

    python benchmarks/distributed.py split busy scaling staleness      # counted or simulated
    python benchmarks/distributed.py overhead scratch real             # by Ray on this machine

``split``: multiply-adds of populations over several devices, each part's shared nodes once. ``busy``: share of the
workers' time that they work, durations of 1 to 10. ``scaling``: durations of children that are trained here replayed
on 8, 64 and 800 workers of a discrete-event model. ``staleness``: NAS-RL's distribution on the table of 1,296 networks.
``overhead``: a fitness that costs nothing, in batches of 100. ``scratch``: children from scratch, two actors against
one process. ``real``: workers that sleep, two and eight, beside the model of the same durations.

``--quick`` only shows that it runs.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import time
from collections.abc import Iterator
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


# by Ray ----------------------------------------------------------------------------------------------------------


class Free:
    """A fitness that costs nothing."""

    def __call__(self, individual: Any) -> tuple[float]:
        """Return the sum of the genes."""
        return (sum(individual),)


class Asleep:
    """A fitness that takes its time, and no processor."""

    def __init__(self, scale: float, decisions: Any) -> None:
        self.scale, self.decisions = scale, decisions

    def __call__(self, individual: Any) -> tuple[float]:
        """Sleep."""
        time.sleep(self.scale * lasting(self.decisions.choices(individual)))
        return (sum(individual),)


class Summed:
    """A map that sums the durations of what it is given."""

    seconds = 0.0

    def __init__(self, mapping: Any) -> None:
        self.mapping = mapping
        Summed.seconds = 0.0

    def __call__(self, function: Any, items: Any) -> list[Any]:
        """Map."""
        Summed.seconds += sum(map(drawn, items))
        return list(self.mapping(function, items))

    def put(self, function: Any, item: Any) -> int:
        """Hand one out."""
        Summed.seconds += drawn(item)
        return int(self.mapping.put(function, item))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mapping, name)


def overhead() -> None:
    """Print what handing out an evaluation costs."""
    from tdgnas.distributed import RayMap

    batch = [problem().decisions.genes(problem().decisions.sample(random.Random(n))) for n in range(100)]

    def rows() -> Iterator[list[Any]]:
        with RayMap(2) as mapping:
            mapping(Free(), batch)
            for _ in range(few(5, 1)):
                wall, own = time.perf_counter(), time.process_time()
                mapping(Free(), batch)
                yield [
                    f"{10 * (time.perf_counter() - wall):.2f}",
                    f"{10 * (time.process_time() - own):.2f}",
                ]

    table("ms per evaluation, wall | of the driver's processor", rows())


class Timed:
    """Trains children, and says how much processor time that took."""

    constant = True

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def __call__(self, child: Any) -> tuple[Any, float, int]:
        """Train one."""
        start = time.process_time()
        return self.trainer(child), time.process_time() - start, os.getpid()


def scratch() -> None:
    """Print how much faster two actors train children than one process."""
    from tdgnas.distributed import RayMap

    children = Problem.made(
        make_config({"problem": f"nas-rl-chain:epochs={few(2, 1)},images={few(400, 40)}"})
    )
    fitness, decisions = children.evaluate, children.decisions
    rng = random.Random(1)
    asked = [fitness._child(decisions.genes(decisions.sample(rng))) for _ in range(few(12, 2))]
    timed = Timed(fitness._trainer)

    def rows() -> Iterator[list[Any]]:
        with RayMap(2) as mapping:
            mapping(timed, asked[:2])
            for _ in range(few(2, 1)):
                walls, works, values = [], [], []
                for one in (batch_map, mapping):
                    wall = time.perf_counter()
                    found = one(timed, asked)
                    walls.append(time.perf_counter() - wall)
                    work: dict[int, float] = {}
                    for _, seconds, pid in found:
                        work[pid] = work.get(pid, 0.0) + seconds
                    works.append(max(work.values()))
                    values.append([outcome for outcome, *_ in found])
                assert values[0] == values[1]
                yield [*walls, walls[0] / walls[1], *works, works[0] / works[1]]

    table("one process, s | two actors, s | ratio | one, processor s | the busier actor's | ratio", rows())


def real() -> None:
    """Print how busy real workers are, and what the model says of the same search."""
    from tdgnas.distributed import RayMap

    scale = 0.05 if QUICK else 0.15

    def rows() -> Iterator[list[Any]]:
        for workers in (2, 8):
            with RayMap(workers, resources={"cpu": 0.01}) as mapping:
                first = create("random", problem().decisions, seed=0, batch=4 * workers).generate()
                mapping(Asleep(scale, problem().decisions), first)  # workers import what they need
                for form in ("TDGA, generations", "TDGA, steady"):
                    simulated = SimulatedMap(workers, lambda one: scale * drawn(one))
                    evaluations, wall = few(20, 2) * workers, time.perf_counter()
                    search(form, Summed(mapping), Asleep(scale, problem().decisions), evaluations, workers)
                    wall = time.perf_counter() - wall
                    search(form, simulated, Free(), evaluations, workers)
                    share = scale * Summed.seconds / (workers * wall)
                    yield [
                        workers,
                        form,
                        f"{100 * share:.0f} %",
                        f"{100 * simulated.share:.0f} %",
                        wall,
                        simulated.clock,
                    ]

    table("workers | search | busy | by the model | s | by the model", rows())


PARTS = {one.__name__: one for one in (split, busy, scaling, staleness, overhead, scratch, real)}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all of them where none is named")
    parser.add_argument("--quick", action="store_true", help="small numbers, only to see that it runs")
    given = parser.parse_args()
    global QUICK
    QUICK = given.quick
    for name in given.parts or PARTS:
        print(f"## {name}\n", flush=True)
        PARTS[name]()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
