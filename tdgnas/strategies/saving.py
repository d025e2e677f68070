"""States of what an evolution works with, beside its strategy: logbook, and operators with a state."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from deap import base, tools

from ..mapping import layers
from ..seeding import pack_random, unpack_random


def logbook_state(logbook: tools.Logbook) -> dict[str, Any]:
    """Return a logbook, its chapters included, as plain values."""
    return {
        "records": [dict(record) for record in logbook],
        "streamed": logbook.buffindex,
        "chapters": {name: logbook_state(chapter) for name, chapter in logbook.chapters.items()},
    }


def set_logbook(logbook: tools.Logbook, state: dict[str, Any]) -> None:
    """Make a logbook hold what :func:`logbook_state` returned; its header stays."""
    logbook[:] = [dict(record) for record in state["records"]]
    logbook.buffindex = state["streamed"]
    for name, chapter in state["chapters"].items():
        set_logbook(logbook.chapters[name], chapter)


def toolbox_states(toolbox: base.Toolbox) -> dict[str, Any]:
    """Return the states of a toolbox' entries that have one.

    An entry has one when its function, or the object whose method it is, has ``state_dict`` and ``load_state_dict``;
    a random generator among an entry's keywords (``random.Random``, NumPy's, torch's) is saved as well. Decorators and
    other wrappers are seen through (:func:`tdgnas.mapping.layers`).
    """
    states = {}
    for name, owner, generators in _entries(toolbox):
        state: dict[str, Any] = {key: _generator_state(rng) for key, rng in generators.items()}
        if owner is not None or state:
            states[name] = {"own": None if owner is None else owner.state_dict(), "random": state}
    return states


def set_toolbox_states(toolbox: base.Toolbox, states: dict[str, Any]) -> None:
    """Put the entries of a toolbox into the states that :func:`toolbox_states` returned.

    :raises ValueError: when an entry with a state is missing, or has none here.
    """
    left = dict(states)
    found = []
    for name, owner, generators in _entries(toolbox):
        state = left.pop(name, None)
        if state is None and owner is None and not generators:
            continue
        if (
            state is None
            or set(state["random"]) != set(generators)
            or (owner is None) != (state["own"] is None)
        ):
            raise ValueError(
                f"the toolbox entry {name!r} has another kind of state than the saved one; register the same operators"
            )
        found.append((state, owner, generators))
    if left:
        raise ValueError(
            f"the file has a state for {', '.join(left)}, which the toolbox lacks; register the same operators"
        )
    # Nothing is changed before everything fits.
    for state, owner, generators in found:
        if owner is not None:
            owner.load_state_dict(state["own"])
        for key, rng in generators.items():
            _set_generator(rng, state["random"][key])


def _entries(toolbox: base.Toolbox) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for name, entry in sorted(vars(toolbox).items()):
        generators: dict[str, Any] = {}
        owner = None
        for layer in layers(entry):
            if isinstance(layer, partial):
                found = {key: value for key, value in layer.keywords.items() if _is_generator(value)}
                generators = {**found, **generators}
            owners = (layer, getattr(layer, "__self__", None))
            owner = owner or next((each for each in owners if _has_state(each)), None)
        yield name, owner, generators


def _has_state(thing: Any) -> bool:
    if isinstance(thing, type):
        return False
    return all(callable(getattr(thing, name, None)) for name in ("state_dict", "load_state_dict"))


def _is_generator(thing: Any) -> bool:
    if isinstance(thing, (random.Random, np.random.Generator)):
        return True
    # numpy.random.RandomState and torch.Generator.
    return all(callable(getattr(thing, name, None)) for name in ("get_state", "set_state"))


def _generator_state(rng: Any) -> Any:
    if isinstance(rng, random.Random):
        return pack_random(rng)
    return rng.bit_generator.state if isinstance(rng, np.random.Generator) else rng.get_state()


def _set_generator(rng: Any, state: Any) -> None:
    if isinstance(rng, random.Random):
        unpack_random(rng, state)
    elif isinstance(rng, np.random.Generator):
        rng.bit_generator.state = state
    else:
        rng.set_state(state)
