"""What a strategy can be set to: a model of its constructor's keywords, from their annotations and its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Optional, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError

from ..settings import Section, checked

PROVIDED = ("source", "start", "weights", "train", "encode", "grammar", "fitness", "rng")
"""Keywords by which a strategy asks for something of the problem, where it has them:

``source`` gives gradients of alpha; ``start`` is an alpha to begin with; ``weights`` are relaxed weights, the
probabilities of an inherited population; ``train`` trains the weights on a population, with ``each=True`` by one step
on each individual; ``encode`` makes numbers of choices that tell a predictor more than the choices do, such as the
paths through a cell; ``grammar`` goes between choices and trees of ``deap.gp``; ``fitness`` is the class of the
individuals' fitness; ``rng`` the generator of all random numbers. All else are settings."""

_LENIENT = ConfigDict(arbitrary_types_allowed=True, strict=True)


class Settings(Section):
    """The settings of one strategy."""

    model_config = _LENIENT


@cache
def settings_model(kind: type) -> type[Settings]:
    """Return the model of a strategy's settings; what an annotation cannot say of a value, is not checked."""
    told: dict[str, str] = {}
    said: dict[str, Any] = {}
    for each in reversed(kind.__mro__):
        told |= dict(re.findall(r":param (\w+):\s*(.*?)(?=\n\s*:|\n\s*\n|\Z)", each.__doc__ or "", re.S))
        said |= _hints(each)
    fields: dict[str, Any] = {}
    for name, parameter in parameters(kind).items():
        if name not in PROVIDED:
            default = None if parameter.default is parameter.empty else parameter.default
            hint = _hint(said.get(name, type(default)), default)
            fields[name] = (hint, Field(default, description=" ".join(told.get(name, "").split())))
    return create_model("Settings", __base__=Settings, **fields)


def check_settings(kind: type, values: Mapping[str, Any]) -> Settings:
    """Check keywords by the annotations of a strategy's constructor; those that are no settings are passed over.

    :raises ValueError: with one line for every value that is out of range or of another kind.
    """
    model = settings_model(kind)
    said = {name for name, hint in _hints(kind).items() if get_args(hint)}
    return checked(
        model,
        {
            key: value
            for key, value in values.items()
            # A group that may be given otherwise than by its values, such as a schedule, is the strategy's to check.
            if key in (fields := model.model_fields)
            and not (
                isinstance(fields[key].default, Section)
                and key in said
                and not isinstance(value, (Mapping, Section))
            )
        },
    )


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


def _hints(kind: type) -> dict[str, Any]:
    try:
        return get_type_hints(kind.__init__, include_extras=True)  # type: ignore[misc]
    except Exception:  # a plug-in's annotations may name what is imported for type checkers only
        return {}


def _hint(hint: Any, default: Any) -> Any:
    if isinstance(default, Section):
        return type(default)
    try:
        TypeAdapter(hint, config=_LENIENT).json_schema()
    except PydanticUserError:  # a kind of object that cannot be checked or told of
        hint = Any
    return hint if default is not None else Optional[hint]  # noqa: UP045 - it may be any type
