"""Workers that exist in the clock of a simulation: how well a search would keep many devices busy."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any


class SimulatedMap:
    """A map, synchronous or one at a time, whose workers take simulated time; a discrete-event model.

    The driver hands out and takes back one item after another, each of which keeps it for ``overhead`` seconds; a
    worker begins as soon as it is given an item. Results are computed here, at no simulated cost. Called as a map it
    waits for all its items, as a generation does; ``put`` and ``take`` do not.

    :param workers: how many.
    :param duration: seconds that an item takes on a worker.
    :param overhead: seconds of the driver's for each hand-out, and for each result.
    :ivar clock: seconds since the start, at the driver.
    :ivar busy: seconds that workers have worked, in sum, of what has come back.

    >>> simulated = SimulatedMap(2, duration=float)
    >>> simulated(abs, [3, 1, 1])
    [3, 1, 1]
    >>> simulated.clock, simulated.share
    (3.0, 0.8333333333333334)
    """

    def __init__(self, workers: int, duration: Callable[[Any], float], overhead: float = 0.0) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}; at least one has to do the work")
        self.workers, self.duration, self.overhead = workers, duration, overhead
        self.clock = self.busy = 0.0
        self.free = [0.0] * workers  # when each worker is free, a heap
        self.running: list[tuple[float, int, float, Any]] = []  # end, number, seconds, result; a heap
        self._numbers = itertools.count()

    @property
    def share(self) -> float:
        """Share of the workers' time that they were busy."""
        return self.busy / (self.workers * self.clock) if self.clock else 1.0

    def count(self) -> int:
        """Return the number of workers."""
        return self.workers

    def put(self, function: Callable[..., Any], *item: Any) -> int:
        """Hand out one item; return its number."""
        self.clock += self.overhead
        seconds = self.duration(*item)
        end = max(self.clock, heapq.heappop(self.free)) + seconds
        heapq.heappush(self.free, end)
        number = next(self._numbers)
        heapq.heappush(self.running, (end, number, seconds, function(*item)))
        return number

    def take(self) -> tuple[int, Any]:
        """Wait for the next result; return its item's number and it."""
        end, number, seconds, result = heapq.heappop(self.running)
        self.clock = max(self.clock, end) + self.overhead
        self.busy += seconds
        return number, result

    def __call__(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> list[Any]:
        """Map like the builtin, with as many items under way as there are workers."""
        waiting = deque(zip(*iterables, strict=False))
        found: dict[int, Any] = {}
        order: list[int] = []
        while waiting or self.running:
            while waiting and len(self.running) < self.workers:
                order.append(self.put(function, *waiting.popleft()))
            number, found[number] = self.take()
        return [found[number] for number in order]

    def close(self, now: bool = False) -> None:
        """Forget what is under way."""
        self.running.clear()
