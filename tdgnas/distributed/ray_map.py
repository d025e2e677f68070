"""A ``map`` over Ray's actors: the devices of one machine or of a cluster."""

from __future__ import annotations

import math
import os
import pickle
import socket
from collections.abc import Mapping
from typing import Any

from ..registry import IMPORTED
from ..workers import Died, Job, Seat, Workers, begin_worker, perform, remember

#: Seconds after which a map that takes all workers it can get looks whether there are more.
_LOOK = 10


def import_ray() -> Any:
    """Return ray.

    :raises ImportError: when it is not installed, with how to get it.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError("this needs ray: pip install 'tdgnas[ray]'") from error
    return ray


class RayMap(Workers):
    """Map over Ray's actors; register it as ``toolbox.register("map", RayMap(gpus_per_worker=1))``.

    An actor is one worker with its share of a machine. A function (a fitness with its supernet and data) goes into
    Ray's object store once, and from there to each actor once; then only individuals and what they score travel. See
    :class:`tdgnas.workers.Workers` for how items are handed out, what ``batch`` and ``split`` of a function are for,
    and what happens when an actor dies; where its machine went away, no item is to blame, and the actor comes back
    when the cluster has room for it.

    :param workers: number of actors; as many as fit into the cluster when None, and more when machines join it.
    :param gpus_per_worker: GPUs of an actor, also a part of one such as 0.5; the actor sees no others.
    :param address: of a cluster, such as ``auto``; None begins Ray on this machine, or uses what this process began.
    :param resources: of an actor beside GPUs: ``cpu`` (1 where it is not named), or a cluster's own such as ``big``.
    :param failed: result for an item that kills its worker twice, such as a bad fitness ``(1e6,)``; with None,
        :class:`tdgnas.workers.WorkerDied` is raised.
    :raises ImportError: when ray is not installed.
    :raises ValueError: for fewer than one worker, or a negative number of GPUs.

    The function's random numbers, if it draws any, come from the workers' own generators.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        gpus_per_worker: float = 0,
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        failed: Any = None,
    ) -> None:
        super().__init__(workers, failed)
        if not 0 <= gpus_per_worker < math.inf:
            raise ValueError(
                f"gpus_per_worker is {gpus_per_worker}; it is 0, a part of a GPU such as 0.5, or more"
            )
        self._ray = import_ray()
        self.address = address
        own = dict(resources or {})
        self.needs = {"CPU": own.pop("cpu", 1), "GPU": gpus_per_worker, **own}
        self._began = False

    def close(self, now: bool = False) -> None:
        """End the actors, and Ray where this map began it; the next call starts again."""
        super().close(now)
        self._held.clear()  # what they refer to goes with Ray
        if self._began:
            self._ray.shutdown()
            self._began = False

    def count(self) -> int:
        """Return the number of actors: as many as fit now where no number was given, those that wait included.

        :raises ValueError: when the cluster has no room for them.
        :raises ConnectionError: when there is no cluster at the address.
        """
        if self.workers is not None and self._seats:
            return self.workers
        self._connect()
        there = self._ray.cluster_resources()
        fit = min(int(there.get(name, 0) / needed + 1e-9) for name, needed in self.needs.items() if needed)
        if fit < (self.workers or 1) and not self._seats:
            needed = ", ".join(f"{number:g} {name}" for name, number in self.needs.items() if number)
            has = ", ".join(f"{there.get(name, 0):g} {name}" for name, number in self.needs.items() if number)
            raise ValueError(
                f"{self.workers or 1} workers of {needed} each do not fit into the cluster, which has {has}; "
                "ask for fewer, or for a smaller share each"
            )
        return self.workers or max(fit, len(self._seats))

    def _connect(self) -> None:
        ray = self._ray
        if ray.is_initialized():
            return
        quiet: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
        if self.address is not None:
            _reach(self.address)
            ray.init(self.address, **quiet)
        else:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            # As many CPUs as the workers were promised, whatever the machine has.
            own = None if self.workers is None else math.ceil(self.workers * self.needs["CPU"])
            ray.init("local", include_dashboard=False, num_cpus=own, **quiet)
        self._began = True

    def _open(self, number: int) -> Seat:
        return _Actor(self._ray, number, self.needs)

    def _ready(self, seat: Any) -> Any:
        return seat.actor.begin.remote(tuple(IMPORTED))

    def _wait(self, handles: list[Any]) -> Any:
        done, _ = self._ray.wait(handles, num_returns=1, timeout=None if self.workers else _LOOK)
        return done[0] if done else None

    def _result(self, handle: Any) -> list[Any]:
        errors = self._ray.exceptions
        gone = (
            errors.RayActorError,
            errors.ObjectLostError,
            errors.WorkerCrashedError,
            errors.OutOfMemoryError,
        )
        try:
            found: list[Any] = self._ray.get(handle)
        except gone as error:
            # Nothing that an item did: a machine that was taken away, or that cannot be reached.
            away = getattr(error, "preempted", False) or isinstance(error, errors.ActorUnavailableError)
            raise Died(blamed=not (away or "node has died" in str(error))) from error
        return found

    def _pack(self, function: Any) -> bytes:
        packed: bytes = self._ray.cloudpickle.dumps(function)
        return packed

    def _store(self, packed: bytes) -> Any:
        self._connect()  # or Ray would begin by itself, and elsewhere
        return self._ray.put(packed)


def _reach(address: str) -> None:
    """Check that something listens at an address, which Ray would wait for for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if host and port.isdigit():
            socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise ConnectionError(
            f"there is no Ray cluster at {address} ({error}); begin one with `ray start --head`, or leave it out"
        ) from error


class _Actor:
    """The driver's side of an actor."""

    def __init__(self, ray: Any, number: int, needs: Mapping[str, float]) -> None:
        self.ray, self.number = ray, number
        others = {name: needed for name, needed in needs.items() if name not in ("CPU", "GPU")}
        options = {"num_cpus": needs["CPU"], "num_gpus": needs["GPU"], "resources": others}
        self.actor = ray.remote(Worker).options(**options).remote()

    def send(self, job: Job) -> Any:
        # In a list, so that the actor fetches it only where it does not know it.
        return self.actor.work.remote(job.held.digest, [job.held.payload], job.items)

    def close(self, now: bool) -> None:
        self.ray.kill(self.actor)


class Worker:
    """What runs in an actor."""

    def __init__(self) -> None:
        self.known: dict[bytes, Any] = {}

    def begin(self, modules: tuple[str, ...]) -> None:
        """Get ready: know what modules of the user's register."""
        begin_worker(modules)

    def work(self, digest: bytes, stored: list[Any], items: list[tuple[Any, ...]]) -> list[Any]:
        """Do a job."""
        if digest not in self.known:
            remember(self.known, digest, pickle.loads(import_ray().get(stored[0])))
        return perform(remember(self.known, digest, self.known[digest]), items)


def by_ray(kind: type, *arguments: Any) -> Any:
    """Make an object as an actor of Ray, which takes no device of its own; its methods are called as ever.

    A method of one that has died raises :class:`tdgnas.workers.Died`.

    :raises ImportError: when ray is not installed.
    """
    return _Remote(import_ray().remote(kind).options(num_cpus=0).remote(*arguments))


class _Remote:
    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            ray = import_ray()
            try:
                return ray.get(getattr(self._actor, name).remote(*arguments))
            except ray.exceptions.RayActorError as error:
                raise Died from error

        return call
