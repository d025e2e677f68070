"""TDGA that races its offspring over fidelities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...decision import Decision
from ...individual import IndividualLike
from ...operators import ShannonEntropy, selThermodynamic
from ...settings import Count, NotNegative, Share
from ..base import STRATEGIES, pack
from ..predicted.model import spread_ranks
from .brackets import SuccessiveHalving

__all__ = ["RacingTDGA"]


@STRATEGIES.register("tdga-racing")
class RacingTDGA(SuccessiveHalving):
    """TDGA whose offspring are raced: thermodynamical selection decides who is worth more effort.

    A bracket of successive halving begins with offspring of the ``parents``. On each rung :func:`selThermodynamic`
    promotes those that have little free energy together with the parents: energies are ranks within the rung, from
    -1.73 to 1.73, and the entropy is that of choices. Parents and those that were evaluated in full select the next
    parents in the same way.

    :param decisions: ``space.decisions``.
    :param population: offspring on the lowest rung.
    :param parents: how many are kept, all of them evaluated in full.
    :param temperature: T, in units of the spread ranks per nat.
    :param redraw: probability that an offspring comes from two parents, decision by decision, with one decision
        redrawn; else it is random.
    :param given: ``eta``, ``lowest``, ``rng`` and ``fitness``, see :class:`FidelitySearch`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: Count = 27,
        parents: Count = 5,
        temperature: NotNegative = 0.1,
        redraw: Share = 0.9,
        **given: Any,
    ) -> None:
        super().__init__(decisions, population=population, **given)
        self.most, self.temperature, self.redraw = parents, temperature, redraw
        self.parents: list[IndividualLike] = []

    def propose(self) -> Sequence[int]:
        """Return choices of an offspring."""
        if not self.parents or self.rng.random() >= self.redraw:
            return self.decisions.sample(self.rng)
        pair = [self.parents[self.rng.randrange(len(self.parents))] for _ in range(2)]
        both = zip(*map(self.decisions.choices, pair), strict=True)
        return self.decisions.neighbour([self.rng.choice(each) for each in both], self.rng)

    def promoted(self, rung: list[IndividualLike], count: int) -> list[IndividualLike]:
        """Return those of a rung that have the least free energy beside the parents."""
        return self._selected(rung, count, self.parents)

    def _selected(
        self, pool: list[IndividualLike], count: int, beside: list[IndividualLike]
    ) -> list[IndividualLike]:
        found = {self.decisions.canonical(self.decisions.choices(one)): one for one in pool}
        ranks = spread_ranks([one.fitness.wvalues[0] for one in found.values()]).tolist()
        energies = {choices: -rank for choices, rank in zip(found, ranks, strict=True)}
        chosen = selThermodynamic(
            list(found),
            min(count, len(found)),
            temperature=self.temperature,
            entropy=ShannonEntropy(),
            replacement=False,
            energy=energies.__getitem__,
            beside=[self.decisions.choices(one) for one in beside],
        )
        return [found[choices] for choices in chosen]

    def _update(self, individuals: list[IndividualLike]) -> None:
        super()._update(individuals)
        if self.place[1] == 0:  # the bracket has ended, with what was evaluated in full
            self.parents = self._selected([*self.parents, *individuals], self.most, [])

    def state_dict(self) -> dict[str, Any]:
        """What every strategy has, and the parents."""
        return {**super().state_dict(), "parents": [pack(one) for one in self.parents]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        self.parents = [self.unpack(packed) for packed in state["parents"]]
