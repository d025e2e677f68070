"""What a comparison needs of a problem, and a problem made ready for one search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from deap import base

from ..runs.search import Unit
from ..spaces import Architecture, Decision, SearchSpace


@dataclass
class Session:
    """One problem made ready for one search.

    :param space: what is searched.
    :param evaluate: a fitness with ``budget``.
    :param fitness: class of the individuals' fitness.
    :param final: measures a chosen architecture; its costs do not count.
    :param source: makes a source of gradients for an order and whether weights learn; None where there is
        none.
    :param start: alpha to begin a gradient search with.
    :param whole: whether generations are evaluated in one call.
    """

    space: SearchSpace
    evaluate: Any
    fitness: type[base.Fitness]
    final: Callable[[Architecture], dict[str, float]]
    source: Callable[[int, bool], Any] | None = None
    start: list[float] | None = None
    whole: bool = False


class Problem(Protocol):
    """What a comparison needs of a problem."""

    unit: Unit
    limit: float
    metric: str
    higher: bool
    gradients: bool
    paired: bool
    curve: bool

    @property
    def decisions(self) -> Sequence[Decision]:
        """What is decided in its space."""

    @property
    def document(self) -> dict[str, Any]:
        """All settings that its results depend on, as JSON values."""

    def prepare(self, seed: int, folder: Path) -> None:
        """Make what all searches of a seed share, where it is not in the folder yet."""

    def prepared(self, seed: int, folder: Path) -> bool:
        """Say whether that is there."""

    def open(self, seed: int, folder: Path) -> Session:
        """Make ready for one search."""
