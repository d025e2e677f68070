"""VGG19's ImageNet weights as a start for the convolutions of a VGG supernet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..data import import_torchvision
from ..spaces.vgg import BLOCKS, vgg_blocks

if TYPE_CHECKING:
    from .supernet import Supernet


def load_imagenet(supernet: Supernet, weights: Mapping[str, Tensor] | None = None) -> Supernet:
    """Copy the convolutions and BatchNorms of torchvision's ``vgg19_bn``, trained on ImageNet, into a supernet.

    Shortcuts and head keep their fresh weights.

    :param supernet: of a space with the blocks of VGG19 (``vgg-shortcuts`` at width 1, three input channels);
        changed in place.
    :param weights: the ``state_dict`` of a ``vgg19_bn``; torchvision's own, which it downloads once, when None.
    :raises ValueError: for another space, or weights of another network.
    :raises OSError: when the weights are not on this machine and cannot be downloaded.
    :raises ImportError: when torchvision is not installed.
    """
    ops = supernet.space.graph.ops
    if any(ops.get(op.name) != op for op in vgg_blocks((3, *BLOCKS))):
        raise ValueError(
            f"ImageNet weights fit VGGShortcuts(width=1, in_channels=3), not {supernet.space!r}; train from fresh "
            "weights"
        )
    source = dict(_download() if weights is None else weights)
    layers = sorted({int(name.split(".")[1]) for name in source if name.startswith("features.")})
    convolutions = [layer for layer in layers if source[f"features.{layer}.weight"].ndim == 4]
    if len(convolutions) != 16 or not all(layer + 1 in layers for layer in convolutions):
        raise ValueError(
            "these are not the weights of vgg19_bn: 16 convolutions, each with BatchNorm, were expected"
        )
    with torch.no_grad():
        for block, layer in enumerate(convolutions, start=1):
            operation = supernet.ops[f"conv{block}"]
            assert isinstance(operation, nn.Sequential)
            for part, number in ((operation[0], layer), (operation[1], layer + 1)):
                prefix = f"features.{number}."
                own = {name.removeprefix(prefix): v for name, v in source.items() if name.startswith(prefix)}
                part.load_state_dict(own)
    return supernet


def _download() -> Mapping[str, Tensor]:
    models = import_torchvision().models
    try:
        state: Mapping[str, Tensor] = models.VGG19_BN_Weights.IMAGENET1K_V1.get_state_dict(progress=False)
    except OSError as error:
        raise OSError(
            f"VGG19's ImageNet weights could not be loaded ({error}). torchvision keeps them under "
            f"{torch.hub.get_dir()}/checkpoints; put the file of vgg19_bn there, or train from fresh weights"
        ) from error
    return state
