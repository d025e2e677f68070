"""What a toolbox calls ``evaluate``."""

from .gradients import SupernetGradients, TrainingGradients
from .latency import Latency, load_latencies
from .objectives import WithObjectives
from .rank_sum import RankSumFitness
from .scratch import TrainingFitness
from .supernet import SupernetFitness
from .table import TabularFitness
from .table_files import (
    Table,
    TableDamaged,
    TableNotFound,
    find_table,
    load_table,
    nats_table,
    save_table,
    shipped,
    synthetic_table,
    table_file,
)
from .zero_cost import ZeroCostFitness

__all__ = [
    "Latency",
    "RankSumFitness",
    "SupernetFitness",
    "SupernetGradients",
    "Table",
    "TableDamaged",
    "TableNotFound",
    "TabularFitness",
    "TrainingFitness",
    "TrainingGradients",
    "WithObjectives",
    "ZeroCostFitness",
    "find_table",
    "load_latencies",
    "load_table",
    "nats_table",
    "save_table",
    "shipped",
    "synthetic_table",
    "table_file",
]
