"""Two operators: plain functions in DEAP's shape."""

from __future__ import annotations

import random
from typing import Any


def mutSwapGenes(individual: Any, *, pairs: int = 1, rng: random.Random | None = None) -> tuple[Any]:
    """Exchange the values of randomly chosen pairs of genes.

    :param individual: the individual, changed in place.
    :param pairs: how many pairs are exchanged.
    :param rng: where random numbers come from, instead of :mod:`random`.
    :returns: a tuple of the individual.

    This function uses the :func:`~random.sample` function from the python base :mod:`random` module.
    """
    if pairs < 1:
        raise ValueError(f"pairs is {pairs}; exchange at least one pair")
    sample = random.sample if rng is None else rng.sample
    for _ in range(pairs):
        one, two = sample(range(len(individual)), 2)
        individual[one], individual[two] = individual[two], individual[one]
    return (individual,)


def selTruncation(
    individuals: list[Any], k: int, *, share: float = 0.5, rng: random.Random | None = None
) -> list[Any]:
    """Select from the best share of the individuals, each of them equally likely.

    :param individuals: the pool.
    :param k: the number of picks.
    :param share: the share of the pool that may be picked, above 0 to 1.
    :param rng: where random numbers come from, instead of :mod:`random`.
    :returns: a list of references to the selected individuals.

    This function uses the :func:`~random.choices` function from the python base :mod:`random` module.
    """
    if any(value != value for one in individuals for value in one.fitness.wvalues):
        raise ValueError("an individual has the fitness NaN; give it the worst value instead")
    ranked = sorted(individuals, key=lambda one: one.fitness, reverse=True)
    best = ranked[: max(1, round(share * len(ranked)))]
    return (random if rng is None else rng).choices(best, k=k)
