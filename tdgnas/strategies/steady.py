"""Steady-state TDGA: one child at a time enters, and the thermodynamical selection says who leaves.

Source: the selection of Mori et al. 1995; steady states after Syswerda 1991, *A study of reproduction in generational
and steady-state genetic algorithms*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..decision import Decision
from ..individual import Individual
from ..settings import Count
from .base import STRATEGIES
from .decisions import drawing_from
from .tdga_decisions import DecisionTDGA

__all__ = ["SteadyTDGA"]


@STRATEGIES.register("tdga-steady")
class SteadyTDGA(DecisionTDGA):
    """TDGA without generations: what has been evaluated joins the population, and the selection keeps N of them.

    A child has two parents drawn at random; it is crossed and mutated as in TDGA. The temperature cools as in TDGA, one
    step of its schedule for every N children that came back. Whoever asks for more before the population is there gets
    random individuals.

    :param decisions: ``space.decisions``.
    :param batch: children per generation, for evaluating several at once.
    :param given: the settings of TDGA, but for ``gradient``; see :class:`DecisionTDGA`.
    """

    asynchronous = True
    keeps: ClassVar[tuple[str, ...]] = (*DecisionTDGA.keeps, "begun", "returned")

    def __init__(self, decisions: Sequence[Decision], *, batch: Count = 1, **given: Any) -> None:
        super().__init__(decisions, **given)
        if hasattr(self.toolbox, "local_search"):
            raise ValueError(
                "gradient.steps are of generations, which this search has none of; take tdga for them"
            )
        self.batch = batch
        self.begun = False
        self.returned = 0

    def _generate(self) -> list[Any]:
        with drawing_from(self.own_rng):
            if not self.begun:
                self.begun, first, self.population = True, self.population, []
                return list(first)
            return [self._child() for _ in range(self.batch)]

    def _child(self) -> Any:
        if len(self.population) < 2:
            child: Any = self._first(1.0)
            child.origin = {"id": None, "parents": [], "operators": ["init"]}
        else:
            first, second = self.rng.sample(self.population, 2)
            child, other = self.clone(first), self.clone(second)
            if self.rng.random() < self.cxpb:
                child, _ = self.toolbox.mate(child, other)
                self._changed(child, "mate", first, second.origin)
            if self.rng.random() < self.mutpb or child.fitness.valid:  # a copy would be nothing new
                before = child
                (child,) = self.toolbox.mutate(child)
                self._changed(child, "mutate", before)
        self._complete([child])
        return child

    def _update(self, individuals: list[Any]) -> None:
        self._take_in(individuals)
        self.returned += len(individuals)
        self.population = [*self.population, *individuals]
        if len(self.population) > self.size:
            with drawing_from(self.own_rng):
                self.population = [self.clone(one) for one in self._select(self.population)]
        self._note_entropy()

    def _age(self) -> int:
        return max(self.returned // self.size, 1)

    def _blank(self, genes: list[Any]) -> Any:
        return Individual(genes, self.fitness())
