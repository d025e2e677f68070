"""Pareto ranks, the energy of a selection with several objectives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["pareto_ranks"]


def pareto_ranks(values: ArrayLike) -> NDArray[np.int64]:
    """Return the rank of every point by nondominated sorting: 0 for the first front, 1 for the next, ...

    A point dominates another when it is nowhere worse and somewhere better; equal points share a rank. The
    energy of multi-objective thermodynamical selection [Kita1996]_. Time and memory grow with the square of
    the number of distinct points.

    :param values: shape (points, objectives), larger is better (``fitness.wvalues``); infinities are allowed.
    :returns: the ranks, shape (points,).
    :raises ValueError: when the values are no table of numbers, or one is NaN.

    .. [Kita1996] Kita, Yabumoto, Mori, Nishikawa, "Multi-objective optimization by means of the
       thermodynamical genetic algorithm", PPSN IV, 1996.

    >>> pareto_ranks([(3, 0), (0, 3), (1, 1), (0, 0), (3, 0)]).tolist()
    [0, 0, 0, 1, 0]
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"values must be of shape (points, objectives); got shape {table.shape}")
    if np.isnan(table).any():
        raise ValueError("values hold NaN, which is neither better nor worse than a number")
    points, inverse = np.unique(table, axis=0, return_inverse=True)
    above = np.ones((len(points), len(points)), dtype=bool)  # above[i, j]: point i dominates point j
    for objective in points.T:
        above &= objective[:, None] >= objective[None, :]
    np.fill_diagonal(above, False)  # the points are distinct, so >= everywhere is domination

    dominators = above.sum(axis=0)
    ranks = np.full(len(points), -1, dtype=np.int64)
    rank = 0
    while (front := np.flatnonzero((dominators == 0) & (ranks < 0))).size:
        ranks[front] = rank
        dominators -= above[front].sum(axis=0)
        rank += 1
    return np.asarray(ranks[inverse.ravel()], dtype=np.int64)
