"""Pretraining by single paths: which networks are drawn, what they cost, and what the weights learn."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import torch

from tdgnas import spaces
from tdgnas.data import Splits
from tdgnas.spaces import NASBench201, VGGShortcuts
from tdgnas.supernet import Paths, PathSettings, PathTraining, Supernet


def settings(**given) -> PathSettings:
    return PathSettings(**given)


def test_gates_come_up_from_the_trunk(tiny_space: VGGShortcuts) -> None:
    paths, rng = Paths(tiny_space, settings(grow=0.5)), random.Random(0)
    counts = {
        done: [sum(paths.draw(done, rng)[0].choices) for _ in range(300)] for done in (0.0, 0.25, 0.5, 1.0)
    }
    gates = len(tiny_space.decisions)
    assert set(counts[0.0]) == {0}
    assert max(counts[0.25]) <= 0.75 * gates  # at most half of them in the mean
    for done, share in ((0.25, 0.25), (0.5, 0.5), (1.0, 0.5)):
        assert sum(counts[done]) / len(counts[done]) == pytest.approx(share * gates, rel=0.12)
    # Networks of every size, not only of the mean one.
    assert min(counts[1.0]) < 0.15 * gates < 0.85 * gates < max(counts[1.0])
    assert Paths(tiny_space, settings(grow=0)).ceiling(0.0) == 1.0


def test_operations_are_drawn_by_their_shares() -> None:
    space, rng = spaces.create("nasbench201", channels=4, cells_per_stage=1), random.Random(0)
    names = space.decisions[0].choices

    def shares(**given):
        paths = Paths(space, settings(**given))
        drawn = Counter(choice for _ in range(2000) for choice in paths.draw(1.0, rng)[0].choices)
        return [drawn[choice] / 12_000 for choice in range(len(names))]

    assert shares() == pytest.approx([1 / 12, 3 / 12, 2 / 12, 5 / 12, 1 / 12], abs=0.02)
    assert shares(weighted=False) == pytest.approx([0.2] * 5, abs=0.02)
    assert shares(weighted=False, shares={"none": 0, "nor_conv_3x3": 2}) == pytest.approx(
        [0, 0.2, 0.2, 0.4, 0.2], abs=0.02
    )


def test_a_fair_step_trains_every_operation_once() -> None:
    space = spaces.create("nasbench201", channels=4, cells_per_stage=1)
    drawn = Paths(space, settings(fair=True)).draw(0.0, random.Random(0))
    assert len(drawn) == 5
    for choices in zip(*(each.choices for each in drawn), strict=True):
        assert sorted(choices) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("space", "given", "message"),
    [
        (NASBench201(), {"shares": {"conv": 2}}, "paths.shares names 'conv'"),
        (
            NASBench201(),
            {"shares": dict.fromkeys(NASBench201().decisions[0].choices, 0)},
            "without any choice",
        ),
        (spaces.create("enas-micro"), {"fair": True}, "leave it out"),
    ],
)
def test_paths_that_cannot_be_drawn_are_refused(space, given, message) -> None:
    with pytest.raises(ValueError, match=message):
        Paths(space, settings(**given))


def test_weights_learn_first_and_alpha_after_them(tiny_supernet: Supernet) -> None:
    start = tiny_supernet.alpha.clone()
    training = tiny_supernet.pretraining(2, method="paths", lr=0.02, batch_size=32, paths={"alpha_steps": 3})
    assert isinstance(training, PathTraining)
    first = next(training)
    assert torch.equal(tiny_supernet.alpha, start)
    assert first.passes == 3 * 96  # forward and backward of every training image, nothing else
    last = next(training)
    assert not torch.equal(tiny_supernet.alpha, start)
    assert last.passes == 2 * 3 * 96 + 3 * 3 * 32
    assert tiny_supernet.budget.by_cause == {"pretraining": last.passes}


def test_rate_warms_up_and_falls_step_by_step(tiny_supernet: Supernet) -> None:
    training = tiny_supernet.pretraining(
        10, method="paths", lr=0.1, lr_min=0.0, batch_size=32, paths={"warmup": 0.2, "alpha_steps": 0}
    )
    rates = [training.learning_rate(place / 3) for place in range(30)]
    assert rates[0] > 0
    assert rates[3] == pytest.approx(0.05)
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) == 6
    assert rates[18] == pytest.approx(0.05)
    assert sorted(rates[6:], reverse=True) == rates[6:]
    assert rates[-1] < 0.002


def test_single_paths_learn(digits: Splits) -> None:
    space = spaces.create("nasbench201", channels=4, cells_per_stage=1)
    records = list(
        Supernet(space, digits, seed=0).pretraining(12, method="paths", lr=0.1, lr_min=0.0, batch_size=16)
    )
    losses = [record.train["loss"] for record in records]
    assert sum(losses[-3:]) < 0.95 * sum(losses[:3])
