"""What maps over workers have in common: how work is handed out, and what happens when one of them dies."""

from __future__ import annotations

import itertools
import os
import pickle
import signal
import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

from .mapping import batched, checked_batch, hands_out, name_of
from .registry import import_plugin

#: Functions that a worker keeps at hand: evaluation, local search, and some of the user's own.
_HELD = 8

#: Starts in a row that may fail before it is given up.
_STARTS = 3


class WorkerDied(RuntimeError):
    """A worker ended without an answer, and so did the one that tried the same item again."""


class Died(Exception):
    """A worker ended; ``blamed`` where what it was doing may be the reason."""

    def __init__(self, blamed: bool = True) -> None:
        super().__init__(blamed)
        self.blamed = blamed


@dataclass(eq=False)
class Held:
    """A function as workers are given it, once each.

    :param digest: of its pickled form.
    :param payload: that form, or where it lies.
    """

    function: Any
    digest: bytes
    payload: Any


@dataclass(eq=False)
class Job:
    """What a worker does in one go: one item, or several in one call of the function's ``batch``.

    :param places: of the items among all that were given.
    :param items: the arguments for each.
    :param group: who waits for it; None for a job that nobody waits for any more.
    :param seat: number of the worker that it would best go to.
    """

    held: Held
    places: tuple[int, ...]
    items: list[tuple[Any, ...]]
    group: object
    seat: int | None = None
    deaths: int = 0


class Seat(Protocol):
    """One worker."""

    number: int

    def send(self, job: Job) -> Any:
        """Begin with a job; return what can be waited for."""

    def close(self, now: bool) -> None:
        """End the worker; ``now``, whatever it is doing."""


class Workers(ABC):
    """A map whose items are done by workers, one job at a time each.

    A function is sent to each worker once, and again when it has changed; what is declared ``constant`` is not looked
    at again. One with a ``batch`` form gets the items in as many parts as there are workers, by the function's own
    ``split(items, parts)`` where it has one, so that what is shared stays together; or, where ``batch`` takes a
    ``map``, hands them out itself. A worker that dies is replaced and its work done again; the items of a part are then
    done one by one, and that death counts against none of them. An item that takes its worker along twice, alone on
    it, gets the function's own ``failed``, where it has one; else that of the map, with a warning that names it. Where
    workers have died at other items too, which are not known to be deadly, an outsider may kill: it has a third try.

    :param failed: result for an item that kills its worker twice, such as a bad fitness ``(1e6,)``; with None,
        :class:`WorkerDied` is raised.
    :raises ValueError: for fewer than one worker.
    """

    def __init__(self, workers: int | None, failed: Any) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers is {workers}; at least one has to do the work")
        self.workers, self.failed = workers, failed
        self._held: deque[Held] = deque(maxlen=_HELD)
        self._waiting: deque[Job] = deque()
        self._running: dict[Any, tuple[Seat, Job | None]] = {}  # None while a worker gets ready
        self._seats: dict[int, Seat] = {}
        self._idle: list[Seat] = []
        self._numbers = itertools.count()
        self._failed_starts = 0
        self._deaths = 0  # of workers with one item, which is not known to be the reason

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: Any, *exc: object) -> None:
        self.close(now=kind is not None)

    def close(self, now: bool = False) -> None:
        """End the workers; the next call starts new ones.

        :param now: do not wait for what they are doing.
        """
        for seat in self._seats.values():
            seat.close(now)
        self._waiting.clear()
        self._running.clear()
        self._seats.clear()
        self._idle.clear()

    # as a map ----------------------------------------------------------------------------------------------------

    def __call__(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> list[Any]:
        """Map like the builtin; the results come as a list, in the order of the items.

        :raises WorkerDied: when an item kills its worker twice and there is no ``failed`` result.
        """
        batch = batched(function) if len(iterables) == 1 else None
        if batch is not None and hands_out(batch):
            items = list(iterables[0])
            return checked_batch(function, batch(items, map=self), len(items))
        found = dict(self.finished(function, *iterables))
        return [found[place] for place in range(len(found))]

    def finished(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the place of each item and its result as soon as it is done, in whatever order.

        :raises WorkerDied: when an item kills its worker twice and there is no ``failed`` result.
        """
        items = list(zip(*iterables, strict=False))
        if not items:
            return
        held, group, left = self._hold(function, check=True), object(), len(items)
        for seat, part in enumerate(self._parts(function, items)):
            job = Job(held, tuple(part), [items[place] for place in part], group)
            job.seat = seat if len(part) > 1 else None
            self._waiting.append(job)
        try:
            while left:
                job, results = self._take()
                left -= len(results)
                yield from zip(job.places, results, strict=True)
        finally:
            if left:
                self._forget(group)

    def _parts(self, function: Any, items: list[tuple[Any, ...]]) -> Sequence[Sequence[int]]:
        """Split the places of the items: one by one, or in parts for the function's batch form."""
        if len(items[0]) > 1 or batched(function) is None:
            return [[place] for place in range(len(items))]
        count = min(self.count(), len(items))
        split = getattr(function, "split", None)
        if split is not None:
            parts = split([item for (item,) in items], count)
            return [part for part in parts if part]
        ends = [round(len(items) * part / count) for part in range(count + 1)]
        return [range(start, end) for start, end in itertools.pairwise(ends)]

    # one at a time -----------------------------------------------------------------------------------------------

    def count(self) -> int:
        """Return the number of workers."""
        return self.workers or cpus()

    def put(self, function: Callable[..., Any], *item: Any) -> int:
        """Hand one item out; return its number, by which :meth:`take` returns its result.

        The function is taken to stay as it was when it was first put.
        """
        number = next(self._numbers)
        self._waiting.append(Job(self._hold(function, check=False), (number,), [item], self))
        self._hand_out()
        return number

    def take(self) -> tuple[int, Any]:
        """Wait for one of the items that were put; return its number and its result.

        :raises WorkerDied: when an item kills its worker twice and there is no ``failed`` result.
        :raises RuntimeError: when nothing is under way.
        """
        job, (result,) = self._take()
        return job.places[0], result

    # the work ----------------------------------------------------------------------------------------------------

    def _hold(self, function: Any, check: bool) -> Held:
        """Return the function as workers are given it, packed anew where it may have changed."""
        for held in self._held:
            if held.function is function and (not check or getattr(function, "constant", False)):
                return held
        packed = self._pack(function)
        digest = sha256(packed).digest()
        for held in self._held:
            if held.digest == digest:
                held.function = function
                return held
        self._held.append(Held(function, digest, self._store(packed)))
        return self._held[-1]

    def _hand_out(self) -> None:
        while self._waiting and (self._idle or len(self._seats) < self.count()):
            if not self._idle:
                self._begin(len(self._seats))
                continue
            seat = self._idle.pop(0)
            fits = (job for job in self._waiting if job.seat == seat.number)
            job = next(fits, self._waiting[0])
            self._waiting.remove(job)
            self._running[seat.send(job)] = seat, job

    def _begin(self, number: int) -> None:
        seat = self._seats[number] = self._open(number)
        ready = self._ready(seat)
        if ready is None:
            self._idle.append(seat)
        else:
            self._running[ready] = seat, None

    def _take(self) -> tuple[Job, list[Any]]:
        while True:
            self._hand_out()
            if not self._running:
                raise RuntimeError("nothing is under way: put an item before taking a result")
            handle = self._wait(list(self._running))
            if handle is None:  # there may be more workers by now
                continue
            seat, job = self._running.pop(handle)
            results: list[Any] | None = None
            try:
                results = self._result(handle)
            except Died as death:
                seat.close(now=True)
                self._failed_starts += job is None and death.blamed
                if self._failed_starts == _STARTS:
                    raise WorkerDied(
                        f"a worker could not be started {_STARTS} times in a row ({death.__cause__}); is the package "
                        "installed, in this version, wherever workers run?"
                    ) from death
                self._begin(seat.number)
                if job is not None and job.group is not None:
                    results = self._again(job, death)
            except Exception:
                self._idle.append(seat)
                if job is None or job.group is not None:
                    raise
            else:
                self._failed_starts = 0
                self._idle.append(seat)
            if job is not None and job.group is not None and results is not None:
                return job, results

    def _again(self, job: Job, death: Died) -> list[Any] | None:
        """Put a job back whose worker died, one by one where it is several; return the results of one that failed."""
        if death.blamed and len(job.items) > 1:
            pairs = zip(job.places, job.items, strict=True)
            self._waiting.extendleft(Job(job.held, (place,), [item], job.group) for place, item in pairs)
            return None
        job.deaths += death.blamed
        self._deaths += death.blamed
        if job.deaths < (2 if self._deaths == job.deaths else 3):
            self._waiting.appendleft(job)
            return None
        self._deaths -= job.deaths
        sentence = (
            f"{name_of(job.held.function)} on {' and '.join(map(_who, job.items[0]))}: the worker died, and so did "
            "the one that tried again (out of memory, a crash or a kill)"
        )
        own = getattr(job.held.function, "failed", None)
        if own is not None:  # and it is for its owner to say so
            return [own]
        if self.failed is None:
            raise WorkerDied(
                f"{sentence}; with failed=... such items get that result and the others go on. A script that starts "
                'processes does so under if __name__ == "__main__":, or each of them begins the script again'
            )
        warnings.warn(f"{sentence}; it gets the result {self.failed!r}", RuntimeWarning, stacklevel=4)
        return [self.failed]

    def _forget(self, group: object) -> None:
        self._waiting = deque(job for job in self._waiting if job.group is not group)
        for _, job in self._running.values():
            if job is not None and job.group is group:
                job.group = None

    # what a kind of worker is ------------------------------------------------------------------------------------

    @abstractmethod
    def _open(self, number: int) -> Seat:
        """Start a worker."""

    def _ready(self, seat: Any) -> Any:
        """Return what can be waited for until a worker is ready; None where it is."""
        return None

    @abstractmethod
    def _wait(self, handles: list[Any]) -> Any:
        """Wait until one of several jobs has ended, and return it; None to look for more workers first."""

    @abstractmethod
    def _result(self, handle: Any) -> list[Any]:
        """Return the results of a job that has ended.

        :raises Died: when its worker has.
        """

    def _pack(self, function: Any) -> bytes:
        return pickle.dumps(function)

    def _store(self, packed: bytes) -> Any:
        return packed


def remember(known: dict[bytes, Any], digest: bytes, value: Any) -> Any:
    """Keep a function that was sent, as the newest of a few; both ends forget the same ones."""
    known.pop(digest, None)
    known[digest] = value
    while len(known) > _HELD:
        del known[next(iter(known))]
    return value


def perform(function: Any, items: list[tuple[Any, ...]]) -> list[Any]:
    """Do a job, in a worker: several items by the function's batch form."""
    batch = batched(function) if len(items[0]) == 1 else None
    if batch is None:
        return [function(*item) for item in items]
    return checked_batch(function, batch([item for (item,) in items]), len(items))


def begin_worker(modules: tuple[str, ...]) -> None:
    """Prepare a worker: one thread, Ctrl-C is its parent's affair, and what modules of the user's register is known."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"
    for module in modules:
        import_plugin(module)


def cpus() -> int:
    """Number of CPUs that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _who(item: Any) -> str:
    origin = getattr(item, "origin", None)
    if isinstance(origin, dict) and origin.get("id") is not None:
        return f"individual {origin['id']}"
    text = repr(item)
    return text if len(text) <= 80 else text[:77] + "..."
