"""Cluttered digits: the same every time, parts of different originals, labels as they were."""

from __future__ import annotations

import torch

from tdgnas import data
from tdgnas.data.cluttered import _placed, read_cluttered_digits
from tdgnas.data.digits import read_digits


def test_parts_have_different_originals_twice_each() -> None:
    source, digits = read_cluttered_digits(), read_digits()
    assert source.valid is not None
    assert source.test is not None
    counts = [
        torch.bincount(labels, minlength=10) for labels in (source.labels, source.valid[1], source.test[1])
    ]
    assert [int(each.sum()) for each in counts] == [2 * 899, 2 * 449, 2 * 449]
    assert all((each % 2 == 0).all() and each.min() > 0 for each in counts)
    assert torch.equal(sum(counts), 2 * torch.bincount(digits.labels))
    again = read_cluttered_digits()
    assert torch.equal(source.images, again.images)
    assert not torch.equal(source.images[0], source.images[899])  # one original, placed anew


def test_a_digit_keeps_its_ink_wherever_it_lies() -> None:
    digits = read_digits().images[:64].float() / 255
    placed = _placed(digits, torch.Generator().manual_seed(0))
    assert placed.shape == (64, 1, 32, 32)
    growth = placed.sum((1, 2, 3)) / digits.sum((1, 2, 3))
    assert (14 / 8) ** 2 * 0.9 < growth.min() < growth.max() < (22 / 8) ** 2 * 1.1
    mass = placed[:, 0].sum(1)  # over rows: where it lies across
    centre = (mass * torch.arange(32)).sum(1) / mass.sum(1)
    assert centre.min() < 12 < 20 < centre.max()


def test_it_is_a_data_set_by_name() -> None:
    splits = data.load("cluttered-digits", train=100)
    assert splits.image_shape == (3, 32, 32)
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (100, 898, 898)
