"""selThermodynamic's default entropy on a DEAP user's floats, and with several objectives."""

from __future__ import annotations

import copy
import math
import random
import subprocess
import sys
import warnings

import pytest
from deap import base, benchmarks, tools
from deap.benchmarks.tools import hypervolume

from tdgnas.individual import Individual
from tdgnas.operators import (
    MeanDistanceEntropy,
    ShannonEntropy,
    fitting_entropy,
    selThermodynamic,
)


def floats(low: float, high: float, seed: int = 0, n: int = 40) -> list[Individual]:
    rng = random.Random(seed)
    pool = [Individual([rng.uniform(low, high) for _ in range(10)]) for _ in range(n)]
    for one in pool:
        one.fitness.values = (sum(gene * gene for gene in one),)
    return pool


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1.0, 2.0), (-2.0, -1.0), (-1.0, 0.0)])
def test_a_pool_of_one_sign_gave_copies_of_one_individual_at_any_temperature(low: float, high: float) -> None:
    """The default entropy thresholded genes at 0, where none of these differ."""
    pool = floats(low, high)
    kept = [
        len({id(one) for one in selThermodynamic(pool, 40, temperature=t, relative=True)})
        for t in (0.1, 1.0, 10.0)
    ]
    assert kept[1] >= 8
    assert kept[2] >= 8
    assert len({id(one) for one in selThermodynamic(pool, 40, temperature=0.0)}) == 1


def test_the_default_entropy_follows_the_genes() -> None:
    assert isinstance(fitting_entropy(floats(0.0, 1.0)), MeanDistanceEntropy)
    assert isinstance(fitting_entropy(floats(-1.0, 1.0)), ShannonEntropy)
    for genes in ([[0, 1], [1, 1]], [[True, False]], [[0.5, 1], [0.5, 2]], [["a"], ["b"]], [[0.5, math.inf]]):
        assert isinstance(fitting_entropy(genes), ShannonEntropy)
    pool = floats(0.0, 1.0)
    by_hand = selThermodynamic(pool, 9, temperature=0.5, entropy=MeanDistanceEntropy())
    assert selThermodynamic(pool, 9, temperature=0.5) == by_hand


def test_an_entropy_that_sees_no_difference_warns_and_names_those_that_fit() -> None:
    pool = floats(0.1, 1.0)
    with pytest.warns(UserWarning, match=r"cannot tell.*MeanDistanceEntropy.*VarianceEntropy.*LogDetEntropy"):
        selThermodynamic(pool, 4, entropy=ShannonEntropy())
    mixed = [
        Individual([abs(gene) * sign for gene, sign in zip(one, [1, -1] * 5, strict=True)]) for one in pool
    ]
    for one in mixed:
        one.fitness.values = (1.0,)
    with pytest.warns(UserWarning, match="cannot tell"):
        selThermodynamic(mixed, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        selThermodynamic(pool, 4)
        selThermodynamic([mixed[0]] * 5, 4)  # one genome: nothing to tell apart
        selThermodynamic(pool, 4, entropy=ShannonEntropy(lambda population: [[1]] * len(population)))


def test_the_warning_is_given_once() -> None:
    code = """
import random
from tdgnas import Individual
from tdgnas.operators import ShannonEntropy, selThermodynamic
pool = [Individual([random.random(), random.random()]) for _ in range(6)]
for one in pool:
    one.fitness.values = (random.random(),)
for _ in range(5):
    selThermodynamic(pool, 4, entropy=ShannonEntropy())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.count("cannot tell these individuals apart") == 1


def test_deaps_nsga2_example_runs_with_thermodynamical_selection() -> None:
    """selTournamentDCD asked for the crowding_dist that only selNSGA2 set (examples/ga/nsga2.py of DEAP, shortened)."""

    class Minimise(base.Fitness):
        weights = (-1.0, -1.0)

    random.seed(0)
    toolbox = base.Toolbox()
    toolbox.register("evaluate", benchmarks.zdt1)
    toolbox.register("mate", tools.cxSimulatedBinaryBounded, low=0.0, up=1.0, eta=20.0)
    toolbox.register("mutate", tools.mutPolynomialBounded, low=0.0, up=1.0, eta=20.0, indpb=1.0 / 30)
    toolbox.register("select", selThermodynamic, temperature=0.3)
    population = [Individual([random.random() for _ in range(30)], Minimise()) for _ in range(40)]
    for one in population:
        one.fitness.values = toolbox.evaluate(one)
    first = hypervolume(population, [11.0, 11.0])
    population = toolbox.select(population, len(population))
    for _ in range(60):
        offspring = [copy.deepcopy(one) for one in tools.selTournamentDCD(population, len(population))]
        for one, two in zip(offspring[::2], offspring[1::2], strict=True):
            if random.random() <= 0.9:
                toolbox.mate(one, two)
            for child in (one, two):
                toolbox.mutate(child)
                del child.fitness.values
        for one in offspring:
            one.fitness.values = toolbox.evaluate(one)
        population = toolbox.select(population + offspring, 40)
    assert hypervolume(population, [11.0, 11.0]) > first


def test_crowding_distances_are_those_of_each_front_among_the_selected() -> None:
    class Minimise(base.Fitness):
        weights = (-1.0, -1.0)

    values = [(0.0, 4.0), (1.0, 2.0), (3.0, 1.0), (4.0, 0.0), (5.0, 5.0), (6.0, 6.0)]
    pool = [Individual([float(place), -1.0], Minimise(value)) for place, value in enumerate(values)]
    chosen = selThermodynamic(pool, 6, temperature=0.1, replacement=False)
    found = [one.fitness.crowding_dist for one in sorted(chosen, key=pool.index)]
    tools.selNSGA2(pool, 6)
    assert found == [one.fitness.crowding_dist for one in pool]
