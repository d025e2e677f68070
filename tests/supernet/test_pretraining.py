"""Pretraining: steps, guards, memory savers, exact continuation."""

from __future__ import annotations

import itertools
import json
import math
import random

import numpy as np
import pytest
import torch
from torch import nn

from tdgnas.data import Augment, ImageData, Splits
from tdgnas.spaces import DartsCells, VGGShortcuts, progressive, strongest_edges
from tdgnas.spaces.cells.operations import Skip
from tdgnas.supernet import (
    Supernet,
    annealed,
    sample_path,
    skip_dropout,
    stop_at_skips,
    train_what_is_left,
)

MEAN, STD = (0.5,), (0.5,)


def toy(n=24, size=8, seed=0):
    """Three classes told apart by where a bright square lies."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    images = torch.randint(0, 60, (n, 1, size, size), generator=generator)
    half = size // 2
    for image, label in zip(images, labels, strict=True):
        top, left = divmod(int(label), 2)
        image[:, top * half : (top + 1) * half, left * half : (left + 1) * half] += 150
    return ImageData(images.to(torch.uint8), labels, MEAN, STD)


def splits():
    return Splits("toy", toy(seed=0), toy(seed=1), toy(6, seed=2), ("a", "b", "c"), MEAN, STD)


def make(**settings):
    space = DartsCells(cells=2, channels=4, nodes=2, image_size=8, in_channels=1, classes=3, **settings)
    return Supernet(space, splits(), device="cpu")


def state_of(supernet):
    return {name: value.clone() for name, value in supernet.state_dict().items()}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns():
    supernet = make()
    records = list(supernet.pretraining(6, batch_size=8, discrete=0.0, lr=0.1, clip=None))
    assert records[-1].train["loss"] < 0.7 * records[0].train["loss"]
    assert records[-1].valid["accuracy"] > 0.6


@pytest.mark.parametrize("order", [1, 2])
def test_the_weight_optimiser_never_moves_alpha(order):
    """Known slip: alpha registered as a parameter of the network."""
    supernet = make()
    pretraining = supernet.pretraining(1, batch_size=8, hold=1, order=order)
    before = supernet.alpha.clone()
    next(pretraining)
    assert torch.equal(supernet.alpha, before)
    assert all(weight is not pretraining.alpha for weight in list(pretraining.supernet.parameters()))
    assert not any("alpha" in name for name, _ in supernet.named_parameters())


def test_alpha_steps_leave_the_weights_alone():
    supernet = make()
    pretraining = supernet.pretraining(1, batch_size=8, order=2)
    before = [weight.detach().clone() for weight in list(pretraining.supernet.parameters())]
    batch = supernet.data.train.batch(slice(0, 8))
    alpha = supernet.alpha.clone()
    pretraining._alpha_step(batch, batch)
    assert all(
        torch.equal(a, b) for a, b in zip(before, list(pretraining.supernet.parameters()), strict=True)
    )
    assert not torch.equal(alpha, supernet.alpha)


def test_second_order_trains_another_alpha_than_first():
    ends = []
    for order in (1, 2):
        supernet = make()
        supernet.pretrain(1, batch_size=8, order=order, discrete=0.0)
        ends.append(supernet.alpha.clone())
    assert not torch.allclose(ends[0], ends[1])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"order": 2, "discrete": 0.0},
        {"computed": "one", "temperature": 0.5},
        {"method": "paths", "lr": 0.05, "paths": {"alpha_steps": 2}},
        {"skip_dropout": 0.5, "augment": Augment(crop=1, flip=True)},
    ],
)
def test_continued_equals_uninterrupted(options):
    whole = make()
    straight = whole.pretraining(3, batch_size=8, seed=5, **options)
    expected = list(straight)

    first = make()
    started = first.pretraining(3, batch_size=8, seed=5, **options)
    next(started), next(started)
    kept, weights = started.state_dict(), state_of(first)
    next(started)  # must not reach into the state that was taken before
    second = make()
    second.load_state_dict(weights)
    torch.manual_seed(99)
    random.seed(99)
    resumed = second.pretraining(3, batch_size=8, seed=5, **options)
    resumed.load_state_dict(kept)
    rest = list(resumed)

    assert equal(state_of(whole), state_of(second))
    assert [record.train for record in rest] == [record.train for record in expected[2:]]
    assert resumed.history == straight.history
    assert resumed.passes == straight.passes


def test_state_is_plain_values_and_tensors():
    pretraining = make().pretraining(1, batch_size=8)
    next(pretraining)

    def plain(value):
        if isinstance(value, dict):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        return value.tolist() if isinstance(value, torch.Tensor) else value

    json.dumps(plain(pretraining.state_dict()))


def test_a_state_of_another_space_is_refused():
    state = make().pretraining(1).state_dict()
    other = make(operations=("none", "skip_connect")).pretraining(1)
    with pytest.raises(ValueError, match="genes"):
        other.load_state_dict(state)


def test_global_generators_are_left_alone():
    torch.manual_seed(4)
    expected = torch.rand(1)
    torch.manual_seed(4)
    make().pretrain(1, batch_size=8, skip_dropout=0.3)
    assert torch.equal(torch.rand(1), expected)


# guards ----------------------------------------------------------------------------------------------------------


def favour(supernet, op):
    for decision, where in zip(supernet.space.decisions, supernet.space.slices, strict=True):
        supernet.alpha[where] = 0.0
        supernet.alpha[where.start + decision.choices.index(op)] = 5.0


def test_it_stops_at_two_skips_in_the_normal_cell():
    supernet = make()
    favour(supernet, "skip_connect")
    pretraining = supernet.pretraining(5, batch_size=8, stop=stop_at_skips(2))
    assert len(list(pretraining)) == 1
    assert pretraining.stopped == "4 skip connections in the normal cell"
    again = make().pretraining(5, batch_size=8)
    again.load_state_dict(pretraining.state_dict())
    assert list(again) == []


def test_it_goes_on_below_the_limit():
    supernet = make()
    favour(supernet, "sep_conv_3x3")
    pretraining = supernet.pretraining(2, batch_size=8, stop=stop_at_skips(1))
    assert len(list(pretraining)) == 2
    assert pretraining.stopped is None


def test_stop_refuses_nonsense():
    with pytest.raises(ValueError, match="no discretisation rule"):
        stop_at_skips(rule="strongest")
    with pytest.raises(ValueError, match="limit"):
        stop_at_skips(0)
    with pytest.raises(ValueError, match="discretises edges"):
        stop_at_skips()(Supernet(VGGShortcuts(width=0.03, classes=3), device="cpu"))


def test_skip_dropout_acts_inside_its_block_only():
    supernet = make()
    images = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        before = supernet.mixed(images, supernet.alpha)
        with skip_dropout(supernet, 0.5):
            inside = supernet.mixed(images, supernet.alpha)
        after = supernet.mixed(images, supernet.alpha)
    assert not torch.equal(before, inside)
    assert torch.equal(before, after)


def test_skip_dropout_leaves_preprocessing_alone():
    space = DartsCells(cells=3, channels=4, nodes=1, image_size=8)
    ops = Supernet(space, device="cpu").ops.items()
    skips = [name for name, op in ops if any(isinstance(module, Skip) for module in op.modules())]
    assert skips
    assert all(name.endswith("skip_connect") for name in skips)


def test_skip_dropout_anneals_to_nothing():
    assert [annealed(0.4, epoch, 4) for epoch in range(5)] == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0])
    with pytest.raises(ValueError, match=r"skip_dropout: .*less than 1"):
        make().pretraining(1, skip_dropout=1.0)
    with pytest.raises(ValueError, match="no skip connections"):
        make(operations=("none", "sep_conv_3x3")).pretraining(1, skip_dropout=0.1)


# memory savers ---------------------------------------------------------------------------------------------------


def count_calls(supernet):
    calls = []
    for name, op in supernet.ops.items():
        for module in op.modules():
            if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, Skip)) and "to" in name + "from":
                module.register_forward_hook(lambda *_, name=name: calls.append(name))
    return calls


def test_one_path_computes_at_most_one_operation_per_edge():
    supernet = make()
    path = sample_path(supernet.space, supernet.alpha, rng=random.Random(2))
    calls = count_calls(supernet)
    supernet.mixed(torch.randn(2, 1, 8, 8), supernet.alpha, path)
    edges = {name for name in calls if "to" in name or "from" in name}
    architecture = supernet.space.architecture(path.choices)
    on = sum(
        d.choices[c] != "none" for d, c in zip(supernet.space.decisions, architecture.choices, strict=True)
    )
    assert 0 < len(edges) <= on


def test_one_path_has_the_value_of_its_discrete_network_and_a_gradient():
    supernet = make().double()
    alpha = supernet.alpha.clone().requires_grad_()
    path = sample_path(supernet.space, alpha, rng=random.Random(2))
    images = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    value = supernet.mixed(images, alpha, path)
    expected = supernet.discrete(images, supernet.space.architecture(path.choices))
    assert torch.allclose(value, expected, atol=1e-10)
    (slope,) = torch.autograd.grad(value.square().sum(), alpha)
    assert bool(slope.isfinite().all())
    assert float(slope.abs().max()) > 0


@pytest.mark.parametrize("space", [make().space, VGGShortcuts(width=0.03, classes=3)])
def test_paths_are_drawn_by_the_relaxed_weights(space):
    rng = random.Random(1)
    genes = torch.linspace(-1, 1, space.length, dtype=torch.float64)
    drawn = np.array([sample_path(space, genes, rng=rng).choices for _ in range(1500)])
    decision, where = space.decisions[3], space.slices[3]
    share = float((drawn[:, 3] == 1).mean())
    expected = torch.sigmoid(genes[where]) if decision.binary else torch.softmax(genes[where], 0)[1:]
    assert share == pytest.approx(float(expected[0]), abs=0.05)


def test_a_gate_that_is_off_weighs_nothing():
    space = VGGShortcuts(width=0.03, classes=3)
    path = sample_path(space, torch.zeros(space.length), rng=random.Random(1))
    assert path.weights(torch.zeros(space.length)).round(decimals=6).tolist() == [
        float(c) for c in path.choices
    ]


def test_partial_channels_learn_with_fewer_weights():
    full, quarter = make(), make(partial=2)
    assert sum(p.numel() for p in quarter.parameters()) < sum(p.numel() for p in full.parameters())
    records = list(quarter.pretraining(2, batch_size=8, discrete=0.5))
    assert math.isfinite(records[-1].train["loss"])


# progressive pruning ---------------------------------------------------------------------------------------------


def test_progressive_pruning_trains_what_is_left():
    supernet = make(operations=("none", "skip_connect", "max_pool_3x3", "sep_conv_3x3"))
    refresh = train_what_is_left(supernet, epochs=1, batch_size=12)
    masks = []

    def watched(mask):
        masks.append(mask.copy())
        weights = refresh(mask)
        assert (weights[~mask] == 0).all()
        return weights

    found = progressive(supernet.space, supernet.relaxed_weights(), drop=12, refresh=watched)
    assert len(masks) > 1
    assert all((later <= earlier).all() for earlier, later in itertools.pairwise(masks))
    assert found == strongest_edges(supernet.space, supernet.relaxed_weights())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 3}, "order: input should be 1 or 2"),
        ({"computed": "two"}, "computed: .*given: 'two'"),
        ({"temperature": 0.0}, "temperature: .*given: 0.0"),
        ({"lr": -1.0}, "lr: .*given: -1.0"),
        ({"discrete": 2.0}, "discrete: .*given: 2.0"),
        ({"alpha_weight_decay": 1.7e308}, "alpha_weight_decay: .*given: 1.7e"),
        ({"epochs_": 3}, "did you mean 'epochs'"),
        ({"batch_size": 1}, "batch_size: .*given: 1"),
        ({"schedule": "step"}, "schedule: .*given: 'step'"),
    ],
)
def test_bad_options_are_refused_before_work(options, message):
    supernet = make()
    before = state_of(supernet)
    with pytest.raises(ValueError, match=message):
        supernet.pretraining(1, **options)
    assert equal(before, state_of(supernet))
    with pytest.raises(ValueError, match="needs data"):
        Supernet(supernet.space, device="cpu").pretraining(1)


def test_divergence_is_named():
    with pytest.raises(FloatingPointError, match="epoch 1, step"):
        make().pretrain(1, batch_size=8, lr=1e30, clip=None)
