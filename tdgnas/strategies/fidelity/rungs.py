"""The ladder of efforts that searches over several fidelities climb, and what they have in common.

Source: Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar 2018, *Hyperband: A Novel Bandit-Based Approach to Hyperparameter
Optimization*, algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, cast

from pydantic import Field

from ...decision import Decision
from ...individual import Individual, IndividualLike, fidelity_of
from ..decisions import DecisionStrategy
from ..unseen import Unseen

__all__ = ["FidelitySearch", "Rung", "halving", "hyperband", "ladder"]

Eta = Annotated[int, Field(strict=True, ge=2)]
Lowest = Annotated[float, Field(strict=True, gt=0, le=1)]


class Rung(NamedTuple):
    """How many architectures are evaluated with which share of the full effort."""

    size: int
    fidelity: float


def ladder(eta: int, lowest: float) -> list[float]:
    """Return the fidelities 1, 1/eta, 1/eta^2, ... that are not below ``lowest``, the smallest one first.

    >>> ladder(2, 0.25)
    [0.25, 0.5, 1.0]
    """
    steps = math.floor(math.log(1 / lowest, eta) + 1e-9)
    return [1 / eta**step for step in range(steps, -1, -1)]


def halving(size: int, fidelities: Sequence[float], eta: int) -> list[Rung]:
    """Return the rungs of one bracket: floor(size / eta^i) architectures on rung i, at least one.

    :param fidelities: of the rungs, ascending.
    """
    return [Rung(max(1, size // eta**step), fidelity) for step, fidelity in enumerate(fidelities)]


def hyperband(eta: int, lowest: float) -> list[list[Rung]]:
    """Return Hyperband's brackets, the one that begins with the least effort first.

    The bracket of s + 1 rungs begins with ceil((s_max + 1) / (s + 1) eta^s) architectures (algorithm 1, line 2).
    """
    every = ladder(eta, lowest)
    return [
        halving(-(-len(every) * eta**s // (s + 1)), every[len(every) - s - 1 :], eta)
        for s in range(len(every) - 1, -1, -1)
    ]


class FidelitySearch(DecisionStrategy):
    """A search whose individuals have a ``fidelity``, the share of the full effort that they are evaluated with.

    Values of one fidelity only are compared; ``best`` is the best of the highest one so far. What an evaluation
    costs is the fitness' to say. An architecture begins on the lowest rung and is asked for once on each.

    :param decisions: ``space.decisions``.
    :param eta: of ``eta`` architectures one gets ``eta`` times the effort.
    :param lowest: the least effort, as a share of the full one; fidelities are 1, 1/eta, 1/eta^2, ... above it.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    needs_fidelity = True
    records = ("fidelity",)

    def __init__(
        self, decisions: Sequence[Decision], *, eta: Eta = 3, lowest: Lowest = 1 / 9, **given: Any
    ) -> None:
        super().__init__(decisions, **given)
        self.unseen: Unseen = Unseen(self.decisions)
        self.eta, self.fidelities = eta, ladder(eta, lowest)

    def propose(self) -> Sequence[int]:
        """Return choices to begin with; they are drawn uniformly here."""
        return self.decisions.sample(self.rng)

    def fresh(self, fidelity: float) -> Individual:
        """Return an architecture that was never asked for."""
        return self.at(self.unseen.new(self.propose(), self.rng), fidelity)

    def at(self, choices: Sequence[int], fidelity: float) -> Individual:
        """Return an individual that stands for choices, to be evaluated with a share of the effort."""
        found: Any = self.individual(choices)
        found.fidelity = fidelity
        return cast(Individual, found)

    def record(self) -> dict[str, float]:
        """The mean ``fidelity`` of the last generation."""
        return {"fidelity": sum(map(fidelity_of, self.population)) / len(self.population)}

    def _update(self, individuals: list[IndividualLike]) -> None:
        self.population = individuals
