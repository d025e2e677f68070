"""Rules of fitness functions: callable for one individual, with ``batch`` for many."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..individual import Individual, IndividualLike
from ..mapping import batch_map
from .generators import drawn_from
from .report import Case, Kind, Rule, rules_of
from .samples import CONTAINERS, values_of


@dataclass
class FitnessCase(Case):
    """A fitness and individuals that it can evaluate."""

    individuals: Sequence[IndividualLike]

    @classmethod
    def of(
        cls,
        fitness: Callable[[Any], tuple[float, ...]],
        individuals: Iterable[IndividualLike] | None = None,
        *,
        genes: int | None = None,
    ) -> FitnessCase:
        """Make a case.

        :raises ValueError: when there is nothing to evaluate.
        """
        if not callable(fitness):
            raise TypeError(f"a fitness can be called with an individual; got {fitness!r}")
        individuals = list(_individuals(fitness, genes) if individuals is None else individuals)
        if not individuals:
            raise ValueError("there are no individuals to evaluate; pass some")
        return cls(fitness, individuals)

    def fresh(self) -> Sequence[IndividualLike]:
        """Return copies of the individuals."""
        return deepcopy(self.individuals)


def _can_be_called(case: FitnessCase) -> None:
    case.subject(case.fresh()[0])


def _returns_a_tuple_of_numbers(case: FitnessCase) -> Iterator[str]:
    lengths = set()
    for one in case.fresh():
        values: Any = case.subject(one)
        if not isinstance(values, tuple):
            yield f"{case.returned(values)}; DEAP wants a tuple: write `return loss,`"
        lengths.add(len(values))
        for value in values:
            if not isinstance(value, float | int) or isinstance(value, np.generic):
                yield f"{case.returned(value)} in the tuple; give plain floats: float(loss)"
            elif not math.isfinite(value):
                yield f"{case.name} returned {value}; a fitness is finite (NaN wins in DEAP): warn, give a finite worst"
    if len(lengths) > 1 or 0 in lengths:
        yield f"{case.name} returns tuples of different lengths: {sorted(lengths)}"


def _only_reads(case: FitnessCase) -> Iterator[str]:
    individuals = case.fresh()
    for one in individuals:
        case.subject(one)
    if hasattr(case.subject, "batch"):
        case.subject.batch(individuals)
    for one, before in zip(individuals, case.individuals, strict=True):
        if values_of(one) != values_of(before):
            yield f"{case.name} changes the genes of an individual; a fitness only reads them"
        elif one.fitness.wvalues != before.fitness.wvalues:
            yield f"{case.name} sets the fitness of an individual; return the values, the algorithm assigns them"


def _does_not_move(case: FitnessCase) -> Iterator[str]:
    individuals = case.fresh()
    first = [case.subject(one) for one in individuals]
    again = [case.subject(one) for one in reversed(individuals)][::-1]
    if first != again:
        yield (
            f"{case.name} gives an unchanged individual another fitness when it is asked again; freeze the weights "
            "and BatchNorm statistics, and score everybody on the same images in the same order"
        )


def _agrees_with_its_batch(case: FitnessCase) -> Iterator[str]:
    batch = getattr(case.subject, "batch", None)
    if batch is None:
        return
    individuals = case.fresh()
    alone = [case.subject(one) for one in individuals]
    together = list(batch([*individuals, individuals[0]]))
    if len(together) != len(individuals) + 1:
        yield f"{case.name}.batch returned {len(together)} results for {len(individuals) + 1} individuals"
    elif not all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(alone, together[:-1], strict=True)):
        yield f"{case.name}.batch gives other values than one by one, or in another order; they must agree"
    if together[-1] != together[0]:
        yield f"{case.name}.batch gives the same individual two values when it is in the list twice"
    if list(batch([])) != []:
        yield f"{case.name}.batch of an empty list must be an empty list"


def _leaves_random_generators_alone(case: FitnessCase) -> Iterator[str]:
    used = drawn_from(lambda: [case.subject(one) for one in case.fresh()])
    if used:
        yield (
            f"{case.name} draws from the global generator {sorted(used)[0]}; a search would depend on what is in a "
            "cache. Give the fitness a generator of its own with a fixed seed"
        )


def _reads_all_containers(case: FitnessCase) -> Iterator[str]:
    genes = values_of(case.individuals[0])
    expected = case.subject(case.fresh()[0])
    for name, make in CONTAINERS.items():
        if not np.allclose(case.subject(make(genes)), expected, rtol=1e-5, atol=1e-6):
            yield f"{case.name} gives a {name} individual another fitness than a {type(case.individuals[0]).__name__}"


def _works_with_batch_map(case: FitnessCase) -> Iterator[str]:
    individuals = case.fresh()
    for one, values in zip(individuals, batch_map(case.subject, individuals), strict=True):
        one.fitness.values = values
        if not one.fitness.valid:
            yield f"{case.name} gives values that do not make a fitness valid: {values!r}"


FITNESS: dict[str, Rule[FitnessCase]] = {
    **rules_of(
        _can_be_called, _returns_a_tuple_of_numbers, _only_reads, _does_not_move, _agrees_with_its_batch,
        _leaves_random_generators_alone, _reads_all_containers,
    ),
    "works with batch_map": _works_with_batch_map,
}  # fmt: skip


def _individuals(fitness: Any, genes: int | None) -> list[Individual]:
    space = getattr(fitness, "space", None) or getattr(getattr(fitness, "supernet", None), "space", None)
    rng = random.Random(0)
    if genes is None and space is None:
        raise ValueError(
            "the check cannot know what individuals this fitness evaluates; pass some, or their number of genes: "
            "check_fitness(fitness, genes=12)"
        )
    if space is not None:
        return [Individual(space.encode(space.sample(rng))) for _ in range(6)]
    return [Individual([rng.uniform(-1.0, 1.0) for _ in range(genes or 0)]) for _ in range(6)]


check_fitness = Kind("fitness", FitnessCase.of, FITNESS)
"""Check a fitness, ``fitness(individual) -> (value, ...)``, and its ``batch`` form where it has one.

Options: ``individuals``, some different ones that it can evaluate, also by position. Without them six are drawn, of the
space that the fitness has (``fitness.space``, ``fitness.supernet.space``) or of so many genes: ``genes``.
"""
