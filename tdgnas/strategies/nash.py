"""Hill climbing of networks that grow: the best of a few children is the next parent.

Source: Elsken, Metzen, Hutter 2017, *Simple and Efficient Architecture Search for Convolutional Neural Networks*,
algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Literal

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count
from .base import STRATEGIES
from .decisions import DecisionStrategy
from .unseen import Unseen

__all__ = ["NASH"]


@STRATEGIES.register("nash")
class NASH(DecisionStrategy):
    """One parent has some children, each some mutations away; the best child goes on, whether or not it is better.

    In the space ``grown`` a mutation is one function-preserving morphism more, and with ``fitness.inherit`` a child
    begins with its parent's weights. The last child is the parent itself, which learns on. In other spaces a mutation
    is one decision that takes another choice, and so is the last child. Generation 0 evaluates the first choices alone,
    in the space ``grown`` the network that growth begins with.

    :param decisions: ``space.decisions``.
    :param children: per generation, the parent that learns on among them (8 in the paper).
    :param mutations: of each child (5 in the paper).
    :param goes_on: the ``best`` child; or a ``random`` one, for growth that nothing guides.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        children: Count = 8,
        mutations: Count = 5,
        goes_on: Literal["best", "random"] = "best",
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.unseen = Unseen(self.decisions)
        self.children, self.mutations, self.goes_on = children, mutations, goes_on

    def _generate(self) -> list[IndividualLike]:
        if self.generation == 0:
            return [self.new((0,) * len(self.decisions))]
        parent = self.decisions.choices(self.population[0])
        children = [self._child(parent) for _ in range(self.children - 1)]
        return [*children, self.new(self.decisions.onward(parent))]

    def _child(self, choices: tuple[int, ...]) -> IndividualLike:
        for _ in range(self.mutations):
            choices = self.decisions.neighbour(choices, self.rng)
        return self.new(choices)

    def _update(self, individuals: list[IndividualLike]) -> None:
        chosen = max(individuals, key=attrgetter("fitness"))
        if self.goes_on == "random":
            chosen = individuals[self.rng.randrange(len(individuals))]
        self.population = [chosen]
