"""What is particular to aging evolution, the plain GA, NSGA-II, TDGA on decisions and optuna."""

from __future__ import annotations

import builtins
import random

import numpy as np
import pytest

import tdgnas
from tdgnas.decision import Decisions
from tdgnas.individual import fitness_of
from tdgnas.operators import Constant
from tdgnas.spaces import NASBench201, VGGShortcuts
from tdgnas.strategies import create, option_names


@pytest.mark.parametrize("space", [NASBench201(), VGGShortcuts(width=1 / 32)])
def test_the_codec_is_that_of_the_space(space):
    codec = Decisions.of(space.decisions)
    assert (codec.slices, codec.length) == (space.slices, space.length)
    rng = random.Random(0)
    rows = [[rng.gauss(0, 1) for _ in range(space.length)] for _ in range(20)]
    assert np.array_equal(codec.loci(rows), space.choices(rows))
    for _ in range(10):
        architecture = space.sample(rng)
        assert codec.genes(architecture.choices) == space.encode(architecture)
        assert codec.choices(codec.genes(architecture.choices)) == architecture.choices


def test_ties_and_zeros_decode_as_in_a_space(searches):
    decisions = searches.problem().decisions
    assert decisions.choices([0.0] * decisions.length) == (0,) * len(decisions)


def test_random_search_draws_every_architecture_about_equally(searches):
    problem = searches.problem()
    searches.run("random", problem, generations=200, batch=32, repeat=True)
    counts = [problem.evaluated.count(choices) for choices in problem.losses]
    assert len(problem.evaluated) == 6400
    assert 20 < min(counts) <= max(counts) < 90  # 50 expected of each


def test_aging_evolution_changes_one_decision_and_drops_the_oldest(searches):
    problem = searches.problem()
    strategy = searches.strategy("aging", problem, population=6, sample=2, repeat=True)
    first = strategy.generate()
    for one in first:
        one.fitness.values = problem(one)
    strategy.update(first)
    for _ in range(20):
        parents = [problem.decisions.choices(one) for one in strategy.population]
        (child,) = strategy.generate()
        own = problem.decisions.choices(child)
        assert min(sum(a != b for a, b in zip(own, parent, strict=True)) for parent in parents) <= 1
        assert any(sum(a != b for a, b in zip(own, parent, strict=True)) == 1 for parent in parents)
        oldest, second = strategy.population[:2]
        child.fitness.values = problem(child)
        strategy.update([child])
        assert strategy.population[0] is second
        assert all(one is not oldest for one in strategy.population)
        assert strategy.population[-1] is child
        assert len(strategy.population) == 6


def test_aging_evolutions_best_may_die_but_is_remembered(searches):
    problem = searches.problem(good=(0, 0, 0, 0, 0))
    strategy = searches.strategy("aging", problem, population=3, sample=1)
    first = strategy.generate()
    for place, one in enumerate(first):
        one.fitness.values = (-1.0,) if place == 0 else (5.0,)
    strategy.update(first)
    for _ in range(3):
        (child,) = strategy.generate()
        child.fitness.values = (1.0,)
        strategy.update([child])
    assert min(one.fitness.values[0] for one in strategy.population) == 1.0
    assert strategy.best.fitness.values == (-1.0,)


def test_the_plain_ga_has_the_published_settings_and_keeps_its_best(searches):
    problem = searches.problem()
    strategy = searches.strategy("ga", problem)
    toolbox = searches.toolbox(strategy, problem)
    best = []
    for generation in tdgnas.evolve(strategy, toolbox, 20):
        assert len(generation.population) == 15
        best.append(generation.record["best"])
    assert best == sorted(best, reverse=True)
    assert all(-1 <= gene <= 1 for gene in searches.strategy("ga", problem).generate()[0])


def test_the_plain_ga_without_variation_evaluates_nothing_new(searches):
    problem = searches.problem()
    searches.run("ga", problem, generations=6, cxpb=0.0, mutpb=0.0)
    assert len(problem.evaluated) == 15


def test_nsga2_finds_the_true_front(searches):
    problem = searches.problem(seed=2)
    strategy = searches.run("nsga2", problem, generations=40)
    points = {(loss, float(sum(choices))) for choices, loss in problem.losses.items()}

    def beaten(a):
        return any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in points)

    true = {point for point in points if not beaten(point)}
    found = {one.fitness.values for one in strategy.front()}
    assert len(true) > 3
    assert found == true
    assert strategy.best.fitness.values[0] == min(problem.losses.values())


def test_nsga2_takes_accuracy_and_size(searches):
    problem = searches.problem()
    strategy = create("nsga2", problem.decisions, seed=0, fitness=fitness_of(1.0, -1.0))
    for _ in range(40):
        children = strategy.generate()
        for one in children:
            one.fitness.values = (*problem.accuracy(one), float(sum(problem.decisions.choices(one))))
        strategy.update(children)
    assert problem.decisions.choices(strategy.best) == problem.best


def test_tdga_keeps_more_entropy_at_a_higher_temperature(searches):
    ends = []
    for temperature in (0.0, Constant(5.0)):
        problem = searches.problem("K-way")
        strategy = searches.run("tdga", problem, generations=15, temperature=temperature)
        ends.append(strategy.entropies[-1])
    assert ends[0] == 0.0
    assert ends[1] > 2.0


def test_tdga_on_decisions_takes_steps_down_a_sources_gradient(searches):
    problem = searches.problem()
    still = {"mutpb": 0.0, "cxpb": 0.0}
    plain = searches.strategy("tdga", problem, variation=still)
    step = {"gradient.steps": 1, "gradient.lr": 0.05}
    local = searches.strategy("tdga", problem, variation=still, source=problem, **step)
    moved = []
    for strategy in (plain, local):
        individuals = strategy.generate()
        for one in individuals:
            one.fitness.values = problem(one)
        strategy.update(individuals)
        before = [list(one) for one in strategy.population]
        strategy.generate()
        moved.append([list(one) for one in strategy.population] != before)
    assert moved == [False, True]


def test_optuna_says_what_to_install(searches, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "optuna":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install optuna"):
        create("optuna", searches.problem().decisions, seed=0)


@pytest.mark.parametrize("sampler", ["random", "gp", "tpe"])
def test_optunas_samplers_are_a_setting(sampler, searches):
    pytest.importorskip("optuna")
    problem = searches.problem()
    searches.run("optuna", problem, generations=6, sampler=sampler, startup=3)
    assert len(set(problem.evaluated)) == len(problem.evaluated) == 6
    with pytest.raises(ValueError, match="sausage"):
        create("optuna", problem.decisions, sampler=sampler, parameters={"sausage": 1})


def test_options_are_listed_by_name():
    assert {"population", "sample", "batch", "repeat"} == set(option_names("aging"))
    assert {"controller.hidden", "settings", "reward", "entropy"} <= set(option_names("reinforce-lstm"))


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("aging", {"population": 0}, "population: input should be .*given: 0"),
        ("aging", {"sample": True}, "sample: input should be .*given: True"),
        ("ga", {"cxpb": 2.0}, "cxpb: input should be .*given: 2"),
        ("ga", {"elite": 99}, "elite is 99"),
        ("nsga2", {"indpb": -1.0}, "indpb: input should be .*given: -1"),
        ("tdga", {"population": -1}, "population: input should be .*given: -1"),
        ("tdga", {"variation.mutpb": 7.0}, "variation.mutpb: input should be .*given: 7"),
        ("tdga", {"variation": {"indpb_mutate": 3.0}}, "indpb_mutate: input should be .*given: 3"),
        ("tdga", {"gradient.steps": 1}, "no source of gradients"),
        ("tdga", {"temperature.schedule": "feedback"}, "needs a target"),
        ("tdga", {"temperature": 1.0, "temperature.start": 1.0}, "beside it"),
        ("darts-tdga", {"alternate": True}, "nothing is there to train"),
        ("random", {"batch": 1.5}, "batch: input should be .*given: 1.5"),
        ("darts", {"weight_decay": float("nan")}, "weight_decay: input should be .*given: nan"),
        ("ga", {"indpb": float("nan")}, "indpb: input should be .*given: nan"),
        ("reinforce-table", {"entropy": float("nan")}, "entropy: input should be .*given: nan"),
        ("reinforce-lstm", {"entropy": float("nan")}, "entropy: input should be .*given: nan"),
    ],
)
def test_impossible_options_are_refused(name, options, word, searches):
    with pytest.raises(ValueError, match=word):
        searches.strategy(name, searches.problem(), **options)
