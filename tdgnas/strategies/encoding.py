"""Between choices and genes, from decisions alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .base import DecisionLike


class Encoding:
    """Genes of the choices of decisions, as a search space has them.

    :param decisions: the decisions, in the order of the genes.
    :raises ValueError: when there are none.
    """

    def __init__(self, decisions: Sequence[DecisionLike]) -> None:
        if not decisions:
            raise ValueError("there are no decisions to search over; pass space.decisions")
        self.decisions = tuple(decisions)
        self.sizes = tuple(len(decision.choices) for decision in self.decisions)
        ends = np.cumsum([decision.genes for decision in self.decisions]).tolist()
        self.slices = tuple(slice(end - d.genes, end) for d, end in zip(self.decisions, ends, strict=True))
        self.length: int = ends[-1]

    def genes(self, choices: Sequence[int], scale: float = 1.0) -> list[float]:
        """Return genes of ``+scale`` and ``-scale`` that stand for the choices."""
        genes = [-scale] * self.length
        for decision, where, choice in zip(self.decisions, self.slices, choices, strict=True):
            if not decision.binary:
                genes[where.start + choice] = scale
            elif choice:
                genes[where.start] = scale
        return genes

    def choices(self, individual: Sequence[float]) -> tuple[int, ...]:
        """Return the choices of one individual: positive genes are on, the largest of K genes wins."""
        found = []
        for decision, where in zip(self.decisions, self.slices, strict=True):
            if decision.binary:
                found.append(int(individual[where.start] > 0))
            else:
                values = list(individual[where])
                found.append(values.index(max(values)))
        return tuple(found)

    def loci(self, population: Sequence[Any]) -> npt.NDArray[np.int64]:
        """Return the choices of a population, shape (individuals, decisions): the loci of its entropy."""
        return np.array([self.choices(individual) for individual in population], dtype=np.int64)

    def sample(self, rng: random.Random) -> tuple[int, ...]:
        """Return choices drawn uniformly with ``rng``."""
        return tuple(rng.randrange(size) for size in self.sizes)
