"""Names for what can be plugged in: a decorator for our own, entry points for other packages."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
S = TypeVar("S")

#: Modules of the user's own that were imported for what they register; a new process has to import them again.
IMPORTED: list[str] = []

#: How an object of a module is named.
REFERENCE = re.compile(r"([^\s:=,/]+):([^\W\d]\w*(?:\.[^\W\d]\w*)*)")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A registered object.

    :param name: what it is called on the command line.
    :param value: the object itself.
    :param origin: the module or distribution that it comes from.
    """

    name: str
    value: T
    origin: str

    @property
    def summary(self) -> str:
        """First sentence of the object's docstring."""
        paragraph = (self.value.__doc__ or "").strip().split("\n\n")[0]
        sentence = " ".join(paragraph.split()).split(". ")[0].rstrip(".")
        plain = re.sub(r" \[\w+\]_", "", sentence).replace("``", "")  # references and code of reST
        return re.sub(r":\w+:`~?([^`]*)`", r"\1", plain)


class NameTakenError(ValueError):
    """Two objects are registered under one name."""


class Registry(Generic[T]):
    """Objects of one kind by name, our own and those of installed packages.

    Other packages offer theirs under the entry point group ``tdgnas.<kind>s``. One that fails to import is kept in
    ``failures`` with its error and does not stop the rest.

    A plug-in that wants a name that is taken is a failure too, and asking for that name is an error until one of the
    two is renamed: nothing is chosen silently.

    :param kind: what is registered, in the singular (``operator``, ``space``, ``strategy``).
    :param group: the entry point group.
    :param check: raises an error for an object that cannot be used as what it is registered as.
    :param also: forms of a name that the caller reads itself, for the message about an unknown one.
    :ivar failures: for each plug-in that could not be registered, its error.
    """

    def __init__(
        self, kind: str, group: str, check: Callable[[T], object] | None = None, also: tuple[str, ...] = ()
    ) -> None:
        self.kind, self.group, self.check, self.also = kind, group, check, also
        self.failures: dict[str, str] = {}
        self._clashes: dict[str, str] = {}
        self._entries: dict[str, Entry[T]] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[S], S]:
        """Return a decorator that registers an object under a name.

        :raises ValueError: when another object has the name already (both origins are named), or when the object
            cannot be used as what it is registered as.
        """

        def decorate(value: S) -> S:
            self._add(name, cast(T, value), str(getattr(value, "__module__", "unknown")))
            return value

        return decorate

    def _add(self, name: str, value: T, origin: str) -> None:
        other = self._entries.get(name)
        if other is not None and other.value is not value:
            raise NameTakenError(
                f"the {self.kind} name {name!r} is taken: {other.origin} has it and {origin} wants it; rename one"
            )
        if self.check is not None:
            self.check(value)
        self._entries[name] = Entry(name, value, origin)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for point in entry_points(group=self.group):
            origin = f"{point.dist.name} ({point.value})" if point.dist is not None else point.value
            try:
                self._add(point.name, point.load(), origin)
            except NameTakenError as error:
                self._clashes[point.name] = self.failures[f"{point.name} from {origin}"] = str(error)
            except Exception as error:
                # Whatever a plug-in raises while it is imported is its own affair, never the end of a search.
                self.failures[f"{point.name} from {origin}"] = f"{type(error).__name__}: {error}"

    def __iter__(self) -> Iterator[Entry[T]]:
        self._load()
        return iter(sorted(self._entries.values(), key=lambda entry: entry.name))

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return [entry.name for entry in self]

    def get(self, name: str, fitting: Callable[[T], bool] | None = None) -> T:
        """Return the object of a name.

        :param name: the name.
        :param fitting: tells which objects a message about an unknown name may suggest; all by default.
        :raises ValueError: for an unknown name, with the names that there are and the nearest one.
        """
        self._load()
        if name in self._clashes:
            raise NameTakenError(self._clashes[name])
        if name in self._entries:
            return self._entries[name].value
        names = [entry.name for entry in self if fitting is None or fitting(entry.value)]
        near = difflib.get_close_matches(name, names, n=1) or [n for n in names if name in n]
        hint = f"; did you mean {near[0]!r}?" if near and name else "."
        broken = [text for text in self.failures if text.startswith(f"{name} from ")]
        if broken:
            hint = f"; {broken[0]} could not be imported ({self.failures[broken[0]]})."
        raise ValueError(
            f"there is no {self.kind} {name!r}{hint} There are: {', '.join((*names, *self.also))}. What a module of "
            "yours registers is known once it is imported (`tdgnas --import my_module ...`)"
        )


def search_here() -> None:
    """Look for modules in the current folder too, after all others: it hides no installed package."""
    if not {"", str(Path.cwd())} & set(sys.path):
        sys.path.append(str(Path.cwd()))


def import_plugin(module: str) -> ModuleType:
    """Import a module of the user's own, of an installed package or, after these, of the current folder.

    :raises ValueError: when there is no such module.
    """
    search_here()
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # one that the module itself imports
        raise ValueError(
            f"there is no module {module!r}; install its package (`pip install -e .`) or go to the folder that holds it"
        ) from error
    if module not in IMPORTED:
        IMPORTED.append(module)
    return found


def resolve(reference: str) -> Any:
    """Return what ``my_package.my_module:my_object`` names; the current folder is searched last.

    :raises ValueError: when there is no such module or attribute; of a text of another form nothing is imported.
    """
    named = REFERENCE.fullmatch(reference)
    if named is None:
        raise ValueError(f"{reference!r} names no object; write my_package.my_module:my_object")
    module, attributes = named.groups()
    if module.endswith(".py"):
        raise ValueError(f"{module!r} is a file; name its module: {Path(module).stem}:{attributes}")
    found: Any = import_plugin(module)
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            near = difflib.get_close_matches(attribute, vars(found), n=3, cutoff=0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"{module} has no {attributes!r}{hint}")
        found = getattr(found, attribute)
    return found
