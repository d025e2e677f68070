"""A population over several devices: what individuals have in common stays on one of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..graphs import Interner
from ..spaces import Architecture, SearchSpace
from .counters import Counters
from .evaluation import EvaluationSet, Evaluator, Score
from .population import PopulationEvaluator
from .schedule import Costs, reading_order

if TYPE_CHECKING:
    from .supernet import Supernet


class Shares:
    """What architectures share on a supernet, and how they are split over devices with little computed twice.

    :param space: whose graph has the nodes.
    :param architectures: in their order.
    """

    def __init__(self, space: SearchSpace, architectures: Sequence[Architecture]) -> None:
        interner, costs = Interner(space.graph.nodes), Costs(space)
        traced = [interner.trace(architecture.choices) for architecture in architectures]
        costs.grow(interner)
        self.macs, self.values = costs.macs, [values for _, values in traced]
        rank = {output: place for place, output in enumerate(reading_order(interner, [o for o, _ in traced]))}
        self.order = sorted(range(len(traced)), key=lambda place: rank[traced[place][0]])

    def cost(self, places: Iterable[int]) -> int:
        """Return the multiply-adds of what these architectures need, each value once, for one image."""
        return sum(self.macs[each] for each in {value for place in places for value in self.values[place]})

    def split(self, parts: int) -> list[list[int]]:
        """Return the places of the architectures in so many parts, the dearest as cheap as it can be.

        The tree of shared values, read depth-first, is cut: in the order in which those that share much follow each
        other, each part takes what fits under a bound, and the least bound that ``parts`` parts suffice for is found by
        bisection.
        """
        low, high = max(self.cost([place]) for place in self.order), self.cost(self.order)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if len(self._filled(middle)) <= parts else (middle + 1, high)
        return self._filled(high)

    def _filled(self, bound: int) -> list[list[int]]:
        """Return parts that none costs more than a bound, each but the last as large as it can be."""
        found: list[list[int]] = []
        held: set[int] = set()
        cost = bound + 1
        for place in self.order:
            cost += sum(self.macs[value] for value in self.values[place] if value not in held)
            if cost > bound:
                found.append([])
                held, cost = set(), self.cost([place])
            held.update(self.values[place])
            found[-1].append(place)
        return found


class Scorer:
    """Scores architectures in a worker, which keeps what it has computed for the next population.

    :param evaluator: makes what scores, as for ``SupernetFitness``.
    """

    constant = True  # with other weights it is another one
    failed = (None, None)  # of an architecture that takes its worker along; it scores NaN

    def __init__(
        self,
        supernet: Supernet,
        where: EvaluationSet,
        evaluator: Callable[[Supernet, EvaluationSet], Evaluator],
    ) -> None:
        self.supernet, self.where, self.evaluator = supernet, where, evaluator
        self._made: Evaluator | None = None

    def __getstate__(self) -> dict[str, Any]:
        supernet = copy.copy(self.supernet)
        supernet.data = None
        return {**vars(self), "supernet": supernet, "_made": None}

    def __call__(self, architecture: Architecture) -> tuple[Score, Counters | None]:
        """Score one architecture."""
        return self.batch([architecture])[0]

    def batch(self, architectures: Sequence[Architecture]) -> list[tuple[Score, Counters | None]]:
        """Return the score of each, and with the first what all of them have cost."""
        if self._made is None:
            self._made = self.evaluator(self.supernet, self.where)
        before = self._made.counters.copy()
        scores = self._made.scores(architectures)
        spent = self._made.counters.since(before)
        return [(score, None if place else spent) for place, score in enumerate(scores)]

    def split(self, architectures: Sequence[Architecture], parts: int) -> list[list[int]]:
        """Return the places of architectures in parts, see :meth:`Shares.split`."""
        return Shares(self.supernet.space, architectures).split(parts)


class SplitEvaluator:
    """Scores populations by the workers of a map, such as ``WorkerMap`` and ``RayMap``; in place of a
    :class:`PopulationEvaluator`, to the same bits where that is depth-first.

    The supernet goes to each worker once, and again when its weights have changed. The counters hold what all workers
    have computed, and how much of it several of them.

    :param map: hands architectures out.
    :param evaluator: what scores in each worker.
    """

    def __init__(
        self,
        supernet: Supernet,
        where: EvaluationSet,
        map: Callable[..., Any],
        evaluator: Callable[[Supernet, EvaluationSet], Evaluator] = PopulationEvaluator,
    ) -> None:
        self.supernet, self.where, self.map, self.make = supernet, where, map, evaluator
        self.counters = Counters()
        self._version: tuple[int, ...] | None = None

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return the score of each architecture, in their order."""
        if self._version != self.supernet.version:
            self._scorer, self._version = Scorer(self.supernet, self.where, self.make), self.supernet.version
        found = list(self.map(self._scorer, architectures))
        spent = [counters for _, counters in found if counters is not None]
        for counters in spent:
            self.counters.add(counters)
        if len(spent) > 1:
            shares = Shares(self.supernet.space, architectures)
            parts = shares.split(len(spent))
            repeated = sum(map(shares.cost, parts)) - shares.cost(shares.order)
            self.counters.macs_repeated += repeated * self.where.passes
        nothing = Score(math.nan, dict.fromkeys(self.where.task.names, math.nan))
        return [nothing if score is None else score for score, _ in found]

    def note(self, architectures: Sequence[Architecture]) -> None:
        """Count requests for architectures whose scores are known already."""
        shares = Shares(self.supernet.space, architectures)
        batches = len(self.where.batches) + (self.where.calibration is not None)
        for place in range(len(architectures)):
            self.counters.requests += len(shares.values[place]) * batches
            self.counters.macs_requested += shares.cost([place]) * self.where.passes
