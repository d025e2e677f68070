"""Checks of what strategies are given: numbers, and individuals that come back evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def check_counts(**counts: int) -> None:
    """Check whole numbers.

    :raises ValueError: naming the first one below 1.
    """
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1")


def check_rates(**rates: float) -> None:
    """Check probabilities.

    :raises ValueError: naming the first one that is not between 0 and 1.
    """
    for name, rate in rates.items():
        if not 0 <= rate <= 1:
            raise ValueError(f"{name} is {rate}; a probability lies between 0 and 1")


def check_evaluated(individuals: Sequence[Any]) -> None:
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
