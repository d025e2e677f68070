"""The bilevel gradient of DARTS: how the validation loss changes with alpha when the weights follow.

For one alpha-vector, and for many, each looking through a step of the weights of its own.

Source: Liu, Simonyan, Yang 2018, *DARTS: Differentiable Architecture Search*, section 2.3, eqs. 6 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from ..parallel import working

Loss = Callable[[], Tensor]
Batch = tuple[Tensor, Tensor]
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class WeightStep:
    """The step that the weights take, w' = w - xi * (momentum * buffer + grad_w L_train + weight_decay * w).

    :param xi: its learning rate; 0 is first order, where the weights are taken as they are.
    :param momentum: of the weights' optimiser.
    :param buffers: its momentum buffers, one for each weight, None for a weight that has none yet.
    :param weight_decay: of the weights' optimiser.
    :param clip: largest norm of grad_w L_train over all weights; None for no limit.
    """

    xi: float = 0.0
    momentum: float = 0.0
    buffers: Sequence[Tensor | None] | None = None
    weight_decay: float = 0.0
    clip: float | None = None

    @classmethod
    def of(
        cls,
        xi: float,
        optimiser: torch.optim.Optimizer | None,
        weights: Sequence[Tensor],
        clip: float | None = None,
    ) -> WeightStep:
        """Return the step that an optimiser would take; plain descent when None."""
        if optimiser is None:
            return cls(xi, clip=clip)
        group = optimiser.param_groups[0]
        buffers = [optimiser.state.get(weight, {}).get("momentum_buffer") for weight in weights]
        return cls(xi, group.get("momentum", 0.0), buffers, group.get("weight_decay", 0.0), clip)

    def clipped(self, slopes: Sequence[Tensor]) -> list[Tensor]:
        """Return the training loss' gradient, scaled down to the largest norm."""
        if self.clip is None or not slopes:
            return list(slopes)
        norm = torch.stack([each.square().sum() for each in slopes]).sum().sqrt()
        return [each * (self.clip / (norm + 1e-6)).clamp(max=1.0) for each in slopes]

    def one_each(self, weights: int) -> list[Tensor | None]:
        """Return a momentum buffer, or None, for each weight.

        :raises ValueError: when there are not as many buffers as weights.
        """
        history: list[Tensor | None] = [None] * weights if self.buffers is None else list(self.buffers)
        if len(history) != weights:
            raise ValueError(
                f"there are {weights} weights and {len(history)} momentum buffers; give one each"
            )
        return history


def alpha_gradient(
    alpha: Tensor,
    weights: Sequence[Tensor],
    train_loss: Loss,
    valid_loss: Loss,
    ahead: WeightStep = WeightStep(),
    *,
    radius: float = 0.01,
) -> Tensor:
    """Return the gradient of the validation loss with respect to alpha.

    In second order it looks through one step of the weights, whose second derivative is approximated by the central
    difference of eq. 8 with R = radius / ||v||. The weights are changed in place meanwhile and restored bit for bit,
    also when a loss raises.

    What only alpha's gradient needs is computed with ``requires_grad`` off for the weights, which keeps less.

    :param alpha: leaf tensor that both losses read.
    :param weights: leaf tensors that both losses read; those without ``requires_grad`` are taken as constants.
    :param train_loss: computes the training loss at the present alpha and weights.
    :param valid_loss: likewise the validation loss.
    :param ahead: the weights' step; first order by default.
    :param radius: of the central difference, as a length in the space of the weights.
    :returns: a tensor of alpha's shape.
    :raises ValueError: when there are not as many buffers as weights.
    """
    history = ahead.one_each(len(weights))
    moving = [(w, buffer) for w, buffer in zip(weights, history, strict=True) if w.requires_grad]
    own = [weight for weight, _ in moving]
    if ahead.xi == 0.0 or not own:
        return _alpha_slope(alpha, own, valid_loss)
    saved = [weight.detach().clone() for weight in own]
    try:
        _look_ahead(alpha, moving, train_loss, ahead)
        direct, *v = _gradients(valid_loss(), [alpha, *own])  # grad L_val(w', alpha), both parts
        norm = float(torch.stack(torch._foreach_norm(v)).norm())
        if norm == 0.0:
            return direct
        step = radius / norm
        _place(own, saved, v, step)
        above = _alpha_slope(alpha, own, train_loss)
        _place(own, saved, v, -step)
        below = _alpha_slope(alpha, own, train_loss)
        return direct - ahead.xi * (above - below) / (2 * step)  # (eqs. 7, 8)
    finally:
        with torch.no_grad():
            torch._foreach_copy_(own, saved)


def gradient_passes(images: int, order: int) -> int:
    """Image passes of one gradient: forward and backward count 3; second order takes four of these for one."""
    return 3 * images * (1 if order == 1 else 4)


def _look_ahead(
    alpha: Tensor, moving: Sequence[tuple[Tensor, Tensor | None]], train_loss: Loss, ahead: WeightStep
) -> None:
    """Take the weights' step in place."""
    own = [weight for weight, _ in moving]
    with constant([alpha]):
        slopes = ahead.clipped(_gradients(train_loss(), own))
    with torch.no_grad():
        # Not in place: autograd may hand out one tensor as the gradient of two weights.
        steps = list(torch._foreach_add(slopes, own, alpha=ahead.weight_decay))
        having = [(step, b) for step, (_, b) in zip(steps, moving, strict=True) if b is not None]
        if having and ahead.momentum:
            slowed, buffers = map(list, zip(*having, strict=True))
            torch._foreach_add_(slowed, buffers, alpha=ahead.momentum)
        torch._foreach_add_(own, steps, alpha=-ahead.xi)


def _place(weights: list[Tensor], saved: list[Tensor], v: list[Tensor], step: float) -> None:
    with torch.no_grad():
        torch._foreach_copy_(weights, saved)
        torch._foreach_add_(weights, v, alpha=step)


def _alpha_slope(alpha: Tensor, weights: Sequence[Tensor], loss: Loss) -> Tensor:
    """Gradient with respect to alpha alone."""
    with constant(weights):
        return _gradients(loss(), [alpha])[0]


def _gradients(loss: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """Gradients of a loss, its mean over the processes that work together; zero where it depends on no input."""
    if not loss.requires_grad:
        return [torch.zeros_like(each) for each in inputs]
    own = torch.autograd.grad(loss / working().count, inputs, allow_unused=True, materialize_grads=True)
    return working().sums(own)


@contextmanager
def constant(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Treat leaf tensors as constants inside a ``with`` block."""
    before = [tensor.requires_grad for tensor in tensors]
    for tensor in tensors:
        tensor.requires_grad_(False)
    try:
        yield
    finally:
        for tensor, wanted in zip(tensors, before, strict=True):
            tensor.requires_grad_(wanted)


class _Loss(nn.Module):
    """A loss that reads a module's weights, as a module: its weights can be replaced for one call."""

    def __init__(self, module: nn.Module, loss: Callable[[Tensor, Batch], Tensor]) -> None:
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self, alpha: Tensor, images: Tensor, targets: Tensor) -> Tensor:
        return self.loss(alpha, (images, targets))

    def at(self, weights: Mapping[str, Tensor], alpha: Tensor, batch: Batch) -> Tensor:
        found: Tensor = functional_call(self, dict(weights), (alpha, *batch))
        return found


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

    def one(alpha: Tensor) -> Tensor:
        slope = grad(whole.at)(weights, alpha, train)
        slope = dict(zip(slope, ahead.clipped(list(slope.values())), strict=True))
        moved = {name: weights[name] - ahead.xi * (slope[name] + drift[name]) for name in weights}
        v, direct = grad(whole.at, argnums=(0, 1))(moved, alpha, valid)
        norm = torch.sqrt(sum((x.square().sum() for x in v.values()), torch.zeros((), device=alpha.device)))
        step = radius / norm.clamp_min(torch.finfo(norm.dtype).tiny)
        above = grad(whole.at, argnums=1)(_moved(weights, v, step), alpha, train)
        below = grad(whole.at, argnums=1)(_moved(weights, v, -step), alpha, train)
        second = torch.where(norm > 0, (above - below) / (2 * step), 0.0)  # (eq. 8)
        gradient: Tensor = direct - ahead.xi * second  # (eq. 7)
        return gradient

    parts = torch.split(genes.detach(), rows or (8 if genes.device.type == "cuda" else 1))
    return torch.cat([one(part[0]).unsqueeze(0) if len(part) == 1 else vmap(one)(part) for part in parts])


def _moved(weights: Weights, direction: Weights, step: Tensor) -> Weights:
    return {name: weight + step * direction[name] for name, weight in weights.items()}
