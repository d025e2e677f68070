"""Fitness from the shared supernet as a sum of ranks: of its measure, and of scores that need no training."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from deap import base

from ..individual import LossFitness
from ..spaces import Architecture
from .supernet import Genes, SupernetFitness
from .zero_cost import ZeroCostFitness

__all__ = ["RankSumFitness"]


class RankSumFitness(SupernetFitness):
    """The mean share of reference networks that are better, over the supernet's measure and its controls; minimised.

    What a supernet ranks badly, the size of a network often ranks well, and both err in other places. The references
    are drawn by the seed and scored once for the present weights; their passes are paid with the cause ``references``.

    :param supernet: made with data, whose training images a control may look at.
    :param data: held-out images.
    :param controls: names of scores as of :class:`ZeroCostFitness`, larger is better.
    :param references: networks that the ranks are among.
    :param images: training images that a control is shown.
    :param seed: of the references and of the controls' weights.
    :param given: as of :class:`SupernetFitness`, but for ``mode``.
    :raises ValueError: as of these two, for another mode than ``threshold``, and for fewer than two references.
    """

    def __init__(
        self,
        supernet: Any,
        data: Any,
        *,
        controls: Sequence[str] = ("parameters", "naswot"),
        references: int = 200,
        images: int = 32,
        seed: int = 0,
        **given: Any,
    ) -> None:
        super().__init__(supernet, data, seed=seed, **given)
        if self.mode != "threshold":
            raise ValueError(f"controls look at discrete networks, and mode is {self.mode!r}; leave one out")
        if references < 2:
            raise ValueError(f"references is {references}; ranks need at least 2 networks")
        self._looks = {
            name: ZeroCostFitness(
                supernet.space, supernet.data, score=name, images=images, seed=seed, device=supernet.device
            )
            for name in controls
        }
        self._drawn = (references, seed)
        self._values: dict[Architecture, dict[str, float]] = {}
        self._ladders: dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]] = {}
        self._at = self._version

    @property
    def fitness_type(self) -> type[base.Fitness]:
        """The class that the individuals' fitness has to have."""
        return LossFitness

    def batch(
        self, individuals: Sequence[Genes], map: Callable[..., Any] | None = None
    ) -> list[tuple[float, ...]]:
        """Return the mean share of better references for individuals, in their order."""
        own = super().batch(individuals, map)
        if not self._ladders or self._at != self.supernet.version:
            self._climb()
        space = self.supernet.space
        found: list[tuple[float, ...]] = []
        for (value,), individual in zip(own, individuals, strict=True):
            sides = self.controls(space.canonical(self.decode(individual)))
            scores = {self.measure: value if self.higher else -value, **sides}
            found.append(
                (sum(better(score, *self._ladders[name]) for name, score in scores.items()) / len(scores),)
            )
        return found

    def controls(self, architecture: Architecture) -> dict[str, float]:
        """Return the controls of an architecture, each computed once and paid for."""
        if architecture not in self._values:
            found = {}
            for name, look in self._looks.items():
                before = look.budget.passes
                found[name] = look.value(architecture)
                self.budget.count(passes=look.budget.passes - before, cause="controls")
            self._values[architecture] = found
        return dict(self._values[architecture])

    def beside(self, architecture: Architecture) -> dict[str, float]:
        """Return what is ranked of an architecture, by name, to be shown beside its fitness."""
        (score,) = self.scores([architecture])
        value = score.loss if self.measure == "loss" else score.measures[self.measure]
        return {self.measure: value, **self.controls(self.supernet.space.canonical(architecture))}

    def _climb(self) -> None:
        """Score the references with the present weights."""
        count, seed = self._drawn
        rng, space = random.Random(f"references {seed}"), self.supernet.space
        drawn = [space.canonical(space.sample(rng)) for _ in range(count)]
        before = self.counters.passes
        scores = self.evaluator.scores(list(dict.fromkeys(drawn)))
        known = dict(zip(dict.fromkeys(drawn), scores, strict=True))
        self.budget.count(passes=self.counters.passes - before, cause="references")
        columns: dict[str, list[float]] = {self.measure: []}
        for one in drawn:
            value = known[one].loss if self.measure == "loss" else known[one].measures[self.measure]
            columns[self.measure].append(value if self.higher else -value)
            for name, side in self.controls(one).items():
                columns.setdefault(name, []).append(side)
        self._ladders = {name: ladder(values) for name, values in columns.items()}
        self._at = self.supernet.version

    def state_dict(self) -> dict[str, Any]:
        """Budget, cache, the references' scores and what is known of controls."""
        known = [[list(one.choices), found] for one, found in self._values.items()]
        ladders = {name: [steps.tolist(), shares.tolist()] for name, (steps, shares) in self._ladders.items()}
        fresh = self._at == self.supernet.version
        return {**super().state_dict(), "controls": known, "ladders": ladders if fresh else {}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken; the supernet must have the weights that it had then."""
        super().load_state_dict(state)
        self._values = {
            self.supernet.space.architecture(choices): found for choices, found in state["controls"]
        }
        self._ladders = {
            name: (np.array(steps), np.array(shares)) for name, (steps, shares) in state["ladders"].items()
        }
        self._at = self._version


def ladder(values: Sequence[float]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the distinct values in rising order, and the share of all values that is better than each.

    Half of the equal ones count as better, and what is not finite is the worst.
    """
    finite = np.nan_to_num(np.array(values), nan=-1e6, posinf=1e6, neginf=-1e6)
    steps, counts = np.unique(finite, return_counts=True)
    above = counts[::-1].cumsum()[::-1] - counts / 2
    return steps, above / len(finite)


def better(value: float, steps: npt.NDArray[np.float64], shares: npt.NDArray[np.float64]) -> float:
    """Return the share of references that are better than a value, larger being better.

    Between references it is linear; beyond the best of them it falls on towards 0, so that no two values are equal.

    >>> better(2.0, *ladder([1.0, 2.0, 3.0, 3.0]))
    0.625
    """
    beyond = value - steps[-1]
    if beyond > 0:
        return float(shares[-1]) * math.exp(-beyond / (float(steps[-1] - steps[0]) or 1.0))
    return float(np.interp(value, steps, shares))
