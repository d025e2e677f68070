"""Frozen is frozen: evaluation draws nothing and writes nothing, whatever a space's modules are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tdgnas import Individual, SupernetFitness
from tdgnas.data import ImageData, Splits
from tdgnas.spaces import INPUT, OPS, Decision, Node, Op, SearchSpace, Term, on
from tdgnas.supernet import (
    CompiledEvaluator,
    PopulationEvaluator,
    Supernet,
    WeightTraining,
    evaluate_one,
    evaluation_set,
    relaxed_scores,
)
from tdgnas.testing import check_space


@OPS.register("tests-dropping-head")
class Head(nn.Sequential):
    """Means of the channels, dropout, BatchNorm of one dimension, logits."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.BatchNorm1d(channels),
            nn.Linear(channels, classes),
        )


class Dropping(SearchSpace):
    """A convolution, a choice of two more, and a head with dropout and BatchNorm1d."""

    name = "dropping"

    def __init__(self, channels: int = 4, classes: int = 3) -> None:
        stem = Op("stem", "conv", {"channels_in": 1, "channels_out": channels, "kernel": 3})
        body = Op("body", "conv", {"channels_in": channels, "channels_out": channels, "kernel": 3})
        pool = Op("pool", "pool", {"kind": "avg", "kernel": 3})
        head = Op("head", "tests-dropping-head", {"channels": channels, "classes": classes})
        nodes = [
            Node("stem", (Term(INPUT, stem),)),
            Node("body", (Term("stem"), Term("stem", body, on(0)), Term("stem", pool, on(0, 2)))),
            Node("head", (Term("body", head),)),
        ]
        settings = {"channels": channels, "classes": classes}
        super().__init__([Decision("kind", ("none", "conv", "pool"))], nodes, (1, 8, 8), classes, settings)


def part(seed: int) -> ImageData:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(12, 1, 8, 8, generator=generator)
    return ImageData(images, torch.arange(12) % 3, (0.0,), (1.0,))


@pytest.fixture(scope="module")
def data() -> Splits:
    return Splits("noise", part(1), part(2), part(3), ("a", "b", "c"), (0.0,), (1.0,))


@pytest.fixture
def supernet(data: Splits) -> Supernet:
    made = Supernet(Dropping(), data, seed=1, device="cpu")
    made.train()  # as torch makes modules, and as a user may leave it
    return made


def state_of(supernet: Supernet) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in supernet.state_dict().items()}


@pytest.mark.parametrize("mode", ["threshold", "relaxed"])
@pytest.mark.parametrize("policy", ["batch", "recalibrated", "running"])
def test_a_head_with_dropout_and_batchnorm1d_scores_the_same_in_three_fresh_fitnesses(
    supernet: Supernet, data: Splits, mode, policy
) -> None:
    before, noise = state_of(supernet), torch.get_rng_state()
    individual = Individual([0.1, 0.5, -0.2])
    values = {
        SupernetFitness(
            supernet, data.valid, batch_size=6, mode=mode, batchnorm=policy, calibration=data.train
        )(individual)
        for _ in range(3)
    }
    assert len(values) == 1
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())
    assert torch.equal(torch.get_rng_state(), noise)


@pytest.mark.parametrize("policy", ["batch", "recalibrated", "running"])
def test_every_evaluator_agrees_with_one_by_one(supernet: Supernet, data: Splits, policy) -> None:
    where = evaluation_set(data.valid, batch_size=6, policy=policy, calibration=data.train)
    architectures = [supernet.space.architecture((choice,)) for choice in range(3)]
    expected = [evaluate_one(supernet, where, each) for each in architectures]
    assert PopulationEvaluator(supernet, where).scores(architectures) == expected
    folded = PopulationEvaluator(supernet, where, order="folded").scores(architectures)
    compiled = CompiledEvaluator(supernet, where, backend="eager").scores(architectures)
    losses = [score.loss for score in expected]
    assert [score.loss for score in folded] == pytest.approx(losses, rel=1e-5)
    assert [score.loss for score in compiled] == pytest.approx(losses, rel=1e-5)
    genes = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    together = relaxed_scores(supernet, where, genes, rows=3)
    alone = [evaluate_one(supernet, where, row) for row in genes]
    assert [score.loss for score in together] == pytest.approx([score.loss for score in alone], rel=1e-5)


def test_gradients_of_alpha_are_taken_without_dropout(supernet: Supernet) -> None:
    before, genes = state_of(supernet), np.zeros((2, 3))
    for xi in (0.0, 0.01):
        found = [supernet.alpha_gradients(genes, 3, batch_size=6, xi=xi) for _ in range(2)]
        assert np.array_equal(*found)
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())
    assert all(module.training for module in supernet.modules())


def test_weights_are_trained_with_dropout(supernet: Supernet, monkeypatch) -> None:
    seen = []
    assert supernet.space.graph.profile  # shapes and counts are found by a pass of their own
    monkeypatch.setattr(nn.Dropout, "forward", lambda self, x: (seen.append(self.training), x)[1])
    supernet.eval()
    step = WeightTraining(supernet, steps=1, batch_size=6)
    step([Individual([1.0, 0.0, 0.0])])
    assert seen == [True]
    supernet.pretrain(1, batch_size=6, discrete=1.0)
    assert seen[1:] == [
        False,
        True,
        False,
        True,
        False,
    ]  # alpha, weights, alpha, weights, the epoch's measures
    assert supernet.ops["head"][3].num_batches_tracked == 3
    assert not any(module.training for module in supernet.modules())


def test_the_kit_passes_it() -> None:
    check_space(Dropping).raise_if_any()
