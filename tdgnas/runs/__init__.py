"""A run as a folder: configuration, records, checkpoint and resume, report."""

from . import presets as presets
from .config import make_config
from .errors import ConfigError, Interrupted, RunFailed
from .experiment import Experiment
from .growth import Growth
from .on_scratch import OnScratch
from .on_supernet import OnSupernet
from .on_table import OnTable
from .on_zero_cost import OnZeroCost
from .problem import FITNESSES, Problem
from .problems import PROBLEMS
from .search import Search, Trace
from .settings import Config

__all__ = [
    "FITNESSES", "PROBLEMS", "Config", "ConfigError", "Experiment", "Growth", "Interrupted", "OnScratch", "OnSupernet",
    "OnTable", "OnZeroCost", "Problem", "RunFailed", "Search", "Trace", "make_config",
]  # fmt: skip
