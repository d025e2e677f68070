"""Where each cell of a stack stands: its kind, its channels, and what enters it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from ...graphs import OPS, relu_conv_norm
from .operations import relu_reduction

NORMAL, REDUCTION = "normal", "reduce"


class CellShape(NamedTuple):
    """Where one cell of a network stands: its kind, its channels, and what enters it."""

    kind: str
    channels: int
    channels_in: tuple[int, ...]
    strides_in: tuple[int, ...]


def reduction_cells(cells: int) -> tuple[int, ...]:
    """Positions of the reduction cells at one and two thirds of the depth, none in front of the first cell.

    >>> reduction_cells(8), reduction_cells(20)
    ((2, 5), (6, 13))
    """
    return tuple(sorted({cells // 3, 2 * cells // 3} - {0}))


def cell_shapes(
    cells: int,
    channels: int,
    stem: int,
    inputs: int,
    reductions: Sequence[int],
    outputs: dict[str, int],
    halved: bool = False,
) -> list[CellShape]:
    """Return the shape of each cell of a stack.

    :param stem: channels of the stem.
    :param reductions: positions of reduction cells; each doubles the channels and halves height and width.
    :param outputs: per kind, how many nodes a cell's output concatenates.
    :param halved: of the two values that the first cell reads, the younger has half the height and width.
    """
    # Channels and resolution of the values that the next cell reads, oldest first.
    resolution = 2 if halved else 1
    before = [*[(stem, 1)] * (inputs - 1), (stem, resolution)]
    shapes = []
    for cell in range(cells):
        kind = REDUCTION if cell in reductions else NORMAL
        if kind == REDUCTION:
            channels *= 2
        strides = tuple(resolution // own for _, own in before)
        shapes.append(CellShape(kind, channels, tuple(count for count, _ in before), strides))
        if kind == REDUCTION:
            resolution *= 2
        before = [*before[1:], (channels * outputs[kind], resolution)]
    return shapes


@OPS.register("cell-input")
def preprocess(channels_in: int, channels: int, stride: int, affine: bool) -> nn.Module:
    """Bring what enters a cell to the cell's channels and size."""
    if stride > 1:
        return relu_reduction(channels_in, channels, affine)
    return relu_conv_norm(channels_in, channels, 1, 1, affine)
