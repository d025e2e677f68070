"""Rules of temperature schedules and of entropies."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..operators import Entropy
from . import samples
from .calling import pickle_violations
from .generators import drawn_from
from .report import FIRST, Case, Kind, Rule
from .samples import CONTAINERS, values_of

_ENTROPIES = (3.0, 2.5, 2.0, 1.5, 1.0)


def _schedule_is_called(case: Case) -> Iterator[str]:
    for arguments in ((0,), (3, ()), (3, [2.0, 1.0, 0.5])):
        case.subject(*arguments)
    yield from ()


def _gives_temperatures(case: Case) -> Iterator[str]:
    for generation in (0, 1, 7, 100, 10_000):
        value: object = case.subject(generation, _ENTROPIES)
        if not isinstance(value, (float, int)):
            kind = type(value).__name__
            yield f"{case.name} returned a value of type {kind} for generation {generation}; give a number"
        elif not (math.isfinite(value) and value >= 0):
            yield (
                f"{case.name} returned {value} for generation {generation}; a temperature is finite and at least 0, "
                "also after the last generation that was planned"
            )


def _is_pure(case: Case) -> Iterator[str]:
    there = [case.subject(generation, _ENTROPIES) for generation in range(6)]
    back = [case.subject(generation, _ENTROPIES) for generation in reversed(range(6))]
    if there != back[::-1]:
        yield (
            f"{case.name} gives another temperature when it is asked again; make it a function of the generation and "
            "of the entropies so far, without memory, so that a resumed run goes on along the same curve"
        )
    if drawn_from(lambda: case.subject(2, _ENTROPIES)):
        yield f"{case.name} draws random numbers; a schedule is a plain function"


def _leaves_entropies_alone(case: Case) -> Iterator[str]:
    entropies = list(_ENTROPIES)
    case.subject(5, entropies)
    if entropies != list(_ENTROPIES):
        yield f"{case.name} changes the list of entropies that it was given; copy it first"


SCHEDULE: dict[str, Rule[Case]] = {
    FIRST: _schedule_is_called,
    "gives temperatures": _gives_temperatures,
    "is a pure function": _is_pure,
    "leaves the entropies alone": _leaves_entropies_alone,
    "can be pickled": lambda case: pickle_violations(case.subject, case.name),
}


check_schedule = Kind("schedule", Case, SCHEDULE)
"""Check a temperature schedule, any callable of the form ``schedule(generation, entropies=()) -> temperature``."""


@dataclass
class EntropyCase(Case):
    """An entropy, and populations."""

    def __post_init__(self) -> None:
        if not isinstance(self.subject, Entropy):
            raise TypeError(
                f"an entropy is an instance of a subclass of tdgnas.operators.Entropy; got {self.subject!r}"
            )

    def population(self, size: int = 8, container: str = "Individual", copies: bool = False) -> list[Any]:
        """Return individuals of real genes, all different or all equal."""
        make = CONTAINERS[container]
        return [make(samples.real_genes(random.Random(0 if copies else seed))) for seed in range(size)]


def _entropy_is_called(case: EntropyCase) -> Iterator[str]:
    case.subject.value(case.population())
    yield from ()


def _gives_a_number(case: EntropyCase) -> Iterator[str]:
    for size, copies in ((1, False), (2, True), (8, False), (8, True)):
        value: object = case.subject.value(case.population(size, copies=copies))
        if not isinstance(value, (float, int)) or not math.isfinite(value):
            what = "equal" if copies else "different"
            yield f"{case.name}.value returned {value!r} for {size} {what} individuals; an entropy is a finite number"


def _rewards_diversity(case: EntropyCase) -> Iterator[str]:
    many, few = case.subject.value(case.population()), case.subject.value(case.population(copies=True))
    if not many > few:
        yield (
            f"{case.name} gives {few:.4g} to eight equal individuals and {many:.4g} to eight different ones; more "
            "diversity must give more entropy, for selection lowers E - T*H"
        )


def _ignores_order(case: EntropyCase) -> Iterator[str]:
    population = case.population()
    shuffled = population[::-1]
    if not math.isclose(
        case.subject.value(population), case.subject.value(shuffled), rel_tol=1e-9, abs_tol=1e-9
    ):
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


def _treats_containers_alike(case: EntropyCase) -> Iterator[str]:
    values = {name: case.subject.value(case.population(container=name)) for name in CONTAINERS}
    for name, value in values.items():
        if not math.isclose(value, values["Individual"], rel_tol=1e-9, abs_tol=1e-9):
            yield f"{case.name} gives {value} to {name} individuals and {values['Individual']} to Individuals"


def _differences(values: Sequence[float] | Any) -> Any:
    return np.asarray(values, dtype=np.float64) - np.asarray(values, dtype=np.float64)[0]


def _fast_state_agrees(case: EntropyCase) -> Iterator[str]:
    pool = case.population(10)
    fast, slow = case.subject.start(pool, 5), Entropy.start(case.subject, pool, 5)
    for pick in (4, 2, 4, 7):
        gains = np.asarray(fast.gains())
        if gains.shape != (len(pool),) or not np.isfinite(gains).all():
            yield f"{case.name}.start(...).gains() must give {len(pool)} finite numbers, one per candidate of the pool"
            return
        if not np.allclose(_differences(gains), _differences(slow.gains()), rtol=1e-6, atol=1e-7):
            yield (
                f"{case.name}.start(...).gains() does not agree with value(); it must be m*H(picks + candidate), "
                "m = number of picks + 1, up to what is equal for all candidates"
            )
            return
        fast.add(pick)
        slow.add(pick)


ENTROPY: dict[str, Rule[EntropyCase]] = {
    FIRST: _entropy_is_called,
    "gives a finite number": _gives_a_number,
    "rewards diversity": _rewards_diversity,
    "ignores the order": _ignores_order,
    "only reads": _only_reads,
    "treats all containers alike": _treats_containers_alike,
    "agrees with its fast state": _fast_state_agrees,
    "can be pickled": lambda case: pickle_violations(case.subject, case.name),
}


check_entropy = Kind("entropy", EntropyCase, ENTROPY)
"""Check an entropy: an instance of a subclass of :class:`tdgnas.operators.Entropy`."""
