"""A population over several workers: the same scores, what is shared on one of them, and what the split costs."""

from __future__ import annotations

import random
from itertools import product

import pytest
import torch
from deap import base

from tdgnas import Individual, SupernetFitness, algorithms, batch_map
from tdgnas.strategies import create
from tdgnas.supernet import Shares
from tests.distributed.local import LocalMap


def drawn(space, count, seed=0):
    rng = random.Random(seed)
    return [space.canonical(space.sample(rng)) for _ in range(count)]


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_a_split_holds_everybody_once_and_no_other_cut_of_the_order_is_better(tiny_space, parts):
    shares = Shares(tiny_space, drawn(tiny_space, 8))
    found = shares.split(parts)
    assert sorted(place for part in found for place in part) == list(range(8))
    assert len(found) <= parts
    cuts = product(*[(False, True)] * 7)
    best = min(max(map(shares.cost, cut(shares.order, ends))) for ends in cuts if sum(ends) < parts)
    assert max(map(shares.cost, found)) == best


def cut(order, ends):
    found = [[order[0]]]
    for place, end in zip(order[1:], ends, strict=True):
        found.append([place]) if end else found[-1].append(place)
    return found


def test_two_devices_are_near_the_best_of_all_splits(tiny_space):
    """At most 1.2 times the best of all 512 splits of ten individuals over two devices, counted in multiply-adds."""
    for seed in range(3):
        shares = Shares(tiny_space, drawn(tiny_space, 10, seed))
        whole = set(range(10))
        splits = ({p for p in range(10) if p == 0 or bits >> p & 1} for bits in range(0, 1024, 2))
        best = min(max(shares.cost(one), shares.cost(whole - one)) for one in splits)
        assert best <= max(map(shares.cost, shares.split(2))) <= 1.2 * best


def test_scores_ledger_and_requests_over_two_workers_are_those_of_one_process(tiny_supernet, tiny_space):
    def searched(mapping):
        fitness = SupernetFitness(tiny_supernet, tiny_supernet.data.valid, size=40, batch_size=20)
        before = tiny_supernet.budget.state_dict()
        toolbox = base.Toolbox()
        toolbox.register("map", mapping)
        toolbox.register("evaluate", fitness)
        strategy = create("tdga", tiny_space.decisions, seed=1, population=4)
        found = [
            [list(one.fitness.values) for one in turn.evaluated]
            for turn in algorithms.evolve(strategy, toolbox, 2)
        ]
        passes = tiny_supernet.budget.passes - before["passes"]
        return found, passes, fitness.counters

    alone, passes, counted = searched(batch_map)
    mapping = LocalMap(2)
    found, again, counters = searched(mapping)
    assert found == alone
    assert again == passes
    assert (counters.requests, counters.macs_requested) == (counted.requests, counted.macs_requested)
    # The supernet went to each worker once; both had a part, and computed some values that the other had.
    assert mapping.sent == 2
    assert {number for number, _ in mapping.jobs} == {0, 1}
    assert counters.macs_executed > counted.macs_executed
    assert counters.macs_repeated > counted.macs_repeated == 0


def test_the_supernet_is_sent_again_when_its_weights_have_changed(tiny_supernet, tiny_space):
    mapping = LocalMap(2)
    fitness = SupernetFitness(tiny_supernet, tiny_supernet.data.valid, size=20, batch_size=20)
    fitness.over(mapping)
    population = [Individual(tiny_space.decisions.genes(one.choices)) for one in drawn(tiny_space, 3)]
    first = fitness.batch(population)
    assert mapping.sent == 2
    with torch.no_grad():
        next(tiny_supernet.parameters()).mul_(1.5)
    assert fitness.batch(population) != first
    assert mapping.sent == 4


def test_an_architecture_that_kills_its_worker_twice_scores_the_worst(tiny_supernet, tiny_space):
    wanted = drawn(tiny_space, 4)
    fitness = SupernetFitness(
        tiny_supernet, tiny_supernet.data.valid, size=20, batch_size=20, measure="accuracy"
    )
    population = [Individual(tiny_space.decisions.genes(one.choices)) for one in wanted]
    alone = fitness.batch(population)
    fitness._cache.clear()
    fitness.over(LocalMap(2, deadly=lambda items: any(one == wanted[2] for (one,) in items)))
    with pytest.warns(RuntimeWarning, match="accuracy nan; it counts as 0"):
        assert fitness.batch(population) == [*alone[:2], (0.0,), alone[3]]
