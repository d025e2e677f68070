"""Rows of layers cut into channels, for :func:`tdgnas.channels`."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

#: Layers without weights in which one channel depends on others.
_MIXING = (
    *(
        nn.GroupNorm,
        nn.LayerNorm,
        nn.RMSNorm,
        nn.LocalResponseNorm,
        nn.Softmax,
        nn.Softmax2d,
        nn.LogSoftmax,
        nn.Softmin,
    ),
    *(nn.GLU, nn.ChannelShuffle, nn.PixelShuffle, nn.PixelUnshuffle),
)


class Slice(nn.Module):
    """Some channels of a row of layers: what the last layer reads of them, or they at their place among zeros.

    :param module: a convolution or linear layer, or an ``nn.Sequential`` that begins with one, goes on with layers that
        keep channels apart (BatchNorm, depthwise convolutions, activations, pools, dropout), and may end with another
        that reads the channels.
    :param start: the first channel.
    :param stop: the one after the last.
    :raises ValueError: for a layer that cannot be cut into channels.
    """

    def __init__(self, module: nn.Module, start: int, stop: int) -> None:
        super().__init__()
        layers = list(module) if isinstance(module, nn.Sequential) else [module]
        total = outputs(layers[0])
        reads = len(layers) > 1 and _is_dense(layers[-1])
        self.start, self.stop = start, stop
        self.around = None if reads else (start, total - stop)
        self.last = isinstance(layers[0], nn.Linear)  # channels are in the last dimension, else in the second
        mixing = (*_MIXING, nn.Flatten) if self.last else _MIXING
        for layer in layers:
            if isinstance(layer, mixing):
                raise ValueError(uncut(layer))
        cut = [
            _cut(layer, start, stop, place == 0) for place, layer in enumerate(layers[: len(layers) - reads])
        ]
        self.layers = nn.Sequential(*cut, *([_reading(layers[-1], start, stop, total)] if reads else []))

    def forward(self, x: Tensor) -> Tensor:
        """Return what is read, or the channels, shape (batch, all channels, ...), the others zero."""
        value: Tensor = self.layers(x)
        if self.around is None:
            return value
        dim = value.ndim - 1 if self.last else 1
        each = value.shape[dim] // (self.stop - self.start)  # several features of a channel behind nn.Flatten
        around = (each * self.around[0], each * self.around[1])
        return F.pad(value, (*[0, 0] * (value.ndim - 1 - dim), *around))


def uncut(layer: nn.Module) -> str:
    return (
        f"channels: {layer} cannot be cut into channels; give a convolution or linear layer, or an nn.Sequential that "
        "begins with one, goes on with BatchNorm, depthwise convolutions, activations and pools, and may end with "
        "another that reads the channels"
    )


def outputs(layer: nn.Module) -> int:
    return int(getattr(layer, "out_channels", getattr(layer, "out_features", 0)))


def _is_dense(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)


def _cut(layer: nn.Module, start: int, stop: int, first: bool) -> nn.Module:
    cut = deepcopy(layer)
    if first and isinstance(cut, nn.Linear):
        cut.out_features = stop - start
    elif isinstance(cut, nn.Conv2d) and (
        (first and cut.groups == 1) or cut.groups == cut.in_channels == cut.out_channels
    ):
        cut.out_channels = stop - start
        if cut.groups > 1:
            cut.in_channels = cut.groups = stop - start
    elif isinstance(cut, (nn.BatchNorm1d, nn.BatchNorm2d)):
        cut.num_features = stop - start
    elif any(True for _ in cut.parameters()):
        raise ValueError(uncut(layer))
    for name, own in [*cut.named_parameters(recurse=False)]:
        setattr(cut, name, nn.Parameter(own[start:stop].detach().clone()))
    for name, buffer in [*cut.named_buffers(recurse=False)]:
        if buffer is not None and buffer.ndim:
            cut.register_buffer(name, buffer[start:stop].clone())
    return cut


def _reading(layer: nn.Module, start: int, stop: int, total: int) -> nn.Module:
    """A dense layer that reads some of its input's channels; the bias belongs to the first of them."""
    cut: Any = deepcopy(layer)
    width = "in_features" if isinstance(layer, nn.Linear) else "in_channels"
    each = getattr(layer, width) // total  # several features of a channel where there is nn.Flatten before it
    setattr(cut, width, each * (stop - start))
    cut.weight = nn.Parameter(cut.weight[:, each * start : each * stop].detach().clone())
    if start:
        cut.bias = None
    return cast(nn.Module, cut)
