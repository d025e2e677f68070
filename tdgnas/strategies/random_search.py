"""Random search: every architecture equally likely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count
from .base import STRATEGIES
from .decisions import AskingOnce

__all__ = ["RandomSearch"]


@STRATEGIES.register("random")
class RandomSearch(AskingOnce):
    """Draws each choice uniformly: the control of every comparison.

    What was asked for before is mutated until it is new (see :class:`Unseen`); with ``repeat`` draws are independent,
    as in published runs.

    :param decisions: ``space.decisions``.
    :param batch: individuals per generation; it changes nothing but how many are evaluated at once.
    :param given: ``repeat``, ``rng`` and ``fitness``, see :class:`AskingOnce`.
    """

    asynchronous = True

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        batch: Count = 10,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.batch = batch

    def _generate(self) -> list[IndividualLike]:
        return [self.new(self.decisions.sample(self.rng)) for _ in range(self.batch)]
