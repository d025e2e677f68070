"""BOHB: Hyperband whose architectures come from a model of those that were good.

Source: Falkner, Klein, Hutter 2018, *BOHB: Robust and Efficient Hyperparameter Optimization at Scale*, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...decision import Decision
from ...individual import IndividualLike, fidelity_of
from ...settings import Count, Share
from ..base import STRATEGIES
from .brackets import Hyperband

__all__ = ["BOHB", "log_density"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def log_density(points: Rows, known: Rows, sizes: Sequence[int], width: float) -> Array:
    """Return the logarithm of a kernel density over choices at points.

    The kernel is a product over decisions: with probability ``width`` a choice is redrawn uniformly (Aitchison and
    Aitken 1976).

    :param points: shape (points, decisions).
    :param known: what the density is of, shape (architectures, decisions).
    :param sizes: choices of each decision.
    :param width: from 0 (the architectures themselves) to 1 (uniform).
    """
    redrawn = width / np.asarray(sizes, dtype=np.float64)
    kernel = np.where(points[:, None] == known[None], 1 - width + redrawn, redrawn).prod(axis=2)
    with np.errstate(divide="ignore"):
        found: Array = np.log(kernel.mean(axis=1))
    return found


@STRATEGIES.register("bohb")
class BOHB(Hyperband):
    """Hyperband with a tree-structured Parzen estimator in place of random draws.

    With d decisions, the model is of the highest fidelity with at least d + 3 architectures: a density of the best
    share of them and one of the others (:func:`log_density`), each of d + 1 at least. Draws from the first one are
    compared by the ratio of both, and the largest one begins. The kernel's width falls with the number n of its
    architectures as n^(-1 / (4 + d)); choices have no spread that it could be a multiple of, as the authors' is.

    :param decisions: ``space.decisions``.
    :param uniform: share of architectures that are drawn at random nevertheless.
    :param good: share of the architectures that count as good.
    :param draws: how many draws are compared.
    :param given: ``eta``, ``lowest``, ``rng`` and ``fitness``, see :class:`FidelitySearch`.
    """

    keeps: ClassVar[tuple[str, ...]] = (*Hyperband.keeps, "seen")

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        uniform: Share = 1 / 3,
        good: Share = 0.15,
        draws: Count = 64,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.uniform, self.good, self.draws = uniform, good, draws
        #: By rung of the ladder: choices and value, more is better.
        self.seen: list[list[tuple[list[int], float]]] = [[] for _ in self.fidelities]

    def propose(self) -> Sequence[int]:
        """Return the most promising draw of the model, or a random one."""
        fewest = len(self.decisions) + 1
        known = next((rung for rung in reversed(self.seen) if len(rung) >= fewest + 2), None)
        if known is None or self.rng.random() < self.uniform:
            return self.decisions.sample(self.rng)
        rows = np.array([choices for choices, _ in sorted(known, key=lambda entry: -entry[1])])
        first = max(fewest, int(self.good * len(rows)))
        good, others = rows[:first], rows[-max(fewest, len(rows) - first) :]
        drawn = np.array([self._draw(good) for _ in range(self.draws)])
        ratio = self._density(drawn, good) - self._density(drawn, others)
        return tuple(drawn[int(np.argmax(ratio))].tolist())

    def _width(self, count: int) -> float:
        return float(count ** (-1 / (4 + len(self.decisions))))

    def _density(self, points: Rows, known: Rows) -> Array:
        return log_density(points, known, self.decisions.sizes, self._width(len(known)))

    def _draw(self, good: Rows) -> tuple[int, ...]:
        centre, width = good[self.rng.randrange(len(good))].tolist(), self._width(len(good))
        redrawn = (
            self.rng.randrange(size) if self.rng.random() < width else kept
            for kept, size in zip(centre, self.decisions.sizes, strict=True)
        )
        return self.decisions.canonical(tuple(redrawn))

    def _update(self, individuals: list[IndividualLike]) -> None:
        super()._update(individuals)
        for one in individuals:
            choices = self.decisions.canonical(self.decisions.choices(one))
            level = self.fidelities.index(fidelity_of(one))
            self.seen[level].append((list(choices), one.fitness.wvalues[0]))
