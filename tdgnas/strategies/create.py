"""Any strategy by its name, from the decisions of a space; and the settings that it has."""

from __future__ import annotations

import difflib
import inspect
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, NamedTuple

from ..decision import Decision
from .base import STRATEGIES, Strategy
from .ranges import hints, words

__all__ = ["PROVIDED", "Option", "create", "option_names", "options", "wants"]

PROVIDED = ("source", "start", "weights", "train", "fitness", "rng")
"""Keywords by which a strategy asks for something of the problem, where it has them:

``source`` gives gradients of alpha; ``start`` is an alpha to begin with; ``weights`` are relaxed weights, the
probabilities of an inherited population; ``train`` trains the weights on a population; ``fitness`` is the class of the
individuals' fitness; ``rng`` the generator of all random numbers. All else are settings."""


class Option(NamedTuple):
    """A setting of a strategy.

    :param key: its name, dotted where it belongs to a group of settings: ``temperature.start``.
    :param type: what it may be, in words.
    :param default: its value where none is given.
    :param meaning: what the docstring says about it.
    """

    key: str
    type: str
    default: Any
    meaning: str


def create(name: str, decisions: Sequence[Decision], *, seed: int | None = None, **settings: Any) -> Strategy:
    """Make a registered strategy for the decisions of a space.

    :param name: as in ``STRATEGIES.names()``.
    :param decisions: ``space.decisions``.
    :param seed: of the strategy's own random generator; without one it draws from Python's :mod:`random`.
    :param settings: by the names in :func:`options`, a group of them also as a dict or by dotted names; and what the
        strategy wants of the problem, see :data:`PROVIDED`.
    :raises ValueError: for an unknown strategy, a setting that it lacks, or something that it needs and was not given.

    >>> from tdgnas.spaces import NASBench201
    >>> len(create("random", NASBench201().decisions, seed=0, batch=4).generate())
    4
    """
    kind: Callable[..., Strategy] = STRATEGIES.get(name)
    if seed is not None:
        settings = {**settings, "rng": random.Random(seed)}
    known = parameters(STRATEGIES.get(name))
    values = _nested(name, settings)
    strange = next((key for key in values if key not in known), None)
    if strange is not None:
        raise ValueError(_no_setting(name, strange))
    needed = [key for key, one in known.items() if one.default is one.empty and key not in values]
    if needed:
        raise ValueError(f"strategy {name!r} needs {needed[0]}, which it was not given")
    for key, value in values.items():
        if isinstance(value, Mapping) and is_dataclass(default := known[key].default):
            values[key] = _changed(name, key, default, value)
    return kind(decisions, **values)


def options(name: str) -> list[Option]:
    """Return the settings of a strategy: key, type and range, default, meaning."""
    kind = STRATEGIES.get(name)
    return list(_listed(kind, ""))


def option_names(name: str) -> list[str]:
    """Return the keys of a strategy's settings."""
    return [option.key for option in options(name)]


def wants(name: str) -> set[str]:
    """Return what a strategy takes from the problem, out of :data:`PROVIDED`."""
    return set(parameters(STRATEGIES.get(name))) & set(PROVIDED)


def parameters(kind: type) -> dict[str, inspect.Parameter]:
    """Return what a class is made with, beside its decisions; where it hands ``**keywords`` on, its bases' as well."""
    found: dict[str, inspect.Parameter] = {}
    for each in kind.__mro__:
        if "__init__" not in vars(each):
            continue
        own = list(inspect.signature(each.__init__).parameters.values())[1:]  # type: ignore[misc]
        named = [
            p for p in own if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name != "decisions"
        ]
        found = {p.name: p for p in named} | found
        if not any(p.kind is p.VAR_KEYWORD for p in own):
            break
    return found


def _listed(kind: type, prefix: str) -> Iterator[Option]:
    told = {k: v for each in reversed(kind.__mro__) for k, v in _meanings(each.__doc__ or "").items()}
    said = {k: v for each in reversed(kind.__mro__) for k, v in hints(each).items()}
    for name, parameter in parameters(kind).items():
        if not prefix and name in PROVIDED:
            continue
        default = None if parameter.default is parameter.empty else parameter.default
        if is_dataclass(default) and not isinstance(default, type):
            for option in _listed(type(default), f"{prefix}{name}."):
                yield option._replace(default=getattr(default, option.key.rpartition(".")[2]))
        else:
            hint = said.get(name, type(default))
            yield Option(f"{prefix}{name}", words(hint), default, told.get(name, ""))


def _meanings(doc: str) -> dict[str, str]:
    found = re.findall(r":param (\w+):\s*(.*?)(?=\n\s*:|\n\s*\n|\Z)", doc, re.S)
    return {name: " ".join(text.split()) for name, text in found}


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


def _changed(name: str, group: str, default: Any, values: Mapping[str, Any]) -> Any:
    known = inspect.signature(type(default)).parameters
    strange = next((key for key in values if key not in known), None)
    if strange is not None:
        raise ValueError(_no_setting(name, f"{group}.{strange}"))
    try:
        return replace(default, **values)
    except ValueError as error:
        raise ValueError(f"{group}: {error}") from error


def _no_setting(name: str, key: str) -> str:
    names = option_names(name)
    near = [name for name in names if name.endswith(f".{key}")] or difflib.get_close_matches(key, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"strategy {name!r} has no setting {key!r}{hint} It has {', '.join(names) or 'none'}"
