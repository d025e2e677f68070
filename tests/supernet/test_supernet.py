"""The supernet: its passes against each other and against stand-alone networks, and what must stay frozen."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from tdgnas import data
from tdgnas.data import Splits
from tdgnas.spaces import SearchSpace, VGGShortcuts, create
from tdgnas.supernet import RELAXATIONS, BatchNormState, Supernet
from tdgnas.supernet.batchnorm import convert

SPACES: list[SearchSpace] = [
    VGGShortcuts(width=1 / 32),
    create("nasbench201", channels=4, cells_per_stage=1),
]
each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


def images(n: int = 8) -> torch.Tensor:
    return torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(7))


def saturated(space: SearchSpace, choices: tuple[int, ...]) -> torch.Tensor:
    """Genes whose relaxed weights are 0 and 1 in float32."""
    return torch.tensor(space.encode(space.architecture(choices), scale=200.0))


@each_space
def test_relaxed_with_weights_of_zero_and_one_equals_discrete_equals_stand_alone(space: SearchSpace) -> None:
    supernet = Supernet(space, device="cpu")
    rng = random.Random(2)
    for _ in range(3):
        architecture = space.sample(rng)
        relaxed = supernet.relaxed(images(), saturated(space, architecture.choices).unsqueeze(0))[0]
        discrete = supernet.discrete(images(), architecture)
        torch.testing.assert_close(relaxed, discrete, rtol=1e-4, atol=1e-4)
        network = space.network(architecture)
        weights = {
            name: value for name, value in supernet.state_dict().items() if name in network.state_dict()
        }
        network.load_state_dict(weights)
        torch.testing.assert_close(network.train()(images()), discrete, rtol=1e-5, atol=1e-5)


@each_space
@pytest.mark.parametrize("policy", ["batch", "running"])
def test_many_rows_in_one_pass_equal_one_row_after_another(space: SearchSpace, policy) -> None:
    """BatchNorm statistics pooled over rows would be wrong."""
    supernet = Supernet(space, device="cpu")
    genes = torch.randn(4, space.length, generator=torch.Generator().manual_seed(3))
    with supernet.batchnorm.use(policy):
        together = supernet.relaxed(images(), genes)
        alone = torch.stack([supernet.relaxed(images(), row.unsqueeze(0))[0] for row in genes])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(alone[0], alone[1], rtol=1e-3)


def test_the_weights_optimiser_cannot_reach_alpha(tiny_supernet: Supernet) -> None:
    """Registered as a parameter, alpha would be moved by the weights' optimiser as well."""
    assert not any(
        parameter.data_ptr() == tiny_supernet.alpha.data_ptr() for parameter in tiny_supernet.parameters()
    )
    before = tiny_supernet.alpha.clone()
    optimiser = torch.optim.SGD(tiny_supernet.parameters(), 1.0, weight_decay=0.5)
    tiny_supernet(images()).sum().backward()
    optimiser.step()
    assert torch.equal(tiny_supernet.alpha, before)
    assert "alpha" in tiny_supernet.state_dict()


def test_the_version_changes_with_every_write_to_weights_and_with_nothing_else(
    tiny_supernet: Supernet,
) -> None:
    first = tiny_supernet.version
    tiny_supernet(images())
    tiny_supernet.alpha.add_(1.0)
    assert tiny_supernet.version == first
    with torch.no_grad():
        next(tiny_supernet.parameters()).add_(1e-3)
    second = tiny_supernet.version
    assert second != first
    tiny_supernet.load_state_dict(tiny_supernet.state_dict())
    third = tiny_supernet.version
    assert third != second
    with tiny_supernet.batchnorm.use("train"):
        tiny_supernet(images())
    assert tiny_supernet.version != third


def test_alpha_gradients_are_each_rows_own_and_leave_everything_as_it_was(tiny_supernet: Supernet) -> None:
    space = tiny_supernet.space
    genes = np.random.default_rng(0).normal(size=(3, space.length))
    before = {name: value.clone() for name, value in tiny_supernet.state_dict().items()}
    together = tiny_supernet.alpha_gradients(genes, seed=5, batch_size=16)
    alone = np.concatenate(
        [tiny_supernet.alpha_gradients(genes[k : k + 1], 5, batch_size=16) for k in range(3)]
    )
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(together, tiny_supernet.alpha_gradients(genes, 5, batch_size=16, rows=16))
    np.testing.assert_allclose(
        together, tiny_supernet.alpha_gradients(genes, 5, batch_size=16, rows=2), atol=1e-6
    )
    assert all(torch.equal(value, before[name]) for name, value in tiny_supernet.state_dict().items())
    assert np.abs(together).max() > 0


@pytest.mark.parametrize("xi", [0.0, 0.1])
def test_no_alpha_vectors_have_no_gradients(tiny_supernet: Supernet, xi) -> None:
    nobody = np.empty((0, tiny_supernet.space.length))
    assert tiny_supernet.alpha_gradients(nobody, seed=5, xi=xi).shape == nobody.shape


@pytest.mark.parametrize("momentum", [0.0, 0.25, None])
def test_running_statistics_move_as_torchs_do(momentum) -> None:
    """A momentum of 0 moves nothing, and None takes the mean over all batches; both were taken for 0.1."""
    plain = torch.nn.BatchNorm2d(2, momentum=momentum)
    state = BatchNormState()
    own = convert(torch.nn.BatchNorm2d(2, momentum=momentum), state)
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        batch = torch.randn(4, 2, 3, 3, generator=generator) + 2
        with state.use("train"):
            torch.testing.assert_close(own(batch), plain(batch))
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in own.state_dict().items())


def test_alpha_gradients_point_uphill(tiny_supernet: Supernet) -> None:
    """Against the difference quotient of the loss that they differentiate."""
    supernet = tiny_supernet.double()
    supernet.data = None
    space = supernet.space
    genes = np.random.default_rng(1).normal(size=(1, space.length))
    batch = images().double(), torch.arange(8) % 10
    alpha = torch.tensor(genes[0]).requires_grad_()
    slope = supernet.bilevel_gradient(alpha, batch, batch).numpy()

    def loss(row: np.ndarray) -> float:
        with torch.no_grad():
            logits = supernet.relaxed(batch[0], torch.tensor(row).unsqueeze(0))[0]
        return float(torch.nn.functional.cross_entropy(logits, batch[1]))

    for gene in (0, 20, 60):
        step = np.zeros(space.length)
        step[gene] = 1e-5
        quotient = (loss(genes[0] + step) - loss(genes[0] - step)) / 2e-5
        assert slope[gene] == pytest.approx(quotient, rel=1e-3, abs=1e-6)


def test_one_seed_gives_one_supernet_and_leaves_the_global_generator_alone(tiny_space, digits) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    one, two = (Supernet(tiny_space, digits, seed=4, device="cpu") for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
    other = Supernet(tiny_space, digits, seed=5, device="cpu")
    assert not torch.equal(one.alpha, other.alpha)


def test_individuals_inherit_from_alpha(tiny_supernet: Supernet) -> None:
    with torch.no_grad():
        tiny_supernet.alpha.fill_(-3.0)
        tiny_supernet.alpha[:30] = 3.0
    population = tiny_supernet.population(40, scale=0.5, rng=random.Random(1))
    genes = tiny_supernet.space.decisions.matrix(population)
    assert set(np.unique(genes)) == {-0.5, 0.5}
    assert (genes > 0)[:, :30].mean() == pytest.approx(0.953, abs=0.03)
    assert (genes > 0)[:, 30:].mean() == pytest.approx(0.047, abs=0.03)
    again = tiny_supernet.population(40, scale=0.5, rng=random.Random(1))
    assert [list(each) for each in again] == [list(each) for each in population]


@pytest.mark.parametrize("relaxation", RELAXATIONS)
def test_every_relaxation_runs_and_gives_gradients(tiny_space, digits: Splits, relaxation) -> None:
    supernet = Supernet(tiny_space, digits, relaxation=relaxation, device="cpu")
    assert supernet.relaxed_weights().shape == (61,)
    assert np.abs(supernet.alpha_gradients(np.zeros((2, 61)), seed=1, batch_size=8)).sum() > 0


def test_data_that_does_not_fit_the_space_is_refused(digits: Splits) -> None:
    with pytest.raises(ValueError, match="takes \\(1, 32, 32\\)"):
        Supernet(VGGShortcuts(width=1 / 32, in_channels=1), digits)
    with pytest.raises(ValueError, match="make the space with classes=10"):
        Supernet(VGGShortcuts(width=1 / 32, classes=7), digits)
    with pytest.raises(ValueError, match="no relaxation 'softmax'"):
        Supernet(VGGShortcuts(width=1 / 32), relaxation="softmax")
    with pytest.raises(ValueError, match="has no data"):
        Supernet(VGGShortcuts(width=1 / 32)).alpha_gradients(np.zeros((1, 61)), 0)


def test_other_image_sizes_work_end_to_end() -> None:
    large = data.load("digits", train=20, size=64, channels=1)
    supernet = Supernet(VGGShortcuts(width=1 / 32, in_channels=1, image_size=64), large, device="cpu")
    assert supernet(large.valid.normalised(slice(0, 2))).shape == (2, 10)
