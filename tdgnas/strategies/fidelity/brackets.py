"""Successive halving and Hyperband: a rung is evaluated as a whole, and the best of it go on to the next.

Sources: Jamieson, Talwalkar 2016, *Non-stochastic Best Arm Identification and Hyperparameter Optimization*; Li et al.
2018, see :mod:`.rungs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, ClassVar

from ...decision import Decision
from ...individual import IndividualLike
from ...settings import Count
from ..base import STRATEGIES
from .rungs import Eta, FidelitySearch, Lowest, Rung, halving, hyperband

__all__ = ["BracketSearch", "Hyperband", "SuccessiveHalving"]


class BracketSearch(FidelitySearch):
    """Brackets of rungs, one after another and then from the first one again; a generation is a rung.

    Authors write :meth:`_brackets`, and :meth:`propose` or :meth:`promoted` where they know better than at random or
    than the best.

    :param decisions: ``space.decisions``.
    :param given: ``eta``, ``lowest``, ``rng`` and ``fitness``, see :class:`FidelitySearch`.
    """

    keeps: ClassVar[tuple[str, ...]] = ("place",)

    def __init__(self, decisions: Sequence[Decision], **given: Any) -> None:
        super().__init__(decisions, **given)
        self.brackets = self._brackets()
        self.place = [0, 0]  # bracket and rung

    def _brackets(self) -> list[list[Rung]]:
        """Return the brackets."""
        raise NotImplementedError

    def promoted(self, rung: list[IndividualLike], count: int) -> list[IndividualLike]:
        """Return those of a rung that go on to the next one, which has ``count`` places."""
        return sorted(rung, key=attrgetter("fitness"), reverse=True)[:count]

    def _generate(self) -> list[IndividualLike]:
        bracket, step = self.place
        size, fidelity = self.brackets[bracket][step]
        if step == 0:
            return [self.fresh(fidelity) for _ in range(size)]
        chosen = self.promoted(self.population, size)
        return [self.at(self.decisions.choices(one), fidelity) for one in chosen]

    def _update(self, individuals: list[IndividualLike]) -> None:
        super()._update(individuals)
        bracket, step = self.place
        ended = step + 1 == len(self.brackets[bracket])
        self.place = [(bracket + 1) % len(self.brackets), 0] if ended else [bracket, step + 1]


@STRATEGIES.register("successive-halving")
class SuccessiveHalving(BracketSearch):
    """Random architectures with little effort; the best third of them with three times of it, and so on.

    :param decisions: ``space.decisions``.
    :param population: architectures on the lowest rung.
    :param given: ``eta``, ``lowest``, ``rng`` and ``fitness``, see :class:`FidelitySearch`.
    """

    def __init__(self, decisions: Sequence[Decision], *, population: Count = 27, **given: Any) -> None:
        self.size = population
        super().__init__(decisions, **given)

    def _brackets(self) -> list[list[Rung]]:
        return [halving(self.size, self.fidelities, self.eta)]


@STRATEGIES.register("hyperband")
class Hyperband(BracketSearch):
    """Successive halving from each rung on in turn, so that it does not matter much how soon a good one shows.

    The bracket of s + 1 rungs begins with ceil((s_max + 1) / (s + 1) eta^s) random architectures: with ``lowest`` 1/81
    and ``eta`` 3 these are 81, 34, 15, 8 and 5.

    :param decisions: ``space.decisions``.
    :param eta: see :class:`FidelitySearch`, as for the next.
    :param lowest: the least effort.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(
        self, decisions: Sequence[Decision], *, eta: Eta = 3, lowest: Lowest = 1 / 9, **given: Any
    ) -> None:
        self.lowest = lowest
        super().__init__(decisions, eta=eta, lowest=lowest, **given)

    def _brackets(self) -> list[list[Rung]]:
        return hyperband(self.eta, self.lowest)
