"""Rules of selections: functions of a pool and a number, which return references."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
from deap import base

from ..individual import AccuracyFitness, IndividualLike, LossFitness
from . import samples
from .calling import OPERATOR, OperatorCase, can_be_called, repeats_with_the_seed
from .report import Kind, rules_of
from .samples import values_of

POOL = 16
K = POOL // 2


class SelectionCase(OperatorCase):
    """A selection: with how many objectives it is tried."""

    passed = 2
    objectives = 1

    @classmethod
    def of(cls, operator: Any, /, *, objectives: int = 1, **options: Any) -> Any:
        """Make a case of so many objectives.

        :raises ValueError: for other than 1 or 2.
        """
        if objectives not in (1, 2):
            raise ValueError(f"objectives must be 1 or 2; got {objectives!r}")
        case = super().of(operator, **options)
        case.objectives = objectives
        return case

    @property
    def fitness(self) -> type[base.Fitness]:
        """A fitness class of one or two losses."""
        return LossFitness if self.objectives == 1 else TwoLosses

    def pool(
        self, container: str | None = None, fitness: type[base.Fitness] | None = None, seed: int = 0
    ) -> list[IndividualLike]:
        """Return evaluated individuals."""
        rng = random.Random(100 + seed)
        kind = fitness or self.fitness
        pool = [self.individual(1000 * seed + place, container) for place in range(POOL)]
        return [samples.evaluated(one, [rng.uniform(1, 2) for _ in kind.weights], kind) for one in pool]

    def arguments(self, container: str | None = None, seed: int = 0) -> list[Any]:
        """A pool, and how many to select."""
        return [self.pool(container, seed=seed), K]

    def outcome(self, arguments: list[Any], returned: Any) -> list[Any]:
        """The places of the selected in the pool, None for what is not from the pool."""
        places = {id(one): place for place, one in enumerate(arguments[0])}
        return [places.get(id(one)) for one in returned]


class TwoLosses(base.Fitness):  # type: ignore[misc]
    """Two objectives, both minimised."""

    weights = (-1.0, -1.0)


def _returns_a_list(case: SelectionCase) -> Iterator[str]:
    chosen = case.call(*case.arguments())
    if not isinstance(chosen, list):
        yield f"{case.returned(chosen)}; a selection returns a list of individuals"


def _honours_k(case: SelectionCase) -> Iterator[str]:
    for k in (0, 1, K):
        chosen = case.call(case.pool(), k)
        if len(chosen) != k:
            yield f"{case.name} returned {len(chosen)} individuals where k={k} were asked for of a pool of {POOL}"


def _returns_references(case: SelectionCase) -> Iterator[str]:
    for container in case.containers:
        if None in case.run(container):
            yield (
                f"{case.name} returned an object that is not in the pool of {container} individuals; return "
                "references, no copies: the algorithm clones where it needs to"
            )


def _leaves_the_pool_alone(case: SelectionCase) -> Iterator[str]:
    pool = case.pool()
    given, genes, values = list(pool), [values_of(one) for one in pool], [one.fitness.values for one in pool]
    case.call(pool, K)
    if len(pool) != len(given) or any(one is not own for one, own in zip(pool, given, strict=True)):
        yield f"{case.name} changes the order or the length of the list it was given; sort or shuffle a copy"
    elif genes != [values_of(one) for one in pool]:
        yield f"{case.name} changes genes; a selection only selects"
    elif values != [one.fitness.values for one in pool]:
        yield f"{case.name} changes fitness values; a selection only reads them"


def _follows_the_weights(case: SelectionCase) -> Iterator[str]:
    kinds = (LossFitness, AccuracyFitness) if case.objectives == 1 else (TwoLosses,)
    for kind in kinds:
        gains = []
        for seed in range(40):
            random.seed(seed)
            pool = case.pool(fitness=kind, seed=seed)
            chosen = case.call(pool, K)
            everybody, selected = ([sum(one.fitness.wvalues) for one in group] for group in (pool, chosen))
            gains.append((np.mean(selected) - np.mean(everybody)) / np.std(everybody))
        if np.mean(gains) < -0.2:
            goal = "minimised" if kind.weights[0] < 0 else "maximised"
            yield (
                f"{case.name} prefers the worse individuals of a fitness that is {goal}; compare `ind.fitness` or "
                "`ind.fitness.wvalues`, in which larger is always better, and not `ind.fitness.values`"
            )


def _bears_equal_individuals(case: SelectionCase) -> Iterator[str]:
    values = [1.0] * case.objectives
    for container in case.containers:
        pool = [samples.evaluated(case.individual(1, container), values, case.fitness) for _ in range(POOL)]
        if len(case.call(pool, K)) != K:
            yield (
                f"{case.name} does not return k individuals from a pool of equal {container} individuals; a population "
                "that has converged is such a pool"
            )


def _lets_no_NaN_through(case: SelectionCase) -> Iterator[str]:
    for place in (0, POOL - 1):
        pool = case.pool()
        samples.evaluated(pool[place], [float("nan")] * case.objectives)
        for seed in range(10):
            random.seed(seed)
            try:
                chosen = case.call(pool, K)
            except ValueError:
                continue
            if any(one is pool[place] for one in chosen):
                yield (
                    f"{case.name} selects an individual whose fitness is NaN (in DEAP NaN wins every comparison); "
                    "raise a ValueError that says which individual it is"
                )


check_selection = Kind("selection", SelectionCase.of, rules_of(
    can_be_called, repeats_with_the_seed, _returns_a_list, _honours_k, _returns_references,
    _leaves_the_pool_alone, _follows_the_weights, _bears_equal_individuals, _lets_no_NaN_through,
    *OPERATOR.values(),
))  # fmt: skip
"""Check a selection, ``selX(individuals, k, ...) -> list of references``; a replacement, which takes parents and
offspring in one list, is one as well. Options as of :data:`check_mutation`, and ``objectives``: 1 or 2, the number of
fitness values that it is tried with."""
