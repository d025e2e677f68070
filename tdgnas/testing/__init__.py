"""A conformance kit for what is plugged in: operators, spaces, strategies, fitnesses, tasks, data sets, problems...

Each ``check_...`` takes the object, tries the rules of its kind and raises :class:`ConformanceError` with a sentence
for every rule that is violated, or returns its :class:`Report`. :class:`Conformance` makes pytest tests of the same
rules; on the command line it is ``tdgnas check my_package.my_module:my_operator``.
"""

from .conformance import Conformance
from .fitness import check_fitness
from .kinds import KINDS, check_anything, kind_of, load
from .local_search import check_local_search
from .parts import check_data, check_operation, check_rule, check_task
from .report import ConformanceError, Kind, Report, Violation
from .scoring import check_problem, check_scoring
from .selection import check_selection
from .space import check_space
from .strategy import check_strategy
from .thermodynamics import check_entropy, check_schedule
from .variation import check_crossover, check_initialiser, check_mutation

__all__ = [
    "KINDS", "Conformance", "ConformanceError", "Kind", "Report", "Violation", "check_anything",
    "check_crossover", "check_data", "check_entropy", "check_fitness", "check_initialiser",
    "check_local_search", "check_mutation", "check_operation", "check_problem", "check_rule",
    "check_schedule", "check_scoring", "check_selection", "check_space", "check_strategy", "check_task",
    "kind_of", "load",
]  # fmt: skip
