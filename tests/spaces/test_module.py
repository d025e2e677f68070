"""A space of a user's own module: its graph is the module, whatever is chosen, to the bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import tdgnas
from tdgnas import spaces
from tdgnas.choices import Element
from tdgnas.data import Splits
from tdgnas.data._torchvision import import_torchvision
from tdgnas.fitness import SupernetFitness
from tdgnas.spaces import ModuleSpace
from tdgnas.supernet import Supernet, evaluate_one, evaluation_set


class Mixed(nn.Module):
    """Every kind of choice, one inside another, a product of two branches, a layer that is called twice."""

    def __init__(self, width: int = 8, classes: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.wide = tdgnas.kernel(nn.Conv2d(channels, width, 5, padding=2), (3, 5))
        self.norm = tdgnas.channels(
            nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU()), (2, width)
        )
        inner = nn.Sequential(nn.Conv2d(width, width, 1), tdgnas.gate(nn.Conv2d(width, width, 1)), nn.Tanh())
        self.pick = tdgnas.choice({"skip": nn.Identity(), "relu": nn.ReLU(), "inner": inner})
        self.twice = nn.Conv2d(width, width, 1)
        self.deep = tdgnas.repeat(lambda place: nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU()), 0, 2)
        self.join = tdgnas.inputs(3, 2, label="join")
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        one = self.norm(self.wide(x))
        two = self.twice(self.pick(one))
        three = self.deep(one * two)
        both = torch.relu(self.join([one, two, three])) * two.sigmoid()
        return self.head(self.twice(both).mean((2, 3)))


def ten() -> nn.Module:
    """Ten classes, whatever is asked for."""
    return Mixed()


def gated_resnet() -> nn.Module:
    """ResNet18 with three gates."""
    model = import_torchvision().models.resnet18(num_classes=10)
    for layer in (model.layer1, model.layer2, model.layer3):
        layer[1].conv2 = tdgnas.gate(layer[1].conv2)
    return model


def shallow_mobilenet() -> nn.Module:
    """MobileNetV3 with two blocks that may be left out."""
    model = import_torchvision().models.mobilenet_v3_small(num_classes=10, width_mult=0.25)
    for place in (3, 8):
        model.features[place] = tdgnas.choice({"block": model.features[place], "none": nn.Identity()})
    return model


def deep_transformer() -> nn.Module:
    """A vision transformer of one to three blocks."""
    model = import_torchvision().models.VisionTransformer(32, 16, 3, 2, 8, 16, num_classes=10)
    model.encoder.layers = tdgnas.repeat(list(model.encoder.layers), 1)
    nn.init.normal_(model.heads.head.weight)  # torchvision begins with zeros
    return model


def perceptron() -> nn.Module:
    """Layers of linear maps."""
    return nn.Sequential(
        tdgnas.channels(nn.Linear(4, 6), (2, 6)),
        tdgnas.choice([nn.ReLU(), nn.Tanh()]),
        tdgnas.gate(nn.Linear(6, 2)),
    )


def set_choices(model: nn.Module, named: dict[str, int]) -> None:
    for place, part in model.named_modules():
        if isinstance(part, Element):
            part.chosen = named[part.label or place]


@pytest.mark.parametrize(
    ("make", "shape", "nodes"),
    [
        (Mixed, (1, 8, 8), 15),
        (gated_resnet, (3, 32, 32), 10),
        (shallow_mobilenet, (3, 32, 32), 5),
        (deep_transformer, (3, 32, 32), 6),
        (perceptron, (4,), 3),
    ],
)
def test_graph_is_the_model_for_every_choice_tried(make: Any, shape: tuple[int, ...], nodes: int) -> None:
    torch.manual_seed(0)
    model = make().eval()
    space = spaces.from_module(model, torch.randn(2, *shape))
    assert len(space.graph.nodes) == nodes
    rng, x = random.Random(0), torch.randn(3, *shape)
    found = set()
    for architecture in [space.baseline(), *(space.sample(rng) for _ in range(8))]:
        names = [decision.name for decision in space.decisions]
        set_choices(model, dict(zip(names, architecture.choices, strict=True)))
        with torch.no_grad():
            own = model(x)
            assert torch.equal(space.network(architecture).eval()(x), own)
        found.add(own.sum().item())
    assert len(found) > 2
    assert model(x).requires_grad  # the model itself is left as it was


@pytest.fixture(scope="module")
def mixed(digits: Splits) -> Supernet:
    torch.manual_seed(1)
    example = digits.train.batch(slice(0, 2))[0]
    return Supernet(spaces.from_module(Mixed(channels=3), example), digits)


@pytest.mark.parametrize("make", [None, gated_resnet, shallow_mobilenet, deep_transformer])
def test_population_is_scored_as_one_by_one(make: Any, mixed: Supernet, digits: Splits) -> None:
    torch.manual_seed(2)
    images = digits.valid.batch(slice(0, 2))[0]
    net = mixed if make is None else Supernet(spaces.from_module(make(), images), digits)
    rng = random.Random(3)
    population = [net.space.encode(net.space.sample(rng)) for _ in range(12 if make is None else 4)]
    found = SupernetFitness(net, digits.valid, size=32, batch_size=16).batch(population)
    where = evaluation_set(digits.valid, size=32, batch_size=16)
    for genes, value in zip(population, found, strict=True):
        assert value[0] == evaluate_one(net, where, net.space.decode(genes)).loss
    assert len(set(found)) > 1


def test_alpha_has_gradients_and_is_pretrained(mixed: Supernet) -> None:
    gradients = mixed.alpha_gradients(np.zeros((2, mixed.space.length)), seed=0, batch_size=8)
    assert np.isfinite(gradients).all()
    assert np.count_nonzero(gradients[0]) > mixed.space.length // 2
    before = mixed.version
    mixed.pretrain(1, batch_size=32)
    assert mixed.version != before


def test_network_of_an_architecture_has_the_shared_weights(mixed: Supernet, digits: Splits) -> None:
    images = digits.valid.batch(slice(0, 4))[0]
    architecture = mixed.space.sample(random.Random(5))
    network = mixed.network(architecture).eval()
    with torch.no_grad(), mixed.frozen("running"):
        assert torch.equal(network(images), mixed.discrete(images, architecture))
    part = next(iter(network.ops.values()))
    with torch.no_grad():
        next(part.parameters()).add_(1)
    with torch.no_grad(), mixed.frozen("running"):
        assert not torch.equal(network(images), mixed.discrete(images, architecture))


def test_own_weights_or_fresh_ones() -> None:
    model = Mixed()
    kept = spaces.from_module(model, torch.zeros(2, 1, 8, 8))
    fresh = spaces.from_module(model, torch.zeros(2, 1, 8, 8), own_weights=False)
    weight = model.twice.weight
    assert torch.equal(kept.network(kept.baseline()).ops["twice"].weight, weight)
    drawn = [fresh.network(fresh.baseline()).ops["twice"].weight for _ in range(2)]
    assert not torch.equal(drawn[0], weight)
    assert not torch.equal(*drawn)


def test_larger_kernels_and_more_channels_add_to_smaller_ones() -> None:
    conv = nn.Conv2d(2, 3, 5, padding=2)
    x = torch.randn(1, 2, 6, 6)
    part = tdgnas.kernel(conv, (1, 3, 5))
    part.chosen = 2
    torch.testing.assert_close(part(x), conv(x))
    part.chosen = 1
    middle = nn.functional.conv2d(x, conv.weight[:, :, 1:4, 1:4], conv.bias, padding=1)
    torch.testing.assert_close(part(x), middle)
    assert sum(p.numel() for p in part.parameters()) == sum(p.numel() for p in conv.parameters())
    layers = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4))
    some = tdgnas.channels(layers, (1, 4)).eval()
    layers.eval()
    torch.testing.assert_close(some(x)[:, :1], layers(x)[:, :1])
    assert not some(x)[:, 1:].any()
    some.chosen = 1
    torch.testing.assert_close(some(x), layers(x))


def test_hidden_channels_are_cut_on_both_sides() -> None:
    whole = nn.Sequential(
        nn.Conv2d(2, 6, 1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, padding=1, groups=6),
        nn.Conv2d(6, 3, 1),
    ).eval()
    model = nn.Sequential(tdgnas.channels(whole, (2, 6)), nn.Flatten(), nn.Linear(48, 4)).eval()
    x = torch.randn(2, 2, 4, 4)
    space = spaces.from_module(model, x)
    for architecture, width in ((space.architecture((0,)), 2), (space.architecture((1,)), 6)):
        model[0].chosen = architecture.choices[0]
        one, norm, _, deep, last = whole
        h = nn.functional.conv2d(x, one.weight[:width], one.bias[:width])
        h = (h - norm.running_mean[:width, None, None]) / (1 + norm.eps) ** 0.5
        h = nn.functional.conv2d(h.relu(), deep.weight[:width], deep.bias[:width], padding=1, groups=width)
        torch.testing.assert_close(model[0](x), nn.functional.conv2d(h, last.weight[:, :width], last.bias))
        assert space.parameters(architecture) == width * (2 + 1 + 2 + 9 + 1 + 3) + 3 + 48 * 4 + 4
        assert space.macs(architecture) == 16 * width * (2 + 9 + 3) + 48 * 4
    flat = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(16, 3))
    part = tdgnas.channels(flat, (1, 4))
    part.chosen = 1
    x = torch.randn(2, 1, 2, 2)
    torch.testing.assert_close(part(x), flat(x))


class Looking(nn.Module):
    """Lines that torch.fx cannot follow, around layers that train otherwise than they evaluate, and shared ones."""

    def __init__(self) -> None:
        super().__init__()
        self.part = tdgnas.gate(nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)))
        self.attention = nn.MultiheadAttention(3, 1, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.scale = nn.Parameter(torch.tensor([0.5, 2.0, 1.0]))
        self.join = tdgnas.inputs(2, 1)
        self.head = nn.Linear(3, 4)

    def forward(self, images: Tensor, *, again: bool = False) -> Tensor:
        if images.shape[1] != 3 or again:
            raise ValueError("three channels")
        total = sum(self.part(images) * images[:, c : c + 1] for c in range(images.shape[1]))
        tokens = self.join([total, images]).reshape(images.shape[0], 3, -1).mT
        found, _ = self.attention(tokens, tokens, value=tokens, need_weights=False)
        return self.head(self.drop(found).mean(1) * self.scale)


def test_what_fx_cannot_follow_is_exported() -> None:
    torch.manual_seed(0)
    model, x = Looking().eval(), torch.randn(5, 3, 4, 4)
    space = spaces.from_module(model, x[:2])
    found = set()
    for choices in ((0, 0), (1, 0), (0, 1), (1, 1)):
        set_choices(model, dict(zip([each.name for each in space.decisions], choices, strict=True)))
        network = space.network(space.architecture(choices)).eval()
        with torch.no_grad():
            assert torch.equal(network(x), model(x))
        found.add(model(x).sum().item())
    assert len(found) == 3  # with the images themselves the gate does not matter
    assert sum(isinstance(part, (nn.BatchNorm2d, nn.Dropout)) for part in network.modules()) == 1
    network = space.network(space.architecture((1, 0))).train()
    assert not torch.equal(network(x), network(x))  # dropout is alive
    assert any(p.grad_fn is None and p.shape == (3,) for p in network.parameters())  # the scale is learned
    assert "forward" not in vars(model.part)


class Whole(nn.Module):
    """Nobody can trace this: it looks at values."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x.sort(-1).values


def test_a_module_without_choices_is_taken_whole() -> None:
    model = nn.Sequential(Whole(), tdgnas.gate(nn.Sequential(nn.Linear(4, 4), Whole())), nn.Linear(4, 2))
    space = spaces.from_module(model, torch.zeros(2, 4))
    model[1].chosen = 1
    for x in (torch.randn(3, 4) + 9, torch.randn(3, 4) - 9):
        assert torch.equal(space.network(space.architecture((1,)))(x), model(x))
    assert [node.name for node in space.graph.nodes] == ["0", "1", "2"]


class Silent(nn.Module):
    """torch.fx would follow this without a word, and the wrong way."""

    def __init__(self) -> None:
        super().__init__()
        self.part = tdgnas.gate(nn.Linear(4, 4))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.part(x) + (x * 2 if mask is None else x)


def test_a_default_of_none_is_seen() -> None:
    model, x = Silent(), torch.randn(2, 4)
    space = spaces.from_module(model, x)
    assert torch.equal(space.network(space.baseline())(x), model(x))


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = tdgnas.gate(nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:
            return x
        return self.part(x)


class FixedBatch(Branching):
    def forward(self, x: Tensor) -> Tensor:
        for row in range(len(x)):
            x = x + self.part(x) * row
        return x


class TwoResults(Branching):
    def forward(self, x: Tensor) -> Any:
        return x, self.part(x)


class Tied(nn.Module):
    """One matrix before and after a choice; or a part of its own that uses it twice."""

    def __init__(self, apart: bool) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 4)
        self.last.weight = self.first.weight
        self.both = nn.Sequential(self.first, nn.ReLU(), self.last)
        self.part, self.apart = tdgnas.gate(nn.Tanh()), apart

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.part(self.first(x))) if self.apart else self.part(self.both(x))


def test_weights_tied_across_a_choice_are_refused_and_others_stay_tied() -> None:
    x = torch.zeros(2, 4)
    for own_weights in (True, False):
        with pytest.raises(
            ValueError, match=r"'first.weight'.*'last.weight'.*are one parameter.*one submodule"
        ):
            spaces.from_module(Tied(apart=True), x, own_weights=own_weights)
    space = spaces.from_module(Tied(apart=False), x)
    assert [tuple(p.shape) for p in space.network(space.architecture((1,))).parameters()] == [
        (4, 4),
        (4,),
        (4,),
    ]


def test_what_cannot_be_searched_is_named() -> None:
    x = torch.zeros(2, 4)
    with pytest.raises(ValueError, match=r"test_module.py:\d+, `if x.sum\(\) > 0:`"):
        spaces.from_module(Branching(), x)
    with pytest.raises(ValueError, match=r"range\(len\(x\)\).*size of the batch.*write x.shape\[0\]"):
        spaces.from_module(FixedBatch(), x)
    with pytest.raises(ValueError, match="one tensor"):
        spaces.from_module(TwoResults(), x)
    with pytest.raises(ValueError, match=r"does not run on \d inputs of shape \(5,\)"):
        spaces.from_module(perceptron(), torch.zeros(2, 5))
    with pytest.raises(ValueError, match="Linear has no choices"):
        spaces.from_module(nn.Linear(4, 4), x)
    with pytest.raises(ValueError, match="two or more"):
        tdgnas.choice([nn.ReLU()])
    with pytest.raises(ValueError, match="odd, growing"):
        tdgnas.kernel(nn.Conv2d(1, 1, 5, padding=2), (2, 5))
    with pytest.raises(ValueError, match="growing counts from 1 to 4"):
        tdgnas.channels(nn.Linear(2, 4), (4, 2))
    with pytest.raises(ValueError, match="cannot be cut"):
        tdgnas.channels(nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4)), (2, 4))
    with pytest.raises(ValueError, match="1 <= k <= n"):
        tdgnas.inputs(2, 3)
    with pytest.raises(ValueError, match="`high`"):
        tdgnas.repeat(lambda place: nn.ReLU(), 0)


def test_a_space_by_name_is_made_again_and_one_in_memory_is_not() -> None:
    space = spaces.create("module", model=f"{__name__}:Mixed", arguments={"channels": 1}, shape=[1, 8, 8])
    again = spaces.space_of(spaces.space_document(space))
    assert [decision.name for decision in again.decisions] == [decision.name for decision in space.decisions]
    assert again.parameters(again.baseline()) == space.parameters(space.baseline())
    in_memory = spaces.from_module(Mixed(), torch.zeros(2, 1, 8, 8))
    with pytest.raises(ValueError, match="in memory"):
        spaces.space_of(spaces.space_document(in_memory))
    with pytest.raises(ValueError, match="gives 10 outputs, 3 were asked for"):
        ModuleSpace(f"{__name__}:ten", shape=(1, 8, 8), classes=3)
