"""Never asking twice: the memory of what a search has asked for, and how it comes to something new."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from typing import Any

from ..decision import Decisions
from ..individual import IndividualLike
from ..operators.moves import choose, flip

__all__ = ["Unseen"]

TRIES = 50
"""Steps of mutation, and then draws at random, that an architecture is looked for with."""


class Unseen:
    """The architectures that a search has asked for, by their canonical choices.

    :param decisions: what is searched.
    """

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.known: set[tuple[int, ...]] = set()
        self._size = math.prod(decisions.sizes)

    def note(self, choices: Sequence[int]) -> bool:
        """Remember an architecture; say whether it was new."""
        before = len(self.known)
        self.known.add(self.decisions.canonical(choices))
        return len(self.known) > before

    def new(self, choices: Sequence[int], rng: Any = random) -> tuple[int, ...]:
        """Return an architecture that was never asked for, and remember it.

        The one that is given, if it is new. Else one random decision of it after the other takes another choice, until
        the result is new; after :data:`TRIES` steps it is drawn uniformly. Where that finds nothing new as often, or
        everything has been asked for, the given one is returned.

        :param choices: choices.
        :param rng: source of the draws; none are taken for choices that are new.
        """
        found = tuple(choices)
        if self.note(found):
            return found
        for step in range(2 * TRIES if len(self.known) < self._size else 0):
            found = self.decisions.neighbour(found, rng) if step < TRIES else self.decisions.sample(rng)
            if self.note(found):
                return found
        return tuple(choices)

    def renew(self, individual: IndividualLike, rng: Any = random) -> bool:
        """Give an individual genes of an architecture never asked for, see :meth:`new`; say whether they changed."""
        old = self.decisions.choices(individual)
        new = self.new(old, rng)
        for where, one, other in zip(self.decisions.slices, old, new, strict=True):
            genes = range(where.start, where.stop)
            if one != other:
                flip(individual, genes, 1.0) if len(genes) == 1 else choose(individual, genes, other)
        return new != old

    def state(self) -> list[list[int]]:
        """Return what is remembered, as JSON values."""
        return [list(choices) for choices in sorted(self.known)]

    def load(self, state: Iterable[Sequence[int]]) -> None:
        """Remember what :meth:`state` returned, and nothing else."""
        self.known = {tuple(choices) for choices in state}
