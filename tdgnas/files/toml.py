"""TOML: reading, and writing with a comment beside every key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel
from tomlkit.exceptions import TOMLKitError

from . import Json

#: How ``no value`` is written in TOML, which has no word for it.
NOTHING = "none"


class TomlError(ValueError):
    """A text that is no TOML."""


@dataclass(frozen=True)
class Section:
    """A table with comments.

    :param comment: written above it.
    :param rows: key, value and comment of every entry; a value may be a section or a pydantic model, which become
        tables below, or anything that TOML has; None is written as :data:`NOTHING`.
    """

    comment: str
    rows: Sequence[tuple[str, Any, str]]

    @classmethod
    def of(cls, model: BaseModel) -> Section:
        """A model's fields with their descriptions, under its docstring."""
        fields = type(model).model_fields.items()
        rows = [(key, getattr(model, key), field.description or "") for key, field in fields]
        return cls(" ".join((type(model).__doc__ or "").split()), rows)


def dumps(content: Section | BaseModel) -> str:
    """Return TOML text that :func:`loads` reads back.

    :raises ValueError: for a text with half a character, which no file in UTF-8 can hold.
    """
    section = content if isinstance(content, Section) else Section.of(content)
    head = [f"# {section.comment}", ""] if section.comment else []
    return "\n".join([*head, *_lines(section, ())]) + "\n"


def loads(text: str) -> Json:
    """Read TOML.

    :raises TomlError: when the text is none.
    """
    try:
        return tomlkit.parse(text).unwrap()
    except (TOMLKitError, ValueError, TypeError, RecursionError) as error:
        raise TomlError(str(error) or type(error).__name__) from error


def read(path: Path) -> Json:
    """Read a file of TOML.

    :raises TomlError: when it is none, or cannot be read; the message names it.
    :raises FileNotFoundError: when there is none.
    """
    try:
        return loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except TomlError as error:
        raise TomlError(f"{path} is not TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise TomlError(f"{path} cannot be read: {error}") from error


def shown(value: Any) -> str:
    """Return a value as TOML writes it."""
    return str(_item(value).as_string())


def _lines(section: Section, place: tuple[str, ...]) -> list[str]:
    rows, below = [], []
    for key, value, comment in section.rows:
        if isinstance(value, BaseModel):
            value = Section.of(value)
        if isinstance(value, Section):
            name = (*place, key)
            head = [f"# {value.comment}"] if value.comment else []
            below += ["", *head, f"[{'.'.join(map(_key, name))}]", *_lines(value, name)]
        else:
            rows.append((f"{_key(key)} = {_item(value).as_string()}", comment))
    width = max((len(text) for text, _ in rows if len(text) < 40), default=0)
    return [f"{text:{width}}  # {comment}" if comment else text for text, comment in rows] + below


def _key(key: str) -> str:
    return tomlkit.key(key).as_string()


def _item(value: Any) -> Any:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, each in value.items():
            table.append(tomlkit.key(key), _item(each))
        return table
    if isinstance(value, Iterable) and not isinstance(value, str):
        array = tomlkit.array()
        for each in value:
            array.append(_item(each))
        return array
    if isinstance(value, str):
        value.encode()
    return tomlkit.item(NOTHING if value is None else value)
