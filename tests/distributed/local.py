"""Workers that are objects of this process: what they are given is pickled, as it is for any other."""

from __future__ import annotations

import pickle
from typing import Any

from tdgnas.workers import Died, Job, Workers, perform


class LocalMap(Workers):
    """A map whose workers do a job as soon as they are given it.

    :param deadly: called with each job's items before it is done; where it is true, the worker dies.
    :ivar jobs: for each job that was sent, the worker's number and how many items it had.
    """

    def __init__(self, workers: int = 2, *, failed: Any = None, deadly: Any = None) -> None:
        super().__init__(workers, failed)
        self.deadly = deadly or (lambda items: False)
        self.jobs: list[tuple[int, int]] = []
        self.sent = 0

    def _open(self, number: int) -> Any:
        return _Seat(self, number)

    def _wait(self, handles: list[Any]) -> Any:
        return handles[-1]  # the newest first, so that no order can be relied on

    def _result(self, handle: Any) -> list[Any]:
        return list(handle())


class _Seat:
    def __init__(self, owner: LocalMap, number: int) -> None:
        self.owner, self.number = owner, number
        self.known: dict[bytes, Any] = {}

    def send(self, job: Job) -> Any:
        if job.held.digest not in self.known:
            self.owner.sent += 1
            self.known[job.held.digest] = pickle.loads(job.held.payload)
        self.owner.jobs.append((self.number, len(job.items)))
        items = pickle.loads(pickle.dumps(job.items))

        def result() -> list[Any]:
            if self.owner.deadly(items):
                raise Died
            return perform(self.known[job.held.digest], items)

        return result

    def close(self, now: bool) -> None:
        self.known.clear()
