"""BatchNorm whose statistics follow a stated policy, per node, without ever touching what is frozen."""

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


class NodeBatchNorm2d(nn.BatchNorm2d):
    """A BatchNorm2d that does what its supernet's :class:`BatchNormState` says."""

    state: BatchNormState

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (groups * batch, channels, height, width), each group by statistics of its own."""
        state = self.state
        if state.policy == "running":
            return self._normalise(input, self.running_mean, self.running_var)
        if state.policy == "train" and state.groups == 1:
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
            return F.batch_norm(
                input,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                True,
                self.momentum or 0.1,
                self.eps,
            )
        if state.groups == 1:
            return self._one(input)
        return torch.cat([self._one(part) for part in input.chunk(state.groups)])

    def _one(self, input: Tensor) -> Tensor:
        state = self.state
        if state.policy == "given":
            assert state.statistics is not None
            mean, variance = state.statistics[state.position]
            state.position += 1
            return self._normalise(input, mean, variance)
        if state.policy == "record":
            assert state.statistics is not None
            # Unbiased, as running statistics are.
            variance, mean = torch.var_mean(input, dim=(0, 2, 3), correction=1)
            state.statistics.append((mean, variance))
        return F.batch_norm(input, None, None, self.weight, self.bias, True, 0.0, self.eps)

    def _normalise(self, input: Tensor, mean: Tensor | None, variance: Tensor | None) -> Tensor:
        return F.batch_norm(input, mean, variance, self.weight, self.bias, False, 0.0, self.eps)


def convert(module: nn.Module, state: BatchNormState) -> nn.Module:
    """Replace every ``nn.BatchNorm2d`` inside a module by one that follows ``state``; weights are kept."""
    if type(module) is nn.BatchNorm2d:
        own = NodeBatchNorm2d(
            module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats
        )
        own.load_state_dict(module.state_dict())
        own.state = state
        return own
    for name, child in module.named_children():
        replaced = convert(child, state)
        if replaced is not child:
            setattr(module, name, replaced)
    return module
