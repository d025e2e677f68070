"""Consent: code that the folder or file of somebody else names is imported only when the user says so.

What was consented to is kept in the user's state folder (``XDG_STATE_HOME``, or ``~/.local/state``), as a digest of
the place, of what it names and of where that would be imported from: it cannot be copied along with a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .registry import REFERENCE, search_here


class UntrustedCode(ValueError):
    """A folder or a file names code that nobody has consented to import."""


def named_code(document: Mapping[str, Any]) -> list[str]:
    """Return what a configuration names of code: its ``imports``, and every text that is ``module:object``.

    :param document: nested dicts and lists, as read from TOML or JSON.
    """
    texts = [text for text in _texts(document) if REFERENCE.fullmatch(text)]
    imports = document.get("imports")
    given = imports if isinstance(imports, list) else [imports]
    return list(dict.fromkeys([*(text for text in given if isinstance(text, str)), *texts]))


def origins(code: Iterable[str]) -> dict[str, str]:
    """Return for each name the file that would be imported, as far as there is one; nothing is imported.

    :param code: modules, and objects as ``module:object``.
    """
    search_here()
    found = {name: _origin(name.partition(":")[0]) for name in code}
    return {name: origin for name, origin in found.items() if origin is not None}


def check_trust(place: Path, code: Iterable[str], trusted: bool = False) -> None:
    """Check that the user has consented to import what a folder or a file names.

    :param place: a run's folder, or a configuration.
    :param code: what it names, see :func:`named_code`; what cannot be found needs no consent.
    :param trusted: consent, which is remembered for this place, this code and where it comes from.
    :raises UntrustedCode: when there is none; the message lists what would be imported, and from where.
    """
    found = origins(code)
    if not found or _digest(place, found) in _known():
        return
    if not trusted:
        lines = "".join(f"\n  {name} from {origin}" for name, origin in found.items())
        raise UntrustedCode(
            f"{place} was not begun here, and names code that would be imported and run:{lines}\n"
            "When you know who made it and what this code does, give --trust (in Python, trusted=True)"
        )
    remember(place, found)


def remember(place: Path, code: Iterable[str]) -> None:
    """Keep in mind that the user began this folder, or consented to it; where nothing can be kept, ask again later."""
    found, store = origins(code), _store()
    if not found or store is None or _digest(place, found) in _known():
        return
    with suppress(OSError):
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with store.open("a", encoding="ascii") as file:
            file.write(_digest(place, found) + "\n")


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)


def _origin(module: str) -> str | None:
    """Where a module comes from; of one that only its package knows of, where that comes from."""
    # Not importlib.util.find_spec, which imports the packages that a module lies in.
    name, origin, locations = "", None, None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        loaded = sys.modules.get(name)
        finders = (finder for finder in sys.meta_path if hasattr(finder, "find_spec"))
        specs = (finder.find_spec(name, locations) for finder in finders)
        spec = getattr(loaded, "__spec__", None) or next((each for each in specs if each is not None), None)
        if spec is None:
            return origin if loaded is None else getattr(loaded, "__file__", None) or "this process"
        locations = spec.submodule_search_locations
        origin = spec.origin or ", ".join(locations or ())
    return origin


def _digest(place: Path, found: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps([str(place.resolve()), sorted(found.items())]).encode()).hexdigest()


def _known() -> set[str]:
    store = _store()
    try:
        return set() if store is None else set(store.read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return set()


def _store() -> Path | None:
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    with suppress(RuntimeError):  # no home
        return (given if given.is_absolute() else Path.home() / ".local" / "state") / "tdgnas" / "trusted"
    return None
