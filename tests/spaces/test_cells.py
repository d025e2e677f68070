"""The spaces of cells: published counts, forwards that agree, settings."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from tdgnas.graphs import OPS, Interner, Op, make
from tdgnas.spaces import (
    CellSpace,
    DartsCells,
    OneInputCells,
    create,
    load_architecture,
    save_architecture,
)
from tdgnas.spaces.cells.depthwise import DepthwiseConv2d
from tdgnas.spaces.cells.operations import fits_an_edge
from tdgnas.spaces.cells.shapes import cell_shapes, reduction_cells
from tdgnas.supernet import Supernet


def tiny(kind=DartsCells, **settings):
    return kind(**{"cells": 3, "channels": 4, "image_size": 8, "classes": 3, **settings})


TINY = [
    tiny(),
    tiny(OneInputCells, cells=2),
    tiny(OneInputCells, reductions=(1,)),
    tiny(partial=2, nodes=2),
    tiny(nodes=2, affine=True),
]


NAMES = ["two inputs", "one input", "one input, reduced", "partial", "two nodes"]


@pytest.fixture
def rng():
    return random.Random(7)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_published_search_network():
    space = DartsCells()
    assert count(Supernet(space, device="cpu")) == 1_930_618
    assert len(space.decisions) == 28
    assert all(decision.genes == 8 for decision in space.decisions)
    assert space.reductions == (2, 5)
    assert space.decisions[0].choices == (
        "none",
        "max_pool_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
    )


def test_search_network_has_no_scales_inside_cells_and_normalised_pools():
    space = tiny()
    for name, op in space.graph.ops.items():
        module = make(op)
        norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
        if name == "stem":
            assert norms[0].affine
        else:
            assert not any(norm.affine for norm in norms)
        if "pool" in name:
            assert isinstance(module[-1], nn.BatchNorm2d)


def test_one_input_preset():
    space = OneInputCells()
    assert (len(space.edges), space.length, space.cells, space.concat) == (15, 90, 4, 3)
    assert space.kinds == ("normal",)
    node = next(node for node in space.graph.nodes if node.name == "c0")
    assert [term.source for term in node.terms] == ["c0_3", "c0_4", "c0_5"]


@pytest.mark.parametrize(("cells", "places"), [(8, (2, 5)), (20, (6, 13)), (3, (1, 2)), (2, (1,)), (1, ())])
def test_reductions_lie_at_one_and_two_thirds(cells, places):
    assert reduction_cells(cells) == places


def test_shapes_after_a_reduction():
    shapes = cell_shapes(4, 4, 12, 2, (1,), {"normal": 4, "reduce": 3})
    assert [shape.kind for shape in shapes] == ["normal", "reduce", "normal", "normal"]
    assert [shape.channels for shape in shapes] == [4, 8, 8, 8]
    assert [shape.channels_in for shape in shapes] == [(12, 12), (12, 16), (16, 24), (24, 32)]
    assert [shape.strides_in for shape in shapes] == [(1, 1), (1, 1), (2, 1), (1, 1)]


@pytest.mark.parametrize("space", TINY, ids=NAMES)
def test_counts_are_those_of_the_network(space, rng):
    for _ in range(3):
        architecture = space.sample(rng)
        network = space.network(architecture)
        assert space.parameters(architecture) == count(network)
        assert network(torch.randn(2, 3, 8, 8)).shape == (2, 3)


@pytest.mark.parametrize("space", TINY, ids=NAMES)
def test_relaxed_weights_of_one_choice_give_its_discrete_network(space, rng):
    """The relaxed forward at (nearly) one-hot weights, and the stand-alone network with the supernet's weights."""
    supernet = Supernet(space, device="cpu").double()
    images = torch.randn(3, 3, 8, 8, dtype=torch.float64)
    architecture = space.sample(rng)
    genes = torch.tensor(space.encode(architecture, scale=400.0), dtype=torch.float64)
    with torch.no_grad():
        discrete = supernet.discrete(images, architecture)
        assert torch.allclose(supernet.relaxed(images, genes[None])[0], discrete, atol=1e-9)
        assert torch.allclose(supernet.mixed(images, genes), discrete, atol=1e-9)
        network = space.network(architecture).double()
        network.load_state_dict(supernet.state_dict(), strict=False)
        assert torch.allclose(network.train()(images), discrete, atol=1e-9)


@pytest.mark.parametrize("space", TINY, ids=NAMES)
@pytest.mark.parametrize("policy", ["train", "batch"])
def test_quick_pass_equals_the_plain_one_with_all_gradients(space, policy):
    """Regression: a weight expanded to all channels made torch's BatchNorm return wrong gradients."""
    supernet = Supernet(space, device="cpu").double()
    twin = Supernet(space, device="cpu").double()
    images = torch.randn(3, 3, 8, 8, dtype=torch.float64)
    genes = torch.randn(space.length, dtype=torch.float64)
    results = []
    quick, plain = (
        (supernet, lambda g: supernet.mixed(images, g)),
        (twin, lambda g: twin.relaxed(images, g[None])[0]),
    )
    for net, run in (quick, plain):
        alpha = genes.clone().requires_grad_()
        with net.batchnorm.use(policy):
            logits = run(alpha)
        slopes = torch.autograd.grad(
            logits.square().sum(), [alpha, *net.parameters()], materialize_grads=True
        )
        results.append((logits, *slopes))
    for ours, exact in zip(*results, strict=True):
        assert torch.allclose(ours, exact, rtol=1e-8, atol=1e-10)
    if policy == "train" and space.partial == 1:
        for (name, ours), (_, other) in zip(supernet.named_buffers(), twin.named_buffers(), strict=True):
            if "from" not in name:  # shared by several edges: updated once, not once for each
                assert torch.allclose(ours.double(), other.double()), name


@pytest.mark.parametrize("size", [4, 6, 7, 8])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_depthwise_gradients_are_those_of_the_library(kernel, dilation, stride, size):
    layer = DepthwiseConv2d(3, kernel, stride, dilation).double()
    images = torch.randn(2, 3, size, size, dtype=torch.float64, requires_grad=True)
    ours, theirs = layer(images), nn.Conv2d.forward(layer, images)
    assert torch.equal(ours, theirs)
    slope = torch.randn_like(ours)
    wanted = [images, layer.weight]
    expected = torch.autograd.grad(theirs, wanted, slope)
    for found, exact in zip(torch.autograd.grad(ours, wanted, slope), expected, strict=True):
        assert torch.allclose(found, exact, atol=1e-10)


def test_depthwise_gradients_can_be_differentiated_again():
    layer = DepthwiseConv2d(2, 5, 1, 2).double()
    images = torch.randn(1, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x, w: torch.tanh(_with(layer, x, w)), (images, layer.weight))


def _with(layer, x, weight):
    return torch.func.functional_call(layer, {"weight": weight}, (x,))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", [entry.name for entry in OPS if fits_an_edge(entry.value)])
def test_every_operation_keeps_channels_and_strides(name, stride):
    for search in (False, True):
        output = make(Op(name, name, {"channels": 4, "stride": stride, "search": search}))(
            torch.randn(2, 4, 8, 8)
        )
        assert output.shape == (2, 4, 8 // stride, 8 // stride)
        if name == "none":
            assert not output.any()


def test_equal_pools_of_different_edges_are_one_value():
    space = tiny(nodes=2)
    choices = {decision.name: "max_pool_3x3" for decision in space.decisions}
    interner = Interner(space.graph.nodes)
    interner.trace(space.architecture(choices).choices)[0]
    pools = [step for step in interner.steps if step.op is not None and "pool" in step.op]
    assert len(pools) == len(set(pools)) == 3 * 3  # per cell: from 0, 1 and 2, whoever reads them


def test_an_architecture_goes_through_a_file(tmp_path, rng):
    for space in (*TINY, tiny(reductions=(), operations=("none", "conv_1x1", "skip_connect"))):
        architecture = space.sample(rng)
        save_architecture(space, architecture, tmp_path / "a.json")
        again, read = load_architecture(tmp_path / "a.json")
        assert read == architecture
        assert again.settings == space.settings


def test_registered_names():
    assert isinstance(create("darts-cells", cells=2, channels=2), CellSpace)
    assert isinstance(create("one-input-cells", cells=2, channels=2), CellSpace)


def test_genes_decode_to_the_largest_of_each_edge(rng):
    space = tiny()
    architecture = space.sample(rng)
    assert space.decode(space.encode(architecture)) == architecture


def test_skips_are_counted_per_kind():
    space = tiny()
    architecture = space.from_genotype("DARTS_V2")
    assert (space.skips(architecture), space.skips(architecture, "reduce")) == (2, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": 3}, "inputs is 3"),
        ({"nodes": 0}, "nodes is 0"),
        ({"cells": 0}, "cells is 0"),
        ({"channels": 3}, "must be even"),
        ({"operations": ("none",)}, "only 'none'"),
        ({"operations": ("none", "sep_conv_9x9")}, "no operation 'sep_conv_9x9'"),
        ({"concat": 9}, "concat is 9"),
        ({"reductions": (8,)}, "name cell 8"),
        ({"image_size": 6}, "multiple of 4"),
        ({"classes": 0}, "classes is 0"),
        ({"partial": 3}, "must divide"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)
