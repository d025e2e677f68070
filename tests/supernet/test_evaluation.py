"""Scoring architectures: BatchNorm policies against hand-made references, and frozen means frozen."""

from __future__ import annotations

import copy
import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tdgnas.data import Splits
from tdgnas.spaces import Architecture
from tdgnas.supernet import Supernet, evaluate_one, evaluation_set


@pytest.fixture
def supernet(tiny_supernet: Supernet) -> Supernet:
    """A supernet whose running statistics are not the initial ones."""
    with torch.no_grad(), tiny_supernet.batchnorm.use("train"):
        for _ in range(3):
            tiny_supernet(tiny_supernet.data.train.normalised(slice(0, 32)))
    return tiny_supernet


@pytest.fixture
def architecture(supernet: Supernet) -> Architecture:
    return supernet.space.sample(random.Random(3))


def stand_alone(supernet: Supernet, architecture: Architecture) -> nn.Module:
    network = supernet.space.network(architecture)
    known = network.state_dict()
    network.load_state_dict({name: value for name, value in supernet.state_dict().items() if name in known})
    return network


def test_batch_is_train_mode_on_each_batch(supernet: Supernet, architecture, digits: Splits) -> None:
    where = evaluation_set(digits.valid, size=60, batch_size=32)
    assert [len(labels) for _, labels in where.batches] == [30, 30]
    network = stand_alone(supernet, architecture).train()
    losses = [F.cross_entropy(network(x), y, reduction="sum") for x, y in where.batches]
    assert evaluate_one(supernet, where, architecture).loss == pytest.approx(
        float(sum(losses).detach()) / 60, rel=1e-5
    )


def test_running_is_eval_mode(supernet: Supernet, architecture, digits: Splits) -> None:
    where = evaluation_set(digits.valid, size=60, policy="running")
    network = stand_alone(supernet, architecture).eval()
    with torch.no_grad():
        logits = network(digits.valid.normalised(slice(0, 60)))
    score = evaluate_one(supernet, where, architecture)
    assert score.loss == pytest.approx(float(F.cross_entropy(logits, digits.valid.labels[:60])), rel=1e-5)
    assert score.measures["accuracy"] == int((logits.argmax(1) == digits.valid.labels[:60]).sum()) / 60


def test_recalibrated_is_eval_mode_with_statistics_of_its_own_on_training_images(
    supernet: Supernet, architecture, digits: Splits
) -> None:
    where = evaluation_set(
        digits.valid,
        size=60,
        batch_size=20,
        policy="recalibrated",
        calibration=digits.train,
        calibration_size=48,
    )
    network = stand_alone(supernet, architecture)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        network.train()(digits.train.normalised(slice(0, 48)))
        logits = network.eval()(digits.valid.normalised(slice(0, 60)))
    score = evaluate_one(supernet, where, architecture)
    assert score.loss == pytest.approx(float(F.cross_entropy(logits, digits.valid.labels[:60])), rel=1e-4)
    assert where.passes == 108


@pytest.mark.parametrize("policy", ["batch", "running", "recalibrated"])
def test_evaluation_changes_nothing_and_repeats_itself(supernet, architecture, digits, policy) -> None:
    where = evaluation_set(
        digits.valid, size=40, policy=policy, calibration=digits.train, calibration_size=32
    )
    before = copy.deepcopy(supernet.state_dict())
    version = supernet.version
    first = evaluate_one(supernet, where, architecture)
    relaxed = evaluate_one(supernet, where, supernet.alpha)
    assert evaluate_one(supernet, where, architecture) == first
    assert evaluate_one(supernet, where, supernet.alpha) == relaxed
    assert supernet.version == version
    assert all(torch.equal(value, before[name]) for name, value in supernet.state_dict().items())


def test_impossible_sets_are_refused(digits: Splits) -> None:
    with pytest.raises(ValueError, match="no BatchNorm policy 'train'"):
        evaluation_set(digits.valid, policy="train")
    with pytest.raises(ValueError, match="10000 images; the set has 449"):
        evaluation_set(digits.valid, size=10_000)
    with pytest.raises(ValueError, match="needs training images"):
        evaluation_set(digits.valid, policy="recalibrated")
    with pytest.raises(ValueError, match="batch_size is 1"):
        evaluation_set(digits.valid, batch_size=1)
    for size in (
        -5,
        0,
        1,
    ):  # no images, or all but five: every score was NaN, or of other images than asked for
        with pytest.raises(ValueError, match=f"calibration_size is {size}"):
            evaluation_set(
                digits.valid, policy="recalibrated", calibration=digits.train, calibration_size=size
            )


def test_no_batch_has_a_single_image(digits: Splits) -> None:
    """Seven images in batches of two ended with one image alone, which BatchNorm cannot normalise at one pixel."""
    for size, batch_size, expected in [(7, 2, [2, 2, 3]), (3, 2, [3]), (7, 3, [2, 3, 2]), (2, 500, [2])]:
        where = evaluation_set(digits.valid, size=size, batch_size=batch_size)
        assert sorted(len(labels) for _, labels in where.batches) == sorted(expected)
