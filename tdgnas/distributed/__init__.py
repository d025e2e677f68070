"""Over several devices and machines: maps by Ray, asynchronous evolution, a controller in shards and replicas.

Only :class:`RayMap` and :func:`by_ray` need ray itself (``pip install 'tdgnas[ray]'``). What travels between machines
is Ray's own serialisation inside a cluster that is trusted; nothing of this package listens on a port.
"""

from importlib import import_module
from typing import TYPE_CHECKING

_NAMES = {
    "AsyncEvolution": "asynchronous",
    "Flow": "asynchronous",
    "RayMap": "ray_map",
    "ReplicatedLSTM": "replicas",
    "SimulatedMap": "simulation",
    "by_ray": "ray_map",
    "evolve_async": "asynchronous",
}
__all__ = ["AsyncEvolution", "Flow", "RayMap", "ReplicatedLSTM", "SimulatedMap", "by_ray", "evolve_async"]
# Imported when first used: a worker of Ray needs none of them.

if TYPE_CHECKING:
    from .asynchronous import AsyncEvolution, Flow, evolve_async
    from .ray_map import RayMap, by_ray
    from .replicas import ReplicatedLSTM
    from .simulation import SimulatedMap


def __getattr__(name: str) -> object:
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
