"""Temperature schedules: values of the generation, never a side effect of selecting.

A schedule is an immutable callable ``schedule(generation, entropies=()) -> temperature``. Calling it twice
with the same arguments gives the same temperature, so a resumed run continues on the same curve.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar, Protocol, runtime_checkable

__all__ = ["Constant", "Feedback", "Geometric", "Linear", "Schedule"]


@runtime_checkable
class Schedule(Protocol):
    """What a temperature schedule is: any callable of this form."""

    def __call__(self, generation: int, entropies: Sequence[float] = ()) -> float:
        """Return the temperature of a generation, in units of energy per nat.

        :param generation: the generation, 0 for the first.
        :param entropies: the entropies of the populations so far, in nats, oldest first.
        """
        ...


def _number(name: str, value: object, *, zero: bool) -> None:
    expected = "a finite number >= 0" if zero else "a finite number > 0"
    if not isinstance(value, Real) or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ValueError(f"{name} must be {expected}; got {value!r}")


def _checked(generation: int) -> int:
    generation = operator.index(generation)
    if generation < 0:
        raise ValueError(f"generation must be 0 or later; got {generation}")
    return generation


@dataclass(frozen=True)
class Constant:
    """The same temperature always.

    :param t: the temperature, >= 0.

    >>> Constant(10.0)(42)
    10.0
    """

    t: float

    def __post_init__(self) -> None:
        _number("t", self.t, zero=True)

    def __call__(self, generation: int, entropies: Sequence[float] = ()) -> float:
        """Return the temperature of a generation."""
        _checked(generation)
        return float(self.t)


@dataclass(frozen=True)
class _Course:
    start: float
    stop: float
    ngen: int

    _zero: ClassVar[bool] = True  # whether a temperature may be 0

    def __post_init__(self) -> None:
        _number("start", self.start, zero=self._zero)
        _number("stop", self.stop, zero=self._zero)
        ngen: object = self.ngen
        if not isinstance(ngen, Integral) or ngen < 1:
            raise ValueError(f"ngen must be a whole number of generations >= 1; got {ngen!r}")

    def __call__(self, generation: int, entropies: Sequence[float] = ()) -> float:
        """Return the temperature of a generation."""
        share = _checked(generation) / self.ngen
        return float(self.stop if share >= 1 else self._at(share))

    def _at(self, share: float) -> float:
        return self.start * (1 - share) + self.stop * share


class Geometric(_Course):
    """Cooling by the same factor every generation: T(g) = start^(1-g/ngen) * stop^(g/ngen).

    :param start: T(0), > 0.
    :param stop: T(ngen), > 0, and the temperature of every later generation.
    :param ngen: generations from start to stop.

    >>> [round(Geometric(1.0, 0.01, ngen=4)(g), 6) for g in range(6)]
    [1.0, 0.316228, 0.1, 0.031623, 0.01, 0.01]
    """

    _zero = False

    def _at(self, share: float) -> float:
        return float(self.start ** (1 - share) * self.stop**share)


class Linear(_Course):
    """The temperature on a straight line from start to stop.

    :param start: T(0), >= 0.
    :param stop: T(ngen), >= 0, and the temperature of every later generation.
    :param ngen: generations from start to stop.

    >>> [Linear(1.0, 0.0, ngen=4)(g) for g in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """


@dataclass(frozen=True)
class Feedback:
    """The temperature that drives the population's entropy towards a target.

    Starting from ``start``, every entropy H so far changes it by T <- T * exp(gain * (target - H)), kept
    between ``minimum`` and ``maximum``: too little diversity heats, too much cools. The exponential form of
    the controller of feedback TDGA (Mori et al. 1998).

    :param start: the temperature before any entropy is known.
    :param target: the entropy to hold, in nats, >= 0.
    :param gain: how strongly one nat of difference acts, > 0.
    :param minimum: the lowest temperature, > 0.
    :param maximum: the highest temperature, >= minimum.

    >>> feedback = Feedback(start=1.0, target=2.0, gain=0.5)
    >>> feedback(0), feedback(1, [2.0]), round(feedback(2, [2.0, 0.0]), 6)
    (1.0, 1.0, 2.718282)
    """

    start: float
    target: float
    gain: float = 0.1
    minimum: float = 1e-6
    maximum: float = 1e6

    def __post_init__(self) -> None:
        for name in ("start", "gain", "minimum", "maximum"):
            _number(name, getattr(self, name), zero=False)
        _number("target", self.target, zero=True)
        if not self.minimum <= self.start <= self.maximum:
            raise ValueError(
                "start must lie between minimum and maximum; got "
                f"start={self.start}, minimum={self.minimum}, maximum={self.maximum}"
            )

    def __call__(self, generation: int, entropies: Sequence[float] = ()) -> float:
        """Return the temperature after the entropies so far."""
        _checked(generation)
        temperature = float(self.start)
        for entropy in entropies:
            if not math.isfinite(entropy):
                raise ValueError(f"entropies must be finite numbers; got {entropy!r}")
            exponent = min(self.gain * (self.target - entropy), 700.0)  # exp beyond 709 overflows
            temperature = min(max(temperature * math.exp(exponent), self.minimum), self.maximum)
        return temperature
