"""Progressive search: cells grow node by node, and a predictor says which expansions are worth an evaluation.

Source: Liu et al. 2018, *Progressive Neural Architecture Search*, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from typing import Any, ClassVar

import numpy as np

from ...decision import Decision
from ...individual import IndividualLike
from ...settings import Count
from ..base import STRATEGIES
from .forest import ForestModel
from .model import Array
from .search import Memory, PredictedSearch, Row

__all__ = ["PNAS"]


@STRATEGIES.register("pnas")
class PNAS(PredictedSearch):
    """A beam of architectures whose nodes are decided one after another.

    A node is a group of decisions (``Decision.group``), in their order. In cells that is what the paper calls a block:
    all that enters one node (in ``enas-micro`` two inputs with their operations, in ``darts-cells`` and
    ``nasbench201`` an operation for each earlier node), the normal cell before the reduction cell. Elsewhere it is
    coarser, a stage in ``genetic-cnn``, a motif in ``hierarchical``; where all decisions are one group, nothing can
    progress, and the space is refused. The first generation is of ways to decide the
    first node; then the best ``population`` so far are expanded by all ways to decide the next one, a random forest on
    ranks predicts how good these are, and the best ``batch`` of them are evaluated. Decisions of later nodes are held
    meanwhile, all at the first place among their choices with which most decisions matter: at ``none`` where that cuts
    nothing off, else at the first operation that passes values on. A node is passed over while no way to decide it
    makes a new network, such as a motif that nothing uses yet.

    The paper has ended when the last node is decided. Here, while there is budget, the best are expanded by all ways to
    decide one of their nodes anew, in turn. Other than there, the predictor is a forest instead of recurrent
    or feedforward networks, which learn slower on so few architectures.

    :param decisions: ``space.decisions``.
    :param initial: ways to decide the first node that are evaluated, at most.
    :param population: the beam: how many of the best are expanded, K (256 in the paper).
    :param batch: how many expansions are evaluated before the forest is grown anew, K as well.
    :param offspring: expansions that the forest ranks, at most; where there are more, random ones of them.
    :param trees: in the forest.
    :param memory: most architectures that the forest learns from.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    :raises ValueError: for decisions that are all of one group.
    """

    keeps: ClassVar[tuple[str, ...]] = (*PredictedSearch.keeps, "node")

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        initial: Count = 10,
        population: Count = 10,
        batch: Count = 10,
        offspring: Count = 1000,
        trees: Count = 10,
        memory: Memory = 2_000,
        **given: Any,
    ) -> None:
        self.trees = trees
        given |= {"initial": initial, "population": population, "batch": batch}
        super().__init__(decisions, offspring=offspring, memory=memory, **given)
        if len(self.decisions.members) < 2:
            raise ValueError(
                f"pnas decides one group of decisions after another, and all {len(self.decisions)} of this space are "
                "one group; take another strategy, such as tournament or random-forest"
            )
        self.node = 0
        self.held = self._held()
        self.ways: dict[Row, Row] = {}  # of each candidate, the spelling that keeps what is held

    def _model(self) -> ForestModel:
        return ForestModel(self.decisions.sizes, self.rng, self.trees)

    def _held(self) -> Row:
        """Return the choices of decisions that are not made yet, the same place of each."""
        every = [
            tuple(min(place, size - 1) for size in self.decisions.sizes)
            for place in range(max(self.decisions.sizes))
        ]
        return max(every, key=lambda choices: sum(self.decisions.live(choices)))

    def _generate(self) -> list[IndividualLike]:
        if self.values:
            return super()._generate()
        ways = self._candidates()
        return [self._asked(way) for way in self.rng.sample(ways, min(self.initial, len(ways)))]

    def _candidates(self) -> list[Row]:
        """Return the ways to decide the present node of what is held or of the beam, but for those asked for."""
        for _ in self.decisions.members:
            self.ways = self._ways(self.decisions.members[self.node % len(self.decisions.members)])
            if self.ways:
                break
            self.node += 1
        return list(self.ways)

    def _ways(self, places: list[int]) -> dict[Row, Row]:
        beam = [self.decisions.choices(each) for each in self.population] or [self.held]
        sizes = [self.decisions.sizes[place] for place in places]
        ways: dict[Row, Row] = {}
        drawn: Iterable[tuple[Row, Row]]
        if len(beam) * prod(sizes) <= self.offspring:
            drawn = product(beam, product(*map(range, sizes)))
        else:
            drawn = (
                (self.rng.choice(beam), tuple(map(self.rng.randrange, sizes))) for _ in range(self.offspring)
            )
        for choices, own in drawn:
            grown = list(choices)
            for place, choice in zip(places, own, strict=True):
                grown[place] = choice
            network = self.decisions.canonical(grown)
            if network not in self.unseen.known:
                ways.setdefault(network, tuple(grown))
        return ways

    def _asked(self, choices: Row) -> Any:
        return self.individual(self.unseen.new(self.ways.get(choices, choices), self.rng))

    def _choose(self, candidates: list[Row], mean: Array, deviation: Array) -> list[Row]:
        return [candidates[place] for place in np.argsort(-mean, kind="stable")[: self.batch]]

    def _survivors(self, pool: list[IndividualLike]) -> list[IndividualLike]:
        self.node += 1
        return super()._survivors(pool)
