"""What the benchmarks of population evaluation share: images, populations, clocks, tables."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tdgnas.spaces import Architecture, SearchSpace
from tdgnas.supernet import EvaluationSet, Supernet, evaluate_one

HERE = Path(__file__).parents[1] / "results"
Row = dict[str, Any]


def evaluation_set(images: int, batch: int, *, last: bool = True, device: str = "cpu") -> EvaluationSet:
    """Random images: what they show makes no difference to the time."""
    generator = torch.Generator().manual_seed(0)
    layout = torch.channels_last if last else torch.contiguous_format
    batches: list[tuple[Tensor, Tensor]] = []
    for start in range(0, images, batch):
        size = min(batch, images - start)
        x = torch.randn(size, 3, 32, 32, generator=generator).contiguous(memory_format=layout)
        y = torch.randint(0, 10, (size,), generator=generator)
        batches.append((x.to(device), y.to(device)))
    return EvaluationSet(tuple(batches), None, "batch")


def population(space: SearchSpace, kind: str, n: int, seed: int) -> list[Architecture]:
    """``random``, or so many mutations (changed decisions) apart from one random architecture."""
    rng = random.Random(seed)
    if kind == "random":
        return [space.sample(rng) for _ in range(n)]
    base = space.sample(rng)
    found = []
    for _ in range(n):
        choices = list(base.choices)
        for place in rng.sample(range(len(choices)), int(kind)):
            size = len(space.decisions[place].choices)
            choices[place] = (choices[place] + rng.randrange(1, size)) % size
        found.append(space.architecture(choices))
    return found


TIMERS = {"wall": time.perf_counter, "processor": time.process_time}
_timer = TIMERS["wall"]


def use_timer(name: str) -> None:
    """Choose what :func:`clock` reads, for all benchmarks in this process."""
    global _timer
    _timer = TIMERS[name]


def clock(function: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = _timer()
    function()
    return _timer() - start


def loop(supernet: Supernet, where: EvaluationSet, architectures: Sequence[Architecture], most: int) -> float:
    """Seconds of the one-by-one loop, timed on some of the architectures, evenly spread."""
    some = list(architectures)[:: max(1, len(architectures) // most)][:most]
    return (
        clock(lambda: [evaluate_one(supernet, where, each) for each in some]) * len(architectures) / len(some)
    )


def in_turns(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Call every way once per round; return its seconds by round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return found


def ratio(seconds: dict[str, list[float]], way: str, base: str = "loop") -> float:
    """Median over the rounds of how many times faster a way is."""
    return statistics.median(b / w for b, w in zip(seconds[base], seconds[way], strict=True))


def show(row: Row) -> None:
    print(
        {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()},
        flush=True,
    )


def table(rows: list[Row]) -> str:
    """Markdown of rows with the same keys."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(keys) + " |", "|" + "---|" * len(keys)]
    lines += ["| " + " | ".join(text(row.get(key, "")) for key in keys) + " |" for row in rows]
    return "\n".join(lines)


def text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
