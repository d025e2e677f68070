"""The space of NAS with reinforcement learning: sizes, text forms, and every string a network."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from tdgnas.pictures import architecture_figure
from tdgnas.spaces import NasRL, load_architecture, save_architecture
from tdgnas.supernet import Supernet

SMALL = {"heights": (1, 3, 5), "widths": (1, 3), "filters": (2, 3), "in_channels": 1, "classes": 3}
WHOLE = NasRL(layers=(2, 4), strides=(1, 2, 3), types=("conv", "max", "avg"), image_size=7, **SMALL)
CHAIN = {"layers": 4, "heights": (1, 3), "widths": (), "filters": (16, 32, 64), "anchors": False}


@pytest.mark.parametrize("layers", [1, 6, 15])
def test_sizes_are_those_of_the_strings(layers: int) -> None:
    """Height, width and filters of four choices each, and an anchor for every earlier layer."""
    anchors = layers * (layers - 1) // 2
    assert math.prod(NasRL(layers=layers).decisions.sizes) == (4 * 4 * 4) ** layers * 2**anchors
    strided = NasRL(layers=layers, strides=(1, 2, 3), types=("conv", "max"))
    assert math.prod(strided.decisions.sizes) == (2 * 4 * 4 * 3 * 3 * 4) ** layers * 2**anchors


def test_the_laptop_sized_space_has_1296_networks() -> None:
    space = NasRL(**CHAIN)
    assert math.prod(space.decisions.sizes) == 1296
    text = "3x3:32 | 1x1:16 | 3x3:64 | 3x3:64"
    assert space.to_string(space.from_string(text)) == text
    weights = 3 * 9 * 32 + 32 * 16 + 16 * 9 * 64 + 64 * 9 * 64
    assert space.parameters(space.from_string(text)) == weights + 2 * (32 + 16 + 64 + 64) + 64 * 10 + 10


def test_the_same_question_in_every_layer_is_of_one_kind() -> None:
    kinds = {decision.kind for decision in NasRL(layers=3, strides=(1, 2), types=("conv", "max")).decisions}
    assert kinds == {"type", "height", "width", "stride-height", "stride-width", "filters", "anchor"}
    assert [one.name for one in NasRL(layers=3).decisions if one.group == "layer3"] == [
        "height3", "width3", "filters3", "1-3", "2-3",
    ]  # fmt: skip


def plain(space: NasRL, text: str, parts: nn.ModuleDict, image: Tensor) -> Tensor:
    """The rules of the paper, read off the text form."""
    outputs: list[Tensor] = []
    read = set()
    for number, line in enumerate(text.split(" | "), start=1):
        head, _, sources = line.partition(" <- ")
        earlier = [int(one) - 1 for one in sources.split(",")] if sources else []
        read |= set(earlier)
        value = padded([outputs[one] for one in earlier] or [image])
        words = head.split()
        window, _, filters = words[-1].partition(":")
        size, _, step = window.partition("/")
        kernel, stride = ([int(one) for one in part.split("x")] for part in (size, step or "1x1"))
        half = [one // 2 for one in kernel]
        if words[0] == "max":
            value = functional.max_pool2d(value, kernel, stride, half)
        elif words[0] == "avg":
            value = functional.avg_pool2d(value, kernel, stride, half, count_include_pad=False)
        else:
            conv, norm, _ = parts[f"conv{number}"]
            assert conv.weight.shape == (int(filters), value.shape[1], *kernel)
            value = functional.conv2d(value, conv.weight, None, stride, half)
            mean, var = (
                value.mean((0, 2, 3), keepdim=True),
                value.var((0, 2, 3), unbiased=False, keepdim=True),
            )
            scale, shift = (one.reshape(1, -1, 1, 1) for one in (norm.weight, norm.bias))
            value = ((value - mean) / (var + norm.eps).sqrt() * scale + shift).clamp(min=0)
        outputs.append(value)
    last = padded([value for place, value in enumerate(outputs) if place not in read])
    linear = parts["head"][2]
    return last.mean((2, 3)) @ linear.weight.T + linear.bias


def padded(values: list[Tensor]) -> Tensor:
    height, width = (max(value.shape[axis] for value in values) for axis in (2, 3))
    whole = torch.zeros(len(values[0]), sum(value.shape[1] for value in values), height, width)
    channel = 0
    for value in values:
        top, left = (height - value.shape[2]) // 2, (width - value.shape[3]) // 2
        below, right = top + value.shape[2], left + value.shape[3]
        whole[:, channel : channel + value.shape[1], top:below, left:right] = value
        channel += value.shape[1]
    return whole


@given(st.integers(0, 10**9))
def test_every_string_is_the_network_that_the_rules_say(seed: int) -> None:
    architecture = WHOLE.sample(random.Random(seed))
    text = WHOLE.to_string(architecture)
    assert WHOLE.from_string(text) == WHOLE.canonical(architecture)
    torch.manual_seed(seed)
    network, images = WHOLE.network(architecture), torch.randn(3, 1, 7, 7)
    with torch.no_grad():
        found = network(images)
        torch.testing.assert_close(found, plain(WHOLE, text, network.ops, images), rtol=1e-3, atol=1e-3)
    assert WHOLE.parameters(architecture) == sum(weight.numel() for weight in network.parameters())


def test_an_architecture_is_saved_drawn_and_made_wider(tmp_path) -> None:
    architecture = WHOLE.from_string("3x1:2 | max 5x3/2x2 <- 1 | 1x1:3 | 3x3/1x3:2 <- 1,3")
    loaded, again = load_architecture(save_architecture(WHOLE, architecture, tmp_path / "a.json"))
    assert loaded.to_string(again) == WHOLE.to_string(architecture)
    assert architecture_figure(WHOLE, architecture).axes
    wider = WHOLE.final_network(architecture, more_filters=40, image_size=9, classes=5)
    assert wider(torch.randn(2, 1, 9, 9)).shape == (2, 5)
    assert wider.ops["conv1"][0].out_channels == 42
    narrow = NasRL(**CHAIN, multiplier=0.25)
    assert narrow.network(narrow.architecture([0] * 8)).ops["conv1"][0].out_channels == 4


def test_layers_beyond_the_depth_and_filters_of_poolings_do_not_matter() -> None:
    live = dict(zip((one.name for one in WHOLE.decisions), [False] * 99, strict=False))
    two = WHOLE.from_string("max 3x3 | 1x1:3 <- 1")
    live |= dict(zip(live, WHOLE.decisions.live(two.choices), strict=True))
    assert [live[name] for name in ("depth", "height1", "1-2", "filters2")] == [True] * 4
    assert [live[name] for name in ("filters1", "height3", "3-4")] == [False] * 3


def test_there_is_no_supernet() -> None:
    with pytest.raises(ValueError, match=r"share no weights.*fitness\.kind=scratch"):
        Supernet(NasRL(**CHAIN))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3x3:2", "has 2 or 4 layers, got 1"),
        ("3x3:2 | 3x3:2 | 3x3:2 | 3x3:2 | 3x3:2", "got 5"),
        ("3x3:2 | 7x3:2", "layer 2 has the height 7, and there is 1, 3, 5"),
        ("3x3:2 | min 3x3", "layer 2 has the type min"),
        ("3x3:9 | 3x3:2", "layer 1 has the filters 9"),
        ("3x3/4x1:2 | 3x3:2", "stride-height 4"),
        ("3x3:2 <- 2 | 3x3:2", "layer 1 is fed by layer 2, which does not come before"),
        ("3x3:2 <- 0 | 3x3:2", "layers count from 1"),
        ("3x3:2 | 3by3:2", "is no layer; expected such as"),
    ],
)
def test_bad_strings_are_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        WHOLE.from_string(text)


def test_without_anchors_each_layer_reads_the_one_before() -> None:
    with pytest.raises(ValueError, match="each reads the one before"):
        NasRL(**CHAIN).from_string("3x3:16 | 3x3:16 | 3x3:16 <- 1 | 3x3:16")
    with pytest.raises(ValueError, match="1x3, and windows are square"):
        NasRL(**CHAIN).from_string("1x3:16 | 3x3:16 | 3x3:16 | 3x3:16")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"layers": 0}, "layers is 0"),
        ({"layers": (4, 2)}, "rising order"),
        ({"heights": (2,)}, "windows are odd"),
        ({"heights": ()}, r"heights is \[\]"),
        ({"filters": (8, 8)}, "different choices"),
        ({"filters": (0, 8)}, "filters is 0"),
        ({"strides": (1, 40)}, "leaves nothing of an image of 32 pixels"),
        ({"types": ("conv", "min")}, "perhaps max and avg"),
        ({"types": ("max",)}, "expected conv"),
        ({"multiplier": 0}, "multiplier is 0"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        NasRL(**settings)


def test_the_baseline_is_a_chain_of_middle_choices_and_random_controls_have_its_size() -> None:
    space = NasRL(
        layers=4, strides=(1, 2), filters=(4, 8, 12, 16, 24), heights=(1, 3, 5), widths=(), image_size=8
    )
    plain = space.baseline()
    assert space.to_string(plain) == "3x3:12 | 3x3:12 <- 1 | 3x3:12 <- 2 | 3x3:12 <- 3"
    rng = random.Random(1)
    drawn = [space.sample_like(plain, rng) for _ in range(5)]
    assert len(set(drawn)) == 5
    assert all(abs(space.parameters(one) / space.parameters(plain) - 1) <= 0.1 for one in drawn)
    published = NasRL(layers=2)
    assert published.to_string(published.baseline()) == "3x3:36 | 3x3:36 <- 1"
    assert len(NasRL(layers=3, anchors=False).baseline().choices) == 9
    several = NasRL(layers=(2, 3, 6), types=("max", "conv"))
    assert len(several.layers(several.baseline())) == 3
