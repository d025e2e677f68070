"""The same strategies, unchanged, on a supernet of cells with K-way genes."""

from __future__ import annotations

import random

import pytest
import torch

import tdgnas
from tdgnas.data import ImageData, Splits
from tdgnas.fitness import SupernetFitness
from tdgnas.operators import lsDARTS
from tdgnas.spaces import RULES, DartsCells
from tdgnas.strategies import STRATEGIES, create
from tdgnas.supernet import Supernet


@pytest.fixture(scope="module")
def supernet():
    parts = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.arange(16) % 2
        images = torch.randint(0, 100, (16, 1, 8, 8), generator=generator) + 120 * labels[:, None, None, None]
        parts.append(ImageData(images.to(torch.uint8), labels, (0.5,), (0.5,)))
    data = Splits("bright or dark", *parts, ("dark", "bright"), (0.5,), (0.5,))
    operations = ("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3")
    space = DartsCells(
        cells=2, channels=2, nodes=2, operations=operations, image_size=8, in_channels=1, classes=2
    )
    return Supernet(space, data, device="cpu").pretrain(2, batch_size=8, lr=0.1)


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_a_strategy_runs_and_ends_with_an_architecture(name, supernet):
    if name == "optuna":
        pytest.importorskip("optuna")
    fitness = SupernetFitness(supernet, supernet.data.valid)
    options = {"source": supernet} if STRATEGIES.get(name).needs_gradients else {}
    strategy = create(name, supernet.space.decisions, seed=3, **options)
    for _ in range(3):
        individuals = strategy.generate()
        for individual, values in zip(individuals, fitness.batch(individuals), strict=True):
            # nsga2 asks for the size as a second objective.
            size = supernet.space.parameters(supernet.space.decode(individual))
            individual.fitness.values = (*values, size)[: len(individual.fitness.weights)]
        strategy.update(individuals)
    architecture = supernet.space.decode(strategy.best)
    assert supernet.space.network(architecture)(torch.randn(2, 1, 8, 8)).shape == (2, 2)
    assert fitness(strategy.best)[0] == pytest.approx(strategy.best.fitness.values[0])


def test_a_local_search_lowers_the_relaxed_loss(supernet):
    individual = supernet.population(1, rng=random.Random(2))[0]
    fitness = SupernetFitness(supernet, supernet.data.valid, mode="relaxed")
    before = fitness(individual)[0]
    version = supernet.version
    lsDARTS(individual, supernet=supernet, lr=0.1, steps=10, rng=random.Random(1))
    assert fitness(individual)[0] < before
    assert supernet.version == version


def test_the_population_inherits_from_alpha(supernet):
    population = supernet.population(4, rng=random.Random(1))
    assert {len(individual) for individual in population} == {supernet.space.length}
    assert supernet.space.choices(population).shape == (4, len(supernet.space.decisions))
    values = tdgnas.batch_map(SupernetFitness(supernet, supernet.data.valid), population)
    assert all(0 < value < 1e3 for (value,) in values)


def test_the_supernet_learns_and_its_cells_follow(supernet):
    """Pretraining on bright and dark images is an easy task: both the relaxed and the derived network solve it."""
    architecture = RULES.get("strongest-edges")(supernet.space, supernet.relaxed_weights())
    images, labels = supernet.data.valid.batch(slice(None))
    with torch.no_grad(), supernet.batchnorm.use("batch"):
        relaxed, derived = supernet(images), supernet.discrete(images, architecture)
    for logits in (relaxed, derived):
        assert (logits.argmax(1) == labels).double().mean() > 0.9
    assert len(supernet.space.genotype(architecture).normal) == 4
