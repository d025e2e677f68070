"""Over several devices and machines: maps by Ray, asynchronous evolution, a controller in shards and replicas.

Only what is named :class:`RayMap`, and what is told to work by Ray, needs ray itself (``pip install 'tdgnas[ray]'``).
What travels between machines is Ray's own serialisation inside a cluster that is trusted; nothing of this package
listens on a port.
"""

from .asynchronous import AsyncEvolution, evolve_async
from .ray_map import RayMap
from .simulation import SimulatedMap

__all__ = ["AsyncEvolution", "RayMap", "SimulatedMap", "evolve_async"]
