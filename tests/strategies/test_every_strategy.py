"""What holds for every registered strategy."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from deap import algorithms, base

from tdgnas import individual
from tdgnas.spaces import NASBench201
from tdgnas.strategies import STRATEGIES, TDGA, create, needs_source, option_names

NAMES = STRATEGIES.names()

# Best loss after eight generations with seed 0, architectures evaluated, and the last one of them.
GOLDEN = {
    "aging": (2.374616611361024, 17, (1, 1, 1, 0, 3)),
    "darts": (2.0903321071851044, 8, (1, 1, 1, 0, 2)),
    "ga": (2.0903321071851044, 97, (1, 1, 1, 0, 2)),
    "nsga2": (2.0903321071851044, 160, (0, 0, 0, 1, 0)),
    "random": (2.0903321071851044, 80, (1, 2, 1, 1, 3)),
    "reinforce-lstm": (2.0903321071851044, 64, (0, 2, 0, 1, 1)),
    "reinforce-table": (2.717511444419992, 8, (0, 2, 0, 1, 2)),
    "tdga": (2.2669950728202943, 79, (1, 1, 1, 1, 2)),
    "tpe": (2.45475045798987, 8, (0, 1, 1, 0, 1)),
}


@pytest.mark.parametrize("name", NAMES)
def test_golden_result(name, searches):
    assert name in GOLDEN, f"strategy {name!r} has no golden result: add one here, after checking its search"
    problem = searches.problem()
    strategy = searches.run(name, problem)
    loss, evaluations, last = GOLDEN[name]
    assert strategy.best.fitness.values[0] == pytest.approx(loss, abs=1e-9)
    assert len(problem.evaluated) == evaluations
    assert problem.evaluated[-1] == last


def test_no_golden_result_is_left_over():
    assert sorted(GOLDEN) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_search(name, searches):
    first, second, third = (searches.problem() for _ in range(3))
    random.seed(1)
    searches.run(name, first, seed=5)
    random.seed(2)
    np.random.seed(3)
    searches.run(name, second, seed=5)
    searches.run(name, third, seed=6)
    assert first.evaluated == second.evaluated
    if not needs_source(name):
        assert first.evaluated != third.evaluated


@pytest.mark.parametrize("name", NAMES)
def test_a_seeded_strategy_leaves_the_global_generator_alone(name, searches):
    random.seed(7)
    before = random.getstate()
    searches.run(name, searches.problem(), generations=3)
    assert random.getstate() == before


@pytest.mark.parametrize("name", NAMES)
def test_without_a_seed_it_draws_from_pythons_generator(name, searches):
    runs = []
    for _ in range(2):
        random.seed(11)
        problem = searches.problem()
        searches.run(name, problem, generations=4, seed=None)
        runs.append(problem.evaluated)
    assert runs[0] == runs[1]


@pytest.mark.parametrize("space", ["mixed", "binary", "K-way"])
@pytest.mark.parametrize("name", NAMES)
def test_it_finds_something_better_than_the_median(name, space, searches):
    problem = searches.problem(space, seed=4)
    strategy = searches.run(name, problem, generations=25)
    losses = sorted(problem.losses.values())
    assert strategy.best.fitness.values[0] == min(problem.losses[choices] for choices in problem.evaluated)
    assert strategy.best.fitness.values[0] < losses[len(losses) // 2]


@pytest.mark.parametrize("name", NAMES)
def test_deap_runs_it(name, searches):
    problem = searches.problem()
    strategy = searches.strategy(name, problem)
    toolbox = searches.toolbox(strategy, problem)
    population, logbook = algorithms.eaGenerateUpdate(toolbox, ngen=5, verbose=False)
    assert len(logbook) == 5
    assert strategy.generation == 5
    assert all(one.fitness.valid for one in population)


@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_where_its_state_was_taken(name, searches):
    whole, parts = searches.problem(), searches.problem()
    searches.run(name, whole, generations=7)
    begun = searches.run(name, parts, generations=3)
    state = as_saved(begun.state_dict())
    resumed = searches.strategy(name, parts, seed=99)
    resumed.load_state_dict(state)
    toolbox = searches.toolbox(resumed, parts)
    for _ in range(4):
        individuals = resumed.generate()
        for one in individuals:
            if not one.fitness.valid:
                one.fitness.values = toolbox.evaluate(one)
        resumed.update(individuals)
    assert parts.evaluated == whole.evaluated
    assert resumed.generation == 7


@pytest.mark.parametrize("name", NAMES)
def test_a_state_with_a_generator_is_not_loaded_where_there_is_none(name, searches):
    """It went on, silently, with other random numbers."""
    problem = searches.problem()
    states = {
        seed: as_saved(searches.run(name, problem, generations=2, seed=seed).state_dict())
        for seed in (0, None)
    }
    for seed, other in ((0, None), (None, 0)):
        with pytest.raises(ValueError, match="make it the same way"):
            searches.strategy(name, problem, seed=seed).load_state_dict(states[other])


def as_saved(value):
    """JSON there and back, arrays as they are."""
    if isinstance(value, dict):
        return {key: as_saved(part) for key, part in value.items()}
    return value if isinstance(value, np.ndarray) else json.loads(json.dumps(value))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_maximised_is_maximised(name, searches):
    problem = searches.problem()
    toolbox = base.Toolbox()
    if name == "nsga2":
        pytest.skip("has two objectives, see its own tests")
    strategy = searches.strategy(name, problem, fitness=individual.AccuracyFitness)
    toolbox.register("evaluate", problem.accuracy)
    toolbox.register("generate", strategy.generate)
    toolbox.register("update", strategy.update)
    algorithms.eaGenerateUpdate(toolbox, ngen=20, verbose=False)
    best = min(problem.losses[choices] for choices in problem.evaluated)
    assert problem.losses[problem.decisions.choices(strategy.best)] == pytest.approx(best)


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_refused(name, searches):
    strategy = searches.strategy(name, searches.problem())
    individuals = strategy.generate()
    for one in individuals:
        one.fitness.values = (float("nan"),) * strategy.objectives
    with pytest.raises(ValueError, match="NaN"):
        strategy.update(individuals)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_named_with_those_there_are(name, searches):
    with pytest.raises(ValueError, match="sausage") as error:
        searches.strategy(name, searches.problem(), sausage=1)
    assert all(option in str(error.value) for option in option_names(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_fitness_of_the_wrong_number_of_values_is_refused(name, searches):
    class Three(base.Fitness):
        weights = (1.0, 1.0, 1.0)

    if name == "tdga":
        assert isinstance(searches.strategy(name, searches.problem(), fitness=Three), TDGA)  # by Pareto rank
        return
    with pytest.raises(ValueError, match="weights"):
        searches.strategy(name, searches.problem(), fitness=Three)


def test_an_unknown_strategy_is_named_with_the_nearest_one():
    with pytest.raises(ValueError, match="did you mean 'reinforce-lstm'"):
        create("reinforce-lstn", NASBench201().decisions)


def test_an_option_that_is_needed_is_named():
    with pytest.raises(ValueError, match="source"):
        create("darts", NASBench201().decisions, seed=0)


def test_no_decisions_are_refused():
    with pytest.raises(ValueError, match="must be decisions"):
        create("random", [], seed=0)
