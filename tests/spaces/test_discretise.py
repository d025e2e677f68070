"""From relaxed weights to architectures."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tdgnas.spaces import VGGShortcuts, create, round_k, sample, threshold


@pytest.fixture(scope="module")
def space() -> VGGShortcuts:
    return VGGShortcuts(width=1 / 32)


def test_exactly_one_half_is_dropped(space: VGGShortcuts) -> None:
    weights = np.full(61, 0.5)
    weights[7] = np.nextafter(0.5, 1)
    assert [place for place, on in enumerate(threshold(space, weights).choices) if on] == [7]


def test_round_k_keeps_as_many_per_target_as_the_weights_sum_to(space: VGGShortcuts) -> None:
    weights = np.zeros(61)
    into_8 = [n for n, (_, j) in enumerate(space.candidates) if j == 8]
    into_12 = [n for n, (_, j) in enumerate(space.candidates) if j == 12]
    # Sum 1.75 with the forward edge 2.75: three connections, so two shortcuts, although none exceeds one half.
    weights[into_8[:4]] = [0.45, 0.4, 0.46, 0.44]
    # Sum 1.3: 2.3 connections, two, so one shortcut, although three exceed nothing; ties go to the earlier one.
    weights[into_12[:3]] = [0.4, 0.45, 0.45]
    kept = {n for n, on in enumerate(round_k(space, weights).choices) if on}
    assert kept == {into_8[2], into_8[0], into_12[1]}


def test_round_k_on_saturated_weights_keeps_them_all_and_on_none_keeps_none(space: VGGShortcuts) -> None:
    assert set(round_k(space, np.ones(61)).choices) == {1}
    assert set(round_k(space, np.zeros(61)).choices) == {0}


def test_sampling_follows_the_weights(space: VGGShortcuts) -> None:
    rng = random.Random(0)
    weights = np.linspace(0, 1, 61)
    drawn = np.array([sample(space, weights, rng).choices for _ in range(2000)])
    assert set(drawn[:, 0]) == {0}
    assert np.abs(drawn.mean(axis=0) - weights).max() < 0.05


def test_k_way_decisions_take_the_likeliest_or_are_drawn() -> None:
    cell = create("nasbench201")
    weights = np.tile([0.1, 0.2, 0.4, 0.2, 0.1], 6)
    assert threshold(cell, weights).choices == (2,) * 6
    rng = random.Random(1)
    drawn = np.array([sample(cell, weights, rng).choices for _ in range(2000)])
    shares = np.bincount(drawn.ravel(), minlength=5) / drawn.size
    assert np.abs(shares - [0.1, 0.2, 0.4, 0.2, 0.1]).max() < 0.02
    with pytest.raises(ValueError, match="is no gate with a target"):
        round_k(cell, weights)


def test_weights_that_are_none_are_refused(space: VGGShortcuts) -> None:
    with pytest.raises(ValueError, match="61 weights"):
        threshold(space, np.zeros(3))
    with pytest.raises(ValueError, match="NaN or infinity"):
        threshold(space, np.full(61, np.nan))
