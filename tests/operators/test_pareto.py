"""Pareto ranks against DEAP's nondominated sorting."""

from __future__ import annotations

import math
import sys

import pytest
from deap import base, tools
from hypothesis import given
from hypothesis import strategies as st

from tdgnas.operators import pareto_ranks


class Three(base.Fitness):
    weights = (1.0, -1.0, 2.0)


class Point:
    def __init__(self, values):
        self.fitness = Three(values)


coordinate = st.integers(-3, 3) | st.sampled_from([sys.float_info.max, -sys.float_info.max, 0.5])


@given(st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=1, max_size=25))
def test_equals_deap(points):
    population = [Point(values) for values in points]
    population += [Point(points[0])]
    ranks = pareto_ranks([point.fitness.wvalues for point in population])
    for rank, front in enumerate(tools.sortNondominated(population, len(population))):
        assert {ranks[population.index(point)] for point in front} == {rank}


def test_equal_and_infinite_points_share_ranks():
    assert pareto_ranks([(1, 1)] * 4).tolist() == [0] * 4
    assert pareto_ranks([(math.inf, 0), (0, math.inf), (0, 0), (-math.inf, 0)]).tolist() == [0, 0, 1, 2]
    assert pareto_ranks([(value, -value) for value in range(50)]).tolist() == [0] * 50
    assert pareto_ranks([(value, value) for value in range(50)]).tolist() == list(range(49, -1, -1))


@pytest.mark.parametrize(("values", "message"), [([1, 2], "shape"), ([(1, math.nan)], "NaN")])
def test_refusals(values, message):
    with pytest.raises(ValueError, match=message):
        pareto_ranks(values)
