"""What a strategy is told that it did not ask for: nothing, copies, networks of others, values that are infinite."""

from __future__ import annotations

import math
import random
from copy import deepcopy
from typing import Any

import pytest
from deap import base

import tdgnas
from tdgnas.decision import Decision, Decisions
from tdgnas.fitness import TabularFitness, synthetic_table
from tdgnas.spaces import NASBench201
from tdgnas.strategies import create

SIX = Decisions([Decision(f"d{n}", ("a", "b", "c")) for n in range(6)])


def evaluate(individuals: list[Any]) -> list[Any]:
    for one in individuals:
        one.fitness.values = (float(sum(SIX.choices(one))),)
    return individuals


@pytest.mark.parametrize("name", ["ga", "reinforce-lstm", "tdga", "aging"])
def test_nothing_is_no_generation(name: str) -> None:
    """It ended in errors a generation later, or in a baseline of NaN."""
    strategy = create(name, SIX, seed=0)
    strategy.update(evaluate(strategy.generate()))
    with pytest.raises(ValueError, match="given no individual"):
        strategy.update([])


def test_tdga_takes_copies_at_their_word_and_others_networks_in() -> None:
    strategy = create("tdga", SIX, seed=0, fitness=tdgnas.AccuracyFitness)
    first = evaluate(deepcopy(strategy.generate()))
    strategy.update(first)
    again = strategy.generate()
    assert [one for one in again if one.fitness.valid], "what came back evaluated is asked for again"
    best = evaluate([tdgnas.Individual(SIX.genes((2,) * 6), tdgnas.AccuracyFitness())])
    strategy.update([*evaluate(again), *best])
    assert strategy.best.fitness.values == (12.0,)
    strategy.update(evaluate(strategy.generate()))
    steady = create("tdga-steady", SIX, seed=0, fitness=tdgnas.AccuracyFitness, population=2)
    steady.update([*evaluate(steady.generate()), *best])
    for _ in range(5):
        steady.update(evaluate(steady.generate()))


@pytest.mark.parametrize("name", ["reinforce-table", "reinforce-lstm"])
def test_an_infinite_reward_is_refused(name: str) -> None:
    strategy = create(name, SIX, seed=0, fitness=tdgnas.AccuracyFitness)
    asked = evaluate(strategy.generate())
    asked[0].fitness.values = (-math.inf,)
    with pytest.raises(ValueError, match="a reward is infinite"):
        strategy.update(asked)


def test_a_strategy_that_minimises_an_accuracy_is_refused() -> None:
    """It found the worst network, silently."""
    space = NASBench201()
    toolbox = base.Toolbox()
    toolbox.register("evaluate", TabularFitness(space, synthetic_table(space)))
    with pytest.raises(ValueError, match=r"TabularFitness is to be maximised.*AccuracyFitness"):
        tdgnas.evolve(create("aging", space.decisions, seed=0), toolbox, ngen=1)
    tdgnas.evolve(create("aging", space.decisions, fitness=tdgnas.AccuracyFitness), toolbox, ngen=1)

    def error(individual: Any) -> tuple[float]:
        return (1 - toolbox.evaluate(individual)[0],)

    other = base.Toolbox()
    other.register("evaluate", error)
    tdgnas.evolve(create("aging", space.decisions), other, ngen=1)
    with pytest.raises(TypeError, match=r"space\.decisions; got NASBench201"):
        create("aging", space)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "wanted"), [(0.5, r"returned 0\.5.*tuple of 1 number,.*write"), ((1, 2), "of 1 number")]
)
def test_a_fitness_that_returns_no_tuple_is_told_so(value: Any, wanted: str) -> None:
    """DEAP says that a float has no len(), or that an assertion failed."""
    toolbox = base.Toolbox()
    toolbox.register("evaluate", lambda individual: value)
    with pytest.raises(TypeError, match=wanted):
        list(tdgnas.algorithms.evolve(create("random", SIX, seed=0), toolbox, ngen=1))


def test_a_seed_beside_a_generator_is_refused() -> None:
    """The seed won without a word."""
    with pytest.raises(ValueError, match="one of the two"):
        create("random", SIX, seed=0, rng=random.Random(1))
