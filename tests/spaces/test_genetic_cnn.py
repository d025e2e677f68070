"""Genetic CNN: the number of networks, the decodings of the paper, and every string of bits a network."""

from __future__ import annotations

import itertools
import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tdgnas.spaces import GeneticCNN

SMALL = GeneticCNN(stages=(3, 4), channels=2, kernel=3, in_channels=1, image_size=5, classes=3)


def reads(space: GeneticCNN, text: str) -> dict[str, set[str]]:
    """What each node of the network of a string reads."""
    return {
        node.name: {term.source for term in node.terms} for node in space.fixed(space.from_string(text)).nodes
    }


def test_three_four_and_five_nodes_are_19_bits() -> None:
    space = GeneticCNN()
    assert len(space.decisions) == space.length == 19
    assert math.prod(space.decisions.sizes) == 524_288
    assert [len(genes) for genes in space.groups] == [3, 6, 10]
    assert list(GeneticCNN(stages=(3, 5)).decisions.sizes) == [2] * 13  # of the paper's section 4.1


def test_the_figure_of_the_paper_is_decoded_as_drawn() -> None:
    """Figure 1: K = (4, 5), 1-00-111 and 0-10-000-0011, whose second stage has the isolated node B2."""
    found = reads(GeneticCNN(stages=(4, 5)), "1-00-111 | 0-10-000-0011")
    assert found == {
        "stage1_0": {"input"}, "stage1_1": {"stage1_0"}, "stage1_2": {"stage1_1"}, "stage1_3": {"stage1_0"},
        "stage1_4": {"stage1_1", "stage1_2", "stage1_3"}, "stage1_5": {"stage1_4"}, "stage1": {"stage1_5"},
        "stage2_0": {"stage1"}, "stage2_1": {"stage2_0"}, "stage2_3": {"stage2_1"}, "stage2_4": {"stage2_0"},
        "stage2_5": {"stage2_3", "stage2_4"}, "stage2_6": {"stage2_5"}, "stage2": {"stage2_6"},
        "logits": {"stage2"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "edges"),
    [("1-01-001", "12 23 34"), ("1-01-101", "12 23 34 14"), ("1-11-111", "12 13 14 23 24 34")],
    ids=["VGGNet", "ResNet", "DenseNet"],
)
def test_known_blocks_are_encoded_as_published(text: str, edges: str) -> None:
    found = reads(GeneticCNN(stages=(4,)), text)
    own = {(i, j) for j in "234" for i in "123" if f"stage1_{i}" in found[f"stage1_{j}"]}
    assert own == {tuple(edge) for edge in edges.split()}
    assert found["stage1_5"] == {"stage1_4"}


def test_a_stage_of_zeros_is_its_default_node_alone() -> None:
    space = GeneticCNN()
    zeros = space.from_string("0" * 19)
    assert set(reads(space, "0" * 19)) == {f"stage{n}{end}" for n in (1, 2, 3) for end in ("_0", "")} | {
        "logits"
    }
    convolutions = [m for m in space.network(zeros).modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 3


def test_every_bit_matters_everywhere() -> None:
    space = GeneticCNN(stages=(4,))
    for bits in itertools.product((0, 1), repeat=6):
        assert space.decisions.live(bits) == (True,) * 6
        assert space.decisions.canonical(bits) == bits


def plain(bits: list[int], ops: nn.ModuleDict, value: Tensor) -> Tensor:
    """The rules of the paper, read off the bits."""
    for stage, count in ((1, 3), (2, 4)):
        edges = [(i, j) for j in range(2, count + 1) for i in range(1, j)]
        on = {pair for pair in edges if bits.pop(0)}
        if stage > 1:
            value = nn.functional.max_pool2d(value, 3, 2, 1)
        value = first = ops[f"stage{stage}_0_conv"](value)
        outputs: dict[int, Tensor] = {}
        for j in range(1, count + 1):
            before = [outputs[i] for i in range(1, j) if (i, j) in on]
            if before or any(i == j for i, _ in on):
                outputs[j] = ops[f"stage{stage}_{j}_conv"](sum(before[1:], before[0]) if before else first)
        last = [out for j, out in outputs.items() if all(i != j for i, _ in on)]
        if last:
            value = ops[f"stage{stage}_{count + 1}_conv"](sum(last[1:], last[0]))
    logits: Tensor = ops["head"](value)
    return logits


@given(st.integers(0, 2**9 - 1))
def test_every_string_of_bits_is_the_network_that_the_rules_say(number: int) -> None:
    bits = [int(bit) for bit in f"{number:09b}"]
    architecture = SMALL.decode(bits)  # a plain list of bits
    assert list(architecture.choices) == bits
    assert SMALL.from_string(SMALL.to_string(architecture)) == architecture
    network, images = SMALL.network(architecture).eval(), torch.randn(2, 1, 5, 5)
    with torch.no_grad():
        torch.testing.assert_close(network(images), plain(bits, network.ops, images))
    assert SMALL.parameters(architecture) == sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"stages": []}, "stages is empty"), ({"stages": [1]}, "stages"), ({"kernel": 4}, "odd")],
)
def test_impossible_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GeneticCNN(**settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="which has 9 bits"):
        SMALL.from_string("1-01")


def test_random_bits_are_drawn_apart() -> None:
    assert len({SMALL.sample(random.Random(seed)) for seed in range(20)}) > 10
