"""Rules of temperature schedules and of entropies."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..individual import IndividualLike
from ..operators import Entropy
from . import samples
from .calling import can_be_pickled
from .generators import drawn_from
from .report import Case, Kind, rules_of
from .samples import CONTAINERS, values_of

_ENTROPIES = (3.0, 2.5, 2.0, 1.5, 1.0)


def _schedule_is_called(case: Case) -> None:
    for arguments in ((0,), (3, ()), (3, [2.0, 1.0, 0.5])):
        case.subject(*arguments)


def _gives_temperatures(case: Case) -> Iterator[str]:
    for generation in (0, 1, 7, 100, 10_000):
        value: object = case.subject(generation, _ENTROPIES)
        if not isinstance(value, (float, int)):
            yield f"{case.returned(value)} for generation {generation}; give a number"
        elif not (math.isfinite(value) and value >= 0):
            yield (
                f"{case.name} returned {value} for generation {generation}; a temperature is finite and at least 0, "
                "also after the last generation that was planned"
            )


def _is_a_pure_function(case: Case) -> Iterator[str]:
    there = [case.subject(generation, _ENTROPIES) for generation in range(6)]
    back = [case.subject(generation, _ENTROPIES) for generation in reversed(range(6))]
    if there != back[::-1]:
        yield (
            f"{case.name} gives another temperature when it is asked again; make it a function of the generation and "
            "of the entropies so far, without memory, so that a resumed run goes on along the same curve"
        )
    if drawn_from(lambda: case.subject(2, _ENTROPIES)):
        yield f"{case.name} draws random numbers; a schedule is a plain function"


def _leaves_the_entropies_alone(case: Case) -> Iterator[str]:
    entropies = list(_ENTROPIES)
    case.subject(5, entropies)
    if entropies != list(_ENTROPIES):
        yield f"{case.name} changes the list of entropies that it was given; copy it first"


check_schedule = Kind("schedule", Case, rules_of(
    _schedule_is_called, _gives_temperatures, _is_a_pure_function, _leaves_the_entropies_alone,
    can_be_pickled,
))  # fmt: skip
"""Check a temperature schedule, any callable of the form ``schedule(generation, entropies=()) -> temperature``."""


@dataclass
class EntropyCase(Case):
    """An entropy, and populations."""

    def __post_init__(self) -> None:
        if not isinstance(self.subject, Entropy):
            raise TypeError(
                f"an entropy is an instance of a subclass of tdgnas.operators.Entropy; got {self.subject!r}"
            )

    def population(
        self, size: int = 8, container: str = "Individual", copies: bool = False
    ) -> list[IndividualLike]:
        """Return individuals of real genes, all different or all equal."""
        make = CONTAINERS[container]
        return [make(samples.real_genes(random.Random(0 if copies else seed))) for seed in range(size)]

    def value(self, size: int = 8, container: str = "Individual", copies: bool = False) -> Any:
        """Return the entropy of a population."""
        return self.subject.value(self.population(size, container, copies))


def _entropy_is_called(case: EntropyCase) -> None:
    case.value()


def _gives_a_finite_number(case: EntropyCase) -> Iterator[str]:
    for size, copies in ((1, False), (2, True), (8, False), (8, True)):
        value: object = case.value(size, copies=copies)
        if not isinstance(value, (float, int)) or not math.isfinite(value):
            what = "equal" if copies else "different"
            yield f"{case.name}.value returned {value!r} for {size} {what} individuals; an entropy is a finite number"


def _rewards_diversity(case: EntropyCase) -> Iterator[str]:
    many, few = case.value(), case.value(copies=True)
    if not many > few:
        yield (
            f"{case.name} gives {few:.4g} to eight equal individuals and {many:.4g} to eight different ones; more "
            "diversity must give more entropy, for selection lowers E - T*H"
        )


def _ignores_the_order(case: EntropyCase) -> Iterator[str]:
    other_way = case.subject.value(case.population()[::-1])
    if not math.isclose(case.value(), other_way, rel_tol=1e-9, abs_tol=1e-9):
        yield f"{case.name} depends on the order of the individuals; an entropy belongs to the set"


def _only_reads(case: EntropyCase) -> Iterator[str]:
    population = case.population()
    before = [values_of(one) for one in population]
    state = case.subject.start(population, 3)
    state.gains()
    state.add(0)
    if len({case.subject.value(population) for _ in range(3)}) > 1:
        yield f"{case.name} gives one population several values; it must not remember or draw anything"
    if drawn_from(lambda: case.subject.value(population)):
        yield f"{case.name} draws random numbers; an entropy is a plain function"
    if [values_of(one) for one in population] != before:
        yield f"{case.name} changes the individuals; an entropy only reads them"


def _treats_all_containers_alike(case: EntropyCase) -> Iterator[str]:
    values = {name: case.value(container=name) for name in CONTAINERS}
    for name, value in values.items():
        if not math.isclose(value, values["Individual"], rel_tol=1e-9, abs_tol=1e-9):
            yield f"{case.name} gives {value} to {name} individuals and {values['Individual']} to Individuals"


def _differences(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    found = found - found[0]
    return found


def _agrees_with_its_fast_state(case: EntropyCase) -> Iterator[str]:
    pool = case.population(10)
    fast, slow = case.subject.start(pool, 5), Entropy.start(case.subject, pool, 5)
    for pick in (4, 2, 4, 7):
        gains = np.asarray(fast.gains())
        if gains.shape != (len(pool),) or not np.isfinite(gains).all():
            yield f"{case.name}.start(...).gains() must give {len(pool)} finite numbers, one per candidate of the pool"
        if not np.allclose(_differences(gains), _differences(slow.gains()), rtol=1e-6, atol=1e-7):
            yield (
                f"{case.name}.start(...).gains() does not agree with value(); it must be m*H(picks + candidate), "
                "m = number of picks + 1, up to what is equal for all candidates"
            )
        fast.add(pick)
        slow.add(pick)


check_entropy = Kind("entropy", EntropyCase, rules_of(
    _entropy_is_called, _gives_a_finite_number, _rewards_diversity, _ignores_the_order, _only_reads,
    _treats_all_containers_alike, _agrees_with_its_fast_state, can_be_pickled,
))  # fmt: skip
"""Check an entropy: an instance of a subclass of :class:`tdgnas.operators.Entropy`."""
