"""NAS-Bench-201: its string form, counts against the published table, and networks."""

from __future__ import annotations

import csv
import gzip
import random

import numpy as np
import pytest
import torch

from tdgnas.fitness import TableNotFound, find_table
from tdgnas.graphs import make
from tdgnas.spaces import NASBench201, create, load_architecture, save_architecture
from tdgnas.spaces.nasbench201 import OPERATIONS

SKIP = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"


@pytest.fixture(scope="module")
def space():
    return NASBench201()


@pytest.fixture(scope="module")
def small():
    return NASBench201(channels=4, cells_per_stage=1, image_size=8, classes=3)


@pytest.fixture(scope="module")
def published():
    try:
        path = find_table()
    except TableNotFound as error:
        pytest.skip(f"no table of NAS-Bench-201 here: {error}")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_there_are_six_decisions_of_five_operations(space):
    assert [decision.choices for decision in space.decisions] == [OPERATIONS] * 6
    assert [decision.name for decision in space.decisions] == ["0-1", "0-2", "1-2", "0-3", "1-3", "2-3"]
    assert 5 ** len(space.decisions) == 15625
    assert space.length == 30


def test_the_string_form_follows_the_edges(space):
    architecture = space.architecture([0, 1, 2, 3, 4, 0])
    text = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
    assert space.to_string(architecture) == text
    assert space.from_string(text) == architecture


def test_strings_go_there_and_back(space):
    rng = random.Random(0)
    for _ in range(200):
        architecture = space.sample(rng)
        assert space.from_string(space.to_string(architecture)) == architecture
        assert space.decode(space.encode(architecture)) == architecture


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|", "conv"),
        ("|none~0|+|none~0|none~1|", "not a cell"),
        ("|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "not a cell"),
        (SKIP + "|", "not a cell"),
        ("", "not a cell"),
    ],
)
def test_a_string_of_another_form_is_refused(space, text, word):
    with pytest.raises(ValueError, match=word):
        space.from_string(text)


def test_counts_equal_the_published_ones(space, published):
    rows = random.Random(1).sample(published, 400)
    for row in rows:
        architecture = space.from_string(row["arch"])
        assert round(space.published_parameters(architecture) / 1e6, 6) == float(row["params_M"])
        assert space.published_macs(architecture) / 1e6 == pytest.approx(float(row["flops_M"]), rel=5e-7)


def test_the_network_has_the_published_parameters_unless_edges_are_dead(space, published):
    rows = random.Random(2).sample(published, 60)
    dead = 0
    for row in rows:
        architecture = space.from_string(row["arch"])
        own, all_edges = space.parameters(architecture), space.published_parameters(architecture)
        assert own <= all_edges
        dead += own < all_edges
    assert 0 < dead < len(rows) / 2
    architecture = space.architecture([3, 3, 1, 3, 2, 3])
    built = sum(value.numel() for value in space.network(architecture).parameters())
    assert built == space.parameters(architecture) == space.published_parameters(architecture)


def test_the_smallest_network_has_the_published_73306_parameters(space):
    assert space.parameters(space.from_string(SKIP)) == 73_306
    assert space.macs(space.from_string(SKIP)) == 7_783_040


def test_every_operation_changes_the_network(small):
    images = torch.randn(2, 3, 8, 8)
    outputs = []
    for choice in range(5):
        torch.manual_seed(0)
        network = small.network(small.architecture([choice, 1, 1, 1, 1, 1])).eval()
        outputs.append(network(images).detach().numpy())
        assert outputs[-1].shape == (2, 3)
    assert all(not np.allclose(a, b) for k, a in enumerate(outputs) for b in outputs[:k])


def test_a_cell_without_operations_still_has_logits(small):
    logits = small.network(small.architecture([0] * 6)).eval()(torch.randn(2, 3, 8, 8))
    assert torch.isfinite(logits).all()
    assert torch.equal(logits[0], logits[1])  # nothing of the image gets through


def test_average_pooling_leaves_the_border_out_of_its_mean(small):
    pool = make(small.graph.ops["s0c0_0-1_avg_pool_3x3"])
    assert torch.equal(pool(torch.ones(1, 4, 8, 8)), torch.ones(1, 4, 8, 8))


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"channels": 0}, "channels"), ({"image_size": 30}, "multiple of 4"), ({"classes": 0}, "classes")],
)
def test_impossible_sizes_are_refused(settings, word):
    with pytest.raises(ValueError, match=word):
        NASBench201(**settings)


def test_files_bring_space_and_architecture_back(small, tmp_path):
    architecture = small.sample(random.Random(3))
    path = save_architecture(small, architecture, tmp_path / "architecture.json")
    space, read = load_architecture(path)
    assert (repr(space), read) == (repr(small), architecture)
    assert repr(create("nasbench201", **small.settings)) == repr(small)
