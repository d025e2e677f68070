"""What a phase of a run is: a sequence of steps with a state that can be saved between any two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..files.digests import digest

if TYPE_CHECKING:
    from ..data import Splits
    from ..fitness import SupernetFitness
    from ..spaces import SearchSpace
    from ..supernet import Supernet
    from .board import Board
    from .config import RunConfig


@dataclass
class Context:
    """What the phases of one run share.

    :param products: SHA-256 of every file that the run has completed, by its path inside the folder.
    :param note: takes a record of a fault that the run went on after.
    :param board: takes numbers for TensorBoard, where the run writes them.
    """

    config: RunConfig
    folder: Path
    space: SearchSpace
    data: Splits
    supernet: Supernet
    fitness: SupernetFitness
    products: dict[str, str] = field(default_factory=dict)
    note: Callable[[dict[str, Any]], None] = lambda record: None
    board: Board | None = None

    def keep(self, path: Path) -> None:
        """Remember a file that is complete, so that a later change of it is noticed."""
        self.products[path.relative_to(self.folder).as_posix()] = digest(path)

    def plot(self, phase: str, step: int, numbers: dict[str, Any]) -> None:
        """Write numbers for TensorBoard, where the run does."""
        if self.board is not None:
            self.board.write(phase, step, numbers)


class Phase(Protocol):
    """A phase of a run."""

    name: str

    @property
    def total(self) -> int:
        """Steps in all."""

    @property
    def done(self) -> int:
        """Steps done."""

    def step(self) -> dict[str, Any]:
        """Do one step; return numbers worth showing."""

    def finish(self) -> None:
        """Write what the phase has found."""

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on, but for the random states."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
