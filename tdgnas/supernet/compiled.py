"""The dense form of the supernet for ``torch.compile``: gates are a tensor, so one compilation serves everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..graphs import INPUT, combine
from ..spaces import Architecture
from .batchnorm import Statistics
from .counters import Counters
from .evaluation import EvaluationSet, Score
from .relaxation import term_weight

if TYPE_CHECKING:
    from .supernet import Supernet


class CompiledEvaluator:
    """Scores architectures by one compiled network in which every gate is multiplied by 0 or 1.

    The same scores as :func:`evaluate_one` up to rounding. Each distinct architecture costs the whole supernet, so
    this pays where architectures share little and compilation saves much; measure it beside
    :class:`PopulationEvaluator`. The first call compiles, which takes a minute.

    :param supernet: whose weights are shared.
    :param where: images, batches and BatchNorm policy.
    :param backend: of ``torch.compile``.
    """

    def __init__(
        self, supernet: Supernet, where: EvaluationSet, *, backend: str | Callable[..., Any] = "inductor"
    ) -> None:
        self.supernet = supernet
        self.where = where
        self.counters = Counters()
        # One function for each policy: what BatchNorm does is decided when a function is traced.
        self._run = torch.compile(self._dense, backend=backend, dynamic=False, fullgraph=True)
        self._calibrate = torch.compile(self._record, backend=backend, dynamic=False, fullgraph=True)

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return the score of each architecture, in their order; each distinct one is computed once."""
        space, where = self.supernet.space, self.where
        distinct = list(dict.fromkeys(architectures))
        for architecture in distinct:
            space.check(architecture)
        with torch.inference_mode():
            results = [self._sums(architecture) for architecture in distinct]
            found = torch.stack(results).cpu().tolist() if results else []
        self._count(architectures, len(distinct))
        scores = {
            architecture: Score.of(where.task, sums, where.images)
            for architecture, sums in zip(distinct, found, strict=True)
        }
        return [scores[architecture] for architecture in architectures]

    def _sums(self, architecture: Architecture) -> Tensor:
        supernet, where = self.supernet, self.where
        gates = torch.tensor(supernet.space.encode(architecture), device=supernet.device).gt(0)
        gates = gates.to(supernet.alpha.dtype)
        statistics: Statistics = []
        if where.calibration is not None:
            with supernet.frozen("record", []):
                statistics = self._calibrate(where.calibration, gates)
        rows = []
        for images, targets in where.batches:
            with supernet.frozen(where.normalising, statistics):
                rows.append(where.task.sums(self._run(images, gates), targets))
        return torch.stack(rows, dim=1)

    def _record(self, images: Tensor, gates: Tensor) -> Statistics:
        state = self.supernet.batchnorm
        state.statistics = []
        self._dense(images, gates)
        return state.statistics

    def _dense(self, images: Tensor, gates: Tensor) -> Tensor:
        """Logits of one architecture, whose genes are given as zeros and ones, shape (genes,)."""
        ops, space = self.supernet.ops, self.supernet.space
        values = {INPUT: images}
        for node in space.graph.nodes:
            inputs = []
            for term in node.terms:
                value = values[term.source]
                if term.op is not None:
                    value = ops[term.op.name](value)
                gate = term_weight(space.decisions, term, gates)
                inputs.append(value if gate is None else value * gate)
            values[node.name] = combine(node, inputs, None if node.post is None else ops[node.post.name])
        return values[space.graph.output]

    def note(self, architectures: Sequence[Architecture]) -> None:
        """Count requests for architectures whose scores are known already."""
        self._count(architectures, 0)

    def _count(self, architectures: Sequence[Architecture], distinct: int) -> None:
        space, where = self.supernet.space, self.where
        batches = len(where.batches) + (where.calibration is not None)
        graph = space.graph
        sizes = {each: len(graph.steps(each.choices)) - 1 for each in architectures}
        macs = {each: graph.macs(each.choices) for each in sizes}
        dense = [op.name for node in graph.nodes for op in node.ops]
        joins = sum(len(node.terms) > 1 and node.post is None for node in graph.nodes)
        self.counters.add(
            Counters(
                requests=batches * sum(sizes[each] for each in architectures),
                evaluations=batches * distinct * (len(dense) + joins),
                macs_requested=where.passes * sum(macs[each] for each in architectures),
                macs_executed=where.passes * distinct * sum(graph.profile.macs[name] for name in dense),
                passes=where.passes * distinct,
            )
        )
