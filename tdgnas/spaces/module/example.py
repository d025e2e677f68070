"""A small network with choices in it: what the space ``module`` is without a model of your own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...choices import choice, gate, kernel, repeat


class SmallNet(nn.Module):
    """Convolutions whose kernel, number and activation are left open, and a shortcut past them.

    :param width: channels.
    :param in_channels: of the image.
    :param classes: number of outputs.
    """

    def __init__(self, width: int = 16, in_channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, width, 3, 2, 1), nn.BatchNorm2d(width))
        self.first = kernel(nn.Conv2d(width, width, 5, padding=2), (3, 5), label="kernel")
        self.activation = choice({"relu": nn.ReLU(), "silu": nn.SiLU()}, label="activation")
        self.more = repeat(lambda place: _block(width), 1, 3, label="blocks")
        self.shortcut = gate(nn.Conv2d(width, width, 1), label="shortcut")
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, shape (batch, classes)."""
        x = self.stem(images)
        x = self.more(self.activation(self.first(x))) + self.shortcut(x)
        logits: Tensor = self.head(torch.relu(x).mean((2, 3)))
        return logits


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
