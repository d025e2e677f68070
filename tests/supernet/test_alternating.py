"""Training the weights during the search."""

from __future__ import annotations

import random

import pytest
import torch

from tdgnas import SupernetFitness
from tdgnas.spaces import VGGShortcuts
from tdgnas.supernet import Supernet, WeightTraining


def test_weights_move_alpha_and_individuals_do_not_and_caches_notice(tiny_supernet: Supernet) -> None:
    population = tiny_supernet.population(3, rng=random.Random(0))
    fitness = SupernetFitness(tiny_supernet, tiny_supernet.data.valid, size=32)
    before = fitness.batch(population)
    genes, alpha = [list(each) for each in population], tiny_supernet.alpha.clone()
    WeightTraining(tiny_supernet, steps=2, batch_size=16, rng=random.Random(1))(population)
    assert fitness.batch(population) != before
    assert [list(each) for each in population] == genes
    assert torch.equal(tiny_supernet.alpha, alpha)


def test_it_goes_on_from_its_state_bit_for_bit(tiny_space, digits) -> None:
    def begin() -> tuple[Supernet, WeightTraining, random.Random]:
        supernet, rng = Supernet(tiny_space, digits, device="cpu"), random.Random(1)
        return supernet, WeightTraining(supernet, steps=1, batch_size=8, rng=rng), rng

    supernet, training, rng = begin()
    population = supernet.population(2, rng=random.Random(0))
    training(population)
    state, weights, draws = training.state_dict(), dict(supernet.state_dict()), rng.getstate()
    weights = {name: value.clone() for name, value in weights.items()}
    state = {
        **state,
        "optimiser": torch.utils._pytree.tree_map(
            lambda x: x.clone() if isinstance(x, torch.Tensor) else x, state["optimiser"]
        ),
    }
    training(population)
    other, resumed, other_rng = begin()
    other.load_state_dict(weights)
    resumed.load_state_dict(state)
    other_rng.setstate(draws)
    resumed(population)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in supernet.state_dict().items())


def test_bad_arguments_are_refused(tiny_supernet: Supernet) -> None:
    with pytest.raises(ValueError, match="needs data"):
        WeightTraining(Supernet(VGGShortcuts(width=1 / 32)))
    with pytest.raises(ValueError, match="steps=0"):
        WeightTraining(tiny_supernet, steps=0)
