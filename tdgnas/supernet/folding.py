"""Running a schedule on one batch of images: equal operations folded into larger batches, in chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from ..graphs import Step
from .batchnorm import NodeBatchNorm, Policy, Statistics
from .schedule import Schedule, Task

if TYPE_CHECKING:
    from .supernet import Supernet

# Modules whose result is memory of their own, which may be written over when nobody else reads it.
_FRESH = (nn.Conv2d, nn.Linear, NodeBatchNorm, nn.MaxPool2d, nn.AvgPool2d)


class Folder:
    """Computes the values of a schedule with a supernet's frozen weights.

    :param supernet: whose operations run.
    :param chunk: the most values of one task that are folded into one batch; 1 never folds.
    :param chunk_bytes: folds stop growing at this many bytes of input; None for no such limit.
    """

    def __init__(self, supernet: Supernet, chunk: int, chunk_bytes: int | None = None) -> None:
        self.graph = supernet.space.graph
        self.ops = supernet.ops
        self.state = supernet.batchnorm
        self.chunk = chunk
        self.chunk_bytes = chunk_bytes
        self.norms = {
            name: any(isinstance(part, NodeBatchNorm) for part in module.modules())
            for name, module in supernet.ops.items()
        }

    def normalised(self, step: Step) -> bool:
        """Whether BatchNorm takes part in a step."""
        name = step.operation(self.graph.nodes)
        return name is not None and self.norms[name]

    def run(
        self,
        plan: Schedule,
        steps: Sequence[Step],
        values: dict[int, Tensor],
        policy: Policy,
        statistics: dict[int, Statistics],
    ) -> None:
        """Compute the tasks of a plan, in order; values that nobody reads any more are dropped.

        :param values: by number: the images as 0 and what the plan loads; what it computes is added.
        :param policy: of BatchNorm: ``batch``, ``running``, ``record`` (into ``statistics``) or ``given`` (by them).
        :param statistics: of each value that BatchNorm takes part in.
        """
        run = _Run(self, steps, values, policy, statistics)
        for task in plan.tasks:
            run.task(task)
            for value in task.dead:
                del values[value]
                run.homes.pop(value, None)


@dataclass
class _Run:
    """One batch of images on its way through a plan."""

    folder: Folder
    steps: Sequence[Step]
    values: dict[int, Tensor]
    policy: Policy
    statistics: dict[int, Statistics]
    # Where in which folded batch a value lies, so that the same neighbours can be folded again without a copy.
    homes: dict[int, tuple[Tensor, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batch = len(self.values[0])

    def task(self, task: Task) -> None:
        """Compute a task's values, in chunks; where the memory is too small for a chunk, in smaller ones."""
        start = 0
        while start < len(task.values):
            part = task.values[start : start + self._chunk(task)]
            if self._attempt(task, part):
                start += len(part)
            else:
                self.folder.chunk = len(part) // 2
                torch.cuda.empty_cache()

    def _attempt(self, task: Task, part: tuple[int, ...]) -> bool:
        # Out of the handler before anything is tried again: the exception holds on to what was allocated.
        try:
            self._fold(task, part)
        except RuntimeError as error:  # a GPU's OutOfMemoryError is one
            if len(part) == 1 or not out_of_memory(error):
                raise
            return False
        return True

    def _chunk(self, task: Task) -> int:
        chunk, limit = self.folder.chunk, self.folder.chunk_bytes
        inputs = self.steps[task.values[0]].inputs
        if limit is None or not inputs:
            return chunk
        first = self.values[inputs[0]]
        return max(1, min(chunk, limit // (first.numel() * first.element_size())))

    def _fold(self, task: Task, part: tuple[int, ...]) -> None:
        """Compute some values of a task as one batch."""
        folder = self.folder
        if task.op is not None:
            name: str | None = task.op
            value, own = self._gather([self.steps[each].inputs[0] for each in part], task.spare)
            values = [value]
        else:
            node = folder.graph.nodes[task.node]
            name = None if node.post is None else node.post.name
            if node.combine == "call":
                columns = zip(*(self.steps[each].inputs for each in part), strict=True)
                own, values = False, [self._gather(list(column), frozenset())[0] for column in columns]
            else:
                value, own = self._join(task, part)
                values = [value]
        value = values[0]
        if name is not None:
            result = self._apply(name, values, own, part)
            # A skip hands on its input, a slice a part of it: what others may still read must not be written over.
            shared = not own and any(_same_memory(result, value) for value in values)
            value = result.clone() if shared else result
        if len(part) == 1:
            self.values[part[0]] = value
            return
        for place, (each, own_part) in enumerate(zip(part, value.chunk(len(part)), strict=True)):
            self.values[each] = own_part
            self.homes[each] = (value, place)

    def _apply(self, name: str, values: list[Tensor], own: bool, part: tuple[int, ...]) -> Tensor:
        module, state = self.folder.ops[name], self.folder.state

        def run() -> Tensor:
            return apply(module, values[0], own) if len(values) == 1 else cast(Tensor, module(*values))

        if not self.folder.norms[name]:
            return run()
        statistics: Statistics | None = None
        if self.policy == "record":
            statistics = []
        elif self.policy == "given":
            statistics = _stacked([self.statistics[each] for each in part])
        with state.use(self.policy, len(part), statistics):
            result = run()
        if self.policy == "record" and statistics is not None:
            for place, each in enumerate(part):
                own_part = (
                    [(mean[place], var[place]) for mean, var in statistics] if len(part) > 1 else statistics
                )
                self.statistics.setdefault(each, own_part)
        return result

    def _gather(self, inputs: list[int], spare: frozenset[int]) -> tuple[Tensor, bool]:
        """Return values as one batch, and whether its memory may be written over."""
        values = [self.values[each] for each in inputs]
        if len(values) == 1:
            return values[0], inputs[0] in spare
        homes = [self.homes.get(each) for each in inputs]
        if homes[0] is not None:
            base, first = homes[0]
            if all(
                home is not None and home[0] is base and home[1] == first + n for n, home in enumerate(homes)
            ):
                return base.narrow(0, first * self.batch, len(inputs) * self.batch), spare.issuperset(inputs)
        return torch.cat(values), True

    def _join(self, task: Task, part: tuple[int, ...]) -> tuple[Tensor, bool]:
        """Return the joined inputs of some values of one node as one batch, and whether it may be written over."""
        if len(part) == 1:
            return self._sum(task, part[0], None)
        first = self.steps[part[0]].inputs
        shape = self.folder.graph.profile.shapes[self.folder.graph.nodes[task.node].name]
        like = self.values[first[0] if first else 0]
        nhwc = like.ndim == 4 and like.is_contiguous(memory_format=torch.channels_last)
        whole = torch.empty(
            (len(part) * self.batch, *shape),
            dtype=like.dtype,
            device=like.device,
            memory_format=torch.channels_last if nhwc else torch.contiguous_format,
        )
        for each, target in zip(part, whole.chunk(len(part)), strict=True):
            self._sum(task, each, target)
        return whole, True

    def _sum(self, task: Task, value: int, target: Tensor | None) -> tuple[Tensor, bool]:
        """Join one value's inputs, into ``target`` where one is given; in the order of the terms, as ever."""
        node = self.folder.graph.nodes[task.node]
        numbers = self.steps[value].inputs
        inputs = [self.values[each] for each in numbers]
        if not inputs:
            shape = (self.batch, *self.folder.graph.profile.shapes[node.name])
            return (self.values[0].new_zeros(shape) if target is None else target.zero_()), True
        if node.combine == "concat":
            return torch.cat(inputs, dim=1) if target is None else torch.cat(inputs, dim=1, out=target), True
        if len(inputs) == 1:
            return (
                (inputs[0], numbers[0] in task.spare) if target is None else (target.copy_(inputs[0]), True)
            )
        if target is None and numbers[0] in task.spare and numbers.count(numbers[0]) == 1:
            target = inputs[0]
        total = torch.add(inputs[0], inputs[1], out=target)
        for other in inputs[2:]:
            total.add_(other)
        return total, True


def apply(module: nn.Module, value: Tensor, own: bool) -> Tensor:
    """Run a module, bit for bit, but with fewer passes over memory: ReLU in place where the value is ours (``own``),
    and after a max-pooling that follows it, since the larger of two numbers is the same before and after."""
    if type(module) is nn.ReLU:
        return value.relu_() if own else value.relu()
    if type(module) is not nn.Sequential:
        return cast(Tensor, module(value))
    parts = list(module)
    for place in range(len(parts) - 1):
        if type(parts[place]) is nn.ReLU and type(parts[place + 1]) is nn.MaxPool2d:
            parts[place], parts[place + 1] = parts[place + 1], parts[place]
    for part in parts:
        value = apply(part, value, own)
        own = own or isinstance(part, _FRESH)
    return value


def _same_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _stacked(each: list[Statistics]) -> Statistics:
    if len(each) == 1:
        return each[0]
    return [
        (torch.stack([mean for mean, _ in layer]), torch.stack([variance for _, variance in layer]))
        for layer in zip(*each, strict=True)
    ]


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on a GPU or in main memory."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)
