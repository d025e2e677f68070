"""Genetic programming: trees, by the operators of :mod:`deap.gp` as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from deap import gp

from ..decision import Decision
from ..individual import Individual
from ..operators.moves import write
from ..settings import Count
from .base import STRATEGIES
from .decisions import drawing_from
from .ga import GA

__all__ = ["GP"]


@STRATEGIES.register("gp")
class GP(GA):
    """A genetic algorithm whose individuals are varied as trees: ``cxOnePoint`` exchanges subtrees, ``mutUniform``
    grows a new one, ``genHalfAndHalf`` makes the first ones. Children beyond a limit are replaced by a parent
    (``staticLimit``): of height, and of the size that there is room for.

    Between these, an individual is the alpha-vector of its tree. Where a problem has no trees, decisions are crossed
    and redrawn as by :class:`GA`.

    :param decisions: ``space.decisions``.
    :param height: of a tree, at most (17 in Koza's book).
    :param first: height of the first trees, at most.
    :param grown: height of a new subtree, at most.
    :param grammar: between choices and trees, as :class:`tdgnas.spaces.programs.Grammar`; see :data:`PROVIDED`.
    :param given: ``population``, ``cxpb``, ``mutpb``, ``indpb``, ``tournament``, ``elite`` of :class:`GA`; ``repeat``,
        ``rng`` and ``fitness``, see :class:`AskingOnce`.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        height: Count = 8,
        first: Count = 3,
        grown: Count = 2,
        grammar: Any = None,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.height, self.first, self.grown, self.grammar = height, first, grown, grammar

    def _sampled(self) -> Sequence[int]:
        if self.grammar is None:
            return super()._sampled()
        with drawing_from(self.rng):
            for height in range(self.first, -1, -1):
                tree = gp.PrimitiveTree(gp.genHalfAndHalf(self.grammar.primitives, min(1, height), height))
                if self.grammar.length(tree) <= self.grammar.size:
                    break
        found: tuple[int, ...] = self.grammar.choices(tree)
        return found

    def _mate(self, first: Individual, second: Individual) -> None:
        if self.grammar is None:
            super()._mate(first, second)
        else:
            self._vary(gp.cxOnePoint, first, second)

    def _mutate(self, child: Individual) -> None:
        if self.grammar is None:
            super()._mutate(child)
        else:
            grow = partial(gp.genFull, min_=0, max_=self.grown)
            self._vary(partial(gp.mutUniform, expr=grow, pset=self.grammar.primitives), child)

    def _vary(self, operator: Callable[..., Any], *individuals: Individual) -> None:
        """Apply an operator on trees within the limits, and write what it gives back into the individuals."""
        limited = gp.staticLimit(attrgetter("height"), self.height)(operator)
        limited = gp.staticLimit(self.grammar.length, self.grammar.size)(limited)
        trees = [self.grammar.tree(self.decisions.choices(one)) for one in individuals]
        for individual, tree in zip(individuals, limited(*trees), strict=True):
            write(individual, self.decisions.genes(self.grammar.choices(tree)))
