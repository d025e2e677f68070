"""The published knapsack check, with the benchmark's own program at fewer runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "knapsack.py"


@pytest.fixture(scope="module")
def knapsack():
    specification = importlib.util.spec_from_file_location("knapsack_benchmark", PATH)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_fitness_of_known_knapsacks(knapsack):
    assert len(knapsack.ITEMS) == 30
    assert knapsack.value([0] * 30) == (0.0,)
    assert knapsack.value([1] * 30) == (0.0,)  # too heavy
    assert knapsack.value([1, 1] + [0] * 28) == (159.0,)


def test_the_optimum_is_1099_by_dynamic_programming(knapsack):
    best = [0] * (knapsack.CAPACITY + 1)
    ways = [1] * (knapsack.CAPACITY + 1)
    for value, weight in knapsack.ITEMS:
        for room in range(knapsack.CAPACITY, weight - 1, -1):
            taken = best[room - weight] + value
            if taken == best[room]:
                ways[room] += ways[room - weight]
            elif taken > best[room]:
                best[room], ways[room] = taken, ways[room - weight]
    assert (best[-1], ways[-1]) == (knapsack.OPTIMUM, 1) == (1099, 1)


def test_tdga_holds_the_optimum_in_most_runs(knapsack):
    held = [knapsack.best(knapsack.run("tdga", seed)[1]) for seed in range(8)]
    assert held.count(knapsack.OPTIMUM) >= 6


def test_the_seed_decides_the_whole_run(knapsack):
    runs = [list(knapsack.generations("tdga", seed, ngen=15)) for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]
