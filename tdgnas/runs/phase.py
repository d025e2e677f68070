"""What a phase of a run is: a sequence of steps with a state that can be saved between any two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..files import Json, State
from ..files.digests import digest

if TYPE_CHECKING:
    from ..data import Splits
    from ..spaces import Architecture, SearchSpace
    from ..supernet import Supernet
    from .board import Board
    from .problem import Problem
    from .settings import Config


@dataclass
class Context:
    """What the phases of one experiment share.

    :param products: SHA-256 of every file that the run has completed, by its path inside the folder.
    :param note: takes a record of a fault that the run went on after.
    :param board: takes numbers for TensorBoard, where the run writes them.
    """

    config: Config
    folder: Path
    problem: Problem
    products: dict[str, str] = field(default_factory=dict)
    note: Callable[[Json], None] = lambda record: None
    board: Board | None = None

    @property
    def supernet(self) -> Supernet:
        """The supernet of a problem that has one."""
        assert self.problem.supernet is not None
        return self.problem.supernet

    @property
    def data(self) -> Splits:
        """The data of a problem that has some."""
        assert self.problem.data is not None
        return self.problem.data

    def keep(self, path: Path) -> None:
        """Remember a file that is complete, so that a later change of it is noticed."""
        self.products[path.relative_to(self.folder).as_posix()] = digest(path)

    def plot(self, phase: str, step: int, numbers: Json) -> None:
        """Write numbers for TensorBoard, where the run does."""
        if self.board is not None:
            self.board.write(phase, step, numbers)


def choices_text(architecture: Architecture) -> str:
    """The choices in one word, or in several where one of them has two digits."""
    return ("" if max(architecture.choices, default=0) < 10 else " ").join(map(str, architecture.choices))


def result_row(space: SearchSpace, architecture: Architecture, row: str, seed: int) -> Json:
    """What results.json says of a network beside what was measured of it."""
    return {
        "row": row,
        "seed": seed,
        "choices": choices_text(architecture),
        "gates": sum(map(bool, architecture.choices)),
        "parameters": space.parameters(architecture),
        "macs": space.macs(architecture),
    }


class Phase(Protocol):
    """A phase of a run."""

    name: str

    @property
    def total(self) -> int:
        """Steps in all."""

    @property
    def done(self) -> int:
        """Steps done."""

    def step(self) -> Json:
        """Do one step; return numbers worth showing."""

    def finish(self) -> None:
        """Write what the phase has found."""

    def state_dict(self) -> State:
        """Everything the next step depends on, but for the random states."""

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken."""
