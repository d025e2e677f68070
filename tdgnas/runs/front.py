"""The front of a search with several objectives: what nothing that was evaluated dominates, and its hypervolume."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..files import Json
from ..fitness.objectives import WORST
from ..operators.pareto import pareto_ranks

COLUMNS = ("front", "hypervolume")


class Front:
    """The values that nothing evaluated so far dominates.

    :ivar points: weighted values, larger is better.
    :ivar reference: the point that the hypervolume is measured from, likewise: in each objective the worst of the first
        generation that has a network within the limits. What is worse in one of them adds nothing.
    """

    def __init__(self) -> None:
        self.points: list[list[float]] = []
        self.reference: list[float] = []

    def add(self, individuals: Iterable[Any]) -> None:
        """Take in evaluated individuals; those beyond the limits are passed over."""
        found = [list(map(float, one.fitness.wvalues)) for one in individuals]
        found = [values for values in found if min(values[1:]) > -WORST]
        if not found:
            return
        self.reference = self.reference or np.min(found, axis=0).tolist()
        every = np.unique([*self.points, *found], axis=0)
        self.points = every[pareto_ranks(every) == 0].tolist()

    def record(self) -> Json:
        """How many points there are, and the volume that they dominate."""
        from deap.benchmarks.tools import hypervolume  # it would take scipy.spatial along into every process

        inside = [one for one in self.points if all(np.array(one) > self.reference)]
        individuals = [SimpleNamespace(fitness=SimpleNamespace(wvalues=one)) for one in inside]
        volume = hypervolume(individuals, -np.array(self.reference)) if inside else 0.0
        return {"front": len(self.points), "hypervolume": float(volume)}

    def state_dict(self) -> Json:
        """The points and the reference."""
        return {"points": self.points, "reference": self.reference}

    def load_state_dict(self, state: Json) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.points = [list(map(float, point)) for point in state["points"]]
        self.reference = list(map(float, state["reference"]))
