"""Cells: normal and reduction cells of DARTS and of the earliest study."""

from .cell_space import NORMAL, REDUCTION, CellSpace, DartsCells, OneInputCells
from .operations import DARTS_OPERATIONS, ONE_INPUT_OPERATIONS, OPERATIONS, make_operation
