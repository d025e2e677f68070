"""Configurations: reading, checking and writing them, with messages that name the key."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Any, cast

from pydantic import Field, ValidationError, create_model

from ..files import Json, toml
from ..settings import sentences
from ..strategies import STRATEGIES, Strategy, options
from ..strategies.options import settings_model
from .errors import ConfigError
from .problem import FITNESSES, Problem
from .problems import problem_sections
from .sections import merged
from .settings import BudgetSettings, Config, StrategySettings

_REFUSED = "the configuration cannot be used"


def make_config(document: Mapping[str, Any], sections: Mapping[str, Any] | None = None) -> Config:
    """Check a nested dict and return the configuration; what it leaves out, its problem fills.

    :param sections: what the problem says; that of the document's ``problem`` when None.
    :raises ConfigError: naming every unknown key, wrong type and impossible value.
    """
    name = document.get("problem", Config.model_fields["problem"].default)
    try:
        if not isinstance(name, str):
            raise ValueError(f"problem: a name is expected (given: {name!r})")
        whole = merged(problem_sections(name) if sections is None else sections, document)
        _check_budget(whole, document)
        _set_generations(whole)
        fitness = FITNESSES.get(_name(whole, "fitness", "kind"))
        strategy = _name(whole, "strategy", "name")
        model = _model(fitness, strategy, STRATEGIES.get(strategy))
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{_REFUSED}:\n  {error}") from error
    try:
        return model.model_validate(whole)
    except ValidationError as error:
        lines = sentences(error, model)
        raise ConfigError(f"{_REFUSED}:\n  " + "\n  ".join(lines)) from None


def _name(document: Mapping[str, Any], section: str, key: str) -> str:
    given = document.get(section)
    default = Config.model_fields[section].default
    name = given.get(key, getattr(default, key)) if isinstance(given, dict) else getattr(default, key)
    if not isinstance(name, str):
        raise ValueError(f"{section}.{key}: a name is expected (given: {name!r})")
    return name


def _check_budget(whole: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    given, found = document.get("budget"), whole.get("budget")
    if not isinstance(given, dict) or set(given) - set(BudgetSettings.model_fields):
        return  # a misspelt key is named below
    if isinstance(found, dict) and "unit" in given and "limit" not in found:
        unit = given["unit"]
        if unit != "generations":
            raise ValueError(f"budget: one in {unit} needs its size: add budget.limit")


def _set_generations(whole: Json) -> None:
    """Let schedules last as long as the search, where it is counted in generations and nothing else was said."""
    for place, limit in _schedules(whole):
        place.setdefault("ngen", limit)


def without_generations(document: Json) -> Json:
    """Take out of a saved configuration what :func:`make_config` put in, so that schedules that last as long as the
    search do so with another budget too.
    """
    try:
        schedules = list(_schedules(document))
    except (ValueError, ImportError):
        return document  # make_config says what is wrong
    for place, limit in schedules:
        if place.get("ngen") == limit:
            del place["ngen"]
    return document


def _schedules(whole: Json) -> Iterator[tuple[Json, int]]:
    """The sections that have a number of generations, and the budget's, where it is counted in generations."""
    budget, default = whole.get("budget", {}), BudgetSettings()
    if not isinstance(budget, dict) or budget.get("unit", default.unit) != "generations":
        return
    limit = budget.get("limit", default.limit)
    strategy = whole.setdefault("strategy", {})
    if not isinstance(limit, (int, float)) or not math.isfinite(limit) or not isinstance(strategy, dict):
        return
    for key, *_ in options(_name(whole, "strategy", "name")):
        group, _, last = key.rpartition(".")
        place = strategy.setdefault(group, {}) if group and last == "ngen" else strategy
        if last == "ngen" and isinstance(place, dict):
            yield place, max(int(limit), 1)


@lru_cache(maxsize=64)
def _model(fitness: type[Problem], strategy: str, kind: type[Strategy]) -> type[Config]:
    """The configuration's model with the sections of this fitness and this strategy (``kind`` only tells two apart)."""
    own = fitness.Settings
    chosen = strategy_model(strategy)
    fields: dict[str, Any] = {
        "fitness": (own, Field(own())),
        "strategy": (chosen, Field(chosen())),
        **{name: (NoneType, Field(None)) for name in fitness.unused},
    }
    return create_model("Config", __base__=Config, __doc__=Config.__doc__, **fields)


def strategy_model(name: str) -> type[StrategySettings]:
    """The section ``[strategy]`` of a strategy: its name and its own options, groups of them as sections below.

    :raises ValueError: for an unknown strategy.
    """
    STRATEGIES.get(name).check_installed()
    bases: Any = (StrategySettings, settings_model(STRATEGIES.get(name)))
    fields: Any = {"name": (str, Field(name, description="see `tdgnas strategies`"))}
    return cast(
        "type[StrategySettings]",
        create_model("StrategySettings", __base__=bases, __doc__=StrategySettings.__doc__, **fields),
    )


def read_config(path: Path) -> Json:
    """Read a TOML file as a nested dict; a ``[versions]`` table, written by runs, is left out.

    :raises ConfigError: when the file is missing or no TOML.
    """
    try:
        document = toml.read(path)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {path}; `tdgnas config` prints one to begin with") from error
    except toml.TomlError as error:
        raise ConfigError(str(error)) from error
    document.pop("versions", None)
    return document


def read_versions(path: Path) -> Json:
    """Read the ``[versions]`` table that :func:`read_config` leaves out."""
    versions = toml.read(path).get("versions")
    return versions if isinstance(versions, dict) else {}


def parse_assignment(text: str) -> tuple[list[str], Any]:
    """Split ``budget.limit=50`` into the key's parts and the value, read as TOML where it is, else as a string.

    :raises ConfigError: when there is no ``=``, no key, or more than one line.
    """
    key, equals, value = text.partition("=")
    keys = [part.strip() for part in key.split(".")]
    if not equals or not all(keys):
        raise ConfigError(
            f"--set {text!r} is no assignment; write it as section.key=value, e.g. budget.limit=50"
        )
    if "\n" in text or "\r" in text:
        raise ConfigError(f"--set {text!r} has several lines; give --set once for each key")
    try:
        return keys, toml.loads(f"value = {value}")["value"]
    except toml.TomlError:
        return keys, value


def flat(document: Json, prefix: str = "") -> Json:
    """Return a nested configuration with its values by their whole keys.

    >>> flat({"seed": 1, "budget": {"limit": 30}, "strategy": {"temperature": {"gain": 0.1}}})
    {'seed': 1, 'budget.limit': 30, 'strategy.temperature.gain': 0.1}
    """
    found: Json = {}
    for key, value in document.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def differences(before: Json, now: Json) -> dict[str, str]:
    """Return the whole keys in which two configurations differ, each with a sentence that says how."""
    old, new = flat(before), flat(now)
    return {
        key: f"{key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    }


def config_text(config: Config, versions: dict[str, str] | None = None) -> str:
    """Return a configuration as TOML, every key with its meaning; with the versions of the packages where given."""
    section = toml.Section.of(config)
    rows = [row for row in section.rows if type(config).model_fields[row[0]].annotation is not NoneType]
    if versions is not None:
        rows.append(("versions", toml.Section("", [(k, v, "") for k, v in versions.items()]), ""))
    return toml.dumps(replace(section, rows=rows))
