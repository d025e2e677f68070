"""The check of individuals that come back evaluated."""

from __future__ import annotations

from collections.abc import Sequence

from ..individual import IndividualLike


def check_evaluated(individuals: Sequence[IndividualLike]) -> None:
    """Check that every individual has a fitness of numbers.

    :raises ValueError: naming the first one that has none, or NaN in it.
    """
    for place, individual in enumerate(individuals):
        values = individual.fitness.values
        if not values or any(value != value for value in values):
            raise ValueError(
                f"individual {place} came back with the fitness {values or 'missing'}; evaluate every individual "
                "before update, and let no NaN into a fitness (it would win every comparison in DEAP)"
            )
