"""What holds for every registered strategy."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from deap import algorithms, base

from tdgnas import individual
from tdgnas.spaces import NASBench201
from tdgnas.strategies import STRATEGIES, create, option_names
from tests.strategies.conftest import FEW

NAMES = STRATEGIES.names()

VARIANTS = [(name, {}) for name in NAMES] + [
    (name, {"repeat": True}) for name in NAMES if "repeat" in option_names(name) and name != "ga"
]


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_golden_result(name, options, searches, golden):
    """Best loss after eight generations with seed 0, architectures evaluated, and the last one of them."""
    problem = searches.problem()
    strategy = searches.run(name, problem, few=FEW, **options)
    found = [strategy.best.fitness.values[0], len(problem.evaluated), list(problem.evaluated[-1])]
    loss, *others = golden("strategies", " ".join([name, *("repeat=true" for _ in options)]), found)
    assert found[0] == pytest.approx(loss, abs=1e-9)
    assert found[1:] == others


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
    if not STRATEGIES.get(name).needs_gradients:
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
    assert strategy.best.fitness.values[0] == problem.found
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
    if STRATEGIES.get(name).objectives == 2:
        pytest.skip("has two objectives, see its own tests")
    strategy = searches.strategy(name, problem, fitness=individual.AccuracyFitness)
    toolbox.register("evaluate", problem.accuracy)
    toolbox.register("generate", strategy.generate)
    toolbox.register("update", strategy.update)
    algorithms.eaGenerateUpdate(toolbox, ngen=20, verbose=False)
    assert problem.losses[problem.decisions.choices(strategy.best)] == pytest.approx(problem.found)


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

    if STRATEGIES.get(name).several:
        assert searches.strategy(name, searches.problem(), fitness=Three).generate()
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
