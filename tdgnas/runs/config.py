"""Configurations: reading, checking and writing them, with messages that name the key."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ..files import toml
from .settings import (
    DataSettings,
    FitnessSettings,
    PretrainSettings,
    RetrainSettings,
    RunConfig,
    SearchSettings,
    SpaceSettings,
    TemperatureSettings,
)

__all__ = [
    "ConfigError",
    "DataSettings",
    "FitnessSettings",
    "PretrainSettings",
    "RetrainSettings",
    "RunConfig",
    "SearchSettings",
    "SpaceSettings",
    "TemperatureSettings",
    "assign",
    "config_text",
    "differences",
    "flat",
    "make_config",
    "parse_assignment",
    "read_config",
    "read_versions",
]


class ConfigError(ValueError):
    """A configuration that cannot be run; the message names each wrong key."""


def make_config(document: dict[str, Any]) -> RunConfig:
    """Check a nested dict and return the configuration.

    :raises ConfigError: naming every unknown key, wrong type and impossible value.
    """
    try:
        return RunConfig.model_validate(document)
    except ValidationError as error:
        lines = [_sentence(problem) for problem in error.errors()]
        raise ConfigError(
            "the configuration cannot be used:\n  " + "\n  ".join(dict.fromkeys(lines))
        ) from None


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML file as a nested dict; a ``[versions]`` table, written by runs, is left out.

    :raises ConfigError: when the file is missing or no TOML.
    """
    return _read(path)[0]


def read_versions(path: Path) -> dict[str, Any]:
    """Read the ``[versions]`` table of a run's configuration.

    :raises ConfigError: when the file is missing or no TOML.
    """
    return _read(path)[1]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        document = toml.read(path)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {path}; `tdgnas config` prints one to begin with") from error
    except toml.TomlError as error:
        raise ConfigError(str(error)) from error
    versions = document.pop("versions", {})
    return document, versions if isinstance(versions, dict) else {}


def parse_assignment(text: str) -> tuple[list[str], Any]:
    """Split ``search.ngen=50`` into the key's parts and the value, read as TOML where it is, else as a string.

    :raises ConfigError: when there is no ``=`` or no key.
    """
    key, equals, value = text.partition("=")
    keys = [part.strip() for part in key.split(".")]
    if not equals or not all(keys):
        raise ConfigError(
            f"--set {text!r} is no assignment; write it as section.key=value, e.g. search.ngen=50"
        )
    try:
        return keys, toml.loads(f"value = {value}")["value"]
    except toml.TomlError:
        return keys, value


def assign(document: dict[str, Any], keys: list[str], value: Any) -> None:
    """Set a nested key.

    :raises ConfigError: when the way there leads through something that is no section.
    """
    place = document
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{'.'.join(keys)}: {key!r} is a value, not a section")
    place[keys[-1]] = value


def flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested configuration with its values by their whole keys.

    >>> flat({"seed": 1, "search": {"ngen": 30, "temperature": {"gain": 0.1}}})
    {'seed': 1, 'search.ngen': 30, 'search.temperature.gain': 0.1}
    """
    found: dict[str, Any] = {}
    for key, value in document.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def differences(before: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """Return the whole keys in which two configurations differ, each with a sentence that says how."""
    old, new = flat(before), flat(now)
    return {
        key: f"{key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    }


def config_text(config: RunConfig, versions: dict[str, str] | None = None) -> str:
    """Return a configuration as TOML, every key with its meaning; with the versions of the packages where given."""
    section = toml.Section.of(config)
    if versions is None:
        return toml.dumps(section)
    used = toml.Section("", [(key, value, "") for key, value in versions.items()])
    return toml.dumps(replace(section, rows=[*section.rows, ("versions", used, "")]))


def _sentence(problem: Any) -> str:
    location = [part for part in problem["loc"] if not str(part).startswith("function-")]
    key = ".".join(map(str, location)) or "(together)"
    if problem["type"] == "extra_forbidden":
        return f"{key}: there is no such key{_near(problem['loc'])}"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    given = "" if isinstance(problem["input"], (dict, BaseModel)) else f" (given: {_shown(problem['input'])})"
    return f"{key}: {message}{given}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _near(location: tuple[int | str, ...]) -> str:
    model: Any = RunConfig
    for part in location[:-1]:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        model = None if field is None else field.annotation
    known = list(getattr(model, "model_fields", {}))
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}" if known else ""
