"""What an optimiser has gathered, taken over to a network that grew."""

from __future__ import annotations

import torch
from torch import nn


def follow(
    optimizer: torch.optim.Optimizer, network: nn.Module, old: torch.optim.Optimizer, before: nn.Module
) -> int:
    """Give an optimiser the state, such as momentum, of the weights that a morphism left as large as they were.

    Those of other shapes, and new ones, begin without any.

    :param optimizer: of the new network; its state is changed in place.
    :param network: the new network.
    :param old: optimiser of the old network, of the same kind.
    :param before: the old network.
    :returns: number of weights whose state was taken over.
    :raises ValueError: for optimisers of two kinds.
    """
    if type(optimizer) is not type(old):
        raise ValueError(f"the new optimiser is {type(optimizer).__name__}, the old one {type(old).__name__}")
    known, count = dict(before.named_parameters()), 0
    for name, weight in network.named_parameters():
        own = known.get(name)
        if own is not None and own.shape == weight.shape and own in old.state:
            optimizer.state[weight] = {
                slot: value.clone() if isinstance(value, torch.Tensor) else value
                for slot, value in old.state[own].items()
            }
            count += 1
    return count
