"""A Gaussian process on choices: how good an architecture is likely to be, and how unsure that is.

Source: Rasmussen, Williams 2006, *Gaussian Processes for Machine Learning*, algorithm 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...decision import Choices
from .model import Array, Model

__all__ = ["ChoiceGP"]


class ChoiceGP(Model):
    """A Gaussian process with the kernel k(x, y) = rho^(number of decisions in which x and y differ).

    The Cholesky factor of K + noise * I grows by a row per architecture, and so does its inverse, which is what is
    kept. It does not depend on the targets, which may be others at each prediction, as ranks are: a prediction costs
    O(n^2) for n architectures, as adding one does.
    Give canonical choices (``Decisions.canonical``) where some can be dead: two spellings of a network are then equal.

    :param rho: correlation of two architectures that differ in one decision, in (0, 1).
    :param noise: variance of the targets around the process, > 0; the process itself has variance 1 and mean 0.
    :raises ValueError: for numbers out of range.

    >>> gp = ChoiceGP()
    >>> gp.add((0, 0)), gp.add((1, 2))
    (None, None)
    >>> mean, deviation = gp.predict([1.0, -1.0], [(0, 0), (0, 1), (1, 2)])
    >>> mean.round(3).tolist(), deviation.round(3).tolist()
    ([0.63, 0.259, -0.63], [0.468, 0.76, 0.468])
    """

    def __init__(self, rho: float = 0.7, noise: float = 0.3) -> None:
        super().__init__()
        if not (0 < rho < 1 and 0 < noise < math.inf):
            raise ValueError(f"rho is {rho} and noise {noise}; rho lies between 0 and 1, noise is above 0")
        self.rho, self.noise = rho, noise
        self._inverse = np.zeros(
            (0, 0)
        )  # of the factor L: a product with it is faster than a triangular solution

    def add(self, choices: Sequence[int]) -> None:
        """Append an architecture, and a row to the inverse of the factor."""
        size = len(self)
        super().add(choices)
        if size == len(self._inverse):
            grown = np.zeros((max(64, 2 * size),) * 2)
            grown[:size, :size] = self._inverse
            self._inverse = grown
        inverse = self._inverse[:size, :size]
        row = inverse @ self.kernel(self.choices[:size], self.choices[size:])[:, 0]
        pivot = math.sqrt(1 + self.noise - row @ row)
        self._inverse[size, :size] = -(row @ inverse) / pivot
        self._inverse[size, size] = 1 / pivot

    def kernel(self, one: Choices, other: Choices) -> Array:
        """Return the covariances of two lists of architectures, shape (length of one, length of other)."""
        return np.asarray(self.rho ** (one[:, None, :] != other[None, :, :]).sum(axis=2))

    def _predict(self, targets: Array, candidates: Choices) -> tuple[Array, Array]:
        right = np.column_stack([targets, self.kernel(self.choices, candidates)])
        solved = self._inverse[: len(self), : len(self)] @ right
        weights, rest = solved[:, 0], solved[:, 1:]
        variance = 1 - np.einsum("ij,ij->j", rest, rest)
        return weights @ rest, np.sqrt(np.maximum(variance, 0.0))
