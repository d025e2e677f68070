"""Strategies and problems as words on a command line: ``label=name:key=value,key=value``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..decision import Decision
from ..files.names import path_component
from ..strategies import STRATEGIES, create, option_names

_NO_LABEL = re.compile(r"[^A-Za-z0-9_.+@-]+")
_FILES = "plan.json report.html results.csv pairs.csv summary.json summary.md"
#: What a comparison's folder and a problem's folder hold beside those of labels.
RESERVED = {"figures", "supernets", *_FILES.split()}


@dataclass(frozen=True)
class Spec:
    """A label, what it stands for, and options.

    :param label: names it in tables and files.
    :param name: of a strategy or a problem.
    :param options: its keywords.
    """

    label: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The spec as JSON values, without its label."""
        return {"name": self.name, "options": self.options}


def parse(text: str) -> Spec:
    """Read ``label=name:key=value,key=value``; label and options may be left out.

    Values are read as JSON where they are JSON (numbers, true, null), else as words.

    :raises ValueError: when the text has another form.

    >>> parse("small=tdga:population=5,relative=true")
    Spec(label='small', name='tdga', options={'population': 5, 'relative': True})
    """
    head, _, tail = text.strip().partition(":")
    label, equals, name = head.partition("=")
    if not equals:
        label, name = _NO_LABEL.sub("-", text.strip().replace("=", "")), head
    if not name:
        raise ValueError(
            f"{text!r} is no name with options; expected NAME, NAME:key=value,key=value or LABEL=NAME:key=value"
        )
    if path_component(label).lower() in RESERVED:
        raise ValueError(f"the label {label!r} is a name of the comparison's own files; choose another")
    options: dict[str, Any] = {}
    for part in filter(None, tail.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key.replace(".", "_").isidentifier():
            raise ValueError(f"{part!r} in {text!r} is no option; expected key=value")
        options[key] = _value(value)
    return Spec(label, name, options)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse_all(texts: Sequence[str], kind: str) -> list[Spec]:
    """Read several specs.

    :raises ValueError: for none, or two with one label; some file systems take capitals for small letters.
    """
    specs = [parse(text) for text in texts]
    labels = [spec.label.lower() for spec in specs]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if not specs or twice is not None:
        raise ValueError(
            f"two {kind} are called {twice!r}; give one a label" if twice else f"there are no {kind}"
        )
    return specs


def check_strategy(spec: Spec, *, gradients: bool, problem: str) -> None:
    """Check that a strategy exists, takes its options and has what it needs.

    :param gradients: whether the problem has gradients of alpha.
    :raises ValueError: for an unknown name (with the nearest), an unknown option, or a missing gradient.
    :raises ImportError: when a package that the strategy needs is not installed.
    """
    STRATEGIES.get(spec.name).check_installed()
    known = [*option_names(spec.name), "order", "local_search"]
    unknown = next((key for key in spec.options if key not in known), None)
    if unknown is not None:
        raise ValueError(f"strategy {spec.name!r} has no option {unknown!r}; it has {', '.join(known)}")
    wants = STRATEGIES.get(spec.name).needs_gradients or bool(spec.options.get("local_search"))
    if wants and not gradients:
        raise ValueError(
            f"{spec.label!r} follows gradients of alpha, and {problem!r} is a table without any; leave it out, or "
            "compare on a supernet, such as --problem digits-vgg"
        )


def own_options(spec: Spec) -> tuple[dict[str, Any], int, bool]:
    """Return the options of a strategy's class; and order and local search, which say what gradients it gets."""
    options = dict(spec.options)
    order, local = options.pop("order", 1), bool(options.pop("local_search", False))
    if local:
        options.setdefault("gradient.steps", 1)
    return options, order, local


class _Flat:
    """A source of gradients to make strategies with that are never run."""

    def alpha_gradients(self, genes: Any, *, seed: int) -> Any:
        return 0 * genes


def try_strategy(spec: Spec, decisions: Sequence[Decision]) -> None:
    """Make a strategy once, so that a wrong value of an option is refused before anything runs.

    :raises ValueError: for such a value.
    """
    options, order, local = own_options(spec)
    if order not in (1, 2):
        raise ValueError(
            f"{spec.label!r}: order is {order!r}; it must be 1 (first order) or 2 (second order)"
        )
    if STRATEGIES.get(spec.name).needs_gradients or local:
        options["source"] = _Flat()
    try:
        create(spec.name, decisions, seed=0, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{spec.label!r}: {error}") from error
