"""Second-order gradients of many alpha-vectors, each looking through a step of the weights of its own.

Source: Liu, Simonyan, Yang 2018, *DARTS: Differentiable Architecture Search*, section 2.3, eqs. 6 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from .bilevel import WeightStep

Batch = tuple[Tensor, Tensor]
Weights = dict[str, Tensor]


class _Loss(nn.Module):
    """A loss that reads a module's weights, as a module: its weights can be replaced for one call."""

    def __init__(self, module: nn.Module, loss: Callable[[Tensor, Batch], Tensor]) -> None:
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self, alpha: Tensor, images: Tensor, targets: Tensor) -> Tensor:
        return self.loss(alpha, (images, targets))


def second_order_gradients(
    module: nn.Module,
    loss: Callable[[Tensor, Batch], Tensor],
    genes: Tensor,
    train: Batch,
    valid: Batch,
    ahead: WeightStep,
    *,
    radius: float = 0.01,
    rows: int | None = None,
) -> Tensor:
    """Return the gradient of the validation loss for each alpha-vector, looking one step of the weights ahead.

    The same as :func:`alpha_gradient` for one row after another; but the weights are never written to, so that what
    was computed with them stays valid.

    :param module: has the weights.
    :param loss: computes the loss of one alpha-vector, shape (genes,), on a batch, with the module's weights.
    :param genes: shape (individuals, genes).
    :param train: images and labels for the look-ahead of the weights.
    :param valid: images and labels of the loss that is differentiated.
    :param ahead: the step of the weights, with momentum buffers of those that have a gradient.
    :param radius: of the central difference, as a length in the space of the weights.
    :param rows: how many are computed together, each with weights of its own; when None 8 on a GPU and 1 on a CPU,
        where convolutions with different weights are slower together than one after another.
    :returns: a tensor of the genes' shape.
    :raises ValueError: when there are not as many buffers as weights.
    """
    whole = _Loss(module, loss)
    weights = {name: each.detach() for name, each in whole.named_parameters() if each.requires_grad}
    drift = {
        name: ahead.weight_decay * weight + (0.0 if buffer is None else ahead.momentum * buffer)
        for (name, weight), buffer in zip(weights.items(), ahead.one_each(len(weights)), strict=True)
    }

    def at(values: Mapping[str, Tensor], alpha: Tensor, batch: Batch) -> Tensor:
        found: Tensor = functional_call(whole, dict(values), (alpha, *batch))
        return found

    def one(alpha: Tensor) -> Tensor:
        slope = grad(at)(weights, alpha, train)
        moved = {name: weights[name] - ahead.xi * (slope[name] + drift[name]) for name in weights}
        v, direct = grad(at, argnums=(0, 1))(moved, alpha, valid)
        norm = torch.sqrt(sum((x.square().sum() for x in v.values()), torch.zeros((), device=alpha.device)))
        step = radius / norm.clamp_min(torch.finfo(norm.dtype).tiny)
        above = grad(at, argnums=1)(_moved(weights, v, step), alpha, train)
        below = grad(at, argnums=1)(_moved(weights, v, -step), alpha, train)
        second = (above - below) / (2 * step)  # (eq. 8)
        gradient: Tensor = direct - ahead.xi * torch.where(
            norm > 0, second, torch.zeros_like(second)
        )  # (eq. 7)
        return gradient

    parts = torch.split(genes.detach(), rows or (8 if genes.device.type == "cuda" else 1))
    return torch.cat([one(part[0]).unsqueeze(0) if len(part) == 1 else vmap(one)(part) for part in parts])


def _moved(weights: Weights, direction: Weights, step: Tensor) -> Weights:
    return {name: weight + step * direction[name] for name, weight in weights.items()}
