"""The dense form of the supernet for ``torch.compile``: gates are a tensor, so one compilation serves everybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..spaces import Architecture
from .counters import Counters
from .evaluation import EvaluationSet, Score, sums_of

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
        self._run = torch.compile(supernet.by_weights, backend=backend, dynamic=False, fullgraph=True)

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return the score of each architecture, in their order; each distinct one is computed once."""
        space, where = self.supernet.space, self.where
        distinct = list(dict.fromkeys(architectures))
        for architecture in distinct:
            space.check(architecture)
        results = [self._sums(architecture) for architecture in distinct]
        found = torch.stack(results).cpu().tolist() if results else []
        self._count(architectures, len(distinct))
        scores = {
            architecture: Score.of(where.task, sums, where.images)
            for architecture, sums in zip(distinct, found, strict=True)
        }
        return [scores[architecture] for architecture in architectures]

    def _sums(self, architecture: Architecture) -> Tensor:
        supernet = self.supernet
        gates = torch.tensor(supernet.space.encode(architecture), device=supernet.device).gt(0)
        weights = gates.to(supernet.alpha.dtype).unsqueeze(0)
        return sums_of(supernet, self.where, lambda images: self._run(images, weights)[0])

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
