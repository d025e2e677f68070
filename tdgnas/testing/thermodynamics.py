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
from .report import Case, Kind
from .samples import CONTAINERS, values_of

_ENTROPIES = (3.0, 2.5, 2.0, 1.5, 1.0)


class ScheduleCase(Case):
    """A temperature schedule."""

    rule_can_be_pickled = can_be_pickled

    def rule_can_be_called(self) -> None:
        for arguments in ((0,), (3, ()), (3, [2.0, 1.0, 0.5])):
            self.subject(*arguments)

    def rule_gives_temperatures(self) -> Iterator[str]:
        for generation in (0, 1, 7, 100, 10_000):
            value: object = self.subject(generation, _ENTROPIES)
            if not isinstance(value, (float, int)):
                yield f"{self.returned(value)} for generation {generation}; give a number"
            elif not (math.isfinite(value) and value >= 0):
                yield (
                    f"{self.name} returned {value} for generation {generation}; a temperature is finite and at least "
                    "0, also after the last generation that was planned"
                )

    def rule_is_a_pure_function(self) -> Iterator[str]:
        there = [self.subject(generation, _ENTROPIES) for generation in range(6)]
        back = [self.subject(generation, _ENTROPIES) for generation in reversed(range(6))]
        if there != back[::-1]:
            yield (
                f"{self.name} gives another temperature when it is asked again; make it a function of the generation "
                "and of the entropies so far, without memory, so that a resumed run goes on along the same curve"
            )
        if drawn_from(lambda: self.subject(2, _ENTROPIES)):
            yield f"{self.name} draws random numbers; a schedule is a plain function"

    def rule_leaves_the_entropies_alone(self) -> Iterator[str]:
        entropies = list(_ENTROPIES)
        self.subject(5, entropies)
        if entropies != list(_ENTROPIES):
            yield f"{self.name} changes the list of entropies that it was given; copy it first"


check_schedule = Kind("schedule", ScheduleCase)
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

    rule_can_be_pickled = can_be_pickled

    def rule_can_be_called(self) -> None:
        self.value()

    def rule_gives_a_finite_number(self) -> Iterator[str]:
        for size, copies in ((1, False), (2, True), (8, False), (8, True)):
            value: object = self.value(size, copies=copies)
            if not isinstance(value, (float, int)) or not math.isfinite(value):
                what = "equal" if copies else "different"
                yield f"{self.name}.value gives {value!r} for {size} {what} individuals; an entropy is a finite number"

    def rule_rewards_diversity(self) -> Iterator[str]:
        many, few = self.value(), self.value(copies=True)
        if not many > few:
            yield (
                f"{self.name} gives {few:.4g} to eight equal individuals and {many:.4g} to eight different ones; more "
                "diversity must give more entropy, for selection lowers E - T*H"
            )

    def rule_ignores_the_order(self) -> Iterator[str]:
        other_way = self.subject.value(self.population()[::-1])
        if not math.isclose(self.value(), other_way, rel_tol=1e-9, abs_tol=1e-9):
            yield f"{self.name} depends on the order of the individuals; an entropy belongs to the set"

    def rule_only_reads(self) -> Iterator[str]:
        population = self.population()
        before = [values_of(one) for one in population]
        state = self.subject.start(population, 3)
        state.gains()
        state.add(0)
        if len({self.subject.value(population) for _ in range(3)}) > 1:
            yield f"{self.name} gives one population several values; it must not remember or draw anything"
        if drawn_from(lambda: self.subject.value(population)):
            yield f"{self.name} draws random numbers; an entropy is a plain function"
        if [values_of(one) for one in population] != before:
            yield f"{self.name} changes the individuals; an entropy only reads them"

    def rule_treats_all_containers_alike(self) -> Iterator[str]:
        values = {name: self.value(container=name) for name in CONTAINERS}
        for name, value in values.items():
            if not math.isclose(value, values["Individual"], rel_tol=1e-9, abs_tol=1e-9):
                yield f"{self.name} gives {value} to {name} individuals and {values['Individual']} to Individuals"

    def rule_agrees_with_its_fast_state(self) -> Iterator[str]:
        pool = self.population(10)
        fast, slow = self.subject.start(pool, 5), Entropy.start(self.subject, pool, 5)
        for pick in (4, 2, 4, 7):
            gains = np.asarray(fast.gains())
            if gains.shape != (len(pool),) or not np.isfinite(gains).all():
                yield f"{self.name}.start(...).gains() must give {len(pool)} finite numbers, one for each candidate"
            if not np.allclose(_differences(gains), _differences(slow.gains()), rtol=1e-6, atol=1e-7):
                yield (
                    f"{self.name}.start(...).gains() does not agree with value(); it must be m*H(picks + candidate), "
                    "m = number of picks + 1, up to what is equal for all candidates"
                )
            fast.add(pick)
            slow.add(pick)


def _differences(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    found = found - found[0]
    return found


check_entropy = Kind("entropy", EntropyCase)
"""Check an entropy: an instance of a subclass of :class:`tdgnas.operators.Entropy`."""
