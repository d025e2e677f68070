"""Cells: normal and reduction cells of DARTS and of the earliest study, and the networks made of them."""

from .cell_space import CellSpace, DartsCells, OneInputCells
from .final_network import FinalNetwork, final_network
from .genotypes import CellPlan, Genotype
from .operations import DARTS_OPERATIONS, ONE_INPUT_OPERATIONS
from .published import PUBLISHED, as_genotype
from .shapes import NORMAL, REDUCTION

__all__ = [
    "DARTS_OPERATIONS",
    "NORMAL",
    "ONE_INPUT_OPERATIONS",
    "PUBLISHED",
    "REDUCTION",
    "CellPlan",
    "CellSpace",
    "DartsCells",
    "FinalNetwork",
    "Genotype",
    "OneInputCells",
    "as_genotype",
    "final_network",
]
