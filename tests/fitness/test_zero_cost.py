"""Scores of untrained networks, against naive forms of what their papers define."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import tdgnas
from tdgnas import spaces
from tdgnas.data import Splits, load
from tdgnas.fitness import ZeroCostFitness
from tdgnas.fitness.zero_cost import SCORES, SIZES, WORST, jacobian, naswot, synflow


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3)
    )


def test_naswot_counts_equal_relus() -> None:
    network, images = layers(), torch.randn(5, 3, 2, 2)
    first = network[1](images.flatten(1))
    second = network[3](first.relu())
    codes = torch.cat([first > 0, second > 0], dim=1).int().numpy()
    kernel = np.array([[float((one == other).sum()) for other in codes] for one in codes])
    assert naswot(network, images) == pytest.approx(np.linalg.slogdet(kernel)[1])
    assert not network[2]._forward_pre_hooks
    with pytest.raises(ValueError, match="has none"):
        naswot(nn.Linear(2, 2), torch.zeros(2, 2))


def test_synflow_of_layers_without_biases_is_their_number_times_the_flow() -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    # R is linear in the weights of each layer, so every layer's sum of w * dR/dw is R.
    flow = (network[3].weight.abs() @ network[1].weight.abs()).sum().item()
    assert synflow(network, torch.randn(6, 1, 2, 2)) == pytest.approx(math.log(2 * flow))


def test_jacobian_prefers_images_that_a_network_treats_differently() -> None:
    images = torch.randn(6, 3, 2, 2)
    network = layers()
    gradients = []
    for image in images:
        image = image.clone().requires_grad_()
        gradients.append(torch.autograd.grad(network(image[None]).sum(), image)[0].flatten().double().numpy())
    values = np.linalg.eigvalsh(np.corrcoef(gradients)).clip(min=0)
    naive = -sum(math.log(value + 1e-5) + 1 / (value + 1e-5) for value in values)
    assert jacobian(network, images) == pytest.approx(naive, rel=1e-3)
    assert jacobian(network, images) > jacobian(network, images[:1].repeat(6, 1, 1, 1) + 1e-3 * images)


@pytest.mark.parametrize("score", [*SCORES, *SIZES])
def test_a_score_is_the_same_again_and_paid_once(digits: Splits, score: str) -> None:
    space = spaces.create("nasbench201", channels=4, cells_per_stage=1)
    fitness = ZeroCostFitness(space, digits, score=score, images=8)
    state = torch.get_rng_state()
    genes = space.encode(space.architecture([3, 2, 1, 4, 3, 0]))
    first = fitness(genes)
    assert torch.equal(torch.get_rng_state(), state)
    assert fitness(genes) == first == ZeroCostFitness(space, digits, score=score, images=8)(genes)
    assert (fitness.budget.requests, fitness.budget.evaluations) == (2, 1)
    again = ZeroCostFitness(space, digits, score=score, images=8)
    again.load_state_dict(fitness.state_dict())
    assert again(genes) == first
    assert again.budget.evaluations == 1


def test_a_network_that_tells_nothing_apart_has_the_worst_score(digits: Splits) -> None:
    space = spaces.create("nasbench201", channels=4, cells_per_stage=1)
    fitness = ZeroCostFitness(space, digits, images=8)
    nothing = fitness(space.encode(space.architecture([0] * 6)))[0]  # every edge is zero
    convolutions = fitness(space.encode(space.architecture([3] * 6)))[0]
    assert WORST <= nothing < convolutions
    with pytest.raises(ValueError, match="there is no score 'nasw'"):
        ZeroCostFitness(space, digits, score="nasw")


class Turns(nn.Module):
    """Rectified or not, and not a function of the image where the gate is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = tdgnas.gate(nn.Linear(64, 64))
        self.choice = tdgnas.choice([nn.ReLU(), nn.Tanh()])
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.choice(self.gate(images.flatten(1))))


def test_a_network_that_cannot_be_scored_gets_the_worst_value() -> None:
    data = load("digits", train=16, valid=8, test=8, size=8, channels=1)
    space = spaces.from_module(Turns(), torch.zeros(2, 1, 8, 8))
    for score, worst in (("naswot", {(1, 1)}), ("jacobian", {(0, 0), (0, 1)})):
        fitness = ZeroCostFitness(space, data, score=score, images=4, device="cpu")
        found = {(a, b) for a in (0, 1) for b in (0, 1) if fitness.value(space.architecture((a, b))) == WORST}
        assert worst <= found < {(0, 0), (0, 1), (1, 0), (1, 1)}
