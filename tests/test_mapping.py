"""The batched map with DEAP's toolbox, decorators and stock algorithms."""

from __future__ import annotations

import functools
import random

import pytest
from deap import algorithms, base, tools

from tdgnas import Individual, batch_map
from tdgnas.mapping import layers, name_of


class Counting:
    """Sum of squares; counts how it was called."""

    def __init__(self) -> None:
        self.single = 0
        self.batches: list[int] = []

    def __call__(self, individual):
        self.single += 1
        return (sum(gene * gene for gene in individual),)

    def batch(self, individuals):
        self.batches.append(len(individuals))
        return [(sum(gene * gene for gene in individual),) for individual in individuals]


def make_toolbox(fitness) -> base.Toolbox:
    toolbox = base.Toolbox()
    toolbox.register("map", batch_map)
    toolbox.register("evaluate", fitness)
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=0.3, indpb=0.5)
    toolbox.register("select", tools.selTournament, tournsize=2)
    return toolbox


def test_stock_algorithms_evaluate_in_batches_with_equal_results() -> None:
    results = []
    for mapping in (batch_map, map):
        fitness = Counting()
        toolbox = make_toolbox(fitness)
        toolbox.register("map", mapping)
        random.seed(1)
        population = [Individual([random.gauss(0, 1) for _ in range(4)]) for _ in range(8)]
        population, _ = algorithms.eaSimple(population, toolbox, 0.8, 0.5, 5, verbose=False)
        results.append([list(individual) for individual in population])
        if mapping is batch_map:
            assert fitness.single == 0
            assert len(fitness.batches) == 6
        else:
            assert fitness.batches == []
    assert results[0] == results[1]


def test_a_decorated_evaluator_is_called_one_by_one_so_that_the_decorator_counts() -> None:
    """DEAP copies attributes onto wrappers: a constraint penalty would be skipped."""
    fitness = Counting()
    toolbox = make_toolbox(fitness)
    toolbox.decorate("evaluate", tools.DeltaPenalty(lambda individual: individual[0] < 1, 99.0))
    population = [Individual([0.0]), Individual([2.0])]
    assert toolbox.map(toolbox.evaluate, population)[1] == (99.0,)

    def penalise(function):
        @functools.wraps(function)
        def wrapped(individual):
            return (function(individual)[0] + 1,)

        return wrapped

    decorated = penalise(functools.partial(fitness))
    decorated.batch = fitness.batch
    assert batch_map(decorated, [Individual([0.0])]) == [(1.0,)]
    assert fitness.batches == []


def test_bound_keywords_reach_the_batch_form_and_bound_arguments_fall_back() -> None:
    def scaled(individual, factor=1.0):
        return (factor * individual[0],)

    scaled.batch = lambda individuals, factor=1.0: [("batch", factor * i[0]) for i in individuals]
    assert batch_map(functools.partial(scaled, factor=3.0), [[2.0]]) == [("batch", 6.0)]
    assert batch_map(functools.partial(scaled, [5.0]), [2.0]) == [(10.0,)]


def test_several_iterables_no_items_and_a_wrong_number_of_results() -> None:
    assert batch_map(lambda a, b: a + b, [1, 2], [3, 4]) == [4, 6]
    assert batch_map(Counting(), []) == []
    broken = Counting()
    broken.batch = lambda individuals: [(0.0,)]
    with pytest.raises(ValueError, match="1 results for 2 items"):
        batch_map(broken, [[0.0], [1.0]])


def test_what_wraps_a_function_is_seen_through_outermost_first() -> None:
    class Guarded:
        def __init__(self, function) -> None:
            self.guarded = function

        def __call__(self, individual):
            return self.guarded(individual)

    class Holding:
        """A fitness that happens to have an attribute of a partial's name."""

        func = len

        def __call__(self, individual):
            return (0.0,)

    toolbox = base.Toolbox()
    toolbox.register("evaluate", Holding())
    toolbox.register("evaluate", Guarded(toolbox.evaluate))
    seen = [type(layer) for layer in layers(toolbox.evaluate.func)]
    assert seen == [Guarded, functools.partial, Holding]
    wrapped = functools.wraps(make_toolbox)(lambda fitness: None)
    assert list(layers(wrapped)) == [wrapped, make_toolbox]
    assert name_of(functools.partial(wrapped, 1)) == "make_toolbox"
    assert name_of(toolbox.evaluate) == "Holding"
