"""Any strategy by its name, from the decisions of a space."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Sequence
from typing import Any

from ..decision import Decision
from .base import STRATEGIES, Strategy


def create(name: str, decisions: Sequence[Decision], *, seed: int | None = None, **options: Any) -> Strategy:
    """Make a registered strategy for the decisions of a space.

    :param name: as in ``STRATEGIES.names()``.
    :param decisions: ``space.decisions``.
    :param seed: of the strategy's own random generator; without one it draws from Python's :mod:`random`.
    :param options: keywords of the strategy's class, such as ``fitness`` and ``population``.
    :raises ValueError: for an unknown strategy, an option that it lacks, or one that it needs.

    >>> from tdgnas.spaces import NASBench201
    >>> len(create("random", NASBench201().decisions, seed=0, batch=4).generate())
    4
    """
    kind: Callable[..., Strategy] = STRATEGIES.get(name)
    if seed is not None:
        options = {**options, "rng": random.Random(seed)}
    signature = inspect.signature(kind)
    try:
        signature.bind(decisions, **options)
    except TypeError as error:
        raise ValueError(f"strategy {name!r}: {error}. It takes {', '.join(option_names(name))}") from error
    try:
        return kind(decisions, **options)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise ValueError(f"strategy {name!r}: {error}. It takes {', '.join(option_names(name))}") from error


def option_names(name: str) -> list[str]:
    """Return the names of a strategy's own options, for messages and command lines."""
    hidden = {"decisions", "rng", "fitness", "options", "overrides", "source"}
    kind = STRATEGIES.get(name)
    named = [option for option in inspect.signature(kind).parameters if option not in hidden]
    return [*named, *kind.further_options]


def needs_source(name: str) -> bool:
    """Say whether a strategy cannot do without a source of gradients."""
    source = inspect.signature(STRATEGIES.get(name)).parameters.get("source")
    return source is not None and source.default is inspect.Parameter.empty
