"""Curves over the budget: step functions of every seed on one grid, their mean and its confidence band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy  # which imports its parts when they are used

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """A mean over seeds and its 95 % confidence interval (Student's t); NaN where no seed has a value."""

    grid: Array
    mean: Array
    low: Array
    high: Array


def step_values(points: Sequence[tuple[float, float]], grid: Array) -> Array:
    """Return the value of the last point at or before each place of the grid; NaN before the first."""
    costs = np.array([cost for cost, _ in points])
    values = np.array([np.nan, *(value for _, value in points)])
    return values[np.searchsorted(costs, grid, side="right")]


def band(curves: Sequence[Sequence[tuple[float, float]]], grid: Array) -> Band:
    """Return the mean of several curves and its confidence band.

    :param curves: of each seed its points (budget used, value), in order.
    :param grid: where they are read off.
    """
    table = np.array([step_values(points, grid) for points in curves])
    n = (~np.isnan(table)).sum(axis=0)
    some, free = np.maximum(n, 1), np.maximum(n - 1, 1)
    mean = np.where(n > 0, np.nansum(table, axis=0) / some, np.nan)
    error = np.sqrt(np.nansum((table - mean) ** 2, axis=0) / free / some)
    width = np.where(n > 1, scipy.stats.t.ppf(0.975, free) * error, 0.0)
    return Band(grid, mean, mean - width, mean + width)


def bands(results: Sequence[Mapping[str, Any]], what: str, points: int = 200) -> dict[str, Band]:
    """Return a band for each strategy.

    :param what: ``signal``, what the search saw of its choice; ``final``, that choice's result; or
        ``entropy``.
    """
    by_strategy: dict[str, list[list[tuple[float, float]]]] = {}
    for result in results:
        if what == "entropy":
            curve = [(cost, value) for cost, value in result["entropy"]]
        else:
            place = 1 if what == "signal" else 2
            curve = [(point[0], point[place]) for point in result["curve"] if point[place] is not None]
        if curve:
            by_strategy.setdefault(result["strategy"], []).append(curve)
    if not by_strategy:
        return {}
    costs = [cost for curves in by_strategy.values() for curve in curves for cost, _ in curve]
    ends = [result["prepaid"] + result["used"] for result in results]
    grid = np.linspace(min(costs), max(*costs, *ends), points)
    return {name: band(curves, grid) for name, curves in by_strategy.items()}
