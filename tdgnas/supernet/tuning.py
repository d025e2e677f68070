"""Which way of evaluating populations is the fastest on this machine: measured, not believed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..spaces import Architecture
from .evaluation import EvaluationSet, Score
from .population import PopulationEvaluator

if TYPE_CHECKING:
    from .supernet import Supernet


@dataclass(frozen=True)
class Choice:
    """What was measured.

    :param options: of :class:`PopulationEvaluator`, JSON values: give them to it, and note them with the run.
    :param seconds: of one batch of images, by order and chunk.
    :param equal: whether all ways gave the same bits.
    """

    options: dict[str, Any]
    seconds: dict[str, float]
    equal: bool


def fastest(
    supernet: Supernet,
    where: EvaluationSet,
    architectures: Sequence[Architecture],
    *,
    chunks: Sequence[int | None] = (4, 16, None),
    repeats: int = 3,
) -> Choice:
    """Time depth-first and folded evaluation of some architectures on the first batch, in turns; the best of each.

    The ways differ in their last bits at most, but a clock never says the same twice: for runs that repeat
    themselves, measure once and write ``options`` into the run's configuration. Equal times go to depth-first,
    which needs the least memory: another way has to be a tenth faster.

    :param architectures: a population such as will be evaluated.
    :param chunks: how many values are folded at most; None leaves it to the device.
    :param repeats: how often each is timed.
    :raises ValueError: without architectures, or for fewer than one repeat.
    """
    if not architectures or repeats < 1:
        raise ValueError("measuring needs at least one architecture and one repeat")
    small = replace(where, batches=where.batches[:1])
    ways: dict[str, dict[str, Any]] = {"depth-first": {"order": "depth-first"}}
    ways |= {f"folded {chunk or 'by size'}": {"order": "folded", "chunk": chunk} for chunk in chunks}
    seconds = dict.fromkeys(ways, float("inf"))
    scores: list[list[Score]] = []
    for _ in range(repeats):
        for name, options in ways.items():
            evaluator = PopulationEvaluator(supernet, small, cache_bytes=0, **options)
            start = time.perf_counter()
            scores.append(evaluator.scores(architectures))  # ends with a transfer, which waits for the device
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    best = min(seconds, key=lambda name: seconds[name])
    if seconds[best] > 0.9 * seconds["depth-first"]:
        best = "depth-first"
    return Choice(ways[best], seconds, all(each == scores[0] for each in scores))
