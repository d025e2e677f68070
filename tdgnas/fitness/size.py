"""A second objective beside any fitness: the size of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from ..mapping import batch_map
from ..spaces import Architecture, SearchSpace


class WithSize:
    """Appends the number of parameters or multiply-adds, in millions, to the values of a fitness.

    For searches over two objectives, such as NSGA-II. Callable for one individual; ``batch`` takes a
    population.

    :param fitness: any fitness with one value.
    :param space: decodes individuals and counts.
    :param measure: ``parameters`` or ``macs`` of the stand-alone network.
    :raises ValueError: for another measure.
    """

    def __init__(
        self,
        fitness: Callable[[Any], tuple[float, ...]],
        space: SearchSpace,
        measure: Literal["parameters", "macs"] = "parameters",
    ) -> None:
        if measure not in ("parameters", "macs"):
            raise ValueError(f"measure is {measure!r}; it must be 'parameters' or 'macs'")
        self.fitness = fitness
        self.space = space
        self.count: Callable[[Architecture], int] = getattr(space, measure)
        self._known: dict[Architecture, float] = {}

    def __call__(self, individual: Sequence[float]) -> tuple[float, ...]:
        """Return the fitness values of one individual and its size."""
        return self.batch([individual])[0]

    def batch(self, individuals: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
        """Return the fitness values of individuals and their sizes, in their order."""
        values = batch_map(self.fitness, individuals)
        return [
            (*value, self._size(individual)) for value, individual in zip(values, individuals, strict=True)
        ]

    def ahead(self, individuals: Sequence[Sequence[float]]) -> None:
        """Let the fitness compute individuals side by side, where it does that."""
        if hasattr(self.fitness, "ahead"):
            self.fitness.ahead(individuals)

    def state_dict(self) -> dict[str, Any]:
        """What the fitness keeps."""
        return dict(self.fitness.state_dict()) if hasattr(self.fitness, "state_dict") else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        if state:
            self.fitness.load_state_dict(state)  # type: ignore[attr-defined]

    def _size(self, individual: Sequence[float]) -> float:
        architecture = getattr(self.fitness, "decode", self.space.decode)(individual)
        if architecture not in self._known:
            self._known[architecture] = self.count(architecture) / 1e6
        return self._known[architecture]
