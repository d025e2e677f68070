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
    with pytest.raises(ValueError, match="steps: input should be"):
        WeightTraining(tiny_supernet, steps=0)
    with pytest.raises(ValueError, match="lr_min"):
        WeightTraining(tiny_supernet, lr=0.1, lr_min=0.2)
    with pytest.raises(ValueError, match="nesterov needs a momentum"):
        WeightTraining(tiny_supernet, nesterov=True, momentum=0.0)


def test_each_individual_gets_a_step_of_its_own(tiny_supernet: Supernet) -> None:
    population = tiny_supernet.population(3, rng=random.Random(0))
    training = WeightTraining(tiny_supernet, batch_size=8, rng=random.Random(1), nesterov=True)
    seen, discrete = [], tiny_supernet.discrete
    tiny_supernet.discrete = lambda images, architecture: (
        seen.append(architecture) or discrete(images, architecture)
    )
    paid = tiny_supernet.budget.by_cause.get("weights", 0)
    training(population, each=True)
    assert seen == [tiny_supernet.decode(each) for each in population]
    assert tiny_supernet.budget.by_cause["weights"] - paid == 3 * 3 * 8
    assert training.epoch == -(-len(tiny_supernet.data.train) // 8)


def test_the_rate_follows_cosines_with_restarts(tiny_supernet: Supernet) -> None:
    """As torch's own scheduler, and as published: 0.05 to 0.0005, restarts after 10, 30, 70 epochs."""
    training = WeightTraining(tiny_supernet, lr=0.05, lr_min=0.0005, restart=10)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.05)
    torchs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimiser, 10, 2, 0.0005)
    for epoch in (0, 0.25, 5, 9.9, 10, 20, 29.5, 30, 69, 70, 100):
        torchs.step(epoch)
        assert training.rate(epoch) == pytest.approx(optimiser.param_groups[0]["lr"])
    assert training.rate(30) == 0.05
    assert training.rate(29.999) < 0.0006
    constant = WeightTraining(tiny_supernet, lr=0.05)
    assert constant.rate(7.0) == 0.05
