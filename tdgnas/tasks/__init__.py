"""What is learned: a loss per sample, measures with their direction, and the worst value."""

from .standard import CLASSIFICATION, MULTI_LABEL, REGRESSION, TASKS
from .task import Measure, Task, check_targets, flat

__all__ = ["CLASSIFICATION", "MULTI_LABEL", "REGRESSION", "TASKS", "Measure", "Task", "check_targets", "flat"]
