"""Odd but ordinary modules: layers that work in place, indices, other layouts of channels; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import tdgnas
from tdgnas import spaces
from tdgnas.choices import Element
from tdgnas.supernet import Supernet


class Made(nn.Module):
    """A first layer, a choice and a head, and what is computed with them."""

    def __init__(self, part: nn.Module, forward: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.first, self.part, self.head = nn.Linear(4, 4), part, nn.Linear(4, 10)
        self.relu, self.run = nn.ReLU(inplace=True), forward

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


def two() -> nn.Module:
    return tdgnas.choice({"linear": nn.Linear(4, 4), "same": nn.Identity()})


def check_bits(model: nn.Module, x: Tensor) -> None:
    """Every choice of the first element, by the module and by its graph."""
    space = spaces.from_module(model.eval(), x)
    element = next(part for part in model.modules() if isinstance(part, Element))
    for chosen in range(len(element.choices)):
        element.chosen = chosen
        network = space.network(space.architecture((chosen, *[0] * (len(space.decisions) - 1))))
        with torch.no_grad():
            assert torch.equal(network.eval()(x), model(x.clone())), chosen


class InPlace(nn.Module):
    """Layers that work in place, or not, on what others read as well."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.pick = tdgnas.choice({"relu": nn.ReLU(inplace=inplace), "tanh": nn.Tanh(), "silu": nn.SiLU()})
        self.more = tdgnas.gate(nn.Sequential(nn.ReLU(inplace=inplace), nn.Conv2d(4, 4, 1)))
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pick(self.first(x))
        return self.head((x + self.more(x)).mean((2, 3)))


def test_layers_that_work_in_place_leave_the_input_of_the_others_alone() -> None:
    """Gradients of alpha were those of other networks, silently."""
    digits = tdgnas.data.load("digits", size=8, channels=1, train=40, valid=20)
    found = []
    for inplace in (True, False):
        space = spaces.from_module(InPlace(inplace), torch.zeros(2, *digits.image_shape))
        genes = space.decisions.matrix([space.encode(space.baseline())])
        found.append(Supernet(space, digits).alpha_gradients(genes, seed=0, batch_size=8))
    assert (found[0] == found[1]).all()


def test_a_line_that_works_in_place_is_the_models_to_the_bit_or_refused() -> None:
    def added(net: Any, x: Tensor) -> Tensor:
        x = net.first(x)
        y = net.part(x)
        x.mul_(2)  # torch.fx drops it
        return net.head(x + y)

    def read_again(net: Any, x: Tensor) -> Tensor:
        x = net.first(x)
        y = net.part(x)
        return net.head(net.relu(x) + y + x)

    x = torch.randn(2, 4)
    check_bits(Made(two(), added), x)
    check_bits(Made(two(), lambda net, x: net.head(net.relu(net.part(net.first(x))))), x)
    with pytest.raises(ValueError, match=r"'add.*' reads 'first', which another line changes in place"):
        spaces.from_module(Made(two(), read_again), x)

    class Doubling(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mul_(2)

    option = tdgnas.choice({"linear": nn.Linear(4, 4), "twice": Doubling()})
    with pytest.raises(ValueError, match=r"'part.options.twice' has an input that it changes in place"):
        spaces.from_module(Made(option, lambda net, x: net.head(net.part(net.first(x)))), x)


def test_indices_are_made_inside_the_model() -> None:
    tokens = torch.tensor([[0.0, 3.0], [2.0, 1.0], [4.0, 0.0]])
    check_bits(
        Made(tdgnas.gate(nn.Embedding(5, 4)), lambda net, x: net.head(net.part(x.long()).mean(1))), tokens
    )
    with pytest.raises(ValueError, match=r"got torch.int64.*x.long\(\)"):
        spaces.from_module(Made(two(), lambda net, x: net.part(x)), tokens.long())
    with pytest.raises(ValueError, match=r"got tuple.*several inputs go side by side"):
        spaces.from_module(Made(two(), lambda net, x: net.part(x)), (tokens,))  # type: ignore[arg-type]


def test_channels_lie_where_the_first_layer_has_them() -> None:
    x = torch.randn(2, 5, 6, 4)
    check_bits(
        Made(tdgnas.channels(nn.Linear(4, 8), (2, 8)), lambda net, x: net.part(x)[..., :4].mean((1, 2))), x
    )
    maps = nn.Sequential(nn.Conv2d(5, 8, 3), nn.Flatten())
    own = maps(x)
    cut = tdgnas.channels(maps, (2, 8))
    assert cut(x)[:, : 2 * 8].any()
    assert not cut(x)[:, 2 * 8 :].any()
    cut.chosen = 1
    assert torch.allclose(cut(x), own, atol=1e-6)
    for mixing in (nn.Softmax(1), nn.GroupNorm(2, 8, affine=False)):
        with pytest.raises(ValueError, match="cannot be cut into channels"):
            tdgnas.channels(nn.Sequential(nn.Conv2d(5, 8, 3), mixing), (2, 8))


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda net, x: net.head(functional.dropout(net.part(x), 0.5, net.training)), "self.training"),
        (
            lambda net, x: net.head(net.part(x) + torch.zeros(5, 4)),
            r"does not run on 6 inputs of shape \(4,\)",
        ),
        (lambda net, x: net.head(net.part(x)).sum(1), r"shape \(batch,\).*\(batch, outputs\)"),
        (lambda net, x: net.head(net.part(x[None].expand(2, -1, -1)).mean(0)), r"the batch \(here 5\)"),
    ],
)
def test_what_would_go_wrong_later_is_refused_at_once(forward: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        spaces.from_module(Made(two(), forward), torch.zeros(2, 4))


def test_choices_take_modules_and_their_lists_alone() -> None:
    layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
    assert tdgnas.repeat(layers, 1).choices == ("1", "2")
    assert tdgnas.choice(nn.ModuleDict({"a": layers[0], "b": layers[1]})).choices == ("a", "b")
    for wrong in (torch.relu, None, nn.ReLU):
        with pytest.raises(TypeError, match="has to be a module"):
            tdgnas.choice({"a": nn.Tanh(), "b": wrong})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="'half' cannot name a choice"):
        tdgnas.choice({"half": nn.Tanh(), "full": nn.ReLU()})
    with pytest.raises(TypeError, match="one Linear; give a list"):
        tdgnas.repeat(layers[0], 1, 3)
    with pytest.raises(ValueError, match="a list of 3 tensors, got 2"):
        tdgnas.inputs(3, 2)([torch.zeros(1), torch.zeros(1)])
    for conv in (nn.Conv2d(1, 1, 5, padding=2, padding_mode="circular"), nn.Sequential()):
        with pytest.raises(ValueError, match="padded with zeros"):
            tdgnas.kernel(conv, (3, 5))  # type: ignore[arg-type]
    twice = nn.Sequential(tdgnas.gate(layers[0], label="same"), tdgnas.gate(layers[1], label="same"))
    with pytest.raises(ValueError, match="two are called 'same'"):
        spaces.from_module(twice, torch.zeros(2, 4))


def test_fresh_weights_are_fresh_in_attention_too_and_what_is_not_called_is_named() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            self.part, self.forgotten = two(), two()

        def forward(self, x: Tensor) -> Tensor:
            return self.part(self.attention(x, x, x)[0]).mean(1)

    with pytest.warns(UserWarning, match="Attending never calls its 'forgotten'"):
        space = spaces.from_module(Attending(), torch.zeros(2, 3, 4), own_weights=False)
    one, other = (space.network(space.baseline()).state_dict() for _ in range(2))
    weights = [name for name in one if name.endswith("in_proj_weight")]
    assert len(weights) == 1
    assert not torch.equal(one[weights[0]], other[weights[0]])


def test_an_architecture_of_a_module_in_memory_is_read_with_its_space(tmp_path: Path) -> None:
    space = spaces.from_module(Made(two(), lambda net, x: net.head(net.part(x))), torch.zeros(2, 4))
    path = spaces.save_architecture(space, space.architecture((1,)), tmp_path / "best.json")
    assert spaces.load_architecture(path, space) == (space, space.architecture((1,)))
    with pytest.raises(ValueError, match=r"load_architecture\(path, space=...\)"):
        spaces.load_architecture(path)
