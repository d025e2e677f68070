"""The one search loop: a strategy on a fitness within a budget, a generation at a time."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from typing import Any, Literal, get_args

from ..budget import Budget
from ..files import State
from ..individual import merit, set_values
from ..mapping import batch_map, layers
from ..operators import population_entropy
from ..strategies.base import pack
from ..strategies.saving import set_toolbox_states, toolbox_states

Unit = Literal["generations", "evaluations", "passes", "seconds"]
UNITS: tuple[str, ...] = get_args(Unit)

#: Requests in a row that cost nothing after which a search counts as converged.
PATIENCE = 3_000
#: Part of a unit that sums of shares may be wrong by.
SLACK = 1e-9


@dataclass
class Trace:
    """What a search saw.

    :param points: whenever its choice changed: budget used, signal of the choice, genes of the choice.
    :param entropies: per generation: budget used, entropy of the population's choices in nats.
    :param evaluations: evaluations that were computed within the budget.
    :param requests: all individuals whose fitness was asked for.
    :param used: budget used, at most the limit.
    :param converged: whether it stopped because it asked for nothing new any more.
    """

    points: list[tuple[float, float, list[float]]] = field(default_factory=list)
    entropies: list[tuple[float, float]] = field(default_factory=list)
    evaluations: int = 0
    requests: int = 0
    used: float = 0.0
    converged: bool = False


@dataclass(frozen=True)
class Turn:
    """One generation of a search.

    :param index: 0 for the first.
    :param population: what the strategy holds after it; what was evaluated, where it holds nothing.
    :param evaluated: the individuals that the strategy returned.
    :param fresh: those among them that were evaluated now.
    :param late: those of them that were evaluated beyond the budget and do not count.
    """

    index: int
    population: list[Any]
    evaluated: list[Any]
    fresh: list[Any]
    late: list[Any] = field(default_factory=list)


class Search(Iterator[Turn]):
    """An iterator that takes one generation of a strategy at each step, until the budget is used up.

    Nothing that was evaluated beyond the limit counts, so no strategy gains from large generations. Between two
    generations it can be saved, and goes on as if it had never stopped; Python's and torch's global random states are
    the caller's to save (:func:`tdgnas.seeding.random_states`), as are weights that learn during the search.

    :param strategy: with ``generate``, ``update`` and, where it does not settle on the best, ``recommends``.
    :param evaluate: a fitness; where it keeps something, with ``state_dict`` and ``load_state_dict``; where it computes
        several individuals side by side, with ``ahead``, which is given all of a generation before they are asked for.
    :param budget: the ledger that all costs go to: those of the fitness, and of gradients and weights.
    :param unit: what is counted; ``generations`` are those after the first.
    :param limit: of that unit, beyond what ``budget`` holds at the start.
    :param loci: a population's choices for the entropy; none is kept where None.
    :param whole: evaluate a generation in one call; costs are then spread evenly over it.
    :param begin: changes individuals in place before they are evaluated, such as a schedule of depth.
    :param flow: a :class:`tdgnas.distributed.Flow` of strategy and fitness, where a turn is one individual that comes
        back from there instead of a generation; as many may be under way as evaluations are left.
    :ivar trace: what happened so far; its costs include what the ledger held at the start.
    :ivar start: budget used before the search.
    :ivar index: generations done.
    """

    def __init__(
        self,
        strategy: Any,
        evaluate: Callable[[Any], tuple[float, ...]],
        budget: Budget,
        *,
        unit: Unit,
        limit: float,
        loci: Callable[[Sequence[Any]], Any] | None = None,
        whole: bool = False,
        begin: Callable[[Sequence[Any]], object] | None = None,
        flow: Any = None,
    ) -> None:
        if unit not in UNITS:
            raise ValueError(f"the unit is {unit!r}; it must be one of {', '.join(UNITS)}")
        self.strategy, self.evaluate, self.budget = strategy, evaluate, budget
        self.unit, self.loci, self.whole, self.begin = unit, loci, whole, begin
        self.flow = flow
        self.trace = Trace()
        self.index = 0
        self.start = self.used
        self.limit = self.start + limit
        self._recommends = getattr(strategy, "recommends", "best")
        self._best: tuple[float, tuple[float, ...]] | None = None
        self._idle = 0

    @property
    def used(self) -> float:
        """Budget used so far, in the search's unit."""
        if self.unit == "generations":
            return float(max(self.index - 1, 0))
        return float(getattr(self.budget, self.unit))

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        if self.unit == "generations":
            return self.index > self.limit
        return self.used >= self.limit - SLACK or self._idle >= PATIENCE

    def run(self) -> Trace:
        """Go on to the end; return what happened."""
        while not self.done:
            next(self)
        return self.trace

    def __next__(self) -> Turn:
        if self.done:
            raise StopIteration
        strategy, trace = self.strategy, self.trace
        before = self.used
        individuals = strategy.generate() if self.flow is None else [self.flow.take(self._left())]
        fresh = [individual for individual in individuals if not individual.fitness.valid]
        if self.begin is not None:
            self.begin(fresh)
        generations, late = self.unit == "generations", []
        for individual, used, new in self._evaluated(fresh):
            cost = float(self.index) if generations else used
            if cost > self.limit + SLACK:
                late.append(individual)
                continue
            trace.used = max(trace.used, cost)
            trace.evaluations += new
            trace.requests += 1
            self._note(individual, cost)
        strategy.update(individuals)
        self.index += 1
        used = self.used
        self._idle = 0 if used > before or generations else self._idle + max(1, len(fresh))
        trace.converged = self._idle >= PATIENCE
        if self._recommends not in ("best", "last"):
            self._choose(strategy.recommendation(), min(used, self.limit))
        population = getattr(strategy, "population", None) or individuals
        if self.loci is not None:
            trace.entropies.append((min(used, self.limit), population_entropy(population, self.loci)))
        return Turn(self.index - 1, population, individuals, fresh, late)

    def _left(self) -> int:
        return math.ceil(self.limit - self.used - SLACK) if self.unit == "evaluations" else sys.maxsize

    def _note(self, individual: Any, cost: float) -> None:
        values = merit(individual)
        if self._recommends == "last" or (
            self._recommends == "best" and (self._best is None or values > self._best)
        ):
            self._best = values
            self._choose(individual, cost)

    def _choose(self, individual: Any, cost: float) -> None:
        self.trace.points.append((cost, float(individual.fitness.values[0]), list(map(float, individual))))

    def _evaluated(self, fresh: list[Any]) -> Iterator[tuple[Any, float, int]]:
        """Evaluate individuals; return each with the budget used after it and the evaluations it took (0 or 1)."""
        budget, used = self.budget, attrgetter("evaluations" if self.unit == "generations" else self.unit)
        ahead = next((layer.ahead for layer in layers(self.evaluate) if hasattr(layer, "ahead")), None)
        if ahead is not None:
            with suppress(Exception):  # met again below, with the individual that is to blame
                ahead(fresh)
        groups = [fresh] if self.whole and fresh else [[individual] for individual in fresh]
        # All are evaluated before the first is noted, as a generation is.
        done = []
        for group in groups:
            start, computed = float(used(budget)), budget.evaluations
            found = batch_map(self.evaluate, group) if self.whole else map(self.evaluate, group)
            for individual, values in zip(group, found, strict=True):
                set_values(individual, values)
            step = (float(used(budget)) - start) / len(group)
            new = budget.evaluations - computed
            done += [(each, start + (n + 1) * step, int(n < new)) for n, each in enumerate(group)]
        return iter(done)

    def state_dict(self) -> State:
        """Strategy, operators and fitness with a state, the ledger, and the trace so far."""
        toolbox = getattr(self.strategy, "toolbox", None)
        keeper = _keeper(self.evaluate)
        return {
            "strategy": self.strategy.state_dict(),
            "toolbox": None if toolbox is None else toolbox_states(toolbox),
            "evaluate": None if keeper is None else keeper.state_dict(),
            "budget": self.budget.state_dict(),
            "trace": asdict(self.trace),
            "best": self._best,
            "place": [self.index, self.start, self.limit, self._idle],
            "open": [] if self.flow is None else [pack(one) for one in self.flow.open],
        }

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken."""
        if state["toolbox"] is not None:
            set_toolbox_states(self.strategy.toolbox, state["toolbox"])
        keeper = _keeper(self.evaluate)
        if keeper is not None:
            keeper.load_state_dict(state["evaluate"])
        self.budget.load_state_dict(state["budget"])
        self.strategy.load_state_dict(state["strategy"])
        if self.flow is not None:
            self.flow.waiting.extend(map(self.strategy.unpack, state["open"]))
        points: list[Any] = [tuple(point) for point in state["trace"]["points"]]
        entropies: list[Any] = [tuple(pair) for pair in state["trace"]["entropies"]]
        self.trace = Trace(**{**state["trace"], "points": points, "entropies": entropies})
        self.index, self.start, self.limit, self._idle = state["place"]
        self._best = None if state["best"] is None else (state["best"][0], tuple(state["best"][1]))


def _keeper(evaluate: Any) -> Any:
    """What has the state of a fitness, seen through what wraps it."""
    found = (layer for layer in layers(evaluate) if hasattr(layer, "load_state_dict"))
    return next(found, None)
