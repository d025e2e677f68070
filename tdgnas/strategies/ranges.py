"""What a setting may be: ranges written once, in the annotation that says them to people and checks values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

__all__ = ["Count", "NotNegative", "Positive", "Range", "Rate", "Whole", "check_settings"]


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may be; finite ones in any case.

    :param low: the least number.
    :param high: the largest number.
    :param above: whether the least number itself is excluded.
    """

    low: float | None = None
    high: float | None = None
    above: bool = False

    def __contains__(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        if self.low is not None and (value <= self.low if self.above else value < self.low):
            return False
        return self.high is None or value <= self.high

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return f"from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"above {self.low:g}" if self.above else f"of at least {self.low:g}"
        return "" if self.high is None else f"of at most {self.high:g}"


Count = Annotated[int, Range(1)]
Whole = Annotated[int, Range(0)]
Rate = Annotated[float, Range(0, 1)]
Positive = Annotated[float, Range(0, above=True)]
NotNegative = Annotated[float, Range(0)]

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    NoneType: "none",
    Mapping: "values by name",
}


def check_settings(kind: type, values: Mapping[str, Any]) -> None:
    """Check values by the annotations of a constructor's parameters.

    :param kind: the class whose parameters they are.
    :param values: by name; those without an annotation to check are passed over.
    :raises ValueError: naming the first value that is out of range or of another kind.
    """
    for name, hint in hints(kind).items():
        if name in values and not accepts(hint, values[name]):
            raise ValueError(f"{name} is {values[name]!r}; it must be {words(hint)}")


@cache
def hints(kind: type) -> dict[str, Any]:
    """Return the annotations of a constructor's parameters; none where they cannot be read."""
    source: Callable[..., Any] = kind if is_dataclass(kind) else kind.__init__  # type: ignore[misc]
    try:
        found = get_type_hints(source, include_extras=True)
    except Exception:  # a plug-in's annotations may name what is imported for type checkers only
        return {}
    found.pop("return", None)
    return found


def members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the annotation itself."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(part for one in get_args(hint) for part in members(one))
    return (hint,)


def accepts(hint: Any, value: Any) -> bool:
    """Say whether a value fits an annotation; one that is no plain setting fits always."""
    return any(_fits(member, value) for member in members(hint))


def _fits(member: Any, value: Any) -> bool:
    if get_origin(member) is Literal:
        return any(value == one and isinstance(value, type(one)) for one in get_args(member))
    kind, limits = _kind(member)
    if kind not in _WORDS:
        return True
    if kind in (int, float):
        number = isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
        return number and math.isfinite(value) and all(value in limit for limit in limits)
    return isinstance(value, kind)


def words(hint: Any) -> str:
    """Return in words what an annotation accepts, such as ``a whole number of at least 1``."""
    said = [_said(member) for member in members(hint)]
    return " or ".join(dict.fromkeys(one for one in said if one)) or "another object"


def _said(member: Any) -> str:
    if get_origin(member) is Literal:
        return " or ".join(str(one) for one in get_args(member))
    kind, limits = _kind(member)
    return " ".join([_WORDS.get(kind, ""), *map(str, limits)]).strip()


def _kind(member: Any) -> tuple[Any, list[Range]]:
    if get_origin(member) is Annotated:
        kind, *limits = get_args(member)
        return kind, [limit for limit in limits if isinstance(limit, Range)]
    return get_origin(member) or member, []
