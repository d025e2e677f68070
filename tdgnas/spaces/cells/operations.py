"""The operations that an edge of a cell may have.

Sources: Liu, Simonyan, Yang 2018 (DARTS); Zoph et al. 2018 (NASNet); Real et al. 2019 (AmoebaNet).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from ..layers import FactorisedReduction, relu_conv_norm
from .depthwise import DepthwiseConv2d

#: The eight operations of DARTS, in their order.
DARTS_OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
#: The six operations of the one-input cell.
ONE_INPUT_OPERATIONS = ("conv_3x3", "conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect", "none")


class Skip(nn.Module):
    """Pass a value on; while a search asks for it, with dropout (:func:`tdgnas.supernet.skip_dropout`)."""

    def __init__(self) -> None:
        super().__init__()
        self.rate = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return nn.functional.dropout(x, self.rate, self.rate > 0)


class ReducingSkip(Skip):
    """A skip of stride 2: ReLU, then a factorised reduction."""

    def __init__(self, channels_in: int, channels_out: int, affine: bool) -> None:
        super().__init__()
        self.reduce = relu_reduction(channels_in, channels_out, affine)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of half the height and width."""
        return super().forward(cast(Tensor, self.reduce(x)))


class Zero(nn.Module):
    """Nothing, of the shape that the edge has; a search leaves such an edge out instead."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros of 1/stride the height and width."""
        return x[:, :, :: self.stride, :: self.stride] * 0.0


class Part(nn.Module):
    """The first channels of a value."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the first ``channels`` channels."""
        return x[:, : self.channels]


class Past(nn.Module):
    """What goes past an edge's operation: the other channels, max-pooled where the edge has stride 2."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return all but the first ``channels`` channels, of 1/stride the height and width."""
        rest = x[:, self.channels :]
        return rest if self.stride == 1 else torch.max_pool2d(rest, 2, 2)


def relu_reduction(channels_in: int, channels_out: int, affine: bool) -> nn.Sequential:
    """ReLU, then a factorised reduction to half the height and width."""
    return nn.Sequential(nn.ReLU(), FactorisedReduction(channels_in, channels_out, 2, affine))


def separable(channels: int, kernel: int, stride: int, affine: bool, dilation: int = 1) -> list[nn.Module]:
    """ReLU, depthwise convolution, pointwise convolution, BatchNorm."""
    return [
        nn.ReLU(),
        DepthwiseConv2d(channels, kernel, stride, dilation),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels, affine=affine),
    ]


def _pool(layer: nn.Module, channels: int, affine: bool, search: bool) -> nn.Module:
    # A search normalises what pools give, so that no operation has an unfair scale (Liu et al. 2018, section 3.1).
    return nn.Sequential(layer, nn.BatchNorm2d(channels, affine=affine)) if search else layer


def _skip(channels: int, stride: int, affine: bool, search: bool) -> nn.Module:
    if stride > 1:
        return ReducingSkip(channels, channels, affine)
    return Skip() if search else nn.Identity()


def _sep_conv(kernel: int) -> Callable[[int, int, bool, bool], nn.Module]:
    def make(channels: int, stride: int, affine: bool, search: bool) -> nn.Module:
        return nn.Sequential(
            *separable(channels, kernel, stride, affine), *separable(channels, kernel, 1, affine)
        )

    return make


def _conv_7x1_1x7(channels: int, stride: int, affine: bool, search: bool) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, (1, 7), (1, stride), (0, 3), bias=False),
        nn.Conv2d(channels, channels, (7, 1), (stride, 1), (3, 0), bias=False),
        nn.BatchNorm2d(channels, affine=affine),
    )


#: Makers of operations: (channels, stride, affine, search) -> module.
OPERATIONS: dict[str, Callable[[int, int, bool, bool], nn.Module]] = {
    "none": lambda channels, stride, affine, search: Zero(stride),
    "max_pool_3x3": lambda c, s, affine, search: _pool(nn.MaxPool2d(3, s, 1), c, affine, search),
    "avg_pool_3x3": lambda c, s, affine, search: _pool(
        nn.AvgPool2d(3, s, 1, count_include_pad=False), c, affine, search
    ),
    "skip_connect": _skip,
    "sep_conv_3x3": _sep_conv(3),
    "sep_conv_5x5": _sep_conv(5),
    "sep_conv_7x7": _sep_conv(7),
    "dil_conv_3x3": lambda c, s, affine, search: nn.Sequential(*separable(c, 3, s, affine, dilation=2)),
    "dil_conv_5x5": lambda c, s, affine, search: nn.Sequential(*separable(c, 5, s, affine, dilation=2)),
    "conv_7x1_1x7": _conv_7x1_1x7,
    "conv_1x1": lambda c, s, affine, search: relu_conv_norm(c, c, 1, s, affine),
    "conv_3x3": lambda c, s, affine, search: relu_conv_norm(c, c, 3, s, affine),
    "conv_5x5": lambda c, s, affine, search: relu_conv_norm(c, c, 5, s, affine),
}
#: Operations that have no parameters at stride 1 and treat a value alike on every edge.
POOLS = frozenset({"max_pool_3x3", "avg_pool_3x3"})


def make_operation(
    name: str, channels: int, stride: int = 1, *, affine: bool = True, search: bool = False
) -> nn.Module:
    """Make the module of an operation with fresh weights.

    :param channels: of its input and output.
    :param stride: 1 or 2.
    :param affine: whether BatchNorm has a learned scale and shift.
    :param search: the form of the search network: pools are followed by BatchNorm, skips can drop out.
    :raises ValueError: for an unknown name.
    """
    if name not in OPERATIONS:
        raise ValueError(f"there is no operation {name!r} for a cell; there are {', '.join(OPERATIONS)}")
    return OPERATIONS[name](channels, stride, affine, search)
