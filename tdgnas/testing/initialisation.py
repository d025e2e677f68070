"""Rules of initialisers: functions that make one individual."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from .calling import OPERATOR, OperatorCase
from .report import FIRST, Kind, Rule
from .samples import CONTAINERS, values_of


class InitialiserCase(OperatorCase):
    """An initialiser takes the class of the individuals."""

    def arguments(self, container: str | None = None, seed: int = 0) -> list[Any]:
        """The class."""
        return [CONTAINERS[container or self.containers[0]]]

    def outcome(self, arguments: list[Any], returned: Any) -> list[Any]:
        """The genes."""
        return values_of(returned)

    def make(self, container: str | None = None) -> Any:
        """Make an individual."""
        return self.call(*self.arguments(container))


def _fills_the_container(case: InitialiserCase) -> Iterator[str]:
    for name in case.containers:
        made = case.make(name)
        if not isinstance(made, CONTAINERS[name]):  # type: ignore[arg-type]
            yield (
                f"{case.name} returned a value of type {type(made).__name__}; return `container(genes)`, so that "
                "the individual has the class that the user registered, and a fitness"
            )
        elif made.fitness.valid:
            yield f"{case.name} gives a new individual a fitness; it has to be evaluated first"


def _gives_numbers(case: InitialiserCase) -> Iterator[str]:
    lengths = set()
    for seed in range(20):
        random.seed(seed)
        genes = case.run()
        lengths.add(len(genes))
        if not all(math.isfinite(gene) for gene in genes):
            yield f"{case.name} makes genes that are NaN or infinite"
    size = case.keywords().get("size", next(iter(lengths)))
    if lengths != {size}:
        yield f"{case.name} makes individuals of {min(lengths)} to {max(lengths)} genes where {size} were asked for"


def _makes_new_objects(case: InitialiserCase) -> Iterator[str]:
    made = [case.make() for _ in range(10)]
    one, two = made[:2]
    genes = values_of(two)
    for gene in range(len(one)):
        one[gene] = 17
    if len({id(individual) for individual in made}) < len(made) or values_of(two) != genes:
        yield f"{case.name} returns the same object twice; make a new individual at every call"


def _varies(case: InitialiserCase) -> Iterator[str]:
    made = set()
    for seed in range(20):
        random.seed(seed)
        made.add(tuple(case.run()))
    if len(made) == 1:
        yield f"{case.name} made 20 equal individuals; a population needs different ones to begin with"


INITIALISER: dict[str, Rule[Any]] = {
    **{name: OPERATOR[name] for name in (FIRST, "repeats with the seed")},
    "fills the container": _fills_the_container,
    "gives finite genes": _gives_numbers,
    "makes new objects": _makes_new_objects,
    "varies": _varies,
    **{name: rule for name, rule in OPERATOR.items() if name != "treats all containers alike"},
}

check_initialiser = Kind("initialiser", InitialiserCase.of, INITIALISER)
"""Check an initialiser, ``initX(container, ...) -> container(genes)``; options as of :data:`check_mutation`."""
