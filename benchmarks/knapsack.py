"""TDGA on a 30-item knapsack beside a tournament GA: how often is the optimum found, and how often held?

TDGA: N = 32, T = 10 constant, 100 generations; uniform crossover (0.5 per bit) of every pair of parents
makes N offspring, bit-flip (0.01 per bit) mutates all 2N, an unmutated clone of the elite joins them, and
thermodynamical selection takes N of the 2N + 1 (Mori et al. 1995). The tournament GA has the same crossover
and mutation, N = 64 and tournaments of 3: the same number of evaluations.

"Found" means that the optimum was in the population of some generation, "held" that it is in the last one.

Run it alone: ``python benchmarks/knapsack.py --runs 100``.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from deap import base, tools

from tdgnas.operators import selThermodynamic

ITEMS = [
    (75, 7), (84, 9), (58, 13), (21, 5), (55, 16), (95, 28), (28, 15), (76, 43), (88, 60), (53, 37),
    (58, 44), (81, 63), (32, 34), (89, 95), (54, 61), (23, 29), (42, 57), (52, 72), (58, 83), (53, 84),
    (30, 48), (26, 45), (40, 74), (40, 78), (26, 52), (39, 79), (25, 64), (23, 64), (16, 55), (12, 74),
]  # fmt: skip
CAPACITY, OPTIMUM = 744, 1099


class Value(base.Fitness):  # type: ignore[misc]
    """The packed value, maximised."""

    weights = (1.0,)


class Knapsack(list[int]):
    """Bits of the packed items, with their fitness."""

    def __init__(self, bits: list[int]) -> None:
        super().__init__(bits)
        self.fitness = Value()
        self.evaluate()

    def evaluate(self) -> None:
        """Renew the fitness."""
        self.fitness.values = value(self)


def value(bits: list[int]) -> tuple[float]:
    """Return the value of a knapsack, 0 when it is too heavy."""
    packed = [item for bit, item in zip(bits, ITEMS, strict=True) if bit]
    feasible = sum(weight for _, weight in packed) <= CAPACITY
    return (float(sum(worth for worth, _ in packed)) if feasible else 0.0,)


def offspring(parents: list[Knapsack]) -> list[Knapsack]:
    """Cross every pair of copies of the parents."""
    children = [Knapsack(parent) for parent in parents]
    for first, second in zip(children[::2], children[1::2], strict=True):
        tools.cxUniform(first, second, indpb=0.5)
    return children


def mutate(individuals: list[Knapsack]) -> list[Knapsack]:
    """Mutate and evaluate individuals in place."""
    for individual in individuals:
        tools.mutFlipBit(individual, indpb=0.01)
        individual.evaluate()
    return individuals


def tdga_generation(population: list[Knapsack]) -> list[Knapsack]:
    """One generation of TDGA."""
    elite = Knapsack(tools.selBest(population, 1)[0])
    pool = [*mutate([*map(Knapsack, population), *offspring(population)]), elite]
    # With replacement an individual may be picked several times: each place gets a copy of its own.
    return [Knapsack(pick) for pick in selThermodynamic(pool, len(population), temperature=10.0)]


def tournament_generation(population: list[Knapsack]) -> list[Knapsack]:
    """One generation of the tournament GA."""
    return mutate(offspring(tools.selTournament(population, len(population), tournsize=3)))


METHODS: dict[str, tuple[int, Callable[[list[Knapsack]], list[Knapsack]]]] = {
    "tdga": (32, tdga_generation),
    "tournament": (64, tournament_generation),
}


def generations(method: str, seed: int, ngen: int = 100) -> Iterator[list[Knapsack]]:
    """Run a method; yields the first population and that of every generation."""
    random.seed(seed)
    size, generation = METHODS[method]
    population = [Knapsack([random.randrange(2) for _ in ITEMS]) for _ in range(size)]
    yield population
    for _ in range(ngen):
        population = generation(population)
        yield population


def run(method: str, seed: int, ngen: int = 100) -> tuple[float, list[Knapsack]]:
    """Return the best value ever found by a method, and its last population."""
    found = 0.0
    for population in generations(method, seed, ngen):
        found = max(found, best(population))
    return found, population


def best(population: list[Knapsack]) -> float:
    """Return the best value in a population."""
    return max(float(individual.fitness.values[0]) for individual in population)


def table(runs: int, ngen: int, seed: int) -> str:
    """Run every method and return a Markdown table."""
    lines = [
        f"| method | N | found, of {runs} runs | held | mean best at the end | distinct genotypes there | s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (size, _) in METHODS.items():
        begin = time.perf_counter()
        outcomes = [run(name, seed + offset, ngen) for offset in range(runs)]
        found = sum(value == OPTIMUM for value, _ in outcomes)
        held = [best(population) for _, population in outcomes]
        distinct = sum(len(set(map(tuple, population))) for _, population in outcomes) / runs
        lines.append(
            f"| {name} | {size} | {found} | {held.count(OPTIMUM)} | {sum(held) / runs:.1f} | {distinct:.1f} "
            f"| {time.perf_counter() - begin:.1f} |"
        )
    return "\n".join(lines)


def main(arguments: Any = None) -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100, help="runs per method (default 100)")
    parser.add_argument("--ngen", type=int, default=100, help="generations per run (default 100)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run (default 0)")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    options = parser.parse_args(arguments)
    if options.runs < 1 or options.ngen < 0:
        parser.error("--runs must be at least 1 and --ngen at least 0")
    text = table(options.runs, options.ngen, options.seed)
    print(text)
    if options.output:
        command = (
            f"python benchmarks/knapsack.py --runs {options.runs} --ngen {options.ngen} --seed {options.seed}"
        )
        options.output.write_text(f"# Knapsack\n\n`{command}`\n\n{text}\n")


if __name__ == "__main__":
    main()
