"""What a toolbox calls ``evaluate``."""

from .budget import Budget
from .supernet import WORST_LOSS, SupernetFitness

__all__ = ["WORST_LOSS", "Budget", "SupernetFitness"]
