"""The operations that an edge of a cell may have.

Sources: Liu, Simonyan, Yang 2018 (DARTS); Zoph et al. 2018 (NASNet); Real et al. 2019 (AmoebaNet).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from ...graphs import OPS, FactorisedReduction, pool, relu_conv_norm
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


def _normed(layer: nn.Module, channels: int, affine: bool, search: bool) -> nn.Module:
    # A search normalises what pools give, so that no operation has an unfair scale (Liu et al. 2018, section 3.1).
    return nn.Sequential(layer, nn.BatchNorm2d(channels, affine=affine)) if search else layer


# The kinds of operations of an edge take the edge's channels and stride, whether BatchNorm is affine, and whether the
# form of the search network is wanted: pools are followed by BatchNorm, skips can drop out.


@OPS.register("none")
def _none(channels: int, stride: int = 1, affine: bool = True, search: bool = False) -> nn.Module:
    return Zero(stride)


@OPS.register("max_pool_3x3")
def _max_pool(channels: int, stride: int = 1, affine: bool = True, search: bool = False) -> nn.Module:
    return _normed(pool("max", 3, stride), channels, affine, search)


@OPS.register("avg_pool_3x3")
def _avg_pool(channels: int, stride: int = 1, affine: bool = True, search: bool = False) -> nn.Module:
    return _normed(pool("avg", 3, stride), channels, affine, search)


@OPS.register("skip_connect")
def _skip(channels: int, stride: int = 1, affine: bool = True, search: bool = False) -> nn.Module:
    if stride > 1:
        return ReducingSkip(channels, channels, affine)
    return Skip() if search else nn.Identity()


@OPS.register("conv_7x1_1x7")
def _conv_7x1_1x7(channels: int, stride: int = 1, affine: bool = True, search: bool = False) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, (1, 7), (1, stride), (0, 3), bias=False),
        nn.Conv2d(channels, channels, (7, 1), (stride, 1), (3, 0), bias=False),
        nn.BatchNorm2d(channels, affine=affine),
    )


def _sep_conv(
    kernel: int, channels: int, stride: int = 1, affine: bool = True, search: bool = False
) -> nn.Module:
    return nn.Sequential(
        *separable(channels, kernel, stride, affine), *separable(channels, kernel, 1, affine)
    )


def _dil_conv(
    kernel: int, channels: int, stride: int = 1, affine: bool = True, search: bool = False
) -> nn.Module:
    return nn.Sequential(*separable(channels, kernel, stride, affine, dilation=2))


def _conv(
    kernel: int, channels: int, stride: int = 1, affine: bool = True, search: bool = False
) -> nn.Module:
    return relu_conv_norm(channels, channels, kernel, stride, affine)


for _name, _maker, _kernels in (
    ("sep_conv", _sep_conv, (3, 5, 7)),
    ("dil_conv", _dil_conv, (3, 5)),
    ("conv", _conv, (1, 3, 5)),
):
    for _kernel in _kernels:
        OPS.register(f"{_name}_{_kernel}x{_kernel}")(partial(_maker, _kernel))

#: Operations that have no parameters at stride 1 and treat a value alike on every edge.
POOLS = frozenset({"max_pool_3x3", "avg_pool_3x3"})


def fits_an_edge(maker: Callable[..., nn.Module]) -> bool:
    """Whether a kind of operation takes what the operation of an edge is made of."""
    return {"channels", "stride", "affine", "search"} <= set(inspect.signature(maker).parameters)


def check_operation(name: str) -> None:
    """Check that an edge of a cell may have an operation.

    :raises ValueError: for an unknown name, or a kind of operation that is not made for edges.
    """
    if not fits_an_edge(OPS.get(name, fits_an_edge)):
        raise ValueError(
            f"an edge of a cell cannot have the operation {name!r}: it does not take channels, stride, affine and "
            "search"
        )


@OPS.register("first-channels")
def first_channels(operation: str, channels: int, stride: int, affine: bool) -> nn.Sequential:
    """An operation of an edge on the first channels only, in the form of the search network."""
    own = OPS.get(operation)(channels=channels, stride=stride, affine=affine, search=True)
    return nn.Sequential(Part(channels), own)


OPS.register("other-channels")(Past)


@OPS.register("channel-shuffle")
def channel_shuffle(groups: int) -> nn.ChannelShuffle:
    """Deal the channels of groups out in turns."""
    return nn.ChannelShuffle(groups)
