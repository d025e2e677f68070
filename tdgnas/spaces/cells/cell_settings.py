"""What a space of cells is made of, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...settings import check_whole
from .operations import DARTS_OPERATIONS, ONE_INPUT_OPERATIONS, check_operation
from .shapes import reduction_cells


@dataclass(frozen=True)
class CellSettings:
    """The keywords of :class:`CellSpace`, which says what they mean.

    :raises ValueError: for settings that make no network, with what to do.
    """

    inputs: int = 2
    nodes: int = 4
    operations: Sequence[str] = DARTS_OPERATIONS
    cells: int = 8
    channels: int = 16
    concat: int | None = None
    reductions: Sequence[int] | None = None
    stem_multiplier: int = 3
    partial: int = 1
    affine: bool = False
    in_channels: int = 3
    image_size: int = 32
    classes: int = 10

    def __post_init__(self) -> None:
        if self.inputs not in (1, 2):
            raise ValueError(f"inputs is {self.inputs}; a cell reads 1 or 2 earlier cells")
        names = ("nodes", "cells", "channels", "stem_multiplier", "partial", "in_channels", "classes")
        check_whole(**{name: getattr(self, name) for name in names})
        for name in self.operations:
            check_operation(name)
        if not set(self.operations) - {"none"}:
            raise ValueError("operations are only 'none'; a cell needs one that computes something")
        if not 1 <= self.outputs <= self.nodes:
            raise ValueError(f"concat is {self.outputs}; it must be between 1 and the {self.nodes} nodes")
        wrong = [cell for cell in self.places if not 0 <= cell < self.cells]
        if wrong:
            raise ValueError(f"reductions name cell {wrong[0]}; the cells are 0 to {self.cells - 1}")
        count = len(set(self.places))
        if self.image_size < 2 * 2**count or self.image_size % 2**count:
            raise ValueError(
                f"image_size is {self.image_size}; {count} reduction cells need a multiple of {2**count}, at least "
                f"{2 * 2**count}. Resize the images or use fewer reductions."
            )
        if self.channels % self.partial:
            raise ValueError(f"partial is {self.partial}; it must divide the {self.channels} channels")
        if self.channels % 2:
            raise ValueError(
                f"channels is {self.channels}; it must be even, since reductions are made of two halves"
            )

    @property
    def outputs(self) -> int:
        """Number of nodes that a cell's output concatenates."""
        return self.nodes if self.concat is None else self.concat

    @property
    def places(self) -> tuple[int, ...]:
        """Positions of the reduction cells."""
        return reduction_cells(self.cells) if self.reductions is None else tuple(self.reductions)

    def document(self) -> dict[str, Any]:
        """Return them as JSON values."""
        places = None if self.reductions is None else list(self.reductions)
        return {
            **vars(self),
            "operations": list(self.operations),
            "concat": self.outputs,
            "reductions": places,
        }


@dataclass(frozen=True)
class OneInputSettings(CellSettings):
    """The keywords of :class:`OneInputCells`: those of :class:`CellSettings`, with other defaults."""

    inputs: int = 1
    nodes: int = 5
    operations: Sequence[str] = ONE_INPUT_OPERATIONS
    cells: int = 4
    concat: int | None = 3
    reductions: Sequence[int] | None = ()
