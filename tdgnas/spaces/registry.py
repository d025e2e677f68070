"""The spaces by name, and architectures as files that say which space they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from ..files.atomic import write_json
from ..registry import Registry
from .architecture import Architecture
from .space import SearchSpace


def _check(kind: type[SearchSpace]) -> None:
    if not (isinstance(kind, type) and issubclass(kind, SearchSpace)):
        raise TypeError(f"a space is a subclass of tdgnas.SearchSpace; got {kind!r}")


SPACES: Registry[type[SearchSpace]] = Registry("space", "tdgnas.spaces", _check)
"""The spaces by name; ``@SPACES.register("mine")`` adds one, as an entry point ``tdgnas.spaces`` does."""

_FORMAT = "tdgnas-architecture/1"


def create(name: str, **settings: Any) -> SearchSpace:
    """Make a registered space.

    :param name: as listed by ``tdgnas spaces``.
    :param settings: keywords of the space's class.
    :raises ValueError: for an unknown name, an unknown setting or an impossible value.
    """
    kind = SPACES.get(name)
    for key, parameter in signature(kind).parameters.items():
        if key in settings and parameter.annotation in (int, "int"):
            _check_whole(name, key, settings[key])
    try:
        return kind(**settings)
    except TypeError as error:
        known = ", ".join(signature(kind).parameters)
        raise ValueError(
            f"space {name!r} does not take these settings ({error}); there are {known}"
        ) from error


def _check_whole(name: str, key: str, value: object) -> None:
    # A file may say anything; no network has a size beyond a million in any direction.
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**6:
        raise ValueError(f"space {name!r}: {key} is {value!r}; expected a whole number of at most a million")


def space_document(space: SearchSpace) -> dict[str, Any]:
    """Return a space's name and settings as JSON values, for :func:`space_of`."""
    return {"name": space.name, **space.settings}


def space_of(document: Mapping[str, Any]) -> SearchSpace:
    """Make the space that :func:`space_document` describes.

    :raises KeyError: when it has no name.
    :raises ValueError: for an unknown name, an unknown setting or an impossible value.
    """
    settings = dict(document)
    return create(str(settings.pop("name")), **settings)


def save_architecture(space: SearchSpace, architecture: Architecture, path: str | Path) -> Path:
    """Write an architecture with its space's settings, its choices by name and its counts, as JSON, atomically."""
    space.check(architecture)
    named = {
        decision.name: decision.choices[choice]
        for decision, choice in zip(space.decisions, architecture.choices, strict=True)
    }
    counts = _counts(space, architecture)
    return write_json(
        Path(path), {"format": _FORMAT, "space": space_document(space), "choices": named, **counts}
    )


def load_architecture(path: str | Path, space: SearchSpace | None = None) -> tuple[SearchSpace, Architecture]:
    """Read what :func:`save_architecture` wrote: the space and the architecture.

    :param space: where it lies, where the file cannot make it again: a space of a module in memory.
    :raises FileNotFoundError: when there is no such file.
    :raises ValueError: when the file is not an architecture, does not fit its space, or is another network now
        than when it was written: its parameters or MACs are others.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; a run's folder has an architecture.json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        known = document["format"] == _FORMAT
        settings, choices = dict(document["space"]), dict(document["choices"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} is not an architecture file (JSON with format, space and choices); "
            "tdgnas.spaces.save_architecture(space, architecture, path) writes one, to_json() lacks the space's "
            "settings"
        ) from error
    if not known or "name" not in settings:
        raise ValueError(f"{path} has format {document['format']!r}; this version reads {_FORMAT!r}")
    space = space_of(settings) if space is None else space
    missing = [decision.name for decision in space.decisions if decision.name not in choices]
    if missing:
        raise ValueError(f"{path} lacks the choice of decision {missing[0]!r} of space {space.name!r}")
    try:
        architecture = space.architecture(choices)
    except ValueError as error:
        raise ValueError(f"{path} does not fit space {space.name!r}: {error}") from error
    for name, count in _counts(space, architecture).items():
        if document.get(name, count) != count:
            raise ValueError(
                f"{path} was written of a network with {document[name]} {name}, and the space {space.name!r} now makes "
                f"one of {count}: its code changed, or its settings lack a keyword of its constructor"
            )
    return space, architecture


def _counts(space: SearchSpace, architecture: Architecture) -> dict[str, int]:
    return {"parameters": space.parameters(architecture), "macs": space.macs(architecture)}
