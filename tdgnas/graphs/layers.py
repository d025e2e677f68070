"""Layers that several spaces are built of, and the kinds of operations that make them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .ops import OPS

OPS.register("relu")(nn.ReLU)


class FactorisedReduction(nn.Module):
    """Two 1x1 convolutions of half the channels each, the second on the input shifted by a pixel; BatchNorm.

    :param affine: whether BatchNorm has a learned scale and shift.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int, affine: bool = True) -> None:
        super().__init__()
        self.even = nn.Conv2d(channels_in, channels_out // 2, 1, stride, bias=False)
        self.odd = nn.Conv2d(channels_in, channels_out - channels_out // 2, 1, stride, bias=False)
        self.norm = nn.BatchNorm2d(channels_out, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of 1/stride the height and width."""
        value: Tensor = self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))
        return value


OPS.register("factorised-reduction")(FactorisedReduction)


@OPS.register("conv")
def conv(channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1) -> nn.Conv2d:
    """Convolution with bias that keeps the size of the image, or divides it by the stride."""
    return nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2)


@OPS.register("relu-conv-norm")
def relu_conv_norm(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1, affine: bool = True
) -> nn.Sequential:
    """ReLU, convolution without bias, BatchNorm."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out, affine=affine),
    )


@OPS.register("norm-relu")
def norm_relu(channels: int) -> nn.Sequential:
    """BatchNorm, ReLU."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


@OPS.register("relu-pool")
def relu_pool() -> nn.Sequential:
    """ReLU, then max-pooling to half the height and width."""
    return nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))


@OPS.register("avg-pool")
def avg_pool() -> nn.AvgPool2d:
    """Mean over 3x3 pixels, those beyond the border not counted; keeps the size of the image."""
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


@OPS.register("stem")
def stem(channels_in: int, channels_out: int) -> nn.Sequential:
    """What an image enters a network of cells through: 3x3 convolution, BatchNorm."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out)
    )


@OPS.register("head")
def head(channels: int, classes: int) -> nn.Sequential:
    """From the last maps to the logits: mean over the image, linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
