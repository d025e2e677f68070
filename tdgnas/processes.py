"""A ``map`` over processes that outlives the death of one of them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .registry import IMPORTED
from .workers import Died, Job, Seat, Workers, begin_worker, perform, remember


class WorkerMap(Workers):
    """Map over worker processes; register it as ``toolbox.register("map", WorkerMap(4))``.

    When a worker dies (out of memory, a crash inside a library, a kill), it is replaced, what the others have finished
    is kept, and its item is done again; the item that was to blame is known, and named. A ``multiprocessing.Pool``
    waits for ever there. See :class:`Workers` for what all such maps do.

    Function and items are sent to the workers, so they have to be picklable. What comes back are copies. Workers know
    the modules that were imported for what they register, and leave Ctrl-C to this process.

    ``finished`` gives results as they come, to those who write them down; ``put`` and ``take`` hand out one at a time.

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
        super().__init__(workers, failed)
        self.context = context
        multiprocessing.get_context(context)  # an unknown one is refused here

    def _open(self, number: int) -> Seat:
        return _Process(number, self.context)

    def _wait(self, handles: list[Any]) -> Any:
        done = wait(handles, return_when=FIRST_COMPLETED).done
        return next(handle for handle in handles if handle in done)

    def _result(self, handle: Future[list[Any]]) -> list[Any]:
        try:
            return handle.result()
        except BrokenProcessPool as error:
            raise Died from error


@dataclass(eq=False)
class _Process:
    number: int
    context: str
    known: dict[bytes, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start = multiprocessing.get_context(self.context)
        # One process each, so that a death is the death of one item.
        self.pool = ProcessPoolExecutor(1, start, initializer=_begin, initargs=(tuple(IMPORTED),))

    def send(self, job: Job) -> Future[list[Any]]:
        held = job.held
        payload = None if held.digest in self.known else held.payload
        remember(self.known, held.digest, None)
        try:
            with _interrupts_wait():
                return self.pool.submit(_work, held.digest, payload, job.items)
        except BrokenProcessPool:  # it died while it had nothing to do
            ended: Future[list[Any]] = Future()
            ended.set_exception(Died(blamed=False))
            return ended

    def close(self, now: bool) -> None:
        processes = list((getattr(self.pool, "_processes", None) or {}).values())
        self.pool.shutdown(wait=not now, cancel_futures=True)
        for process in processes if now else ():
            process.terminate()


_KNOWN: dict[bytes, Any] = {}


def _work(digest: bytes, payload: bytes | None, items: list[tuple[Any, ...]]) -> list[Any]:
    function = remember(_KNOWN, digest, _KNOWN[digest] if payload is None else pickle.loads(payload))
    return perform(function, items)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C back while workers start: they inherit that, and do not print tracebacks when it comes."""
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    if mask is None:
        yield
        return
    before = mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)


def _begin(modules: tuple[str, ...]) -> None:
    """Begin a worker that ends when the process that started it does, however that ends.

    Workers of the standard pool outlive a parent that was killed: each holds the others' queue open. These watch
    the pipe by which they were started, which closes with the parent. (Linux can send a signal instead, but it does
    so as soon as the thread ends that started the worker.)
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin_worker(modules)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
