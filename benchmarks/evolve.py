"""What ``evolve`` and ``eaTDGA`` add to a plain loop that does the same work.

The loop around a table is ``generate``, evaluate, ``update``; that around ``eaTDGA`` is the algorithm written out with
DEAP's parts, no lineage and no record, and stock ``eaSimple`` with a tournament stands beside it. Both sides run the
same strategy, operators, seed and evaluations in turn, in one process; the figure is the ratio of the least processor
times.

Run it alone: ``python benchmarks/evolve.py``; ``--quick`` only shows that it runs.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import Any

from deap import algorithms, base, tools

import tdgnas
from tdgnas.decision import Decisions
from tdgnas.fitness import TabularFitness, synthetic_table
from tdgnas.individual import AccuracyFitness, Individual
from tdgnas.operators import selThermodynamic
from tdgnas.spaces import NASBench201
from tdgnas.strategies import create

SPACE = NASBench201()
TABLE = synthetic_table(SPACE)
STRATEGIES = ["aging", "random", "local-search", "ga", "tdga"]


def table_search(name: str, evaluations: int, *, plain: bool) -> None:
    """Search the table with a strategy, by ``evolve`` or by a plain loop."""
    fitness = TabularFitness(SPACE, TABLE)
    decisions = Decisions.of(SPACE.decisions).plain()
    strategy = create(name, decisions, seed=0, fitness=AccuracyFitness)
    toolbox = base.Toolbox()
    toolbox.register("evaluate", fitness)
    evolution = tdgnas.evolve(strategy, toolbox, ngen=evaluations)
    while fitness.budget.requests < evaluations:
        if not plain:
            next(evolution)
            continue
        individuals = strategy.generate()
        for individual in individuals:
            if not individual.fitness.valid:
                individual.fitness.values = fitness(individual)
        strategy.update(individuals)
    assert plain or len(evolution.logbook) == evolution.generation


def make_toolbox(select: Callable[..., Any], **settings: Any) -> base.Toolbox:
    """Uniform crossover, Gaussian mutation, and a fitness that costs nothing."""
    toolbox = base.Toolbox()
    toolbox.register("evaluate", lambda individual: (individual[0],))
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", tools.mutGaussian, mu=0.0, sigma=0.2, indpb=0.2)
    toolbox.register("select", select, **settings)
    return toolbox


def plain_tdga(population: list[Any], toolbox: base.Toolbox, cxpb: float, mutpb: float, ngen: int) -> None:
    """The algorithm of ``eaTDGA``, written out."""
    pool = population
    for generation in range(ngen + 1):
        for individual in pool:
            if not individual.fitness.valid:
                individual.fitness.values = toolbox.evaluate(individual)
        if generation:
            population = [toolbox.clone(one) for one in toolbox.select(pool, len(population))]
        elite = toolbox.clone(max(population, key=lambda one: one.fitness))
        offspring = [toolbox.clone(one) for one in population]
        random.shuffle(offspring)
        for one, two in zip(offspring[::2], offspring[1::2], strict=False):
            if random.random() < cxpb:
                toolbox.mate(one, two)
                del one.fitness.values, two.fitness.values
        pool = [elite, *population, *offspring]
        for individual in pool[1:]:
            if random.random() < mutpb:
                toolbox.mutate(individual)
                del individual.fitness.values


def population_search(size: int, ngen: int, which: str) -> None:
    """Run one of the three algorithms on individuals of 136 genes."""
    random.seed(0)
    population = [Individual([random.gauss(0, 1) for _ in range(136)]) for _ in range(size)]
    if which == "eaSimple":
        algorithms.eaSimple(
            population, make_toolbox(tools.selTournament, tournsize=3), 0.8, 0.2, ngen, verbose=False
        )
    elif which == "eaTDGA":
        tdgnas.algorithms.eaTDGA(population, make_toolbox(selThermodynamic, temperature=0.1), 0.8, 0.2, ngen)
    else:
        plain_tdga(population, make_toolbox(selThermodynamic, temperature=0.1), 0.8, 0.2, ngen)


def least(runs: list[Callable[[], None]], repeats: int) -> list[float]:
    """Return the least processor time of each run in seconds; the runs take turns."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(repeats):
        for run, own in zip(runs, times, strict=True):
            start = time.process_time()
            run()
            own.append(time.process_time() - start)
    return [min(own) for own in times]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few evaluations, to show that it runs")
    parser.add_argument("--repeats", type=int, default=7, help="how often everything is measured")
    given = parser.parse_args()
    evaluations, size, ngen = (60, 20, 1) if given.quick else (3000, 1000, 3)
    repeats = 1 if given.quick else given.repeats
    print(f"{'':14} {'evolve':>9} {'plain loop':>11} {'ratio':>6}   microseconds per evaluation")
    for name in STRATEGIES:
        ours, plain = least(
            [
                lambda name=name: table_search(name, evaluations, plain=False),  # type: ignore[misc]
                lambda name=name: table_search(name, evaluations, plain=True),  # type: ignore[misc]
            ],
            repeats,
        )
        each = 1e6 / evaluations
        print(f"{name:14} {ours * each:9.1f} {plain * each:11.1f} {ours / plain:6.2f}")
    found = least(
        [
            lambda which=which: population_search(size, ngen, which)
            for which in ("eaTDGA", "plain", "eaSimple")
        ],  # type: ignore[misc]
        repeats,
    )
    ours, plain, simple = (1e3 * seconds / ngen for seconds in found)
    print(
        f"{'eaTDGA':14} {ours:9.1f} {plain:11.1f} {ours / plain:6.2f}   milliseconds per generation, N={size}"
    )
    print(f"{'':14} {ours:9.1f} {simple:11.1f} {ours / simple:6.2f}   the same beside stock eaSimple")


if __name__ == "__main__":
    main()
