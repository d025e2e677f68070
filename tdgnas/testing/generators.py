"""The global random generators: leaving them as they were, and seeing which ones something draws from."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..seeding import random_states, seed_everything, set_random_states


def states() -> dict[str, Any]:
    """Return the states of the global generators as values that can be compared."""
    name, keys, *rest = np.random.get_state(legacy=True)
    found: dict[str, Any] = {
        "random": random.getstate(),
        "numpy.random": (name, np.asarray(keys).tobytes(), *rest),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch"] = torch.get_rng_state().numpy().tobytes()
    return found


@contextmanager
def preserved() -> Iterator[None]:
    """Put the global generators back when the block ends."""
    before = random_states()
    try:
        yield
    finally:
        set_random_states(before)


def seeded(seed: int, call: Callable[[], Any]) -> Any:
    """Return what a call gives after all global generators were seeded."""
    seed_everything(seed)
    return call()


def drawn_from(call: Callable[[], Any]) -> set[str]:
    """Return the names of the global generators whose state a call changes."""
    before = states()
    call()
    after = states()
    return {name for name, state in after.items() if name in before and before[name] != state}


def reseeds(call: Callable[[], Any]) -> set[str]:
    """Return the generators that a call leaves in one state wherever they were: it seeds them."""
    ends = []
    for seed in (1, 2):
        seed_everything(seed)
        before = states()
        call()
        ends.append({name: state for name, state in states().items() if before.get(name) != state})
    return {name for name in ends[0] if ends[0][name] == ends[1].get(name)}


def generator_violations(
    name: str, call: Callable[..., Any], allowed: set[str], *, rng: bool
) -> Iterator[str]:
    """Give sentences about an operator's use of random generators.

    :param name: the operator's name.
    :param call: calls it on fresh arguments and returns plain values; takes ``rng`` where the operator does.
    :param allowed: the global generators that it may draw from.
    :param rng: whether it takes ``rng``.
    """
    for generator in sorted(reseeds(call)):
        yield (
            f"{name} seeds the global generator {generator}: every run then draws the same numbers from there on. "
            "Leave seeding to the user, or draw from an rng passed in"
        )
    used: set[str] = set()
    for seed in range(4):
        seed_everything(seed)
        used |= drawn_from(call)
    for generator in sorted(used - allowed):
        declared = "nothing" if not allowed else " and ".join(sorted(allowed))
        yield (
            f"{name} draws from {generator}, declared is {declared}. DEAP's operators draw from Python's random, and "
            "a run is saved and resumed with it: use random, or rng=None as a keyword, or declare it with "
            f"generators=({generator!r},)"
        )
    if not rng:
        return
    touched = drawn_from(lambda: call(rng=random.Random(3)))
    if touched:
        yield f"{name} was given rng and still draws from {sorted(touched)[0]}; draw everything from rng"
    if seeded(5, lambda: call(rng=random.Random(3))) != seeded(6, lambda: call(rng=random.Random(3))):
        yield f"{name} gave two results for one state of rng; draw everything from rng"
