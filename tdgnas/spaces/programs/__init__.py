"""Networks as programs over functions of images: trees, and the grids of Cartesian genetic programming."""

from .cgp import CGP
from .functions import Program
from .trees import Grammar, TreeSpace

__all__ = ["CGP", "Grammar", "Program", "TreeSpace"]
