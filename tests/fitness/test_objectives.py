"""Further objectives beside a fitness, and limits that no network may exceed."""

from __future__ import annotations

import itertools
import pickle
import random
from types import SimpleNamespace

import numpy as np
import pytest

from tdgnas.fitness import TabularFitness, WithObjectives, synthetic_table
from tdgnas.individual import AccuracyFitness, Individual, LossFitness, fitness_of
from tdgnas.operators import pareto_ranks
from tdgnas.runs.front import Front
from tdgnas.spaces import NASBench201

SPACE = NASBench201()
TABLE = synthetic_table(SPACE)
NONE, SKIP, CONV = ((k,) * 6 for k in range(3))


def people(*rows):
    return [Individual(SPACE.decisions.genes(row)) for row in rows]


def test_beyond_a_limit_is_not_evaluated_and_worse_than_everything_within():
    fitness = TabularFitness(SPACE, TABLE)
    one, other = (SPACE.macs(SPACE.architecture(row)) / 1e6 for row in (SKIP, CONV))
    limited = WithObjectives(
        fitness, SPACE, ["macs"], limits={"macs": one}, fitness_type=AccuracyFitness, worst=0.0
    )
    within, beyond = limited.batch(people(SKIP, CONV))
    assert within == (float(fitness.signal[TABLE.rows[SKIP]]), one)
    assert beyond == pytest.approx((-(other / one - 1), 1e6 * other / one))
    assert fitness.budget.requests == fitness.budget.evaluations == 1
    assert pareto_ranks([(within[0], -within[1]), (beyond[0], -beyond[1])]).tolist() == [0, 1]


@pytest.mark.parametrize(("kind", "worst"), [(AccuracyFitness, 0.0), (LossFitness, 1e4)])
def test_of_two_beyond_the_limits_the_one_that_exceeds_them_less_is_better(kind, worst):
    """By the sum of the shares, whatever their own values."""
    limited = WithObjectives(
        lambda one: (0.0,), SPACE, (), limits={"macs": 1.0, "parameters": 0.5}, fitness_type=kind, worst=worst
    )
    found = []
    for macs, parameters in ((3.0, 0.5), (2.0, 0.4), (1.0, 1.25)):
        over = limited.excess({"macs": macs, "parameters": parameters})
        individual = Individual((), kind())
        individual.fitness.values = limited._beyond(over)
        found.append(individual.fitness)
    assert found[1] > found[2] > found[0]
    edge = kind((worst,))
    assert all(edge > each for each in found)
    assert limited.excess({"macs": 1.0, "parameters": 0.5}) == 0


def test_latency_needs_something_that_measures_it():
    with pytest.raises(ValueError, match="'latency' is no objective; there are parameters, macs; pass what"):
        WithObjectives(lambda one: (0.0,), SPACE, ["latency"])
    both = WithObjectives(lambda one: (0.5,), SPACE, ["latency", "macs"], latency=lambda one: 7.0)
    (individual,) = people(SKIP)
    assert both(individual) == (0.5, 7.0, SPACE.macs(SPACE.architecture(SKIP)) / 1e6)


def test_a_fitness_of_several_values_is_one_class_and_can_be_sent():
    assert fitness_of(1.0, -1.0) is fitness_of(1.0, -1.0)
    one = fitness_of(1.0, -1.0)((3.0, 2.0))
    assert pickle.loads(pickle.dumps(one)) == one
    assert type(pickle.loads(pickle.dumps(one))) is type(one)


def evaluated(rows):
    return [SimpleNamespace(fitness=SimpleNamespace(wvalues=tuple(row))) for row in rows]


@pytest.mark.parametrize("objectives", [2, 3])
def test_the_hypervolume_is_the_volume_that_the_front_dominates(objectives):
    """Against counting the cells of a grid."""
    rng = random.Random(objectives)
    rows = [[rng.randrange(1, 7) - 10.0 for _ in range(objectives)] for _ in range(9)]
    front = Front()
    front.add(evaluated([[-10.0] * objectives, *rows[:4]]))
    front.add(evaluated([*rows[4:], [1.0, -2e6, *[0.0] * (objectives - 2)]]))  # beyond the limits
    assert front.reference == [-10.0] * objectives
    cells = itertools.product(range(-10, 0), repeat=objectives)
    counted = sum(
        any(all(low < own for low, own in zip(cell, row, strict=True)) for row in rows) for cell in cells
    )
    dominated = {
        tuple(row) for row in rows if any(all(np.array(a) >= row) and tuple(a) != tuple(row) for a in rows)
    }
    kept = {tuple(row) for row in rows} - dominated
    assert front.record() == {"front": len(kept), "hypervolume": counted}
    again = Front()
    again.load_state_dict(front.state_dict())
    assert again.record() == front.record()


def test_what_is_worse_than_the_reference_adds_nothing():
    front = Front()
    front.add(evaluated([(0.5, -1.0), (0.6, -2.0)]))
    before = front.record()
    front.add(evaluated([(0.9, -3.0)]))
    assert before == {"front": 2, "hypervolume": 0.0}
    assert front.record() == {"front": 3, "hypervolume": 0.0}
    front.add(evaluated([(0.7, -1.5)]))
    assert front.record()["hypervolume"] == pytest.approx(0.2 * 0.5)
