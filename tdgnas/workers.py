"""A ``map`` over processes that outlives the death of one of them."""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from .mapping import name_of


class WorkerDied(RuntimeError):
    """A worker process ended without an answer, and so did the one that tried the same item again."""


def worker_pool(
    workers: int | None, context: str = "spawn", begin: Callable[..., None] | None = None, *arguments: Any
) -> ProcessPoolExecutor:
    """Return a pool of processes that end when this one does, however it ends.

    Workers of the standard pool outlive a parent that was killed: each holds the others' queue open. These watch
    the pipe by which they were started, which closes with the parent. (Linux can send a signal instead, but it does
    so as soon as the thread ends that started the worker.)

    :param workers: number of processes; one per CPU when None.
    :param context: how processes are started, see :mod:`multiprocessing`.
    :param begin: called with ``arguments`` in each worker before anything else.
    """
    start = multiprocessing.get_context(context)
    return ProcessPoolExecutor(workers, start, initializer=_begin, initargs=(begin, arguments))


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class WorkerMap:
    """Map over worker processes; register it as ``toolbox.register("map", WorkerMap(4))``.

    When a worker dies (out of memory, a crash inside a library, a kill), what the others have finished is kept, and
    the rest is done one by one in fresh workers: the item that was to blame is then known, and named. A
    ``multiprocessing.Pool`` waits for ever there.

    Function and items are sent to the workers, so they have to be picklable; for a fitness that holds large weights,
    its batch form and ``batch_map`` are the faster way. What comes back are copies.

    ``finished`` gives results as they come, to those who write them down.

    :param workers: number of processes; one per CPU when None.
    :param failed: result for an item that kills its worker twice, such as a bad fitness ``(1e6,)``; with None,
        :class:`WorkerDied` is raised.
    :param context: how processes are started, see :mod:`multiprocessing`.
    :raises ValueError: for fewer than one worker.

    >>> with WorkerMap(2) as workers:
    ...     workers(abs, [-1, 2, -3])
    [1, 2, 3]

    The function's random numbers, if it draws any, come from the workers' own generators.
    """

    def __init__(self, workers: int | None = None, *, failed: Any = None, context: str = "spawn") -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers is {workers}; at least one process has to do the work")
        self.workers = workers
        self.failed = failed
        self.context = context
        multiprocessing.get_context(context)  # an unknown one is refused here
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> WorkerMap:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; the next call starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __call__(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> list[Any]:
        """Map like the builtin; the results come as a list, in the order of the items.

        :raises WorkerDied: when an item kills its worker twice and there is no ``failed`` result.
        """
        found = dict(self.finished(function, *iterables))
        return [found[place] for place in range(len(found))]

    def finished(self, function: Callable[..., Any], *iterables: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the place of each item and its result as soon as it is done, in whatever order.

        :raises WorkerDied: when an item kills its worker twice and there is no ``failed`` result.
        """
        items = list(zip(*iterables, strict=False))
        futures = [self._submit(function, item) for item in items]
        places = {future: place for place, future in enumerate(futures) if future is not None}
        for future in as_completed(places):
            yield places[future], self._result(function, future, items[places[future]])
        for place in (place for place, future in enumerate(futures) if future is None):
            yield place, self._result(function, None, items[place])

    def _submit(self, function: Callable[..., Any], item: tuple[Any, ...]) -> Future[Any] | None:
        if self._pool is None:
            self._pool = worker_pool(self.workers, self.context)
        try:
            return self._pool.submit(function, *item)
        except BrokenProcessPool:  # a worker has died since the first items went out
            return None

    def _result(self, function: Callable[..., Any], future: Future[Any] | None, item: tuple[Any, ...]) -> Any:
        try:
            if future is not None:
                return future.result()
        except BrokenProcessPool:
            pass
        self.close()
        try:
            with worker_pool(1, self.context) as alone:
                return alone.submit(function, *item).result()
        except BrokenProcessPool as error:
            sentence = (
                f"{name_of(function)} on {' and '.join(map(_who, item))}: the worker process died, and so did the one "
                "that tried again (out of memory, a crash or a kill)"
            )
            if self.failed is None:
                raise WorkerDied(
                    f"{sentence}; with failed=... such items get that result and the others go on"
                ) from error
            warnings.warn(f"{sentence}; it gets the result {self.failed!r}", RuntimeWarning, stacklevel=3)
            return self.failed


def _who(item: Any) -> str:
    origin = getattr(item, "origin", None)
    if isinstance(origin, dict) and origin.get("id") is not None:
        return f"individual {origin['id']}"
    text = repr(item)
    return text if len(text) <= 80 else text[:77] + "..."
