"""A controller in shards and replicas: with one of each the plain one, with several asynchronous."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pytest
from deap import base

from tdgnas.distributed import ReplicatedLSTM, SimulatedMap, evolve_async
from tdgnas.files.checkpoints import load_checkpoint, save_checkpoint
from tdgnas.individual import AccuracyFitness
from tdgnas.runs import make_config
from tdgnas.runs.problem import Problem
from tdgnas.strategies import create
from tdgnas.workers import Died


@pytest.fixture(scope="module")
def problem():
    """The table of 1,296 networks."""
    return Problem.made(make_config({"problem": "nas-rl-table", "strategy": {"name": "random"}}))


def toolbox_of(problem, mapping):
    toolbox = base.Toolbox()
    toolbox.register("map", mapping)
    toolbox.register("evaluate", problem.evaluate)
    return toolbox


def asked(strategy, problem, updates):
    found = []
    for _ in range(updates):
        individuals = strategy.generate()
        for one in individuals:
            one.fitness.values = problem.evaluate(one)
        strategy.update(individuals)
        found += [problem.decisions.choices(one) for one in individuals]
    return found


@pytest.mark.parametrize("shards", [1, 5])
def test_one_replica_is_the_plain_strategy_bit_for_bit(problem, shards):
    plain = create("reinforce-lstm", problem.decisions, seed=3, fitness=AccuracyFitness, batch=4)
    replicated = ReplicatedLSTM(
        problem.decisions, shards=shards, rng=random.Random(3), fitness=AccuracyFitness, batch=4
    )
    assert asked(replicated, problem, 5) == asked(plain, problem, 5)
    assert replicated.staleness == [0] * 5
    found = {name: value for shard in replicated.shards for name, value in shard.fetch()[1].items()}
    assert set(found) == set(plain.controller.parameters)
    for name, value in plain.controller.parameters.items():
        np.testing.assert_array_equal(found[name], value.detach().numpy())


def test_two_replicas_of_four_children_send_late_gradients(problem):
    """K=2, m=4 on the table of 1,296 networks: each replica's children differ in how long they take."""
    strategy = ReplicatedLSTM(
        problem.decisions, shards=3, replicas=2, rng=random.Random(1), fitness=AccuracyFitness, batch=4
    )
    simulated = SimulatedMap(8, lambda one: 1 + 9 * random.Random(str(list(one))).random())
    evolution = evolve_async(strategy, toolbox_of(problem, simulated), 160)
    evaluated = [one for turn in evolution for one in turn.evaluated]
    assert {tuple(one.replica) for one in evaluated} == {(k, m) for k in (0, 1) for m in range(4)}
    # Every gradient of eight children's time is sent; some meet parameters that the other has changed since.
    assert len(strategy.staleness) >= 160 // 4 - 2
    assert max(strategy.staleness) >= 1
    assert [shard.version for shard in strategy.shards] == [len(strategy.staleness)] * 3


def test_a_step_is_taken_on_what_the_parameters_are_when_a_gradient_arrives(problem):
    """The naive version: the second replica's gradient, of the first parameters, moves those after the first one's."""
    strategy = ReplicatedLSTM(
        problem.decisions, replicas=2, rng=random.Random(1), fitness=AccuracyFitness, batch=2
    )
    batches = [strategy.generate(), strategy.generate()]
    assert strategy.generate() == []
    for one in [*batches[0], *batches[1]]:
        one.fitness.values = problem.evaluate(one)
    (shard,), before = strategy.shards, strategy.shards[0].fetch()[1]
    strategy.update(batches[1])
    middle = shard.fetch()[1]
    strategy.update(batches[0])
    assert strategy.staleness == [0, 1]
    changed = [name for name in before if (shard.fetch()[1][name] != middle[name]).any()]
    assert changed
    assert any((before[name] != middle[name]).any() for name in before)


def test_it_goes_on_where_its_state_was_taken(problem, tmp_path):
    def made(seed):
        settings = {"shards": 2, "replicas": 2, "batch": 3, "fitness": AccuracyFitness}
        return ReplicatedLSTM(problem.decisions, rng=random.Random(seed), **settings)

    whole = asked(made(1), problem, 7)
    begun = made(1)
    first = asked(begun, problem, 3)
    path = save_checkpoint(begun.state_dict(), tmp_path / "saved.ckpt")
    resumed = made(9)
    resumed.load_state_dict(load_checkpoint(path))
    assert [*first, *asked(resumed, problem, 4)] == whole


class Mortal:
    """A shard or a replica somewhere else, which dies at a call of a number, counted over all of them."""

    calls, deadly = 0, -1

    def __init__(self, kind, *arguments):
        self.one, self.dead = kind(*pickle.loads(pickle.dumps(arguments))), False

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*arguments):
            Mortal.calls += 1
            self.dead = self.dead or Mortal.calls == Mortal.deadly
            if self.dead:
                raise Died
            return getattr(self.one, name)(*arguments)

        return call


def test_a_dead_shard_or_replica_is_replaced_and_changes_no_bit(problem, monkeypatch):
    """It ended the search; half of a gradient had been taken then by the shards before it."""

    def made(make):
        settings = {"shards": 2, "replicas": 2, "batch": 2, "fitness": AccuracyFitness, "make": make}
        return ReplicatedLSTM(problem.decisions, rng=random.Random(5), **settings)

    whole = asked(made(None), problem, 4)
    monkeypatch.setattr(Mortal, "calls", 0)
    assert asked(made(Mortal), problem, 4) == whole
    for deadly in range(15, Mortal.calls, 5):  # the first are of their making
        monkeypatch.setattr(Mortal, "calls", 0)
        monkeypatch.setattr(Mortal, "deadly", deadly)
        strategy = made(Mortal)
        assert asked(strategy, problem, 4) == whole
        assert strategy.staleness == [0] * 4


def test_more_shards_than_parameters_are_refused(problem):
    with pytest.raises(ValueError, match="shards is 99, and the controller has"):
        ReplicatedLSTM(problem.decisions, shards=99, rng=random.Random(0), fitness=AccuracyFitness)
