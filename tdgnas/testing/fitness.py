"""Rules of fitness functions: callable for one individual, with ``batch`` for many."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..individual import Individual, IndividualLike
from ..mapping import batch_map
from .generators import drawn_from
from .report import Case, Kind
from .samples import CONTAINERS, values_of


@dataclass
class FitnessCase(Case):
    """A fitness and individuals that it can evaluate."""

    titles: ClassVar[dict[str, str]] = {"works with batch map": "works with batch_map"}
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

    def rule_can_be_called(self) -> None:
        self.subject(self.fresh()[0])

    def rule_returns_a_tuple_of_numbers(self) -> Iterator[str]:
        lengths = set()
        for one in self.fresh():
            values: Any = self.subject(one)
            if not isinstance(values, tuple):
                yield f"{self.returned(values)}; DEAP wants a tuple: write `return loss,`"
            lengths.add(len(values))
            for value in values:
                if not isinstance(value, float | int) or isinstance(value, np.generic):
                    yield f"{self.returned(value)} in the tuple; give plain floats: float(loss)"
                elif not math.isfinite(value):
                    yield f"{self.name} returned {value}; a fitness is finite (NaN wins in DEAP): give a finite worst"
        if len(lengths) > 1 or 0 in lengths:
            yield f"{self.name} returns tuples of different lengths: {sorted(lengths)}"

    def rule_only_reads(self) -> Iterator[str]:
        individuals = self.fresh()
        for one in individuals:
            self.subject(one)
        if hasattr(self.subject, "batch"):
            self.subject.batch(individuals)
        for one, before in zip(individuals, self.individuals, strict=True):
            if values_of(one) != values_of(before):
                yield f"{self.name} changes the genes of an individual; a fitness only reads them"
            elif one.fitness.wvalues != before.fitness.wvalues:
                yield f"{self.name} sets the fitness of an individual; return the values, the algorithm assigns them"

    def rule_does_not_move(self) -> Iterator[str]:
        individuals = self.fresh()
        first = [self.subject(one) for one in individuals]
        again = [self.subject(one) for one in reversed(individuals)][::-1]
        if first != again:
            yield (
                f"{self.name} gives an unchanged individual another fitness when it is asked again; freeze the weights "
                "and BatchNorm statistics, and score everybody on the same images in the same order"
            )

    def rule_agrees_with_its_batch(self) -> Iterator[str]:
        batch = getattr(self.subject, "batch", None)
        if batch is None:
            return
        individuals = self.fresh()
        alone = [self.subject(one) for one in individuals]
        together = list(batch([*individuals, individuals[0]]))
        if len(together) != len(individuals) + 1:
            yield f"{self.name}.batch returned {len(together)} results for {len(individuals) + 1} individuals"
        elif not all(
            np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(alone, together[:-1], strict=True)
        ):
            yield f"{self.name}.batch gives other values than one by one, or in another order; they must agree"
        if together[-1] != together[0]:
            yield f"{self.name}.batch gives the same individual two values when it is in the list twice"
        if list(batch([])) != []:
            yield f"{self.name}.batch of an empty list must be an empty list"

    def rule_leaves_random_generators_alone(self) -> Iterator[str]:
        used = drawn_from(lambda: [self.subject(one) for one in self.fresh()])
        if used:
            yield (
                f"{self.name} draws from the global generator {sorted(used)[0]}; a search would depend on what is in a "
                "cache. Give the fitness a generator of its own with a fixed seed"
            )

    def rule_reads_all_containers(self) -> Iterator[str]:
        genes = values_of(self.individuals[0])
        expected = self.subject(self.fresh()[0])
        for name, make in CONTAINERS.items():
            if not np.allclose(self.subject(make(genes)), expected, rtol=1e-5, atol=1e-6):
                yield f"{self.name} gives a {name} another fitness than a {type(self.individuals[0]).__name__}"

    def rule_works_with_batch_map(self) -> Iterator[str]:
        individuals = self.fresh()
        for one, values in zip(individuals, batch_map(self.subject, individuals), strict=True):
            one.fitness.values = values
            if not one.fitness.valid:
                yield f"{self.name} gives values that do not make a fitness valid: {values!r}"


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


check_fitness = Kind("fitness", FitnessCase)
"""Check a fitness, ``fitness(individual) -> (value, ...)``, and its ``batch`` form where it has one.

Options: ``individuals``, some different ones that it can evaluate, also by position. Without them six are drawn, of the
space that the fitness has (``fitness.space``, ``fitness.supernet.space``) or of so many genes: ``genes``.
"""
