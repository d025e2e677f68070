"""Sections of a configuration as nested dicts: read from short texts, set by key, laid over each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ..files import Json
from .errors import ConfigError

Sections = Json


def parse_options(text: str, whole: str) -> Json:
    """Read ``key=value,key=value``; values are read as JSON where they are JSON, else as words.

    :raises ValueError: when the text has another form.

    >>> parse_options("population=5,relative=true", "tdga:...")
    {'population': 5, 'relative': True}
    """
    options: Json = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not all(piece.isidentifier() for piece in key.split(".")):
            raise ValueError(f"{part!r} in {whole!r} is no option; expected key=value")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return options


def strategy_sections(text: str) -> Sections:
    """Return the sections of ``name`` or ``name:key=value,...``; ``order`` is that of the gradients it follows.

    >>> strategy_sections("darts:order=2,steps=5")
    {'strategy': {'name': 'darts', 'steps': 5}, 'fitness': {'gradient_order': 2}}
    """
    name, _, tail = text.strip().partition(":")
    given = parse_options(tail, text)
    order = given.pop("order", None)
    section: Sections = {"name": name}
    for key, value in given.items():
        assign(section, key.split("."), value)
    return {"strategy": section, **({} if order is None else {"fitness": {"gradient_order": order}})}


def assign(document: Json, keys: list[str], value: Any) -> None:
    """Set a nested key.

    :raises ConfigError: when the way there leads through something that is no section.
    """
    place = document
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{'.'.join(keys)}: {key!r} is a value, not a section")
    place[keys[-1]] = value


#: What makes a section another one: with another value of it, nothing of the problem's own section is kept.
_NAMES = {"space": "name", "fitness": "kind", "strategy": "name", "budget": "unit"}


def merged(sections: Mapping[str, Any], document: Mapping[str, Any]) -> Json:
    """Return a problem's sections with what a document says laid over them."""
    found = deepcopy(dict(sections))
    for key, value in document.items():
        name, old = _NAMES.get(key), found.get(key)
        if (
            not isinstance(value, dict)
            or not isinstance(old, dict)
            or (name is not None and name in value and value[name] != old.get(name))
        ):
            found[key] = deepcopy(value)
        else:
            found[key] = merged(old, value)
    return found


def document_of(
    problem: str | None,
    strategy: str | None,
    budget: float | tuple[str, float] | None,
    settings: Mapping[str, Any],
) -> Json:
    """Return the nested dict that these words stand for, to be given to :func:`tdgnas.runs.make_config`."""
    document: Json = {} if problem is None else {"problem": problem}
    if strategy is not None:
        document |= strategy_sections(strategy)
    if budget is not None:
        unit, limit = budget if isinstance(budget, tuple) else (None, budget)
        document["budget"] = {"limit": limit} if unit is None else {"unit": unit, "limit": limit}
    return merged(document, settings)
