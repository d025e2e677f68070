"""Searches with DEAP's ``generate`` and ``update``. A new strategy is a module here and one line below."""

from .aging import AgingEvolution
from .base import STRATEGIES, Strategy, pack
from .create import create, needs_source, option_names
from .darts import DARTS, WeightTrainer
from .decisions import DecisionStrategy, drawing_from
from .ga import GA
from .nsga2 import NSGA2, AccuracyAndSize, LossAndSize
from .random_search import RandomSearch
from .reinforce_lstm import ReinforceLSTM
from .reinforce_table import ReinforceTable
from .tdga import TDGA
from .tdga_decisions import DecisionTDGA
from .tpe import TPE

__all__ = [
    "DARTS",
    "GA",
    "NSGA2",
    "STRATEGIES",
    "TDGA",
    "TPE",
    "AccuracyAndSize",
    "AgingEvolution",
    "DecisionStrategy",
    "DecisionTDGA",
    "LossAndSize",
    "RandomSearch",
    "ReinforceLSTM",
    "ReinforceTable",
    "Strategy",
    "WeightTrainer",
    "create",
    "drawing_from",
    "needs_source",
    "option_names",
    "pack",
]
