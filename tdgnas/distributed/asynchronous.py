"""Evolution without generations: nobody waits for the slowest."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from deap import base

from ..algorithms import Evolution
from ..individual import IndividualLike
from ..mapping import layers
from ..strategies.base import Strategy, pack


class AsyncEvolution(Evolution):
    """Run a strategy without generations: as soon as one evaluation ends, its result is taken and the next goes out.

    Written ``evolve_async(strategy, toolbox, evaluations)``. It is an :class:`Evolution`, whose turns are updates of
    the strategy with what has come back; one by one, or ``batch`` at a time, for a strategy that learns from several,
    such as REINFORCE (whose gradients are then late). Which result comes first is the clock's affair, so that a run
    does not repeat itself; none is lost, and none counts twice.

    ``toolbox.evaluate`` goes to the workers once and is to stay as it is. A fitness with ``task`` and ``keep``, such as
    ``TrainingFitness``, stays here with its memory and its ledger, and hands out what is dear alone.

    :param strategy: one that is ``asynchronous``.
    :param toolbox: with ``evaluate``; with ``map`` as a :class:`tdgnas.workers.Workers`, such as ``WorkerMap`` or
        ``RayMap``. Any other map evaluates here, one after another.
    :param evaluations: how many individuals to evaluate.
    :param batch: results that go back to the strategy at once.
    :param width: individuals under way at once; as many as there are workers at the time when None.
    :param given: ``stats``, ``halloffame``, ``loci``, as for :class:`Evolution`.
    :raises ValueError: for a strategy that takes back whole generations, or numbers below 1.
    """

    def __init__(
        self,
        strategy: Any,
        toolbox: base.Toolbox,
        evaluations: int,
        *,
        batch: int = 1,
        width: int | None = None,
        **given: Any,
    ) -> None:
        if not getattr(strategy, "asynchronous", False):
            raise ValueError(
                f"{type(strategy).__name__} takes back whole generations; run it by evolve, or take a strategy that is "
                "asynchronous, such as aging, random, local-search, tdga-steady, tdga-gp or reinforce-lstm"
            )
        for name, number in (("evaluations", evaluations), ("batch", batch), ("width", width or 1)):
            if number < 1:
                raise ValueError(f"{name} is {number}; it must be at least 1")
        super().__init__(strategy, toolbox, math.ceil(evaluations / batch) - 1, **given)
        self.evaluations, self.batch = evaluations, batch
        self.map: Any = (
            next((layer for layer in layers(toolbox.map) if hasattr(layer, "put")), None) or _Here()
        )
        self.width = width
        self.waiting: deque[Any] = deque()  # asked for by the strategy
        self.out: dict[int, Any] = {}  # with the workers
        self.back: list[Any] = []  # evaluated, and not yet handed back
        self.sent = 0
        fitness = (layer for layer in layers(toolbox.evaluate) if hasattr(layer, "task"))
        self._fitness = next(fitness, None)

    def _evaluated(self) -> tuple[Sequence[IndividualLike], Sequence[IndividualLike]]:
        wanted = min(self.batch, self.evaluations - self.generation * self.batch)
        while len(self.back) < wanted:
            self._fill()
            if len(self.back) < wanted:
                self._take()
        found, self.back = self.back[:wanted], self.back[wanted:]
        return found, found

    def _fill(self) -> None:
        """Hand out until all workers have something; what takes no work is evaluated at once."""
        while (
            len(self.out) < (self.width or self.map.count())
            and self.sent < self.evaluations
            and self._asked()
        ):
            individual = self.waiting.popleft()
            self.sent += 1
            task = (
                (self.toolbox.evaluate, individual)
                if self._fitness is None
                else self._fitness.task(individual)
            )
            if task is not None:
                self.out[self.map.put(*task)] = individual
                continue
            individual.fitness.values = self.toolbox.evaluate(individual)
            self.back.append(individual)
            return

    def _asked(self) -> bool:
        if not self.waiting:
            self.waiting.extend(one for one in self.strategy.generate() if not one.fitness.valid)
        if not self.waiting and not self.out and not self.back:
            raise RuntimeError(f"{type(self.strategy).__name__} asks for nothing, and nothing is under way")
        return bool(self.waiting)

    def _take(self) -> None:
        try:
            number, result = self.map.take()
            individual = self.out.pop(number)
            if self._fitness is not None:
                self._fitness.keep(individual, result)
                result = self.toolbox.evaluate(individual)
            individual.fitness.values = result
        except BaseException:
            self._recall()
            raise
        self.back.append(individual)

    def _recall(self) -> None:
        """Take back what is out, so that the next turn, or a resumed evolution, asks for it again."""
        self.map.close(now=True)
        self.waiting.extendleft(reversed(self.out.values()))
        self.sent -= len(self.out)
        self.out.clear()

    def state_dict(self) -> dict[str, Any]:
        """What :class:`Evolution` has; individuals that are under way are asked for again by who goes on from it."""
        open_ones = [*self.out.values(), *self.waiting]
        return {
            **super().state_dict(),
            "open": [pack(one) for one in open_ones],
            "back": [pack(one) for one in self.back],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        strategy: Strategy = self.strategy  # type: ignore[assignment]
        self.waiting = deque(strategy.unpack(one) for one in state["open"])
        self.back = [strategy.unpack(one) for one in state["back"]]
        self.sent = self.generation * self.batch + len(self.back)


evolve_async = AsyncEvolution
"""The verb by which an :class:`AsyncEvolution` is made."""


class _Here:
    """Evaluates in this process, when it is asked for the result."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, Callable[..., Any], tuple[Any, ...]]] = deque()
        self.number = 0

    def count(self) -> int:
        return 1

    def put(self, function: Callable[..., Any], *item: Any) -> int:
        self.number += 1
        self.waiting.append((self.number, function, item))
        return self.number

    def take(self) -> tuple[int, Any]:
        number, function, item = self.waiting.popleft()
        return number, function(*item)

    def close(self, now: bool = False) -> None:
        self.waiting.clear()
