"""Layers that several spaces are built of, and the kinds of operations that make them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .ops import OPS

OPS.register("relu")(nn.ReLU)


class FactorisedReduction(nn.Module):
    """1x1 convolutions of that stride, as many as the stride, of as many channels each, the k-th on the input shifted
    by k pixels in both axes; BatchNorm.

    :param affine: whether BatchNorm has a learned scale and shift.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int, affine: bool = True) -> None:
        super().__init__()
        parts = min(stride, channels_out)
        # Of stride 2 the parts are called as they always were; channels that are left over go to the last part.
        self._parts = ["even", "odd"][:parts] if stride == 2 else [f"shift{place}" for place in range(parts)]
        for place, name in enumerate(self._parts):
            channels = channels_out // parts + (channels_out % parts if place == parts - 1 else 0)
            setattr(self, name, nn.Conv2d(channels_in, channels, 1, stride, bias=False))
        self.norm = nn.BatchNorm2d(channels_out, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of 1/stride the height and width."""
        parts = [getattr(self, name)(x[:, :, k:, k:]) for k, name in enumerate(self._parts)]
        value: Tensor = self.norm(torch.cat(parts, dim=1))
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


@OPS.register("conv-norm-relu")
def conv_norm_relu(
    channels_in: int, channels_out: int, kernel: int | tuple[int, int], stride: int | tuple[int, int] = 1
) -> nn.Sequential:
    """Convolution without bias of odd height and width, BatchNorm, ReLU; a size becomes size / stride, rounded up."""
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (kernel[0] // 2, kernel[1] // 2)
    conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out), nn.ReLU())


@OPS.register("norm-relu")
def norm_relu(channels: int) -> nn.Sequential:
    """BatchNorm, ReLU."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


@OPS.register("relu-pool")
def relu_pool() -> nn.Sequential:
    """ReLU, then max-pooling to half the height and width."""
    return nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))


@OPS.register("pool")
def pool(kind: str, kernel: int | tuple[int, int], stride: int | tuple[int, int] = 1) -> nn.Module:
    """Largest value (``max``) or mean (``avg``) of a window of odd height and width; sizes as of the convolution."""
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (kernel[0] // 2, kernel[1] // 2)
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, padding)
    return nn.AvgPool2d(kernel, stride, padding, count_include_pad=False)


@OPS.register("stem")
def stem(channels_in: int, channels_out: int) -> nn.Sequential:
    """What an image enters a network of cells through: 3x3 convolution, BatchNorm."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out)
    )


@OPS.register("two-step-stem")
def two_step_stem(channels_in: int, channels_out: int) -> nn.Sequential:
    """The stem of networks for ImageNet: two convolutions of stride 2, the first of half the channels."""
    half = channels_out // 2
    return nn.Sequential(
        *conv_norm_relu(channels_in, half, 3, 2),
        nn.Conv2d(half, channels_out, 3, 2, 1, bias=False),
        nn.BatchNorm2d(channels_out),
    )


@OPS.register("head")
def head(channels: int, classes: int) -> nn.Sequential:
    """From the last maps to the logits: mean over the image, linear layer."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
