"""Settings: frozen models with a range and a meaning for every value, and sentences about what does not fit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from .files.toml import NOTHING


def _sensible(value: Any) -> Any:
    """Refuse what no computation in float32 survives, and counts that nobody lives to see."""
    most = 10**9 if isinstance(value, int) else 1e12
    if abs(value) > most:
        raise ValueError(f"input should be at most {most:g}")
    return value


# Numbers are numbers: a text or a truth value in their place is a mistake, not something to convert.
Whole = Annotated[int, Field(strict=True), AfterValidator(_sensible)]
Number = Annotated[float, Field(strict=True), AfterValidator(_sensible)]
Epochs = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Rate = Annotated[float, Field(strict=True, gt=0, le=1e30)]
Decay = Annotated[float, Field(strict=True, ge=0, le=100)]
Images = Annotated[int, Field(strict=True, ge=2, le=10**8)]
Pixels = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Count = Annotated[int, Field(strict=True, ge=1)]
Natural = Annotated[int, Field(strict=True, ge=0)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Positive = Annotated[float, Field(strict=True, gt=0)]
NotNegative = Annotated[float, Field(strict=True, ge=0)]


class Section(BaseModel):
    """A section of a configuration, or the settings of one object: checked when it is made, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _completed(cls, given: Any) -> Any:
        """Read the word for nothing, and complete a group's values by those that it has here where none are given."""
        if not isinstance(given, dict):
            return given
        found = dict(given)
        for key in given.keys() & cls.model_fields.keys():
            field, value = cls.model_fields[key], given[key]
            if isinstance(value, Mapping) and isinstance(field.default, Section):
                found[key] = {**dict(field.default), **value}
            elif isinstance(value, str) and value == NOTHING and takes_nothing(field.annotation):
                found[key] = None
        return found


def takes_nothing(annotation: Any) -> bool:
    """Whether a key may have no value."""
    return annotation is type(None) or type(None) in get_args(annotation)


def check_whole(least: int = 1, **values: object) -> None:
    """Check that numbers are whole and large enough.

    :param least: what each must be at least.
    :param values: by the names that a message calls them.
    :raises ValueError: naming the first that is not.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {least}")


S = TypeVar("S", bound=BaseModel)


def checked(model: type[S], values: dict[str, Any]) -> S:
    """Make settings of values.

    :raises ValueError: with one line for every unknown name, wrong type and impossible value.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError("\n".join(sentences(error, model))) from None


def sentences(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one sentence for each mistake, with its key."""
    return list(dict.fromkeys(_sentence(problem, model) for problem in error.errors()))


_TAG = re.compile(r"function-|literal\[|callable$")


def _sentence(problem: Any, model: type[BaseModel]) -> str:
    location = [part for part in problem["loc"] if not _TAG.match(str(part))]
    key = ".".join(map(str, location)) or "(together)"
    if problem["type"] == "none_required":
        return f"{key}: this problem has no such section; nothing is trained for its fitness"
    if problem["type"] == "extra_forbidden":
        return f"{key}: there is no such key{_near(problem['loc'], model)}"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    given = "" if isinstance(problem["input"], (dict, BaseModel)) else f" (given: {_shown(problem['input'])})"
    return f"{key}: {message}{given}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _near(location: tuple[int | str, ...], model: Any) -> str:
    for part in location[:-1]:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        model = None if field is None else field.annotation
    known = list(getattr(model, "model_fields", {}))
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}" if known else ""


class Option(NamedTuple):
    """One key, for people: dotted where it belongs to a section in a section, its default as it is."""

    key: str
    kind: str
    range: str
    default: Any
    meaning: str


def listed(section: BaseModel, prefix: str = "") -> Iterator[Option]:
    """Yield every key of a section, and of those in it, with its kind, range, default and meaning."""
    properties = _properties(type(section))
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            yield from listed(value, f"{prefix}{key}.")
        elif field.annotation is not NoneType:
            kind, bounds = _kind(properties[key])
            yield Option(f"{prefix}{key}", kind, bounds, value, field.description or "")


@cache
def _properties(model: type[BaseModel]) -> Mapping[str, Any]:
    found: dict[str, Any] = model.model_json_schema().get("properties", {})
    return found


def _kind(schema: Mapping[str, Any]) -> tuple[str, str]:
    """Type and range of a key, in words, out of its JSON schema."""
    kinds, bounds = [], []
    for each in schema.get("anyOf", [schema]):
        if "enum" in each or "const" in each:
            bounds.append(", ".join(map(str, each.get("enum", [each.get("const")]))))
        kinds.append("none" if each.get("type") == "null" else each.get("type", "any"))
        low = next((f"{sign} {each[k]:g}" for k, sign in _LOW.items() if k in each), "")
        high = next((f"{sign} {each[k]:g}" for k, sign in _HIGH.items() if k in each), "")
        bounds.append(" and ".join(filter(None, (low, high))))
    return " or ".join(dict.fromkeys(kinds)), "; ".join(filter(None, bounds))


_LOW = {"minimum": ">=", "exclusiveMinimum": ">"}
_HIGH = {"maximum": "<=", "exclusiveMaximum": "<"}
