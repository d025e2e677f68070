"""Networks that grow: morphisms of a fixed graph that change nothing in what it computes, with the map of its weights.

Each takes a graph and a place and returns a :class:`Grown`: the new graph, and ``carry``, which makes the new network's
weights of the old one's ``state_dict()``. In evaluation mode both networks give the same outputs. Pruning, ``remove``
and ``narrow``, does not preserve them.
"""

from .channels import narrow, widen
from .kinds import MORPHISMS, Morphism
from .layers import add_concat, add_skip, branch, deepen, enlarge_kernel, remove
from .optimizer import follow
from .parts import Grown

__all__ = [
    "MORPHISMS",
    "Grown",
    "Morphism",
    "add_concat",
    "add_skip",
    "branch",
    "deepen",
    "enlarge_kernel",
    "follow",
    "narrow",
    "remove",
    "widen",
]
