"""Layers that several spaces are built of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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


def relu_conv_norm(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1, affine: bool = True
) -> nn.Sequential:
    """ReLU, convolution without bias, BatchNorm."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out, affine=affine),
    )


def stem(channels_in: int, channels_out: int) -> nn.Sequential:
    """What an image enters a network of cells through: 3x3 convolution, BatchNorm."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out)
    )


def head(channels: int, classes: int) -> nn.Sequential:
    """From the last maps to the logits: mean over the image, linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
