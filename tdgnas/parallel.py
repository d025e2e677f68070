"""Several processes that train one network together, as torchrun starts them.

Every process draws the same batches and takes its own share of each; gradients, losses and BatchNorm's statistics are
added up over all of them. So the network learns what it would learn of the whole batches in one process, to rounding;
only dropout and its like draw anew in each process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_PATIENCE = timedelta(days=7)  # torchrun ends the others when one dies; a long search is no reason to give up


@dataclass(frozen=True)
class Group:
    """The processes that work together, seen by one of them; alone by default.

    :param rank: number of this process, from 0; the first one writes all files.
    :param count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and tells what happens."""
        return self.rank == 0

    def share(self, whole: int) -> slice:
        """Return which of so many rows are this process's."""
        return slice(whole * self.rank // self.count, whole * (self.rank + 1) // self.count)

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum over all processes of a tensor of one shape, differentiable."""
        return tensor if self.count == 1 else _Sum.apply(tensor)  # type: ignore[no-untyped-call]

    def sums(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Return such sums of many tensors of one dtype, in one message."""
        if self.count == 1 or not tensors:
            return list(tensors)
        whole = torch.cat([each.detach().flatten() for each in tensors])
        dist.all_reduce(whole)
        parts = torch.split(whole, [each.numel() for each in tensors])
        return [part.view_as(each) for part, each in zip(parts, tensors, strict=True)]

    def same(self, module: nn.Module) -> None:
        """Give a module the weights and buffers that it has in the first process."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, 0)

    def tell(self, value: Any = None) -> Any:
        """Return in all processes what the first one gives."""
        if self.count == 1:
            return value
        told = [value]
        dist.broadcast_object_list(told, 0)
        return told[0]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Compute as one inside a ``with`` block, which all processes enter: :func:`working` is this group there."""
        global _working
        before, _working = _working, self
        try:
            if self.count == 1:
                yield
            else:
                with _SharedStatistics(self):
                    yield
        finally:
            _working = before


_joined = _working = Group()


def present() -> Group:
    """Return the group that this process has joined; alone outside of :func:`joined`."""
    return _joined


@contextmanager
def alone() -> Iterator[None]:
    """Compute as if nobody else had been started, inside a ``with`` block."""
    global _joined
    before, _joined = _joined, Group()
    try:
        yield
    finally:
        _joined = before


def working() -> Group:
    """Return the group inside :meth:`Group.together`; alone elsewhere, where each process computes for itself."""
    return _working


@contextmanager
def joined(device: str | None = None) -> Iterator[Group]:
    """Join the processes that torchrun has started, inside a ``with`` block; alone where it has started none.

    Each takes the GPU of its number on its machine and they talk by NCCL; on CPUs by Gloo.

    :param device: ``cpu``, or ``cuda``; CUDA where there is one.
    :raises ValueError: when a machine has fewer GPUs than processes, or one of them was named.
    """
    global _joined
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield _joined
        return
    cuda = torch.cuda.is_available() if device is None else device.startswith("cuda")
    if cuda:
        place, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if device not in (None, "cuda") or place >= there:
            raise ValueError(
                f"several processes take a GPU each, this one number {place}; torch sees {there} GPUs here and the "
                f"device is {device or 'cuda'}; give torchrun --nproc-per-node {max(there, 1)}, or --device cpu"
            )
        torch.cuda.set_device(place)
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_PATIENCE)
    try:
        _joined = Group(dist.get_rank(), dist.get_world_size())
        yield _joined
    finally:
        _joined = Group()
        dist.destroy_process_group()


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return _Sum.forward(ctx, slope)


class _SharedStatistics(TorchFunctionMode):
    """Normalise by the statistics of all processes' shares, wherever a module asks for those of its batch.

    torch's own SyncBatchNorm does the same, on GPUs only, and only where it replaces modules.
    """

    def __init__(self, group: Group) -> None:
        super().__init__()
        self.group = group

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.batch_norm:
            return self._batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _batch_norm(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if not training:
            return functional.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
        values, channels = input.float(), input.shape[1]
        over = [0, *range(2, input.ndim)]
        own = [*torch.var_mean(values, over, correction=0), values.new_tensor([values.numel() / channels])]
        row = torch.cat(own[::-1])
        rows = torch.zeros(self.group.count, len(row), device=row.device).index_copy(
            0, torch.tensor([self.group.rank], device=row.device), row.unsqueeze(0)
        )
        counts, means, variances = torch.split(self.group.sum(rows), [1, channels, channels], 1)
        total = counts.sum()
        mean = (counts * means).sum(0) / total
        variance = (counts * (variances + (means - mean).square())).sum(0) / total
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean.to(running_mean), momentum)
                running_var.lerp_((variance * total / (total - 1)).to(running_var), momentum)
        shape = (1, -1, *[1] * (input.ndim - 2))
        scale = torch.rsqrt(variance + eps) * (1.0 if weight is None else weight)
        shift = 0.0 if bias is None else bias.view(shape)
        found: Tensor = (values - mean.view(shape)) * scale.view(shape) + shift
        return found.to(input.dtype)
