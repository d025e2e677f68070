"""Initialisers in a DEAP toolbox."""

from __future__ import annotations

import random
from statistics import fmean, pstdev

import pytest
from deap import base, tools

from tdgnas.operators import initBernoulli, initNormal, initUniform

SLICES = [slice(0, 3), slice(3, 4)]


def test_bernoulli_follows_its_probabilities(container):
    toolbox = base.Toolbox()
    toolbox.register("individual", initBernoulli, container, probabilities=[0.0, 0.25, 1.0], scale=0.5)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    random.seed(0)
    population = toolbox.population(n=400)
    assert all(type(individual) is container for individual in population)
    assert {gene for individual in population for gene in individual} == {-0.5, 0.5}
    assert not any(individual.fitness.valid for individual in population)
    shares = [fmean(individual[gene] > 0 for individual in population) for gene in range(3)]
    assert shares == pytest.approx([0.0, 0.25, 1.0], abs=0.06)


def test_bernoulli_draws_one_choice_per_decision():
    rng = random.Random(1)
    probabilities = [0.2, 0.0, 0.8, 0.5]
    drawn = [initBernoulli(list, probabilities, scale=2.0, slices=SLICES, rng=rng) for _ in range(500)]
    assert all(sorted(genes[:3]) == [-2.0, -2.0, 2.0] for genes in drawn)
    shares = [fmean(genes[gene] > 0 for genes in drawn) for gene in range(4)]
    assert shares == pytest.approx(probabilities, abs=0.07)
    assert shares[1] == 0


def test_uniform_and_normal(container):
    rng = random.Random(2)
    uniform = initUniform(container, 3000, low=-2.0, high=4.0, rng=rng)
    assert type(uniform) is container
    assert -2 <= min(uniform) < -1.9 < 3.9 < max(uniform) <= 4
    normal = initNormal(container, 3000, mu=1.0, sigma=0.5, rng=rng)
    assert (fmean(map(float, normal)), pstdev(map(float, normal))) == pytest.approx((1.0, 0.5), abs=0.05)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: initBernoulli(list, [0.5] * 9, rng=rng),
        lambda rng: initBernoulli(list, [0.5] * 4, slices=[slice(0, 2), slice(2, 4)], rng=rng),
        lambda rng: initUniform(list, 9, rng=rng),
        lambda rng: initNormal(list, 9, rng=rng),
    ],
)
def test_the_seed_decides_and_the_global_generator_is_the_default(make):
    drawn = []
    for seed in range(6):
        random.seed(seed)
        drawn.append(make(None))
        assert make(random.Random(seed)) == drawn[-1]
    assert len(set(map(tuple, drawn))) > 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initBernoulli(list, [0.5, 1.2]), r"probabilities\[1\] must be a probability"),
        (lambda: initBernoulli(list, [float("nan")]), r"probabilities\[0\]"),
        (lambda: initBernoulli(list, [0.5], scale=0), "scale"),
        (lambda: initBernoulli(list, [0.5] * 4, slices=SLICES), "sum to 1"),
        (lambda: initBernoulli(list, [0.5] * 5, slices=[slice(0, 2), slice(2, 4)]), "cover 4 of 5"),
        (lambda: initUniform(list, 0), "size"),
        (lambda: initUniform(list, 3, low=1, high=0), "low <= high"),
        (lambda: initNormal(list, 3, sigma=-1), "sigma >= 0"),
    ],
)
def test_refusals_say_what_was_wrong(make, message):
    with pytest.raises(ValueError, match=message):
        make()
