"""One seed for every random generator a run draws from, and their states for a checkpoint."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed ``random``, NumPy's global generator and, where it is loaded, torch.

    :param seed: a whole number of at least 0.
    :raises ValueError: for a negative seed.
    """
    if seed < 0:
        raise ValueError(f"the seed is {seed}; it must be a whole number of at least 0")
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def pack_random(rng: random.Random | ModuleType) -> list[Any]:
    """Return the state of a random generator, or of the module :mod:`random`, as JSON values."""
    version, internal, gauss = rng.getstate()
    return [version, list(internal), gauss]


def unpack_random(rng: random.Random | ModuleType, state: Sequence[Any]) -> None:
    """Set a random generator to a state that :func:`pack_random` returned."""
    version, internal, gauss = state
    rng.setstate((version, tuple(internal), gauss))


def own_state(rng: random.Random | ModuleType) -> list[Any] | None:
    """Return the state of a generator of one's own; None for the module :mod:`random`, which all share."""
    return pack_random(rng) if isinstance(rng, random.Random) else None


def set_own_state(rng: random.Random | ModuleType, state: Sequence[Any] | None) -> None:
    """Set a generator to what :func:`own_state` returned.

    :raises ValueError: when the state is of a generator of its own and this is the shared one, or the reverse.
    """
    if isinstance(rng, random.Random) != (state is not None):
        there, here = ("an rng of its own", "Python's random")[:: 1 if state is not None else -1]
        raise ValueError(f"the saved search draws from {there}, this one from {here}; make it the same way")
    if state is not None:
        unpack_random(rng, state)


def random_states() -> dict[str, Any]:
    """Return the states of the generators that :func:`seed_everything` seeds: numbers, lists and tensors."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    states: dict[str, Any] = {
        "python": pack_random(random),
        "numpy": [kind, np.asarray(keys).tolist(), position, has_gauss, gauss],
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def set_random_states(states: dict[str, Any]) -> None:
    """Put the generators into the states that :func:`random_states` returned."""
    unpack_random(random, states["python"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    torch = sys.modules.get("torch")
    if torch is not None and "torch" in states:
        torch.set_rng_state(states["torch"])
        if "cuda" in states and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(states["cuda"])
