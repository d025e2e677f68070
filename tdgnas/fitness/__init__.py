"""What a toolbox calls ``evaluate``."""

from .budget import Budget
from .gradients import SupernetGradients, TrainingGradients
from .size import WithSize
from .supernet import WORST_LOSS, SupernetFitness
from .table import TabularFitness
from .table_files import (
    Table,
    TableDamaged,
    TableNotFound,
    find_table,
    load_table,
    nats_table,
    save_table,
    synthetic_table,
)

__all__ = [
    "WORST_LOSS",
    "Budget",
    "SupernetFitness",
    "SupernetGradients",
    "Table",
    "TableDamaged",
    "TableNotFound",
    "TabularFitness",
    "TrainingGradients",
    "WithSize",
    "find_table",
    "load_table",
    "nats_table",
    "save_table",
    "synthetic_table",
]
