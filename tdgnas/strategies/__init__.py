"""Searches with DEAP's ``generate`` and ``update``. A new strategy is a module here and one line below."""

from .base import STRATEGIES, DecisionLike, Strategy
from .tdga import TDGA

__all__ = ["STRATEGIES", "TDGA", "DecisionLike", "Strategy"]
