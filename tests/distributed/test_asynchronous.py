"""Evolution without generations: nobody is lost, nobody counts twice, and workers are kept busy."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from deap import base

from tdgnas import batch_map
from tdgnas.distributed import AsyncEvolution, SimulatedMap, evolve_async
from tdgnas.files.checkpoints import load_checkpoint, save_checkpoint
from tdgnas.fitness import TabularFitness, synthetic_table
from tdgnas.individual import AccuracyFitness
from tdgnas.spaces import NASBench201
from tdgnas.strategies import STRATEGIES, create
from tdgnas.strategies.predicted.search import PredictedSearch
from tdgnas.workers import WorkerDied
from tests.distributed.local import LocalMap

SPACE = NASBench201()
TABLE = synthetic_table(SPACE, seed=3)
NAMES = [name for name in STRATEGIES.names() if STRATEGIES.get(name).asynchronous]
EVALUATIONS = 40


def seconds(individual):
    """A duration of 1 to 10, by the genes."""
    return 1 + 9 * random.Random(str(list(individual))).random()


def toolbox_of(mapping, fitness=None):
    toolbox = base.Toolbox()
    toolbox.register("map", mapping)
    toolbox.register("evaluate", fitness or TabularFitness(SPACE, TABLE))
    return toolbox


def made(name, **settings):
    return create(name, SPACE.decisions, seed=1, **{"fitness": AccuracyFitness, **settings})


def test_those_that_the_issue_names_are_asynchronous():
    named = {
        "aging",
        "local-search",
        "random",
        "tdga-steady",
        "tdga-gp",
        "reinforce-lstm",
        "reinforce-table",
        "asha",
    }
    assert named <= set(NAMES)


def one_of_each(name):
    """Searches with a prediction differ in what takes the time here, and in nothing else."""
    return name == "tdga-gp" or not issubclass(STRATEGIES.get(name), PredictedSearch)


@pytest.mark.parametrize("name", filter(one_of_each, NAMES))
def test_results_come_back_in_any_order_and_none_is_lost(name):
    strategy, count = made(name), EVALUATIONS
    given = Counter()
    generate = strategy.generate

    def counted():
        found = generate()
        given.update(map(id, found))
        kept.extend(found)
        return found

    kept: list = []
    strategy.generate = counted
    evolution = evolve_async(strategy, toolbox_of(SimulatedMap(5, seconds)), count)
    back = [one for turn in evolution for one in turn.evaluated]
    assert len(back) == len({id(one) for one in back}) == count
    assert {id(one) for one in back} <= set(given)
    assert [id(one) for one in back] != [id(one) for one in kept[:count]]
    assert strategy.generation == count == len(evolution.logbook)
    assert strategy.best.fitness == max(one.fitness for one in back)


@pytest.mark.parametrize("name", ["aging", "reinforce-lstm"])
def test_with_one_worker_it_is_the_synchronous_search(name):
    """What comes back in the order in which it was asked for changes no bit."""
    asked = []
    for asynchronous in (True, False):
        strategy = made(name, **({"batch": 4} if name == "reinforce-lstm" else {"population": 4}))
        seen = []
        if asynchronous:
            for turn in evolve_async(strategy, toolbox_of(map), 20, batch=4):
                seen += turn.evaluated
        else:
            fitness = TabularFitness(SPACE, TABLE)
            while len(seen) < 20:
                individuals = strategy.generate()
                for one in individuals:
                    one.fitness.values = fitness(one)
                strategy.update(individuals)
                seen += individuals
        asked.append([SPACE.decisions.choices(one) for one in seen][: 20 if name != "aging" else 4])
    assert asked[0] == asked[1]


def test_devices_are_busy_where_generations_wait_for_the_slowest():
    """Durations differ by 10: above 90 % where the synchronous form falls below 60 %."""
    shares = {}
    for form in ("asynchronous", "synchronous"):
        simulated = SimulatedMap(16, seconds)
        strategy = made("aging", population=16, batch=16)
        if form == "asynchronous":
            list(evolve_async(strategy, toolbox_of(simulated), 640))
        else:
            for _ in range(40):
                individuals = strategy.generate()
                for one, values in zip(
                    individuals, simulated(TabularFitness(SPACE, TABLE), individuals), strict=True
                ):
                    one.fitness.values = values
                strategy.update(individuals)
        shares[form] = simulated.share
    assert shares["asynchronous"] > 0.9
    assert shares["synchronous"] < 0.6


def test_a_search_that_was_saved_asks_again_for_what_was_under_way(tmp_path):
    strategy = made("aging", population=4)
    evolution = evolve_async(strategy, toolbox_of(SimulatedMap(3, seconds)), 12)
    for _ in range(6):
        next(evolution)
    under_way = [list(one) for one in evolution.flow.out.values()]
    assert under_way
    path = save_checkpoint({"state": evolution.state_dict()}, tmp_path / "saved.ckpt")
    again = evolve_async(made("aging", population=4), toolbox_of(SimulatedMap(3, seconds)), 12)
    again.load_state_dict(load_checkpoint(path)["state"])
    assert [list(one) for one in again.flow.waiting][: len(under_way)] == under_way
    assert sum(len(turn.evaluated) for turn in again) == 6
    assert again.strategy.generation == 12


def test_after_an_error_what_was_under_way_is_asked_for_again():
    broken = [True]

    def deadly(items):
        return broken[0] and len(mapping.jobs) > 4

    mapping = LocalMap(2, deadly=deadly)
    evolution = evolve_async(made("random", batch=3), toolbox_of(mapping), 12)
    with pytest.raises(WorkerDied, match=r"TabularFitness on .*died"):
        list(evolution)
    done = evolution.generation
    broken[0] = False
    assert sum(len(turn.evaluated) for turn in evolution) == 12 - done


def test_what_cannot_be_run_without_generations_is_refused():
    with pytest.raises(ValueError, match="DecisionTDGA takes back whole generations; run it by evolve"):
        AsyncEvolution(made("tdga"), toolbox_of(batch_map), 10)
    with pytest.raises(ValueError, match="evaluations is 0"):
        AsyncEvolution(made("random"), toolbox_of(batch_map), 0)
    with pytest.raises(ValueError, match=r"gradient\.steps are of generations"):
        create("tdga-steady", SPACE.decisions, gradient={"steps": 1, "lr": 0.1}, source=object())
