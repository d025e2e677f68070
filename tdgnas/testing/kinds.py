"""The kinds of things that can be checked, and finding out which kind something is."""

from __future__ import annotations

import inspect
from typing import Any

from ..data import DATA
from ..graphs import OPS
from ..mapping import layers, name_of
from ..operators import OPERATORS, Entropy
from ..operators.registry import entry_of
from ..registry import resolve
from ..runs import FITNESSES, PROBLEMS, Problem
from ..spaces import RULES, SPACES, SearchSpace
from ..strategies import STRATEGIES, Strategy
from ..tasks import TASKS, Task
from .fitness import check_fitness
from .local_search import check_local_search
from .parts import check_data, check_operation, check_rule, check_task
from .report import Kind, Report
from .scoring import check_problem, check_scoring
from .selection import check_selection
from .space import check_space
from .strategy import check_strategy
from .thermodynamics import check_entropy, check_schedule
from .variation import check_crossover, check_initialiser, check_mutation

_ALL: list[Kind] = [
    check_selection, check_mutation, check_crossover, check_local_search, check_initialiser, check_schedule,
    check_entropy, check_space, check_strategy, check_fitness, check_operation, check_rule, check_task, check_data,
    check_problem, check_scoring,
]  # fmt: skip
KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""What can be checked, by name; each is called with the subject, and has its ``rules``."""

_ENTRIES = {
    "select": "selection", "mate": "crossover", "mutate": "mutation", "local_search": "local-search",
    "init": "initialiser",
}  # fmt: skip
_CLASSES: dict[type[Any], str] = {
    SearchSpace: "space", Strategy: "strategy", Entropy: "entropy", Task: "task", Problem: "scoring",
}  # fmt: skip
_REGISTRIES: list[tuple[Any, str | None]] = [
    (OPERATORS, None), (SPACES, "space"), (STRATEGIES, "strategy"), (OPS, "operation"), (TASKS, "task"),
    (DATA, "data-set"), (RULES, "rule"), (PROBLEMS, "problem"), (FITNESSES, "scoring"),
]  # fmt: skip


def kind_of(subject: Any) -> str:
    """Return the kind of something: by its class, its registry, DEAP's prefix of its name, or its first parameters.

    :raises ValueError: when none of these tells.

    >>> from deap import tools
    >>> kind_of(tools.selTournament)
    'selection'
    """
    for parent, kind in _CLASSES.items():
        own = subject if isinstance(subject, type) else type(subject)
        if issubclass(own, parent):
            return kind
    for registry, known in _REGISTRIES:
        if known is not None and any(entry.value is subject for entry in registry):
            return known
    *_, function = layers(subject)
    name = name_of(function)
    if (entry := entry_of(name)) is not None:
        return _ENTRIES[entry]
    caller = function.__call__ if isinstance(function, type) else function
    parameters = [p for p in inspect.signature(caller).parameters if p != "self"] if callable(caller) else []
    if parameters[:1] == ["generation"]:
        return "schedule"
    if parameters[:2] == ["space", "weights"]:
        return "rule"
    if name == "<lambda>":
        raise ValueError(
            "a lambda has no name that says what it is, and no process pool can run it; write `def mutX(individual): "
            "...`, or say --kind"
        )
    if hasattr(function, "batch") or parameters[:1] == ["individual"]:
        return "fitness"
    raise ValueError(
        f"the name {name!r} does not say what it is; name it selX, cxX, mutX, lsX or initX, or say --kind: "
        f"{', '.join(KINDS)}"
    )


def check_anything(subject: Any, kind: str | None = None, **options: Any) -> Report:
    """Check something by the rules of its kind.

    :param subject: an operator, a schedule, an entropy, a space, a strategy or a fitness.
    :param kind: one of :data:`KINDS`; found out when None.
    :param options: what the check of that kind takes. A class of a schedule, an entropy or a fitness is made with them.
    :returns: the report.
    :raises ConformanceError: listing every rule that is violated and how to mend it.
    :raises ValueError: for an unknown kind.
    """
    kind = kind or kind_of(subject)
    if kind not in KINDS:
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    if kind in ("schedule", "entropy", "fitness") and isinstance(subject, type):
        own = set(options) & set(inspect.signature(subject).parameters)
        subject = subject(**{name: options.pop(name) for name in own})
    return KINDS[kind](subject, **options)


def load(target: str) -> Any:
    """Return what ``my_package.my_module:my_operator`` names, or what is registered under a name.

    The current directory is searched as well.

    :raises ValueError: when there is no such module or attribute, or nothing of that name is registered.
    """
    return resolve(target) if ":" in target else _registered(target)


def _registered(name: str) -> Any:
    for registry, _ in _REGISTRIES:
        if name in registry.names():
            return registry.get(name)
    module, dot, last = name.removesuffix(".py").replace("/", ".").rpartition(".")
    guess = f" ({module}:{last}?)" if dot else ""
    other = f"write my_package.my_module:my_operator for what is not registered{guess}"
    raise ValueError(f"nothing is registered as {name!r}; {other}")
