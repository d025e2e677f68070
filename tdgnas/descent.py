"""The mode of a network, one step of its weights, and what is said when a training diverges: the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .parallel import working


class TrainingDiverged(FloatingPointError):
    """The loss of a training became infinite or NaN.

    :param what: the training, such as ``pretraining``.
    :param epoch: in which epoch, where there are epochs.
    :param step: in which step of it; None when only a validation showed it.
    :param advice: what to do about it.
    """

    def __init__(
        self,
        what: str,
        epoch: int | None = None,
        step: int | None = None,
        advice: str = "lower lr, set clip (5.0, say) or warmup, or check the data",
    ) -> None:
        where = "at its validation" if step is None else f"step {step}"
        if epoch is not None:
            where = f"epoch {epoch}, {where}"
        said = "" if epoch is None and step is None else f" in {where}"
        super().__init__(f"{what} diverged: the loss is not finite{said}; {advice}")
        self.what, self.epoch, self.step, self.advice = what, epoch, step, advice

    def __reduce__(self) -> tuple[type[TrainingDiverged], tuple[str, int | None, int | None, str]]:
        # It comes back from worker processes: made again from its arguments, not from its message.
        return type(self), (self.what, self.epoch, self.step, self.advice)


def descend(
    losses: Tensor | Iterable[Tensor],
    optimiser: torch.optim.Optimizer,
    clip: float | None = None,
    diverged: TrainingDiverged | None = None,
    scaler: torch.amp.GradScaler | None = None,
) -> None:
    """Take one step of an optimiser down a loss; the sum over all processes that work together.

    :param losses: a scalar with a graph that reaches the optimiser's weights; or several, whose sum it is, each
        computed when the one before has been differentiated, so that one graph is in memory at a time.
    :param clip: largest norm of the gradient over all of them; None leaves it.
    :param diverged: raised, before anything is changed, when the loss is not finite; None does not look, where each
        look would wait for a GPU.
    :param scaler: keeps gradients of float16 in its range; a step whose gradients are not finite is left out.
    """
    processes, scaler = working(), scaler or torch.amp.GradScaler(enabled=False)
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    optimiser.zero_grad(set_to_none=True)
    for loss in [losses] if isinstance(losses, Tensor) else losses:
        if diverged is not None and not torch.isfinite(processes.sum(loss.detach())):
            raise diverged
        torch.autograd.backward(scaler.scale(loss))
    if processes.count > 1:
        moved = [weight for weight in weights if weight.grad is not None]
        for weight, grad in zip(moved, processes.sums([each.grad for each in moved]), strict=True):
            weight.grad = grad
    scaler.unscale_(optimiser)
    if clip is not None:
        nn.utils.clip_grad_norm_(weights, clip)
    scaler.step(optimiser)
    scaler.update()


@contextmanager
def in_mode(network: nn.Module, training: bool) -> Iterator[None]:
    """Put a network into training or evaluation mode inside a ``with`` block; each module's own mode comes back."""
    others = [module for module in network.modules() if module.training != training]
    if others:
        network.train(training)
    try:
        yield
    finally:
        for module in others:
            module.training = not training
