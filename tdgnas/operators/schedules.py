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
from typing import Protocol, runtime_checkable

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


def _generations(ngen: object) -> None:
    if not isinstance(ngen, Integral) or ngen < 1:
        raise ValueError(f"ngen must be a whole number of generations >= 1; got {ngen!r}")


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
class Geometric:
    """Cooling by the same factor every generation: T(g) = start^(1-g/ngen) * stop^(g/ngen).

    :param start: T(0), > 0.
    :param stop: T(ngen), > 0, and the temperature of every later generation.
    :param ngen: generations from start to stop.

    >>> [round(Geometric(1.0, 0.01, ngen=4)(g), 6) for g in range(6)]
    [1.0, 0.316228, 0.1, 0.031623, 0.01, 0.01]
    """

    start: float
    stop: float
    ngen: int

    def __post_init__(self) -> None:
        _number("start", self.start, zero=False)
        _number("stop", self.stop, zero=False)
        _generations(self.ngen)

    def __call__(self, generation: int, entropies: Sequence[float] = ()) -> float:
        """Return the temperature of a generation."""
        if (share := _checked(generation) / self.ngen) >= 1:
            return float(self.stop)
        return float(self.start ** (1 - share) * self.stop**share)


@dataclass(frozen=True)
class Linear:
    """The temperature on a straight line from start to stop.

    :param start: T(0), >= 0.
    :param stop: T(ngen), >= 0, and the temperature of every later generation.
    :param ngen: generations from start to stop.

    >>> [Linear(1.0, 0.0, ngen=4)(g) for g in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    start: float
    stop: float
    ngen: int

    def __post_init__(self) -> None:
        _number("start", self.start, zero=True)
        _number("stop", self.stop, zero=True)
        _generations(self.ngen)

    def __call__(self, generation: int, entropies: Sequence[float] = ()) -> float:
        """Return the temperature of a generation."""
        if (share := _checked(generation) / self.ngen) >= 1:
            return float(self.stop)
        return float(self.start * (1 - share) + self.stop * share)


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
