"""Schedules: known values, purity, validation."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdgnas.operators import Constant, Feedback, Geometric, Linear, Schedule

positive = st.floats(1e-6, 1e6)
generations = st.integers(1, 1000)


@given(positive, positive, generations, st.integers(0, 2000))
def test_falling_and_rising_schedules_go_from_start_to_stop_and_stay(start, stop, ngen, generation):
    for schedule in (Geometric(start, stop, ngen), Linear(start, stop, ngen)):
        assert schedule(0) == start
        assert schedule(ngen) == stop
        assert schedule(ngen + generation) == stop
        low, high = sorted((start, stop))
        assert low * (1 - 1e-12) <= schedule(generation) <= high * (1 + 1e-12)


def test_geometric_is_the_published_cooling():
    schedule = Geometric(1.0, 1e-3, ngen=150)
    assert schedule(75) == pytest.approx(10**-1.5)
    ratios = [schedule(g + 1) / schedule(g) for g in range(150)]
    assert ratios == pytest.approx([1e-3 ** (1 / 150)] * 150)


def test_linear_and_constant():
    assert [Linear(2.0, 1.0, ngen=4)(g) for g in range(5)] == [2.0, 1.75, 1.5, 1.25, 1.0]
    assert [Constant(10)(g) for g in (0, 7)] == [10.0, 10.0]
    assert Constant(0)(3) == 0
    assert Linear(0, 0, 1)(5) == 0


def test_feedback_heats_below_the_target_and_cools_above():
    feedback = Feedback(start=2.0, target=3.0, gain=0.5, minimum=1e-3, maximum=1e3)
    assert feedback(0) == 2.0
    assert feedback(1, [1.0]) == pytest.approx(2.0 * math.e)
    assert feedback(1, [5.0]) == pytest.approx(2.0 / math.e)
    assert feedback(3, [1.0, 3.0, 5.0]) == pytest.approx(2.0)


def test_feedback_keeps_its_bounds_at_every_step():
    feedback = Feedback(start=1.0, target=1.0, gain=1.0, minimum=0.5, maximum=2.0)
    assert feedback(1, [1e300]) == 0.5
    assert feedback(2, [1e300, 0.0]) == pytest.approx(0.5 * math.e)  # no memory of how far it was beyond
    assert Feedback(1.0, 1e9, gain=1e3)(1, [0.0]) == 1e6


@given(st.lists(st.floats(0, 50), max_size=20))
def test_schedules_are_pure(entropies):
    for schedule in (Constant(1.0), Geometric(1, 0.1, 9), Linear(1, 0, 9), Feedback(1.0, 5.0)):
        first = schedule(3, entropies)
        schedule(7, entropies)
        assert schedule(3, entropies) == first
        assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_schedules_are_values_and_functions_count_as_schedules():
    assert Geometric(1, 0.1, 9) == Geometric(1, 0.1, 9)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Constant(1.0).t = 2.0
    schedules = (Constant(1), Linear(1, 0, 2), Feedback(1, 1), lambda generation, entropies=(): 1.0)
    assert all(isinstance(schedule, Schedule) for schedule in schedules)
    assert not isinstance(1.0, Schedule)
    assert Geometric(np.float64(1), np.float32(0.5), np.int64(2))(np.int64(2)) == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1), "t must be a finite number >= 0; got -1"),
        (lambda: Constant(math.nan), "t must be"),
        (lambda: Constant("1"), "t must be"),
        (lambda: Geometric(0, 1, 5), "start must be a finite number > 0"),
        (lambda: Geometric(1, 0, 5), "stop must be a finite number > 0"),
        (lambda: Geometric(1, math.inf, 5), "stop"),
        (lambda: Linear(1, -0.5, 5), "stop must be a finite number >= 0"),
        (lambda: Linear(1, 0.5, 0), "ngen must be a whole number of generations >= 1; got 0"),
        (lambda: Geometric(1, 0.5, 2.5), "ngen"),
        (lambda: Feedback(1, -1), "target"),
        (lambda: Feedback(1, 1, gain=0), "gain"),
        (lambda: Feedback(1, 1, minimum=2.0), "start must lie between"),
        (lambda: Feedback(1, 1)(1, [math.nan]), "entropies must be finite"),
        (lambda: Constant(1)(-1), "generation must be 0 or later"),
    ],
)
def test_refusals_say_what_was_wrong(make, message):
    with pytest.raises(ValueError, match=message):
        make()
