"""The registry of discretisation rules: from relaxed weights to an architecture."""

from __future__ import annotations

from collections.abc import Callable

from ..registry import Registry
from .architecture import Architecture

Rule = Callable[..., Architecture]


def _check(rule: Rule) -> None:
    if not callable(rule):
        raise TypeError(
            f"a discretisation rule is a function of a space and its relaxed weights; got {rule!r}"
        )


RULES: Registry[Rule] = Registry("discretisation rule", "tdgnas.rules", _check)
"""The rules that make an architecture of relaxed weights, by name; ``@RULES.register("mine")`` adds one, as an entry
point ``tdgnas.rules`` does.

A rule takes the space and its relaxed weights, one per gene: for a binary decision the weight of choice 1, for a K-way
decision the weights of its choices.
"""
