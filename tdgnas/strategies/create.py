"""Any strategy by its name, from the decisions of a space; and the settings that it has."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..decision import Decision
from ..settings import Option, Section, listed
from .base import STRATEGIES, Strategy
from .options import PROVIDED, check_settings, parameters, settings_model

__all__ = ["PROVIDED", "create", "option_names", "options", "wants"]


def create(name: str, decisions: Sequence[Decision], *, seed: int | None = None, **settings: Any) -> Strategy:
    """Make a registered strategy for the decisions of a space.

    :param name: as in ``STRATEGIES.names()``.
    :param decisions: ``space.decisions``.
    :param seed: of the strategy's own random generator; without one it draws from Python's :mod:`random`.
    :param settings: by the names in :func:`options`, a group of them also as a dict or by dotted names; and what the
        strategy wants of the problem, see :data:`PROVIDED`.
    :raises ValueError: for an unknown strategy, a setting that it lacks, something that it needs and was not
        given, or both a seed and ``rng``.

    >>> from tdgnas.spaces import NASBench201
    >>> len(create("random", NASBench201().decisions, seed=0, batch=4).generate())
    4
    """
    kind: Callable[..., Strategy] = STRATEGIES.get(name)
    if seed is not None:
        if "rng" in settings:
            raise ValueError("seed makes the generator that rng is; give one of the two")
        settings = {**settings, "rng": random.Random(seed)}
    known = parameters(STRATEGIES.get(name))
    values = _nested(name, settings)
    for key, value in values.items():
        if key not in known:
            raise ValueError(_no_setting(name, key))
        group = known[key].default
        if isinstance(value, Mapping) and isinstance(group, Section):
            strange = next((part for part in value if part not in type(group).model_fields), None)
            if strange is not None:
                raise ValueError(_no_setting(name, f"{key}.{strange}"))
    needed = [key for key, one in known.items() if one.default is one.empty and key not in values]
    if needed:
        raise ValueError(f"strategy {name!r} needs {needed[0]}, which it was not given")
    found = check_settings(STRATEGIES.get(name), values)
    return kind(decisions, **values | {key: getattr(found, key) for key in found.model_fields_set})


def options(name: str) -> list[Option]:
    """Return the settings of a strategy: key, kind, range, default, meaning."""
    return list(listed(settings_model(STRATEGIES.get(name))()))


def option_names(name: str) -> list[str]:
    """Return the keys of a strategy's settings."""
    return [option.key for option in options(name)]


def wants(name: str) -> set[str]:
    """Return what a strategy takes from the problem, out of :data:`PROVIDED`."""
    return set(parameters(STRATEGIES.get(name))) & set(PROVIDED)


def _nested(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Gather dotted keys into one dict per group of settings."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        group, dot, rest = key.partition(".")
        if not dot:
            found[group] = {**value, **found.get(group, {})} if isinstance(value, Mapping) else value
        elif isinstance(found.setdefault(group, {}), dict):
            found[group][rest] = value
        else:
            raise ValueError(f"strategy {name!r} is given {group!r} as a whole, and {key!r} beside it")
    return found


def _no_setting(name: str, key: str) -> str:
    names = option_names(name)
    near = [name for name in names if name.endswith(f".{key}")] or difflib.get_close_matches(key, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"strategy {name!r} has no setting {key!r}{hint} It has {', '.join(names) or 'none'}"
