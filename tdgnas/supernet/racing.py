"""Racing: successive halving of a population on nested common subsets of the images, by loss.

Source: Jamieson, Talwalkar 2016, *Non-stochastic best arm identification and hyperparameter optimization*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..spaces import Architecture
from .evaluation import EvaluationSet, Score
from .population import PopulationEvaluator

if TYPE_CHECKING:
    from .supernet import Supernet


@dataclass(frozen=True)
class Race:
    """Result of a race.

    :param scores: of every architecture, in their order, on the images it has seen.
    :param batches: number of batches that each was scored on; those that were scored on all are the survivors.
    """

    scores: list[Score]
    batches: list[int]


def race(
    evaluator: PopulationEvaluator,
    architectures: Sequence[Architecture],
    *,
    keep: float = 0.5,
    first: int = 1,
) -> Race:
    """Score architectures on more and more of the same batches; after each rung the worse ones drop out.

    The first rung has ``first`` batches and each later one 1 / ``keep`` times as many, always the leading ones, so
    that all who are compared have seen the same images. Who drops out keeps the score of its last rung, raised to
    the worst final loss of those who stayed where it would look better than they do.

    :param keep: share that stays after each rung, 0 to 1; of equals the earlier ones stay.
    :param first: batches of the first rung.
    :raises ValueError: for a share outside 0 to 1, or a first rung without batches.
    """
    check_race(evaluator, keep, first)
    total = len(evaluator.where.batches)
    distinct = list(dict.fromkeys(architectures))
    images = [len(labels) for _, labels in evaluator.where.batches]
    task = evaluator.where.task
    sums, seen = np.zeros((len(task.names), len(distinct))), np.zeros(len(distinct), int)
    racing = np.arange(len(distinct))
    dropped: list[npt.NDArray[np.int64]] = []
    done, rung = 0, first
    while len(racing):
        found = evaluator.sums([distinct[each] for each in racing], range(done, rung)).sum(2)
        found[0] = np.nan_to_num(found[0], nan=math.inf)
        sums[:, racing] += found
        seen[racing] = done = rung
        if rung == total:
            break
        order = racing[np.argsort(sums[0, racing], kind="stable")]
        stay = max(1, math.ceil(keep * len(order)))
        dropped.append(order[stay:])
        racing = np.sort(order[:stay])
        rung = min(total, max(rung + 1, math.ceil(rung / keep)))
    counts = [sum(images[:batches]) for batches in seen]
    mean = sums[0] / np.array(counts).clip(1)
    worst = mean[racing].max(initial=-math.inf)
    for out in reversed(dropped):
        mean[out] = np.maximum(mean[out], worst)
        worst = max(worst, mean[out].max(initial=-math.inf))
    scores = {
        a: replace(Score.of(task, sums[:, n : n + 1].tolist(), counts[n]), loss=float(mean[n]))
        for n, a in enumerate(distinct)
    }
    batches = {a: int(seen[n]) for n, a in enumerate(distinct)}
    return Race([scores[each] for each in architectures], [batches[each] for each in architectures])


def check_race(evaluator: PopulationEvaluator, keep: float, first: int) -> None:
    """Check the settings of a race.

    :raises ValueError: for a share outside 0 to 1, or a first rung without batches.
    """
    total = len(evaluator.where.batches)
    if not 0 < keep < 1:
        raise ValueError(f"keep is {keep}; it is the share that stays after each rung, between 0 and 1")
    if not 1 <= first <= total:
        raise ValueError(f"first is {first}; the first rung takes 1 to {total} batches, as many as there are")


class RacingEvaluator(PopulationEvaluator):
    """A population evaluator whose scores come from a :func:`race`: quicker, and no longer exact.

    An individual's score then depends on who else was evaluated with it. Losses of those who dropped out rank them
    behind those who stayed; their measures are those of the images that they have seen. ``race(evaluator,
    population)`` on a :class:`PopulationEvaluator` beside it tells what is lost.

    :param supernet: whose weights are shared.
    :param where: images, in several batches: they are the rungs.
    :param keep: share that stays after each rung.
    :param first: batches of the first rung.
    :param options: of :class:`PopulationEvaluator`.
    """

    def __init__(
        self, supernet: Supernet, where: EvaluationSet, *, keep: float = 0.5, first: int = 1, **options: Any
    ) -> None:
        super().__init__(supernet, where, **options)
        check_race(self, keep, first)
        self.keep, self.first = keep, first

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return the score of each architecture, in their order."""
        return race(self, architectures, keep=self.keep, first=self.first).scores
