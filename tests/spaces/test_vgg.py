"""VGG19's shortcuts: the published counts, and an independent network written down plainly."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tdgnas.spaces import VGGShortcuts
from tdgnas.spaces.vgg import STRIDES


@pytest.fixture(scope="module")
def full_width() -> VGGShortcuts:
    return VGGShortcuts()


def test_published_candidates(full_width: VGGShortcuts) -> None:
    kinds = Counter(full_width.kind(i, j) for i, j in full_width.candidates)
    assert kinds == {"reduction": 42, "identity": 12, "pointwise": 7}
    assert full_width.length == 61
    assert VGGShortcuts(max_stride=None).length == 105
    assert STRIDES == (1, 1, 2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 16, 16, 16, 16, 32)


def test_published_parameters(full_width: VGGShortcuts, twelve: list[tuple[int, int]]) -> None:
    assert full_width.parameters(full_width.with_shortcuts([])) == 20_040_522
    assert full_width.parameters(full_width.architecture([1] * 61)) == 26_298_058
    found = full_width.with_shortcuts(twelve)
    assert full_width.parameters(found) == 20_851_530
    assert sum(p.numel() for p in full_width.network(found).parameters()) == 20_851_530


def test_multiply_adds_by_hand(full_width: VGGShortcuts) -> None:
    channels = full_width.channels
    chain = (
        sum(channels[j - 1] * channels[j] * 9 * (32 // STRIDES[j - 1]) ** 2 for j in range(1, 17)) + 512 * 10
    )
    assert full_width.macs(full_width.with_shortcuts([])) == chain
    # (2, 8): two 1x1 convolutions with stride 2 from 64 to 128 channels each, at 8x8.
    assert full_width.macs(full_width.with_shortcuts([(2, 8)])) == chain + 64 * 256 * 8 * 8


def plain_vgg(
    network: nn.Module, space: VGGShortcuts, pairs: list[tuple[int, int]], images: Tensor
) -> Tensor:
    """The same computation, written from the description in one loop with functional calls."""
    weights = dict(network.named_parameters())

    def norm(x: Tensor, name: str) -> Tensor:
        return F.batch_norm(x, None, None, weights[f"{name}.weight"], weights[f"{name}.bias"], training=True)

    values = [images]
    for j in range(1, 17):
        conv = F.conv2d(
            values[j - 1], weights[f"ops.conv{j}.0.weight"], weights[f"ops.conv{j}.0.bias"], padding=1
        )
        total = norm(conv, f"ops.conv{j}.1")
        for i, target in sorted(pairs):
            if target != j:
                continue
            x, name = values[i], f"ops.short{i}_{j}"
            stride = STRIDES[j - 1] // STRIDES[i]
            if stride > 1:
                names = ["even", "odd"] if stride == 2 else [f"shift{k}" for k in range(stride)]
                parts = [
                    F.conv2d(x[:, :, k:, k:], weights[f"{name}.{part}.weight"], stride=stride)
                    for k, part in enumerate(names)
                ]
                total = total + norm(torch.cat(parts, 1), f"{name}.norm")
            elif space.channels[i] != space.channels[j]:
                total = total + F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
            else:
                total = total + x
        total = total.relu()
        values.append(F.max_pool2d(total, 2) if STRIDES[j] > STRIDES[j - 1] else total)
    return F.linear(values[16].mean((2, 3)), weights["ops.head.2.weight"], weights["ops.head.2.bias"])


@pytest.mark.parametrize("max_stride", [2, None])
def test_the_network_equals_a_plain_one(max_stride: int | None) -> None:
    space = VGGShortcuts(width=1 / 16, max_stride=max_stride)
    architecture = space.sample(random.Random(3))
    network = space.network(architecture).train()
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    expected = plain_vgg(network, space, list(space.shortcuts(architecture)), images)
    torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    width=st.sampled_from([1 / 64, 0.05, 1 / 16, 0.11]),
    channels=st.integers(1, 4),
    size=st.sampled_from([32, 64]),
    classes=st.integers(2, 12),
    seed=st.integers(0, 99),
)
def test_every_setting_makes_a_network_of_the_counted_size(width, channels, size, classes, seed) -> None:
    space = VGGShortcuts(width=width, in_channels=channels, image_size=size, classes=classes)
    architecture = space.sample(random.Random(seed))
    network = space.network(architecture).eval()
    assert network(torch.zeros(1, channels, size, size)).shape == (1, classes)
    assert sum(p.numel() for p in network.parameters()) == space.parameters(architecture)
    assert space.settings == VGGShortcuts(**space.settings).settings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": 0}, "width is 0"),
        ({"width": -1.0}, "above 0"),
        ({"image_size": 28}, "multiple of 32"),
        ({"image_size": 16}, "halves the image five times"),
        ({"max_stride": 0}, "max_stride is 0"),
        ({"classes": 0}, "classes is 0"),
        ({"in_channels": 0}, "in_channels is 0"),
    ],
)
def test_impossible_settings_are_refused_with_a_sentence(wrong, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VGGShortcuts(**wrong)


def test_a_pair_that_is_no_candidate_is_named() -> None:
    with pytest.raises(ValueError, match=r"\(1, 16\) is no candidate"):
        VGGShortcuts().with_shortcuts([(1, 16)])
