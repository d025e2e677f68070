"""Evolution without generations: nobody waits for the slowest."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from deap import base

from ..algorithms import Evolution
from ..individual import IndividualLike, set_values
from ..mapping import layers
from ..strategies.base import Strategy, pack


class Flow:
    """Individuals of a strategy on their way through workers, each for itself.

    A fitness with ``task`` and ``keep``, such as ``TrainingFitness``, stays here with its memory and its ledger, and
    hands out what is dear alone; a child that is under way already is waited for.

    :param strategy: one that is ``asynchronous``.
    :param evaluate: the fitness; it goes to the workers once where it has no ``task``.
    :param mapping: :class:`tdgnas.workers.Workers`, such as ``WorkerMap`` or ``RayMap``. Any other map evaluates here.
    :param width: individuals under way at once; as many as there are workers at the time when None.
    :raises ValueError: for a strategy that takes back whole generations.
    """

    def __init__(self, strategy: Any, evaluate: Any, mapping: Any, width: int | None = None) -> None:
        if not getattr(strategy, "asynchronous", False):
            raise ValueError(
                f"{type(strategy).__name__} takes back whole generations; run it by evolve, or take a strategy that is "
                "asynchronous, such as aging, random, local-search, tdga-steady, tdga-gp or reinforce-lstm"
            )
        self.strategy, self.evaluate, self.width = strategy, evaluate, width
        self.map: Any = next((layer for layer in layers(mapping) if hasattr(layer, "put")), None) or _Here()
        self.waiting: deque[Any] = deque()  # asked for by the strategy
        self.out: dict[int, Any] = {}  # with the workers
        self.twins: deque[Any] = deque()  # that wait for what is with the workers
        self._children: dict[int, Any] = {}
        self._fitness = next((layer for layer in layers(evaluate) if hasattr(layer, "task")), None)

    def take(self, most: int) -> Any:
        """Hand out until all workers have something; wait for one, and return its individual.

        It is evaluated then, or, where the fitness stays here, evaluating it takes no work any more.

        :param most: individuals that may be under way.
        """
        while len(self.out) + len(self.twins) < min(most, self.width or self.map.count()) and self._asked():
            individual = self.waiting.popleft()
            if self._fitness is None:
                self.out[self.map.put(self.evaluate, individual)] = individual
                continue
            task = self._fitness.task(individual)
            if task is None:
                return individual
            if task[1] in self._children.values():
                self.twins.append(individual)
                continue
            number = self.map.put(*task)
            self.out[number], self._children[number] = individual, task[1]
        return self._back()

    def _asked(self) -> bool:
        if not self.waiting:
            self.waiting.extend(one for one in self.strategy.generate() if not one.fitness.valid)
        if not self.waiting and not self.out:
            raise RuntimeError(f"{type(self.strategy).__name__} asks for nothing, and nothing is under way")
        return bool(self.waiting)

    def _back(self) -> Any:
        try:
            number, result = self.map.take()
            if self._fitness is None:
                set_values(self.out[number], result)
            else:
                self._fitness.keep(self.out[number], result)
        except BaseException:
            self.recall()
            raise
        self._children.pop(number, None)
        self.waiting.extendleft(reversed(self.twins))
        self.twins.clear()
        return self.out.pop(number)

    def recall(self) -> None:
        """Take back what is out, so that it is asked for again."""
        self.map.close(now=True)
        self.waiting = deque(self.open)
        self.out.clear()
        self.twins.clear()
        self._children.clear()

    @property
    def open(self) -> list[Any]:
        """What is under way; who goes on from there asks for it again."""
        return [*self.out.values(), *self.twins, *self.waiting]


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
        for name, number in (("evaluations", evaluations), ("batch", batch), ("width", width or 1)):
            if number < 1:
                raise ValueError(f"{name} is {number}; it must be at least 1")
        super().__init__(strategy, toolbox, math.ceil(evaluations / batch) - 1, **given)
        self.evaluations, self.batch = evaluations, batch
        self.flow = Flow(strategy, toolbox.evaluate, toolbox.map, width)
        self.back: list[Any] = []  # evaluated, and not yet handed back

    def _evaluated(self) -> tuple[Sequence[IndividualLike], Sequence[IndividualLike]]:
        left = self.evaluations - self.generation * self.batch
        while len(self.back) < min(self.batch, left):
            individual = self.flow.take(left - len(self.back))
            if not individual.fitness.valid:
                try:
                    set_values(individual, self.toolbox.evaluate(individual))
                except BaseException:
                    self.flow.waiting.appendleft(individual)
                    raise
            self.back.append(individual)
        found, self.back = self.back, []
        return found, found

    def state_dict(self) -> dict[str, Any]:
        """What :class:`Evolution` has; individuals that are under way are asked for again by who goes on from it."""
        open_ones, back = ([pack(one) for one in ones] for ones in (self.flow.open, self.back))
        return {**super().state_dict(), "open": open_ones, "back": back}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        strategy: Strategy = self.strategy  # type: ignore[assignment]
        self.flow.waiting = deque(strategy.unpack(one) for one in state["open"])
        self.back = [strategy.unpack(one) for one in state["back"]]


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
