"""The operations of ENAS' networks, and what its two spaces share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from ...graphs import OPS, Op, conv_norm_relu, norm_relu
from ...graphs import pool as pooling
from ...settings import check_whole
from ..cells.depthwise import DepthwiseConv2d


@OPS.register("enas-conv")
def enas_conv(channels: int, kernel: int, separable: bool = False) -> nn.Sequential:
    """1x1 convolution, BatchNorm, ReLU, then a convolution (separable: depthwise and pointwise), BatchNorm, ReLU."""
    if separable:
        own: list[nn.Module] = [
            DepthwiseConv2d(channels, kernel),
            nn.Conv2d(channels, channels, 1, bias=False),
            *norm_relu(channels),
        ]
    else:
        own = list(conv_norm_relu(channels, channels, kernel))
    return nn.Sequential(*conv_norm_relu(channels, channels, 1), *own)


@OPS.register("enas-pool")
def enas_pool(channels: int, pool: str) -> nn.Sequential:
    """1x1 convolution, BatchNorm, ReLU, then ``avg`` or ``max`` pooling of 3x3 pixels that keeps the size."""
    return nn.Sequential(*conv_norm_relu(channels, channels, 1), pooling(pool, 3))


@OPS.register("norm")
def norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm."""
    return nn.BatchNorm2d(channels)


@OPS.register("relu-conv")
def relu_conv(channels: int) -> nn.Sequential:
    """ReLU, 1x1 convolution without bias: one part of a convolution on concatenated values."""
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False))


@OPS.register("dropout-head")
def dropout_head(channels: int, classes: int, dropout: float) -> nn.Sequential:
    """Mean over the image, dropout, linear layer."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels, classes)
    )


def head(channels: int, classes: int, dropout: float) -> Op:
    """What ends both spaces' networks."""
    return Op("head", "dropout-head", {"channels": channels, "classes": classes, "dropout": dropout})


def check_sizes(settings: dict[str, Any], halvings: int) -> None:
    """Check the settings of a space: whole numbers but for ``dropout``; ``image_size`` has to be halved so often.

    :raises ValueError: naming the setting.
    """
    check_whole(2, channels=settings["channels"])
    check_whole(**{name: value for name, value in settings.items() if name != "dropout"})
    if not 0 <= settings["dropout"] < 1:
        raise ValueError(f"dropout is {settings['dropout']}; it must be at least 0 and below 1")
    size, factor = settings["image_size"], 2**halvings
    if size % factor:
        raise ValueError(
            f"image_size is {size}; {halvings} reductions halve it, so it must be a multiple of {factor}"
        )


def numbers(text: str, count: int, form: str) -> list[int]:
    """Return the whole numbers of a text form; brackets, commas and bars between them say nothing.

    :param count: how many they have to be.
    :param form: what they are, for the message.
    :raises ValueError: when there is anything else, or another number of them.
    """
    if re.sub(r"[\d\s\[\],|]", "", text):
        raise ValueError(f"{text!r} is no architecture of ENAS; expected whole numbers such as [1] [0 1]")
    found = [int(number) for number in re.findall(r"\d+", text)]
    if len(found) != count:
        raise ValueError(f"{form} takes {count} numbers; this has {len(found)}")
    return found


def check_operation(where: str, number: int, names: Sequence[str]) -> None:
    """Check the number of an operation in a text form.

    :raises ValueError: when there is none of this number.
    """
    if number >= len(names):
        raise ValueError(
            f"{where} has operation {number}; there are 0 to {len(names) - 1}: {', '.join(names)}"
        )
