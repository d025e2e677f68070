"""Rules of selections: functions of a pool and a number, which return references."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
from deap import base

from ..individual import AccuracyFitness, IndividualLike, LossFitness
from . import samples
from .calling import OperatorCase
from .report import Kind
from .samples import values_of

POOL = 16
K = POOL // 2


class TwoLosses(base.Fitness):  # type: ignore[misc]
    """Two objectives, both minimised."""

    weights = (-1.0, -1.0)


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

    def rule_returns_a_list(self) -> Iterator[str]:
        chosen = self.call(*self.arguments())
        if not isinstance(chosen, list):
            yield f"{self.returned(chosen)}; a selection returns a list of individuals"

    def rule_honours_k(self) -> Iterator[str]:
        for k in (0, 1, K):
            chosen = self.call(self.pool(), k)
            if len(chosen) != k:
                yield f"{self.name} returned {len(chosen)} individuals where k={k} were asked for of a pool of {POOL}"

    def rule_returns_references(self) -> Iterator[str]:
        for container in self.containers:
            if None in self.run(container):
                yield (
                    f"{self.name} returned an object that is not in the pool of {container} individuals; return "
                    "references, no copies: the algorithm clones where it needs to"
                )

    def rule_leaves_the_pool_alone(self) -> Iterator[str]:
        pool = self.pool()
        given, genes, values = (
            list(pool),
            [values_of(one) for one in pool],
            [one.fitness.values for one in pool],
        )
        self.call(pool, K)
        if len(pool) != len(given) or any(one is not own for one, own in zip(pool, given, strict=True)):
            yield f"{self.name} changes the order or the length of the list it was given; sort or shuffle a copy"
        elif genes != [values_of(one) for one in pool]:
            yield f"{self.name} changes genes; a selection only selects"
        elif values != [one.fitness.values for one in pool]:
            yield f"{self.name} changes fitness values; a selection only reads them"

    def rule_follows_the_weights(self) -> Iterator[str]:
        kinds = (LossFitness, AccuracyFitness) if self.objectives == 1 else (TwoLosses,)
        for kind in kinds:
            gains = []
            for seed in range(40):
                random.seed(seed)
                pool = self.pool(fitness=kind, seed=seed)
                chosen = self.call(pool, K)
                everybody, selected = (
                    [sum(one.fitness.wvalues) for one in group] for group in (pool, chosen)
                )
                gains.append((np.mean(selected) - np.mean(everybody)) / np.std(everybody))
            if np.mean(gains) < -0.2:
                goal = "minimised" if kind.weights[0] < 0 else "maximised"
                yield (
                    f"{self.name} prefers the worse individuals of a fitness that is {goal}; compare `ind.fitness` or "
                    "`ind.fitness.wvalues`, in which larger is always better, and not `ind.fitness.values`"
                )

    def rule_bears_equal_individuals(self) -> Iterator[str]:
        values = [1.0] * self.objectives
        for container in self.containers:
            pool = [
                samples.evaluated(self.individual(1, container), values, self.fitness) for _ in range(POOL)
            ]
            if len(self.call(pool, K)) != K:
                yield (
                    f"{self.name} does not return k individuals from a pool of equal {container} individuals; a "
                    "population that has converged is such a pool"
                )

    def rule_lets_no_NaN_through(self) -> Iterator[str]:
        for place in (0, POOL - 1):
            pool = self.pool()
            samples.evaluated(pool[place], [float("nan")] * self.objectives)
            for seed in range(10):
                random.seed(seed)
                try:
                    chosen = self.call(pool, K)
                except ValueError:
                    continue
                if any(one is pool[place] for one in chosen):
                    yield (
                        f"{self.name} selects an individual whose fitness is NaN (in DEAP NaN wins every comparison); "
                        "raise a ValueError that says which individual it is"
                    )


check_selection = Kind("selection", SelectionCase)
"""Check a selection, ``selX(individuals, k, ...) -> list of references``; a replacement, which takes parents and
offspring in one list, is one as well. Options as of :data:`check_mutation`, and ``objectives``: 1 or 2, the number of
fitness values that it is tried with."""
