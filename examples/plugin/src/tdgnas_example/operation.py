"""A kind of operation: a function of plain settings that makes a module."""

from __future__ import annotations

from torch import Tensor, nn


class GatedConv(nn.Module):
    """A convolution whose every output is scaled by a gate between 0 and 1 that another convolution computes.

    :param channels_in: channels of the input.
    :param channels_out: channels of the output.
    :param kernel: an odd size; height and width are kept.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 3) -> None:
        super().__init__()
        self.values = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
        self.gates = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)

    def forward(self, images: Tensor) -> Tensor:
        """Return shape (N, channels_out, H, W)."""
        gated: Tensor = self.values(images) * self.gates(images).sigmoid()
        return gated
