"""A schedule of depth: networks are small at first, and grow as more of them have been tried.

Source: Zoph, Le 2017, *Neural Architecture Search with Reinforcement Learning*, section 4.1.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from ..budget import Budget
from ..decision import Decisions
from ..operators.moves import choose, flip
from ..settings import check_whole

DEPTH = "depth"
"""The kind of the decision that a schedule takes over."""


class Scheduled(Decisions):
    """Decisions one of which a schedule makes: it is part of an architecture, but nobody chooses it, so that it counts
    in no log-probability and no entropy of a controller.

    :param decisions: all of them.
    :param place: of the one that is made.
    :param present: returns its choice at present.
    """

    def __init__(self, decisions: Decisions, place: int, present: Callable[[], int]) -> None:
        super().__init__(decisions, decisions.live)
        self.place, self.present = place, present

    def sample(self, rng: random.Random | None = None) -> tuple[int, ...]:
        """Return choices drawn uniformly, but for the one of the schedule."""
        found = super().sample(rng)
        return (*found[: self.place], self.present(), *found[self.place + 1 :])

    def live(self, choices: Sequence[int]) -> tuple[bool, ...]:
        """Tell which choices matter and are open."""
        found = super().live(choices)
        return (*found[: self.place], False, *found[self.place + 1 :])

    def _dead(self, choices: Sequence[int]) -> list[int]:
        return [place for place in super()._dead(choices) if place != self.place]


class Growth:
    """Gives the decision ``depth`` its first choice at the beginning of a search, the next one every so many samples.

    What depends on the depth follows from the space: decisions beyond it do not matter. A strategy goes on with what it
    has learned; individuals that were evaluated before keep their depth. What
    a strategy changes in the depth is put back, so it may ask for a network again, which costs nothing.

    :param decisions: of the space.
    :param every: samples at each depth, individuals whose fitness was asked for (1,600 in the paper).
    :param budget: the ledger that counts them.
    :raises ValueError: when no decision is of the kind ``depth``, or ``every`` is no number of samples.

    :ivar decisions: what strategies are given.
    """

    def __init__(self, decisions: Decisions, every: int, budget: Budget) -> None:
        check_whole(every=every)
        found = [place for place, decision in enumerate(decisions) if decision.kind == DEPTH]
        if not found:
            raise ValueError(
                "grow needs a decision on the depth, such as that of nas-rl with several layers to choose from "
                "(layers = [6, 8, 10]); leave it out"
            )
        self.decisions = Scheduled(decisions, found[0], self.choice)
        self.every, self.budget = every, budget

    def choice(self) -> int:
        """The choice of depth at present."""
        place = self.decisions.place
        return min(self.budget.requests // self.every, self.decisions.sizes[place] - 1)

    def __call__(self, individuals: Sequence[Any]) -> None:
        """Give individuals that are to be evaluated the present depth, in place."""
        choice, where = self.choice(), self.decisions.slices[self.decisions.place]
        genes = range(where.start, where.stop)
        for individual in individuals:
            if self.decisions.choices(individual)[self.decisions.place] != choice:
                flip(individual, genes, 1.0) if len(genes) == 1 else choose(individual, genes, choice)
