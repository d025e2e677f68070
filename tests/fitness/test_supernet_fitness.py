"""What a toolbox calls evaluate."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from tdgnas import Individual, SupernetFitness
from tdgnas.data import Splits
from tdgnas.fitness import TabularFitness, synthetic_table
from tdgnas.operators import population_entropy
from tdgnas.spaces import NASBench201
from tdgnas.spaces.nasbench201 import OPERATIONS
from tdgnas.supernet import Supernet, evaluate_one
from tdgnas.tasks import CLASSIFICATION


@pytest.fixture
def population(tiny_supernet: Supernet) -> list[Individual]:
    return tiny_supernet.population(5, rng=random.Random(2))


def test_batch_single_and_oracle_agree(tiny_supernet: Supernet, digits: Splits, population) -> None:
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=50)
    values = fitness.batch(population)
    other = SupernetFitness(tiny_supernet, digits.valid, size=50)
    assert [other(each) for each in reversed(population)] == values[::-1]
    oracle = [
        evaluate_one(tiny_supernet, fitness.where, tiny_supernet.space.decode(each)) for each in population
    ]
    assert values == [(score.loss,) for score in oracle]
    accuracy = SupernetFitness(tiny_supernet, digits.valid, size=50, measure="accuracy")
    assert accuracy.batch(population) == [(score.measures["accuracy"],) for score in oracle]


def test_duplicates_cost_nothing_and_the_budget_counts(tiny_supernet, digits, population) -> None:
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=50)
    fitness.batch([*population, *population])
    fitness(population[0])
    assert (fitness.budget.requests, fitness.budget.evaluations, fitness.budget.passes) == (11, 5, 250)


def test_genes_that_decode_alike_have_one_fitness_unless_it_is_relaxed(tiny_supernet, digits) -> None:
    one, two = Individual([0.1] * 61), Individual([2.0] * 61)
    assert SupernetFitness(tiny_supernet, digits.valid, size=20)(one) == SupernetFitness(
        tiny_supernet, digits.valid, size=20
    )(two)
    relaxed = SupernetFitness(tiny_supernet, digits.valid, size=20, mode="relaxed")
    before = relaxed.budget.evaluations
    assert relaxed(one) != relaxed(two)
    assert relaxed.budget.evaluations == before + 2
    assert relaxed(one) == relaxed(Individual(one))
    assert relaxed.budget.evaluations == before + 2


def test_sampled_fitness_of_an_unchanged_individual_does_not_move(tiny_supernet, digits, population) -> None:
    one = SupernetFitness(tiny_supernet, digits.valid, size=20, mode="sample", samples=3, seed=4)
    values = one.batch(population)
    random.seed(99)
    assert one.batch(population) == values
    sure = Individual([60.0 if gene > 0 else -60.0 for gene in population[0]])
    threshold = SupernetFitness(tiny_supernet, digits.valid, size=20)
    assert one(sure) == pytest.approx(threshold(sure))


def test_a_loss_that_is_no_number_becomes_the_worst_with_a_warning(tiny_supernet, digits, population) -> None:
    with torch.no_grad():
        next(tiny_supernet.parameters()).fill_(float("nan"))
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=20)
    with pytest.warns(RuntimeWarning, match="Did the supernet's training diverge"):
        assert fitness(population[0]) == (CLASSIFICATION.worst,)


def test_a_changed_weight_empties_the_cache(tiny_supernet, digits, population) -> None:
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=20)
    before = fitness(population[0])
    with torch.no_grad():
        for parameter in tiny_supernet.parameters():
            parameter.mul_(1.1)
    after = fitness(population[0])
    assert after != before
    assert after == SupernetFitness(tiny_supernet, digits.valid, size=20)(population[0])


def test_its_state_brings_budget_and_cache_back(tiny_supernet, digits, population) -> None:
    for mode in ("threshold", "relaxed"):
        fitness = SupernetFitness(tiny_supernet, digits.valid, size=20, mode=mode)
        before = fitness.budget.evaluations
        values = fitness.batch(population)
        again = SupernetFitness(tiny_supernet, digits.valid, size=20, mode=mode)
        shared = again.budget
        again.load_state_dict(fitness.state_dict())
        assert again.budget is shared  # with a source of gradients, say
        assert again.batch(population) == values
        assert again.budget.evaluations == before + 5


def test_wrong_arguments_and_genes_are_refused(tiny_supernet, digits) -> None:
    for wrong, message in [
        ({"measure": "error"}, "no measure 'error'. There are: loss, accuracy"),
        ({"mode": "argmax"}, "mode is 'argmax'"),
        ({"samples": 0}, "samples is 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            SupernetFitness(tiny_supernet, digits.valid, **wrong)
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=20)
    with pytest.raises(ValueError, match="NaN or infinite genes"):
        fitness(Individual([np.nan] * 61))
    with pytest.raises(ValueError, match="61 genes"):
        fitness(Individual([0.0] * 60))


def test_five_spellings_of_one_network_are_one_evaluation_and_one_cache_entry(digits) -> None:
    """What feeds a node that nobody reads was counted as another network before."""
    channels, size, _ = digits.image_shape
    space = NASBench201(channels=4, cells_per_stage=1, in_channels=channels, image_size=size)
    cells = [
        space.from_string(f"|{op}~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|") for op in OPERATIONS
    ]
    fitness = SupernetFitness(Supernet(space, seed=1), digits.valid, size=20)
    population = [Individual(space.encode(cell)) for cell in cells]
    assert len(set(fitness.batch(population))) == 1
    assert (fitness.budget.evaluations, fitness.budget.passes) == (1, 20)
    assert len(fitness.state_dict()["cache"]) == 1
    assert fitness.scores(cells) == fitness.scores(cells[::-1])
    assert fitness.budget.evaluations == 1
    assert population_entropy(population, space.choices) == 0
    table = synthetic_table(space)
    assert len({tuple(row) for row in TabularFitness(space, table).decisions.loci(population).tolist()}) == 5
