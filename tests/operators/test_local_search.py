"""lsDARTS and evalBaldwinian on a supernet that is a known function."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest
from deap import base

from tdgnas.mapping import batch_map
from tdgnas.operators import GradientSource, evalBaldwinian, lsDARTS


class Bowl:
    """Loss sum (alpha - 1)^2 + noise * alpha, the noise drawn from the seed; records its calls."""

    def __init__(self, noise=0.0):
        self.noise, self.calls = noise, []

    def alpha_gradients(self, genes, *, seed):
        self.calls.append((genes.copy(), seed))
        return 2 * (genes - 1) + self.noise * np.random.default_rng(seed).normal(size=genes.shape[1])


class Broken(Bowl):
    """Loses the individuals whose first gene is above 4, from the given call on."""

    def __init__(self, call=1, value=np.nan):
        super().__init__()
        self.call, self.value = call, value

    def alpha_gradients(self, genes, *, seed):
        gradients = super().alpha_gradients(genes, seed=seed)
        if len(self.calls) >= self.call:
            gradients[genes[:, 0] > 4, -1] = self.value
        return gradients


def adam(genes, gradient, lr, steps, betas, weight_decay):
    """Adam, gene by gene, from its paper's algorithm."""
    first = second = 0.0
    for step in range(1, steps + 1):
        slope = gradient(genes) + weight_decay * genes
        first = betas[0] * first + (1 - betas[0]) * slope
        second = betas[1] * second + (1 - betas[1]) * slope**2
        genes -= lr * (first / (1 - betas[0] ** step)) / ((second / (1 - betas[1] ** step)) ** 0.5 + 1e-8)
    return genes


def test_moves_the_individuals_own_genes(container):
    individual = container([0.5, -2.0])
    individual.fitness.values = (9.0,)
    (moved,) = lsDARTS(individual, supernet=Bowl(), lr=0.25, optimizer="sgd")
    assert moved is individual
    assert type(individual) is container
    assert list(individual) == [0.75, -0.5]
    assert individual.fitness.values == (9.0,)
    assert not type(individual.fitness)().valid  # the fitness class was not written to


def test_adam_is_adam():
    settings = {"lr": 0.1, "steps": 7, "betas": (0.5, 0.999), "weight_decay": 0.01}
    individual = [0.5, -2.0, 1.0]
    expected = [adam(gene, lambda g: 2 * (g - 1), **settings) for gene in individual]
    lsDARTS(individual, supernet=Bowl(), **settings)
    assert individual == pytest.approx(expected, rel=1e-12)


def test_steps_go_downhill_to_the_minimum():
    individual = [0.5, -2.0]
    lsDARTS(individual, supernet=Bowl(), lr=0.05, steps=300)
    assert individual == pytest.approx([1.0, 1.0], abs=1e-3)


def test_a_list_is_stepped_in_one_call_per_step_and_equals_one_by_one(container):
    genes = [[0.5, -2.0, 3.0], [1.5, 0.0, -1.0], [2.0, 2.0, 2.0]]
    for optimizer in ("adam", "sgd"):
        together, alone = [container(g) for g in genes], [container(g) for g in genes]
        supernet, single = Bowl(noise=0.5), Bowl(noise=0.5)
        settings = {"lr": 0.1, "steps": 3, "optimizer": optimizer}
        result = lsDARTS.batch(together, supernet=supernet, rng=random.Random(7), **settings)
        assert all(one[0] is individual for one, individual in zip(result, together, strict=True))
        assert [call[0].shape for call in supernet.calls] == [(3, 3)] * 3
        for individual in alone:
            lsDARTS(individual, supernet=single, rng=random.Random(7), **settings)
        assert [list(individual) for individual in together] == [list(individual) for individual in alone]


def test_every_step_draws_another_batch_and_the_seed_decides():
    supernet = Bowl()
    random.seed(3)
    lsDARTS([0.0], supernet=supernet, steps=3)
    lsDARTS([0.0], supernet=supernet, steps=3, rng=random.Random(3))
    seeds = [seed for _, seed in supernet.calls]
    assert seeds[:3] == seeds[3:]
    assert len(set(seeds)) == 3


def test_an_object_that_is_there_twice_is_stepped_once():
    first, second = [0.0, 0.0], [3.0, 3.0]
    supernet = Bowl()
    population = [first, second, first]
    result = lsDARTS.batch(population, supernet=supernet, lr=0.25, optimizer="sgd")
    assert (first, second) == ([0.5, 0.5], [2.0, 2.0])
    assert all(one[0] is individual for one, individual in zip(result, population, strict=True))
    assert supernet.calls[0][0].shape == (2, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("call", [1, 2])
def test_an_individual_that_diverges_keeps_its_old_genes_and_the_others_go_on(value, call):
    population = [[0.0, 0.0], [9.0, 9.0], [3.0, 3.0], [9.0, 9.0]]
    others = [[0.0, 0.0], [3.0, 3.0]]
    lsDARTS.batch(others, supernet=Bowl(), lr=0.01, steps=3)
    with pytest.warns(RuntimeWarning, match="individual 1, 3: "):
        lsDARTS.batch(population, supernet=Broken(call, value), lr=0.01, steps=3)
    assert [population[1], population[3]] == [[9.0, 9.0]] * 2
    assert [population[0], population[2]] == others


def test_genes_that_overflow_or_were_not_finite_stay():
    individual = [1e200]
    with pytest.warns(RuntimeWarning, match="individual 0: "):
        lsDARTS(individual, supernet=Bowl(), lr=1e200, optimizer="sgd")
    assert individual == [1e200]
    population = [[np.inf], [0.0]]
    with pytest.warns(RuntimeWarning, match="individual 0: "):
        lsDARTS.batch(population, supernet=Bowl(), lr=0.25, optimizer="sgd")
    assert population == [[np.inf], [0.5]]


def test_through_the_toolbox_and_its_batched_map(container):
    toolbox = base.Toolbox()
    supernet = Bowl()
    toolbox.register("local_search", lsDARTS, supernet=supernet, lr=0.25, optimizer="sgd")
    population = [container([0.0, 2.0]), container([4.0, 1.0])]
    batch_map(toolbox.local_search, population)
    assert len(supernet.calls) == 1
    assert [list(individual) for individual in population] == [[0.5, 1.5], [2.5, 1.0]]


def test_an_empty_list_and_the_protocol():
    supernet = Bowl()
    assert lsDARTS.batch([], supernet=supernet) == []
    assert supernet.calls == []
    assert isinstance(supernet, GradientSource)


class Evaluate:
    def __init__(self):
        self.batches = 0

    def __call__(self, individual):
        return (float(sum((gene - 1) ** 2 for gene in individual)),)

    def batch(self, individuals):
        self.batches += 1
        return [self(individual) for individual in individuals]


def test_baldwinian_is_the_fitness_of_an_improved_copy(container):
    individual = container([0.0, 3.0])
    step = functools.partial(lsDARTS, supernet=Bowl(), lr=0.25, optimizer="sgd")
    assert evalBaldwinian(individual, local_search=step, evaluate=Evaluate()) == (0.25 + 1.0,)
    assert list(individual) == [0.0, 3.0]
    assert not individual.fitness.valid


def test_baldwinian_batches_both_functions_where_they_can():
    toolbox = base.Toolbox()
    supernet, evaluate = Bowl(), Evaluate()
    toolbox.register("local_search", lsDARTS, supernet=supernet, lr=0.25, optimizer="sgd")
    toolbox.register("evaluate", evalBaldwinian, local_search=toolbox.local_search, evaluate=evaluate)
    population = [[0.0], [3.0], [5.0]]
    assert batch_map(toolbox.evaluate, population) == [(0.25,), (1.0,), (4.0,)]
    assert (len(supernet.calls), evaluate.batches) == (1, 1)
    assert population == [[0.0], [3.0], [5.0]]
    # plain functions are called one by one
    result = evalBaldwinian.batch(population, local_search=lambda i: (i,), evaluate=lambda i: (i[0],))
    assert result == [(0.0,), (3.0,), (5.0,)]


class Misshapen:
    def alpha_gradients(self, genes, *, seed):
        return genes[0]


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"supernet": object()}, TypeError, "alpha_gradients"),
        ({"supernet": Misshapen()}, ValueError, r"shape \(1, 2\); got shape \(2,\)"),
        ({"supernet": Bowl(), "lr": 0.0}, ValueError, "lr must be > 0"),
        ({"supernet": Bowl(), "lr": float("nan")}, ValueError, "lr must be > 0"),
        ({"supernet": Bowl(), "weight_decay": -1.0}, ValueError, "weight_decay"),
        ({"supernet": Bowl(), "steps": 0}, ValueError, "steps must be at least 1"),
        ({"supernet": Bowl(), "optimizer": "lbfgs"}, ValueError, "'adam' or 'sgd'"),
        ({"supernet": Bowl(), "betas": (0.9, 1.0)}, ValueError, "betas"),
        ({"supernet": Bowl(), "betas": (0.9,)}, ValueError, "betas"),
    ],
)
def test_refusals_say_what_was_wrong_and_change_nothing(keywords, error, message):
    individual = [0.0, 2.0]
    with pytest.raises(error, match=message):
        lsDARTS(individual, **keywords)
    assert individual == [0.0, 2.0]


def test_individuals_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="individual 1 has 2 genes"):
        lsDARTS.batch([[0.0], [1.0, 2.0]], supernet=Bowl())
