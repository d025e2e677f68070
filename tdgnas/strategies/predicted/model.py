"""What predicts how good an architecture is from those that were evaluated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...decision import Choices

__all__ = ["Model", "one_hot", "spread_ranks"]

Array = npt.NDArray[np.float64]


class Model(ABC):
    """Architectures that were evaluated, and a prediction for others; the targets are given anew each time.

    Authors write :meth:`_predict`.

    :ivar noise: variance of the targets around what is predicted, where the model knows of one.
    """

    noise = 0.0

    def __init__(self) -> None:
        self._rows = np.zeros((0, 0), dtype=np.int64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def choices(self) -> Choices:
        """The architectures in the order in which they were added, shape (architectures, decisions)."""
        return self._rows[: self._size]

    def add(self, choices: Sequence[int]) -> None:
        """Append an architecture."""
        if self._size == len(self._rows):
            self._rows = np.resize(self._rows, (max(64, 2 * self._size), len(choices)))
        self._rows[self._size] = choices
        self._size += 1

    def predict(
        self, targets: Sequence[float] | Array, candidates: Sequence[Sequence[int]]
    ) -> tuple[Array, Array]:
        """Return the predicted mean and standard deviation, without the noise, of candidates.

        :param targets: one for each architecture in the order in which they were added; more is better.
        :param candidates: choices, shape (candidates, decisions).
        :returns: two arrays of shape (candidates,).
        :raises ValueError: for another number of targets than architectures.
        """
        known = np.asarray(targets, dtype=np.float64)
        if known.shape != (len(self),):
            raise ValueError(
                f"{len(self)} architectures were added; give a target for each, not {known.shape}"
            )
        return self._predict(known, np.asarray(candidates))

    @abstractmethod
    def _predict(self, targets: Array, candidates: Choices) -> tuple[Array, Array]:
        """Predict mean and deviation; there is at least one target."""


def spread_ranks(values: Sequence[float], reach: float = 1.73) -> Array:
    """Return the ranks of values, spread evenly from -reach for the least to reach for the greatest.

    Equal values share the mean of their ranks. With the square root of 3 as the reach the variance is nearly 1. Ranks
    rather than values: a network that fails is one rank below the next, and does not swamp the spread of all others.

    >>> spread_ranks([0.1, 0.9, 0.8], reach=1.0).tolist()
    [-1.0, 1.0, 0.0]
    """
    if len(values) < 2:
        return np.zeros(len(values))
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts + 1) / 2)[place]  # from 0
    return np.asarray(reach * (2 * ranks / (len(values) - 1) - 1))


def one_hot(sizes: Sequence[int], choices: Choices) -> Array:
    """Return a column of zeros and ones for every choice of every decision.

    :param sizes: number of choices of each decision.
    :param choices: shape (architectures, decisions).

    >>> one_hot((2, 3), np.array([[1, 2], [0, 0]])).tolist()
    [[0.0, 1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0, 0.0]]
    """
    return np.concatenate([np.eye(size)[choices[:, place]] for place, size in enumerate(sizes)], axis=1)
