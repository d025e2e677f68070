"""Where an individual comes from: its parents and the operators that made it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Lineage:
    """Numbers individuals and notes on each (``individual.origin``) its parents and operators.

    An origin is a dict: ``id`` (None until the individual is complete), ``parents`` (ids), ``operators`` (names).

    :param next_id: the number of the next individual.
    """

    def __init__(self, next_id: int = 0) -> None:
        self.next_id = next_id

    def begin(self, individuals: Iterable[Any]) -> None:
        """Number individuals that nothing has made."""
        for individual in individuals:
            individual.origin = {"id": self._take(), "parents": [], "operators": ["init"]}

    def changed(self, individual: Any, operator: str, other: dict[str, Any] | None = None) -> None:
        """Note that an operator has changed an individual, with genes of one of another origin."""
        origin = individual.origin
        if origin["id"] is not None:
            origin = {"id": None, "parents": [origin["id"]], "operators": []}
        parents = list(origin["parents"])
        if other is not None:
            parents += [other["id"]] if other["id"] is not None else other["parents"]
        individual.origin = {
            "id": None,
            "parents": list(dict.fromkeys(parents)),
            "operators": [*origin["operators"], operator],
        }

    def complete(self, individuals: Iterable[Any]) -> None:
        """Number the individuals that were changed."""
        for individual in individuals:
            if individual.origin["id"] is None:
                individual.origin = {**individual.origin, "id": self._take()}

    def _take(self) -> int:
        self.next_id += 1
        return self.next_id - 1
