"""Searches with DEAP's ``generate`` and ``update``. A new strategy is a module here and one line below."""

from .aging import AgingEvolution
from .base import STRATEGIES, DecisionLike, Strategy, pack
from .create import create, needs_source, option_names
from .darts import DARTS, WeightTrainer
from .decisions import DecisionStrategy, drawing_from
from .encoding import Encoding
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
    "DecisionLike",
    "DecisionStrategy",
    "DecisionTDGA",
    "Encoding",
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
