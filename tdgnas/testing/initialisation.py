"""Rules of initialisers: functions that make one individual."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Iterator
from typing import Any

from . import samples
from .calling import OperatorCase, changed_parameters, make_case, pickle_violations
from .generators import generator_violations, seeded
from .report import FIRST, Report, Rule, check
from .samples import CONTAINERS, values_of


def _make(case: OperatorCase, container: str | None = None, **more: Any) -> Any:
    return case.call(CONTAINERS[container or case.containers[0]], **more)


def _can_be_called(case: OperatorCase) -> tuple[str, ...]:
    _make(case)
    return ()


def _fills_the_container(case: OperatorCase) -> Iterator[str]:
    for name in case.containers:
        made = _make(case, name)
        if not isinstance(made, CONTAINERS[name]):  # type: ignore[arg-type]
            yield (
                f"{case.name} returned a value of type {type(made).__name__}; return `container(genes)`, so that the "
                "individual has "
                "the class that the user registered, and a fitness"
            )
        elif made.fitness.valid:
            yield f"{case.name} gives a new individual a fitness; it has to be evaluated first"


def _gives_numbers(case: OperatorCase) -> Iterator[str]:
    lengths = set()
    for seed in range(20):
        random.seed(seed)
        genes = values_of(_make(case))
        lengths.add(len(genes))
        if not all(math.isfinite(gene) for gene in genes):
            yield f"{case.name} makes genes that are NaN or infinite"
    size = case.keywords().get("size", next(iter(lengths)))
    if lengths != {size}:
        yield f"{case.name} makes individuals of {min(lengths)} to {max(lengths)} genes where {size} were asked for"


def _makes_new_objects(case: OperatorCase) -> Iterator[str]:
    made = [_make(case) for _ in range(10)]
    one, two = made[:2]
    genes = values_of(two)
    for gene in range(len(one)):
        one[gene] = 17
    if len({id(individual) for individual in made}) < len(made) or values_of(two) != genes:
        yield f"{case.name} returns the same object twice; make a new individual at every call"


def _varies(case: OperatorCase) -> Iterator[str]:
    made = set()
    for seed in range(20):
        random.seed(seed)
        made.add(tuple(values_of(_make(case))))
    if len(made) == 1:
        yield f"{case.name} made 20 equal individuals; a population needs different ones to begin with"


def _repeats_with_the_seed(case: OperatorCase) -> Iterator[str]:
    results = [seeded(4, lambda: values_of(_make(case))) for _ in range(3)]
    if any(result != results[0] for result in results):
        yield f"{case.name} made different genes with the same seed; draw only from random (or rng)"


def _uses_generators_as_declared(case: OperatorCase) -> Iterator[str]:
    def call(**more: Any) -> Any:
        return _make(case, **more)

    yield from generator_violations(case.name, call, case.generators, rng=case.takes_rng, result=values_of)


def _leaves_parameters_alone(case: OperatorCase) -> Iterator[str]:
    container = CONTAINERS[case.containers[0]]
    yield from changed_parameters(case, lambda keywords: case.operator(container, **keywords))


INITIALISER: dict[str, Rule[OperatorCase]] = {
    FIRST: _can_be_called,
    "fills the container": _fills_the_container,
    "gives finite genes": _gives_numbers,
    "makes new objects": _makes_new_objects,
    "varies": _varies,
    "repeats with the seed": _repeats_with_the_seed,
    "draws from the generators it declares": _uses_generators_as_declared,
    "leaves its parameters alone": _leaves_parameters_alone,
    "can be pickled": lambda case: pickle_violations(case.operator, case.name),
}


def check_initialiser(
    operator: Callable[..., Any],
    /,
    *,
    containers: Collection[str] = tuple(samples.CONTAINERS),
    generators: Collection[str] | None = None,
    skip: Collection[str] = (),
    report_only: bool = False,
    **parameters: Any,
) -> Report:
    """Check an initialiser, ``initX(container, ...) -> container(genes)``.

    :param operator: the initialiser.
    :param containers: the individuals' classes: ``Individual``, ``list``, ``array``, ``ndarray``.
    :param generators: the global random generators that it may draw from: ``random``, ``numpy.random``, ``torch``.
        By default ``random``, or none where the docstring says that it uses no random numbers.
    :param skip: names of rules to leave out.
    :param report_only: return the report also where it has violations.
    :param parameters: keywords of the operator; the usual ones have values.
    :returns: the report.
    :raises ConformanceError: listing every rule that is violated and how to mend it.
    """
    case = make_case(operator, 1, parameters, containers=containers, generators=generators)
    return check(case.name, "initialiser", INITIALISER, case, skip, report_only)
