"""Evaluating populations of recurrent cells on frozen weights: one folded pass per token for all of them.

A value of a cell depends on its operation and on what it reads; the state is read by every node. Before the first token
all networks have the same state, zero, and equal values are computed once, as for images. From the second token on the
states of different cells differ, and with them everything that they compute: nothing can be shared, but an operation
that several cells use runs once, on a batch that holds them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..graphs import Interner, Step
from ..spaces import Architecture
from ..spaces.recurrent import Frame
from .batchnorm import NodeBatchNorm
from .counters import Counters
from .evaluation import EvaluationSet, Score
from .schedule import Costs

if TYPE_CHECKING:
    from .supernet import Supernet


@dataclass
class _Task:
    """Values that one operation, or one node's join, makes.

    :param name: of the operation; None for a join without one.
    :param source: places of what is read, in the pool of what is so wide.
    :param owner: of each thing read, which value it is part of; None where each value reads one.
    """

    name: str | None
    source: Tensor
    owner: Tensor | None
    count: int
    width: int
    target: slice


@dataclass
class _Plan:
    """What one token takes: tasks in order, the pools that hold values by width, and where the new states are."""

    inputs: int
    tasks: list[tuple[int, _Task]] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)
    outputs: Tensor = field(default_factory=lambda: torch.empty(0))
    computed: int = 0
    macs: int = 0


class RecurrentEvaluator:
    """Scores populations of recurrent cells on fixed segments; equal to :func:`evaluate_one` up to rounding.

    Every network carries a state of its own from segment to segment.

    :param supernet: whose weights are shared.
    :param where: segments in their order, and the BatchNorm policy, ``batch`` or ``running``.
    :param chunk: cells that are computed together at most, which bounds the memory.
    :raises ValueError: for another policy, or a chunk below 1.
    """

    def __init__(self, supernet: Supernet, where: EvaluationSet, *, chunk: int | None = None) -> None:
        if where.policy == "recalibrated":
            raise ValueError("recurrent cells are scored with the BatchNorm policy 'batch' or 'running'")
        if chunk is not None and chunk < 1:
            raise ValueError(f"chunk is {chunk}; it must be at least 1")
        self.supernet, self.where, self.chunk = supernet, where, chunk or 64
        self.counters = Counters()
        self.interner = Interner(supernet.space.graph.nodes)
        self.costs = Costs(supernet.space)

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return the score of each architecture, in their order.

        :raises ValueError: for an architecture of another space.
        """
        for architecture in architectures:
            self.supernet.space.check(architecture)
        distinct = list(dict.fromkeys(architectures))
        found: dict[Architecture, Score] = {}
        for start in range(0, len(distinct), self.chunk):
            part = distinct[start : start + self.chunk]
            sums = self._sums(part).tolist()
            found |= {
                each: Score.of(self.where.task, own, self.where.images)
                for each, own in zip(part, sums, strict=True)
            }
        self.note(architectures)
        return [found[each] for each in architectures]

    def note(self, architectures: Sequence[Architecture]) -> None:
        """Count requests for architectures whose scores are known already."""
        streams, tokens = self._tokens()
        for architecture, times in Counter(architectures).items():
            values = self._values([architecture])[0][1]
            self.counters.requests += times * tokens * len(values)
            self.counters.macs_requested += times * tokens * streams * sum(self.costs.macs[v] for v in values)

    def _tokens(self) -> tuple[int, int]:
        """Streams, and tokens of each."""
        streams = len(self.where.batches[0][0])
        return streams, self.where.images // streams

    def _values(self, architectures: Sequence[Architecture]) -> list[tuple[int, list[int]]]:
        found = [self.interner.trace(architecture.choices) for architecture in architectures]
        self.costs.grow(self.interner)
        return found

    # plans -------------------------------------------------------------------------------------------------------

    def _plan(self, traces: Sequence[tuple[int, list[int]]], own: bool) -> _Plan:
        """Plan one token.

        :param own: every network has a state of its own; else all have the same.
        """
        steps, places = self.interner.steps, self.interner.places
        groups: dict[tuple[int, bool, str], list[tuple[Hashable, int, int]]] = {}
        for number, (_, values) in enumerate(traces):
            for value in values:
                key = (number, value) if own else value
                kind = places[value], steps[value].op is None, steps[value].op or ""
                groups.setdefault(kind, []).append((key, value, number))
        plan = _Plan(len(traces) if own else 1)
        width = self.supernet.space.graph.input_shape[0]
        plan.sizes[width] = plan.inputs
        where: dict[Hashable, tuple[int, int]] = {
            (number, 0) if own else 0: (width, number if own else 0) for number in range(len(traces))
        }
        for _, members in sorted(groups.items(), key=lambda item: (item[0][:2], item[1][0][1])):
            distinct = {key: (value, number) for key, value, number in members}
            self._add(plan, where, distinct, own)
        ends = [where[(number, output) if own else output] for number, (output, _) in enumerate(traces)]
        plan.outputs = torch.tensor([place for _, place in ends], device=self.supernet.device)
        return plan

    def _add(
        self,
        plan: _Plan,
        where: dict[Hashable, tuple[int, int]],
        members: dict[Hashable, tuple[int, int]],
        own: bool,
    ) -> None:
        """Add the task of values of one kind, and note where they will lie."""
        steps, nodes = self.interner.steps, self.supernet.space.graph.nodes
        first: Step = steps[next(iter(members.values()))[0]]
        read, owners = [], []
        for place, (value, number) in enumerate(members.values()):
            for each in steps[value].inputs:
                read.append(where[(number, each) if own else each])
                owners.append(place)
        width_in = read[0][0]
        name, count = first.operation(nodes), len(members)
        shape = self.costs.sizes[next(iter(members.values()))[0]]
        start = plan.sizes.get(shape, 0)
        plan.sizes[shape] = start + count
        for place, key in enumerate(members):
            where[key] = shape, start + place
        device = self.supernet.device
        owner = None if owners == list(range(count)) else torch.tensor(owners, device=device)
        source = torch.tensor([place for _, place in read], device=device)
        plan.tasks.append((width_in, _Task(name, source, owner, count, shape, slice(start, start + count))))
        plan.computed += count
        plan.macs += sum(self.costs.macs[value] for value, _ in members.values())

    # running -----------------------------------------------------------------------------------------------------

    def _sums(self, architectures: Sequence[Architecture]) -> Tensor:
        """Return sums of loss and measures, shape (architectures, 1 + measures, batches)."""
        supernet, frame = self.supernet, self.supernet.frame
        assert isinstance(frame, Frame)
        traces = self._values(architectures)
        shared, apart = self._plan(traces, False), self._plan(traces, True)
        state, results = None, []
        with torch.inference_mode(), supernet.frozen(self.where.normalising):
            for tokens, targets in self.where.batches:
                if not getattr(tokens, "place", 0):
                    state = None
                states = []
                for value in frame.embed(tokens):
                    plan = shared if state is None else apart
                    if state is None:
                        state = value.new_zeros((1, len(value), frame.state))
                    state = self._run(plan, torch.cat([value.expand(len(state), -1, -1), state], dim=2))
                    states.append(state)
                    self.counters.evaluations += plan.computed
                    self.counters.macs_executed += plan.macs * len(value)
                each = torch.stack(states).unbind(1)
                results.append(torch.stack([self._score(frame.decode(own), targets) for own in each]))
                self.counters.passes += len(targets) * len(architectures)
        return torch.stack(results, dim=-1).cpu()

    def _score(self, logits: Tensor, targets: Tensor) -> Tensor:
        return self.where.task.sums(logits.flatten(0, 1), targets)

    def _run(self, plan: _Plan, inputs: Tensor) -> Tensor:
        """Compute one token; return the new states, shape (networks, streams, state)."""
        streams = inputs.shape[1]
        pools = {width: inputs.new_empty((count, streams, width)) for width, count in plan.sizes.items()}
        pools[inputs.shape[2]][: len(inputs)] = inputs
        last = None
        for width, task in plan.tasks:
            value = pools[width].index_select(0, task.source)
            if task.owner is not None:
                value = value.new_zeros((task.count, streams, width)).index_add_(0, task.owner, value)
            if task.name is not None:
                value = self._apply(task.name, value)
            pools[task.width][task.target] = value
            last = task.width
        assert last is not None
        return pools[last].index_select(0, plan.outputs)

    def _apply(self, name: str, value: Tensor) -> Tensor:
        """Run an operation on (values, streams, width); BatchNorm takes the statistics of each value."""
        module = self.supernet.ops[name]
        if isinstance(module, NodeBatchNorm) and self.where.policy == "batch":
            # Not by var_mean, which is slow over a dimension that is not the last.
            centred = value - value.mean(1, keepdim=True)
            found = centred * torch.rsqrt(centred.square().mean(1, keepdim=True) + module.eps)
            return found if module.weight is None else found * module.weight + module.bias
        result: Tensor = module(value.flatten(0, 1))
        return result.view(len(value), value.shape[1], -1)
