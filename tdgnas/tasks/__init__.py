"""What is learned: a loss per sample, measures with their direction, and the worst value."""

from .standard import CLASSIFICATION, LANGUAGE, MULTI_LABEL, REGRESSION, TASKS
from .task import Measure, Task, check_targets, flat

__all__ = [
    "CLASSIFICATION", "LANGUAGE", "MULTI_LABEL", "REGRESSION", "TASKS", "Measure", "Task", "check_targets", "flat",
]  # fmt: skip
