"""What recurrent cells are made of, as kinds of operations; a cell reads the token and the state side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor, nn

from ...graphs import OPS


def _identity(value: Tensor) -> Tensor:
    return value


# By name, so that an operation can be sent to another process.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": _identity,
}


COMBINATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"add": torch.add, "mul": torch.mul}


class InputGates(nn.Module):
    """``[h; sigmoid(c); g]`` with ``c, g = [x; h] W``: the same as :class:`Gates`, of the token and the state."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.linear = size, _linear(2 * size, 2 * size)

    def forward(self, value: Tensor) -> Tensor:
        """Take (batch, 2 * size), the token and the state, to (batch, 3 * size)."""
        gate, new = self.linear(value).chunk(2, dim=1)
        return torch.cat([value[:, self.size :], torch.sigmoid(gate), new], dim=1)


class Gates(nn.Module):
    """What a node makes of the one that it reads before its activation: ``[s; sigmoid(c); g]``, ``c, g = s W``."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = _linear(size, 2 * size)

    def forward(self, state: Tensor) -> Tensor:
        """Take (batch, size) to (batch, 3 * size)."""
        gate, new = self.linear(state).chunk(2, dim=1)
        return torch.cat([state, torch.sigmoid(gate), new], dim=1)


class Highway(nn.Module):
    """``s + sigmoid(c) * (f(g) - s)`` of what :class:`Gates` gives."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.function = ACTIVATIONS[activation]

    def forward(self, value: Tensor) -> Tensor:
        """Take (batch, 3 * size) to (batch, size)."""
        state, gate, new = value.chunk(3, dim=1)
        return torch.addcmul(state, gate, self.function(new) - state)


class Leaf(nn.Module):
    """Token and state, each by weights of its own, combined; the memory beside them is not read."""

    def __init__(self, size: int, way: str) -> None:
        super().__init__()
        self.size, self.way = size, COMBINATIONS[way]
        self.token, self.state = _linear(size, size), _linear(size, size)

    def forward(self, value: Tensor) -> Tensor:
        """Take (batch, 3 * size), token, state and memory, to (batch, size)."""
        token, state, _ = value.chunk(3, dim=1)
        return self.way(self.token(token), self.state(state))


class Memory(nn.Module):
    """The memory alone of token, state and memory."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, value: Tensor) -> Tensor:
        """Take (batch, 3 * size) to (batch, size)."""
        return value[:, 2 * self.size :]


class Combine(nn.Module):
    """An activation of the sum or product of values."""

    def __init__(self, way: str, activation: str) -> None:
        super().__init__()
        self.way, self.function = COMBINATIONS[way], ACTIVATIONS[activation]

    def forward(self, *values: Tensor) -> Tensor:
        """Keep the shape of all."""
        return self.function(reduce(self.way, values))


class Activation(nn.Module):
    """One of the activations by name."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.function = ACTIVATIONS[activation]

    def forward(self, value: Tensor) -> Tensor:
        """Keep the shape."""
        return self.function(value)


class Counted(nn.Module):
    """A value with a column of ones, so that a sum of such knows how many they are."""

    def forward(self, value: Tensor) -> Tensor:
        """Take (batch, size) to (batch, size + 1)."""
        return torch.cat([value, torch.ones_like(value[:, :1])], dim=1)


class Average(nn.Module):
    """The mean of the values whose sum with :class:`Counted`'s column this is."""

    def forward(self, total: Tensor) -> Tensor:
        """Take (batch, size + 1) to (batch, size)."""
        return total[:, :-1] / total[:, -1:].clamp_min(1e-6)


class Scale(nn.Module):
    """A value times a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, value: Tensor) -> Tensor:
        """Keep the shape."""
        return value * self.factor


def _linear(size_in: int, size_out: int) -> nn.Linear:
    layer = nn.Linear(size_in, size_out, bias=False)
    nn.init.uniform_(layer.weight, -0.04, 0.04)
    return layer


@OPS.register("plain-norm")
def plain_norm(size: int) -> nn.BatchNorm1d:
    """BatchNorm of vectors, without a learned scale and shift."""
    return nn.BatchNorm1d(size, affine=False)


for _name, _kind in (
    ("rnn-input-gates", InputGates), ("rnn-gates", Gates), ("rnn-highway", Highway),
    ("rnn-counted", Counted), ("rnn-average", Average),
    ("rnn-leaf", Leaf), ("rnn-memory", Memory), ("rnn-combine", Combine), ("rnn-activation", Activation),
    ("scale", Scale),
):  # fmt: skip
    OPS.register(_name)(_kind)
