"""The bilevel gradient of DARTS: how the validation loss changes with alpha when the weights follow.

Source: Liu, Simonyan, Yang 2018, *DARTS: Differentiable Architecture Search*, section 2.3, eqs. 6 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Loss = Callable[[], Tensor]


def alpha_gradient(
    alpha: Tensor,
    weights: Sequence[Tensor],
    train_loss: Loss,
    valid_loss: Loss,
    *,
    xi: float = 0.0,
    momentum: float = 0.0,
    buffers: Sequence[Tensor | None] | None = None,
    weight_decay: float = 0.0,
) -> Tensor:
    """Return the gradient of the validation loss with respect to alpha.

    With ``xi = 0`` (first order) the weights are taken as they are. Otherwise the gradient looks through one step of
    the weights, w' = w - xi * (momentum * buffer + grad_w L_train + weight_decay * w), whose second derivative is
    approximated by the central difference of eq. 8 with R = 0.01 / ||v||. The weights are changed in place meanwhile
    and restored bit for bit.

    :param alpha: leaf tensor that both losses read.
    :param weights: leaf tensors that both losses read.
    :param train_loss: computes the training loss at the present alpha and weights.
    :param valid_loss: likewise the validation loss.
    :param xi: learning rate of the weights' step; 0 is first order.
    :param momentum: of the weights' optimiser.
    :param buffers: its momentum buffers, None for a weight that has none yet.
    :param weight_decay: of the weights' optimiser.
    :returns: a tensor of alpha's shape.
    """
    if xi == 0.0:
        return torch.autograd.grad(valid_loss(), alpha)[0]
    saved = [weight.detach().clone() for weight in weights]
    history = [None] * len(saved) if buffers is None else list(buffers)
    slopes = torch.autograd.grad(train_loss(), weights, allow_unused=True)
    try:
        with torch.no_grad():
            for weight, slope, buffer in zip(weights, slopes, history, strict=True):
                step = weight_decay * weight
                if slope is not None:
                    step = step + slope
                if buffer is not None:
                    step = step + momentum * buffer
                weight.sub_(xi * step)
        direct, *v = torch.autograd.grad(valid_loss(), [alpha, *weights], allow_unused=True)
        norm = torch.sqrt(sum((part.square().sum() for part in v if part is not None), torch.zeros(())))
        gradient = torch.zeros_like(alpha) if direct is None else direct
        if float(norm) == 0.0:
            return gradient
        radius = 0.01 / float(norm)
        above = _alpha_slope_at(alpha, weights, saved, v, radius, train_loss)
        below = _alpha_slope_at(alpha, weights, saved, v, -radius, train_loss)
        return gradient - xi * (above - below) / (2 * radius)  # (eqs. 7, 8)
    finally:
        with torch.no_grad():
            for weight, before in zip(weights, saved, strict=True):
                weight.copy_(before)


def _alpha_slope_at(
    alpha: Tensor,
    weights: Sequence[Tensor],
    saved: Sequence[Tensor],
    v: Sequence[Tensor | None],
    radius: float,
    train_loss: Loss,
) -> Tensor:
    with torch.no_grad():
        for weight, before, part in zip(weights, saved, v, strict=True):
            weight.copy_(before if part is None else before + radius * part)
    slope = torch.autograd.grad(train_loss(), alpha, allow_unused=True)[0]
    return torch.zeros_like(alpha) if slope is None else slope
