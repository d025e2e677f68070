"""Settings: frozen models with a range and a meaning for every value, and sentences about what does not fit."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, TypeVar, get_args

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


class Section(BaseModel):
    """A section of a configuration, or the settings of one object: checked when it is made, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _nothing(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        fields = cls.model_fields
        return {
            key: None
            if value == NOTHING and key in fields and takes_nothing(fields[key].annotation)
            else value
            for key, value in given.items()
        }


def takes_nothing(annotation: Any) -> bool:
    """Whether a key may have no value."""
    return annotation is type(None) or type(None) in get_args(annotation)


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


def _sentence(problem: Any, model: type[BaseModel]) -> str:
    location = [part for part in problem["loc"] if not str(part).startswith("function-")]
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
