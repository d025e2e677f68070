"""Genotypes as text, published ones, and the final network."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tdgnas.data import Augment, ImageData, Splits
from tdgnas.spaces import DartsCells, FinalNetwork, Genotype, OneInputCells, final_network, strongest_edges
from tdgnas.spaces.cells import DARTS_OPERATIONS, PUBLISHED, CellPlan, as_genotype
from tdgnas.spaces.cells.final_network import drop_path
from tdgnas.training import Recipe, Training

SPACE = DartsCells(cells=3, channels=2, image_size=8)
V2_TEXT = (
    "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


# text ------------------------------------------------------------------------------------------------------------


def test_the_usual_text_is_read():
    assert Genotype.from_text(V2_TEXT) == PUBLISHED["DARTS_V2"]


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_text_goes_round(name):
    assert Genotype.from_text(PUBLISHED[name].to_text()) == PUBLISHED[name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Genotype(",
        "Genotype()",
        "__import__('os').system('echo hello')",
        "Genotype(normal=open('x'), normal_concat=[2], reduce=[], reduce_concat=[])",
        "Genotype(normal=[('a', 0)], normal_concat=range(10**9), reduce=[], reduce_concat=[])",
        "Genotype(normal=[('skip_connect', '0')], normal_concat=[2], reduce=[], reduce_concat=[])",
        "Genotype(normal=[('skip_connect', 0)], normal_concat=['2'], reduce=[], reduce_concat=[])",
        "Genotype([], [], [], [], [])",
        "Genotype(normal=[], normal_concat=[], reduce=[])",
        "Other(normal=[], normal_concat=[], reduce=[], reduce_concat=[])",
        "x = 1; Genotype([], [], [], [])",
        "(" * 500,
    ],
)
def test_anything_else_is_refused_and_nothing_is_run(text, capfd):
    with pytest.raises(ValueError, match=r"genotype|pairs|node numbers"):
        Genotype.from_text(text)
    assert "hello" not in capfd.readouterr().out


def test_unknown_names_are_told():
    with pytest.raises(ValueError, match="DARTS_V2"):
        as_genotype("DARTS_V3")


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ((2, ((("sep_conv_9x9", 0),),), (2,)), "no operation"),
        ((2, ((("skip_connect", 2),),), (2,)), "node 2 reads 2"),
        ((2, ((("skip_connect", 0),),), (3,)), "concatenates"),
        ((2, ((("skip_connect", 0),),), ()), "concatenates"),
    ],
)
def test_impossible_cells_are_refused(plan, message):
    with pytest.raises(ValueError, match=message):
        CellPlan(*plan)


# conversion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2"])
def test_published_genotypes_become_architectures_and_come_back(name):
    architecture = SPACE.from_genotype(name)
    again = SPACE.genotype(architecture)
    for kind in ("normal", "reduce"):
        pairs, own = getattr(PUBLISHED[name], kind), getattr(again, kind)
        assert [sorted(own[i : i + 2]) for i in range(0, 8, 2)] == [
            sorted(pairs[i : i + 2]) for i in range(0, 8, 2)
        ]
    assert SPACE.from_genotype(again.to_text()) == architecture


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_discretised_architectures_go_through_text(seed):
    generator = torch.Generator().manual_seed(seed)
    for space in (SPACE, OneInputCells(cells=2, channels=2, image_size=8)):
        architecture = strongest_edges(space, torch.rand(space.length, generator=generator).numpy())
        assert space.from_genotype(space.genotype(architecture).to_text()) == architecture


def test_an_architecture_with_other_edge_counts_has_no_genotype():
    with pytest.raises(ValueError, match=r"node 2 of the normal cell has 0 edges.*strongest-edges"):
        SPACE.genotype(SPACE.architecture([0] * 28))


@pytest.mark.parametrize(
    ("name", "space", "message"),
    [
        ("NASNet", SPACE, "5 nodes"),
        ("NASNet", DartsCells(nodes=5, concat=3, image_size=8), "concatenates"),
        ("DARTS_V2", OneInputCells(), "no reduction cells"),
        (
            "DARTS_V2",
            DartsCells(operations=("none", "skip_connect"), image_size=8),
            "'sep_conv_3x3', which is none of",
        ),
        ("DARTS_V2", DartsCells(operations=DARTS_OPERATIONS[1:], image_size=8), "no operation for edge"),
    ],
)
def test_what_does_not_fit_is_told(name, space, message):
    with pytest.raises(ValueError, match=message):
        space.from_genotype(name)


def test_two_operations_on_one_edge_do_not_fit_a_space():
    pairs = (("max_pool_3x3", 0), ("max_pool_3x3", 0))
    space = DartsCells(nodes=1, cells=1, image_size=8)
    with pytest.raises(ValueError, match="reads one value twice"):
        space.from_genotype(Genotype(pairs, (2,), (), ()))
    assert isinstance(final_network(Genotype(pairs, (2,), (), ()), channels=2, cells=1), FinalNetwork)


# final network ---------------------------------------------------------------------------------------------------


def test_published_sizes():
    plain, full = final_network("DARTS_V2", auxiliary=False), final_network("DARTS_V2")
    assert count(plain) == 3_349_342
    assert count(full.auxiliary) == 476_426
    assert count(full) == 3_349_342 + 476_426


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_genotypes_make_networks(name):
    network = final_network(name, channels=2, cells=4)
    images = torch.randn(2, 3, 32, 32)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (2, 10)
    assert network.eval()(images).shape == (2, 10)


def test_drop_path_acts_in_training_only_and_rises():
    network = final_network("DARTS_V2", channels=2, cells=3, auxiliary=False, drop_path=0.5, image_size=8)
    images = torch.randn(4, 3, 8, 8)
    assert torch.equal(network(images), network(images))  # the first epoch drops nothing
    network.start_epoch(5, 10)
    assert network.rate == pytest.approx(0.25)
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))


def test_drop_path_zeroes_whole_samples_and_keeps_the_mean():
    torch.manual_seed(0)
    dropped = drop_path(torch.ones(4000, 2, 1, 1), 0.25)
    assert sorted(dropped.unique().tolist()) == pytest.approx([0.0, 1 / 0.75])
    assert torch.equal(dropped[:, 0], dropped[:, 1])
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.05)


def test_identity_skips_are_never_dropped():
    skips = CellPlan(2, ((("skip_connect", 0), ("skip_connect", 1)),), (2,))
    network = FinalNetwork(
        {"normal": skips}, channels=2, cells=2, reductions=(), auxiliary=False, drop_path=0.9
    )
    network.start_epoch(9, 10)
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(network(images), network(images))


def test_any_architecture_that_is_connected_has_a_final_network():
    """Nodes with one, three or no edges, and dead nodes."""
    plan = CellPlan(
        2,
        (
            (("skip_connect", 0),),
            (),
            (("max_pool_3x3", 0), ("skip_connect", 1), ("skip_connect", 2)),
            (("conv_3x3", 0),),
        ),
        (3, 4),
    )
    network = FinalNetwork({"normal": plan, "reduce": plan}, channels=2, cells=3, image_size=8)
    assert network(torch.randn(2, 3, 8, 8))[0].shape == (2, 10)
    assert not any(name.startswith("5_") for name in network.cells[0].ops)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plans": {"normal": CellPlan(1, ((("none", 0),),), (1,))}, "reductions": ()}, "every way is cut"),
        ({"plans": {"normal": CellPlan(1, ((("skip_connect", 0),),), (1,))}}, "no plan"),
        ({"channels": 3}, "even"),
        ({"drop_path": 1.0}, "drop_path is 1.0"),
        ({"image_size": 30}, "multiple of 4"),
    ],
)
def test_impossible_networks_are_refused(options, message):
    plans = {kind: PUBLISHED["DARTS_V2"].plan(kind) for kind in ("normal", "reduce")}
    with pytest.raises(ValueError, match=message):
        FinalNetwork(**{"plans": plans, **options})


def test_it_trains_with_the_training_loop():
    parts = [
        ImageData(
            torch.randint(0, 255, (12, 3, 8, 8), dtype=torch.uint8),
            torch.arange(12) % 3,
            (0.5,) * 3,
            (0.5,) * 3,
        )
        for _ in range(3)
    ]
    data = Splits("noise", *parts, ("a", "b", "c"), (0.5,) * 3, (0.5,) * 3)
    network = final_network("DARTS_V2", channels=2, cells=3, image_size=8, classes=3, drop_path=0.4)
    before = network.auxiliary[-1].weight.clone()
    recipe = Recipe(epochs=2, batch_size=6, lr=0.1, aux_weight=0.4, clip=5.0, augment=Augment(cutout=2))
    records = list(Training(network, data, recipe, device="cpu"))
    assert len(records) == 2
    assert network.rate == pytest.approx(0.2)  # epoch 1 of 2
    assert not torch.equal(before, network.auxiliary[-1].weight)


def test_the_network_for_imagenet_has_the_published_stem() -> None:
    """It kept the stem of small images, and 4,704,760 parameters."""
    with torch.device("meta"):
        network = final_network(
            "DARTS_V2", channels=48, cells=14, image_size=224, classes=1000, auxiliary=False
        )
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_718_752
    small = final_network("DARTS_V2", channels=4, cells=4, image_size=128, classes=7).train()
    assert [tuple(each.shape) for each in small(torch.randn(2, 3, 128, 128))] == [(2, 7), (2, 7)]
    with pytest.raises(ValueError, match="behind the large stem need a multiple of 32"):
        final_network("DARTS_V2", channels=4, cells=4, image_size=200)
