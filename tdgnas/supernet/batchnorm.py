"""BatchNorm whose statistics follow a stated policy, per node, without ever touching what is frozen.

When the values of several nodes are folded into one batch, each group of it keeps statistics of its own: pooled ones
would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Policy = Literal["train", "batch", "running", "record", "given"]
Statistics = list[tuple[Tensor, Tensor]]


@dataclass
class BatchNormState:
    """What all BatchNorm layers of one supernet do right now; shared by them.

    ``train`` normalises by the batch and updates the running statistics (the only policy that writes them);
    ``batch`` normalises by the batch; ``running`` by the running statistics; ``record`` normalises by the batch and
    appends its statistics to ``statistics``; ``given`` normalises by ``statistics``, taken in the same order.

    :param groups: how many equal parts the batch consists of, each with statistics of its own.
    """

    policy: Policy = "batch"
    groups: int = 1
    statistics: Statistics | None = None
    position: int = 0

    @contextmanager
    def use(self, policy: Policy, groups: int = 1, statistics: Statistics | None = None) -> Iterator[None]:
        """Follow another policy inside a ``with`` block."""
        before = self.policy, self.groups, self.statistics, self.position
        self.policy, self.groups, self.statistics, self.position = policy, groups, statistics, 0
        try:
            yield
        finally:
            self.policy, self.groups, self.statistics, self.position = before

    @contextmanager
    def grouped(self, groups: int) -> Iterator[None]:
        """Count the batch as so many parts inside a ``with`` block, whatever the policy is."""
        before, self.groups = self.groups, groups
        try:
            yield
        finally:
            self.groups = before


class NodeBatchNorm(nn.modules.batchnorm._BatchNorm):
    """A BatchNorm of any dimension that does what its supernet's :class:`BatchNormState` says."""

    state: BatchNormState

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (groups * batch, channels, ...), each group by statistics of its own."""
        state = self.state
        if state.policy == "running":
            return self._normalise(input, self.running_mean, self.running_var)
        if state.policy == "train" and state.groups == 1:
            return self.learn(input, self.weight, self.bias)
        if state.policy in ("record", "given"):
            return self._recorded(input)
        return self._by_batch(input)

    def learn(self, input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        """Normalise by the batch, with this scale and shift, and let the running statistics follow it."""
        momentum = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # the mean over all batches so far
                momentum = 1.0 / float(self.num_batches_tracked)
        return F.batch_norm(
            input, self.running_mean, self.running_var, weight, bias, True, momentum or 0.0, self.eps
        )

    def _by_batch(self, input: Tensor) -> Tensor:
        groups = self.state.groups
        if groups == 1:
            return self._normalise(input, None, None)
        if input.is_cuda:
            return self._together(input)
        if torch.is_inference_mode_enabled():
            return self._one_by_one(input)
        return torch.cat([self._normalise(part, None, None) for part in input.chunk(groups)])

    def _recorded(self, input: Tensor) -> Tensor:
        """Note each group's statistics, or normalise by those given: one pair per layer, (channels,) for one
        group, (groups, channels) for several."""
        state = self.state
        assert state.statistics is not None
        groups = state.groups
        if state.policy == "record":
            # Unbiased, as running statistics are.
            pairs = [
                torch.var_mean(part, dim=[0, *range(2, part.ndim)], correction=1)
                for part in input.chunk(groups)
            ]
            variance, mean = (
                pairs[0] if groups == 1 else (torch.stack(each) for each in zip(*pairs, strict=True))
            )
            state.statistics.append((mean, variance))
            return self._by_batch(input)
        mean, variance = state.statistics[state.position]
        state.position += 1
        if groups == 1:
            return self._normalise(input, mean, variance)
        parts = zip(input.chunk(groups), mean, variance, strict=True)
        return torch.cat([self._normalise(*part) for part in parts])

    def _one_by_one(self, input: Tensor) -> Tensor:
        """Normalise each group straight into its place: on a CPU faster than all at once, and bit for bit the same
        as alone."""
        output = torch.empty_like(input)
        sums = torch.promote_types(input.dtype, torch.float32)
        mean, deviation = input.new_empty((2, input.shape[1]), dtype=sums).unbind()
        for source, target in zip(
            input.chunk(self.state.groups), output.chunk(self.state.groups), strict=True
        ):
            torch.ops.aten.native_batch_norm.out(
                source, self.weight, self.bias, None, None, True, 0.0, self.eps,
                out=target, save_mean=mean, save_invstd=deviation,
            )  # fmt: skip
        return output

    def _together(self, input: Tensor) -> Tensor:
        """Normalise all groups in a handful of kernels, with sums in float32."""
        grouped = input.reshape(self.state.groups, -1, *input.shape[1:])
        over = [1, *range(3, grouped.ndim)]
        count = grouped[0].numel() // grouped.shape[2]
        mean = grouped.sum(over, keepdim=True, dtype=torch.float32) / count
        centred = grouped - mean.to(input.dtype)
        # Of the centred values: their mean is zero but for the rounding of the mean, which is taken out again.
        square = (
            torch.linalg.vector_norm(centred, dim=over, keepdim=True, dtype=torch.float32).square() / count
        )
        variance = square - (mean - mean.to(input.dtype)).square()
        scale = torch.rsqrt(variance.clamp_min(0) + self.eps)
        shape = (1, 1, -1, *[1] * (input.ndim - 2))
        if self.weight is not None:
            scale = scale * self.weight.view(shape)
        shift = (mean.to(input.dtype).float() - mean) * scale
        if self.bias is not None:
            shift = shift + self.bias.view(shape)
        return torch.addcmul(shift.to(input.dtype), centred, scale.to(input.dtype)).flatten(0, 1)

    def _normalise(self, input: Tensor, mean: Tensor | None, variance: Tensor | None) -> Tensor:
        return F.batch_norm(input, mean, variance, self.weight, self.bias, mean is None, 0.0, self.eps)


def convert(module: nn.Module, state: BatchNormState) -> nn.Module:
    """Make every BatchNorm inside a module, of one to three dimensions, one that follows ``state``.

    It stays the same object with the same weights: making another is most of what a supernet of many small operations
    would take.
    """
    for part in module.modules():
        if type(part) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
            part.__class__ = NodeBatchNorm
            part.state = state  # type: ignore[assignment]
    return module
