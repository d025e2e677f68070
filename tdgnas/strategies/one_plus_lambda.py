"""The (1 + lambda) strategy of Cartesian genetic programming, with neutral drift.

Source: Suganuma, Shirakawa, Nagao 2017, *A Genetic Programming Approach to Designing Convolutional Neural Network
Architectures*, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count, Share
from .base import STRATEGIES
from .decisions import AskingOnce
from .unseen import TRIES

__all__ = ["OnePlusLambda"]


@STRATEGIES.register("one-plus-lambda")
class OnePlusLambda(AskingOnce):
    """One parent; its children replace it where the best of them is as good or better.

    Every decision of a child is redrawn with a small probability, again and again until one that matters has changed
    (the forced mutation). When no child replaces the parent, its decisions that do not matter are redrawn likewise (the
    neutral mutation): the network stays, and what the next children can become changes. Where all decisions matter,
    there is no drift.

    A child whose architecture was asked for before is mutated on until it is new, see :class:`Unseen`; the published
    algorithm repeats.

    :param decisions: ``space.decisions``.
    :param children: lambda (2 in the paper).
    :param indpb: probability that a decision is redrawn (0.05 in the paper); 1 / decisions at least.
    :param given: ``repeat``, ``rng`` and ``fitness``, see :class:`AskingOnce`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        children: Count = 2,
        indpb: Share = 0.05,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.children, self.indpb = children, max(indpb, 1 / len(self.decisions))

    def _generate(self) -> list[IndividualLike]:
        if not self.population:
            return [self.new(self.decisions.sample(self.rng))]
        parent = self.decisions.choices(self.population[0])
        return [self.new(self._forced(parent)) for _ in range(self.children)]

    def _forced(self, parent: tuple[int, ...]) -> tuple[int, ...]:
        network, child = self.decisions.canonical(parent), parent
        for _ in range(TRIES):
            child = self._redrawn(child, [True] * len(child))
            if self.decisions.canonical(child) != network:
                return child
        return self.decisions.neighbour(parent, self.rng)

    def _redrawn(self, choices: Sequence[int], where: Sequence[bool]) -> tuple[int, ...]:
        pairs = zip(choices, self.decisions.sizes, where, strict=True)
        return tuple(
            self.rng.randrange(size) if here and self.rng.random() < self.indpb else choice
            for choice, size, here in pairs
        )

    def _update(self, individuals: list[IndividualLike]) -> None:
        best = max(individuals, key=lambda one: one.fitness)
        if not self.population or best.fitness >= self.population[0].fitness:
            self.population = [best]
            return
        parent = self.population[0]
        choices = self.decisions.choices(parent)
        drifted = self.individual(self._redrawn(choices, [not live for live in self.decisions.live(choices)]))
        drifted.fitness.values = parent.fitness.values
        self.population = [drifted]
