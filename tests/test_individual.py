"""The individual in the hands of DEAP, pickle and copy."""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np
import pytest
from deap import base, tools

from tdgnas import AccuracyFitness, Individual, LossFitness


def test_a_view_without_a_copy_sees_and_makes_changes() -> None:
    individual = Individual([1.0, 2.0])
    view = np.frombuffer(individual)
    view[0] = 5.0
    assert individual[0] == 5.0
    individual[1] = -1.0
    assert view.tolist() == [5.0, -1.0]


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent_and_keep_fitness_and_attributes(copied) -> None:
    individual = Individual([1.0, 2.0], AccuracyFitness())
    individual.fitness.values = (0.5,)
    individual.origin = {"id": 3}
    twin = copied(individual)
    assert list(twin) == [1.0, 2.0]
    assert type(twin.fitness) is AccuracyFitness
    assert twin.fitness.values == (0.5,)
    assert twin.origin == {"id": 3}
    twin[0] = 9.0
    del twin.fitness.values
    assert individual[0] == 1.0
    assert individual.fitness.values == (0.5,)


def test_a_copied_fitness_keeps_what_its_class_put_on_it() -> None:
    """DEAP's own deep copy of a fitness drops attributes of subclasses."""

    class Noted(base.Fitness):
        weights = (-1.0,)

    individual = Individual([0.0], Noted())
    individual.fitness.note = "kept"
    assert copy.deepcopy(individual).fitness.note == "kept"


def test_stock_operators_change_it_in_place() -> None:
    random.seed(3)
    one, two = Individual([1.0] * 6), Individual([-1.0] * 6)
    for operator, extra in [
        (tools.cxTwoPoint, {}),
        (tools.cxUniform, {"indpb": 0.5}),
        (tools.cxOnePoint, {}),
    ]:
        first, second = operator(one, two, **extra)
        assert first is one
        assert second is two
        assert sorted([*one, *two]) == [-1.0] * 6 + [1.0] * 6
    (mutant,) = tools.mutGaussian(one, mu=0, sigma=1, indpb=1.0)
    assert mutant is one
    assert set(one) & {1.0, -1.0} == set()


def test_the_default_fitness_is_minimised() -> None:
    better, worse = Individual([0.0]), Individual([0.0])
    better.fitness.values, worse.fitness.values = (0.1,), (0.2,)
    assert isinstance(better.fitness, LossFitness)
    assert better.fitness > worse.fitness
