"""Operators by name, ours, DEAP's and those of installed packages, and how settings reach their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from deap import tools

from ..registry import Registry, resolve

__all__ = ["KINDS", "OPERATORS", "bind", "kind_of"]

Operator = Callable[..., Any]

KINDS = {"sel": "select", "cx": "mate", "mut": "mutate", "ls": "local_search", "init": "init"}
"""What the first letters of an operator's name say about it: the toolbox entry that it is made for."""


def entry_of(name: str) -> str | None:
    """Return the toolbox entry that the first letters of an operator's name stand for, or None."""
    for prefix, entry in KINDS.items():
        if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
            return entry
    return None


def kind_of(operator: Operator) -> str:
    """Return the toolbox entry that an operator is made for, by the first letters of its name.

    :raises ValueError: for a name without one of DEAP's prefixes.
    """
    name = getattr(operator, "__name__", "")
    if (entry := entry_of(name)) is not None:
        return entry
    raise ValueError(
        f"the operator {name or operator!r} has none of the prefixes {', '.join(KINDS)}; "
        "name it like selMine, cxMine, mutMine, lsMine or initMine"
    )


OPERATORS: Registry[Operator] = Registry("operator", "tdgnas.operators", kind_of)
"""The operators by name; ``@OPERATORS.register("mine")`` adds one, as an entry point ``tdgnas.operators`` does."""

# Ours register themselves, where they are written.
for _name, _operator in {
    "tournament": tools.selTournament,
    "best": tools.selBest,
    "nsga2": tools.selNSGA2,
    "uniform": tools.cxUniform,
    "one-point": tools.cxOnePoint,
    "two-point": tools.cxTwoPoint,
    "gaussian": tools.mutGaussian,
}.items():
    OPERATORS.register(_name)(_operator)


def bind(
    kind: str, name: str, settings: Mapping[str, Any], own: Mapping[str, Any] = MappingProxyType({})
) -> Operator:
    """Return a registered operator with the settings that its parameters name.

    :param kind: the toolbox entry, such as ``select``.
    :param name: as listed by ``tdgnas operators``, or ``my_package.my_module:my_operator``.
    :param settings: values by parameter name; those the operator does not take are left out.
    :param own: values meant for this operator, which come before the settings.
    :raises ValueError: for an unknown name, an operator of another kind, a parameter without value and default, or an
        ``own`` value that no parameter takes.
    """
    operator = resolve(name) if ":" in name else OPERATORS.get(name, lambda other: kind_of(other) == kind)
    if kind_of(operator) != kind:
        fitting = [entry.name for entry in OPERATORS if kind_of(entry.value) == kind]
        raise ValueError(
            f"{name!r} is made for {kind_of(operator)!r}, not for {kind!r}; try {', '.join(fitting)}"
        )
    passed = {"select": 2, "mate": 2, "mutate": 1, "local_search": 1, "init": 1}[kind]
    parameters = list(inspect.signature(operator).parameters.values())[passed:]
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    known = [p.name for p in named]
    strange = next((key for key in own if key not in known), None)
    if strange is not None and all(p.kind is not p.VAR_KEYWORD for p in parameters):
        raise ValueError(
            f"the operator {name!r} has no parameter {strange!r}; it has {', '.join(known) or 'none'}"
        )
    keywords = {key: settings[key] for key in known if key in settings} | dict(own)
    missing = [p.name for p in named if p.default is p.empty and p.name not in keywords]
    if missing:
        raise ValueError(
            f"the operator {name!r} needs the parameter {missing[0]!r}, which no setting gives; "
            "give it among the operator's own parameters, or a default value in its signature"
        )
    return partial(operator, **keywords)
