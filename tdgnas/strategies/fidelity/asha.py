"""Asynchronous successive halving: nobody waits for a rung to be full.

Source: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar 2020, *A System for Massively Parallel
Hyperparameter Tuning*, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...decision import Decision
from ...individual import IndividualLike, fidelity_of
from ...settings import Count
from ..base import STRATEGIES
from .rungs import FidelitySearch

__all__ = ["ASHA"]

Entry = tuple[list[int], float]


@STRATEGIES.register("asha")
class ASHA(FidelitySearch):
    """Promotes whatever is among the best 1/eta of its rung so far; where nothing is, a random architecture begins.

    The highest rung with something to promote comes first. What was asked for may come back in any order and number,
    so that several evaluations can be under way at once.

    :param decisions: ``space.decisions``.
    :param batch: evaluations of one generation.
    :param given: ``eta``, ``lowest``, ``rng`` and ``fitness``, see :class:`FidelitySearch`.
    """

    asynchronous = True
    keeps = ("rungs", "gone")

    def __init__(self, decisions: Sequence[Decision], *, batch: Count = 1, **given: Any) -> None:
        super().__init__(decisions, **given)
        self.batch = batch
        self.rungs: list[list[Entry]] = [[] for _ in self.fidelities]  # choices and value; more is better
        self.gone: list[list[list[int]]] = [[] for _ in self.fidelities]  # choices that were promoted

    def _generate(self) -> list[IndividualLike]:
        return [self._job() for _ in range(self.batch)]

    def _job(self) -> IndividualLike:
        for level in range(len(self.rungs) - 2, -1, -1):
            rung, gone = self.rungs[level], self.gone[level]
            best = sorted(rung, key=lambda entry: -entry[1])[: len(rung) // self.eta]
            waiting = [choices for choices, _ in best if choices not in gone]
            if waiting:
                gone.append(waiting[0])
                return self.at(waiting[0], self.fidelities[level + 1])
        return self.fresh(self.fidelities[0])

    def _update(self, individuals: list[IndividualLike]) -> None:
        super()._update(individuals)
        for one in individuals:
            level = self.fidelities.index(fidelity_of(one))
            self.rungs[level].append((list(self.decisions.choices(one)), one.fitness.wvalues[0]))
