"""Operators that raise: which one, on which individual; and how the search goes on without that step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from deap import base

from ..files import Json
from ..individual import IndividualLike
from ..mapping import batched, name_of
from ..operators.moves import write

OnError = Literal["stop", "skip"]
Individuals = Sequence[IndividualLike]
Note = Callable[[Json], None]


class OperatorFailed(RuntimeError):
    """An operator raised, or returned something that no operator may return."""


class Guard:
    """An entry of a toolbox that changes individuals in place, and what happens when it raises.

    With ``skip`` the individuals get the genes back that they had, the fault is noted, and the search goes on; with
    ``stop`` the error becomes an :class:`OperatorFailed` that names operator and individual.

    :param entry: name of the toolbox entry.
    :param name: name of the operator in it.
    :param function: the operator, its parameters bound.
    :param note: is given a record of every fault that is skipped.
    """

    def __init__(self, entry: str, name: str, function: Any, on_error: OnError, note: Note) -> None:
        self.entry, self.name, self.guarded = entry, name, function
        self.on_error, self.note = on_error, note
        self._batch = batched(function)
        if self._batch is not None:
            # Only then: a batched map asks whether the attribute is there.
            self.batch = self._run_batch

    def __call__(self, *individuals: IndividualLike) -> tuple[Any, ...]:
        """Apply the operator to the individuals of one call."""
        before = [list(individual) for individual in individuals]
        try:
            return _checked(self.guarded(*individuals), individuals)
        except Exception as error:
            self._failed(error, individuals)
            for individual, genes in zip(individuals, before, strict=True):
                write(individual, genes)
            return individuals

    def _run_batch(self, individuals: Individuals) -> list[Any]:
        assert self._batch is not None
        before = [list(individual) for individual in individuals]
        try:
            return [_checked(each, each) for each in self._batch(individuals)]
        except Exception:
            for individual, genes in zip(individuals, before, strict=True):
                write(individual, genes)
            # One after another: those that do not fail keep their step, and the one that fails has a name.
            return [self(individual) for individual in individuals]

    def _failed(self, error: Exception, individuals: Individuals) -> None:
        if isinstance(error, OperatorFailed):
            raise error
        who = " and ".join(_who(individual) for individual in individuals)
        what = f"{type(error).__name__}: {error}"
        if isinstance(error, torch.OutOfMemoryError):
            what = f"{error}; lower fitness.batch_size, fitness.size or strategy.population"
        sentence = f"{self.entry} ({self.name}) failed{' on ' + who if who else ''}: {what}"
        if self.on_error == "stop":
            raise OperatorFailed(sentence) from error
        origins = [getattr(individual, "origin", {}) for individual in individuals]
        record = {"entry": self.entry, "operator": self.name, "individuals": origins, "error": what}
        self.note({**record, "sentence": sentence})


class SelectionGuard(Guard):
    """A selection: it can only stop, since no population is left without it."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Select."""
        try:
            return self.guarded(*arguments, **keywords)
        except Exception as error:
            self._failed(error, ())


class EvaluationGuard(Guard):
    """The fitness of a search: with ``skip``, an individual that cannot be evaluated gets the worst fitness.

    :param function: the fitness.
    :param worst: fitness values of an individual that raised.
    """

    def __init__(self, function: Any, worst: tuple[float, ...], on_error: OnError, note: Note) -> None:
        super().__init__("evaluate", name_of(function), function, on_error, note)
        self.worst = worst

    def __call__(self, *individuals: IndividualLike) -> tuple[Any, ...]:
        """Evaluate one individual."""
        try:
            return tuple(self.guarded(*individuals))
        except Exception as error:
            self._failed(error, individuals)
            return self.worst

    def _run_batch(self, individuals: Individuals) -> list[Any]:
        assert self._batch is not None
        try:
            return list(self._batch(individuals))
        except Exception:
            return [self(individual) for individual in individuals]


def guard(toolbox: base.Toolbox, names: dict[str, str], on_error: OnError, note: Note) -> None:
    """Wrap the entries of a toolbox.

    :param names: names of the operators in the entries.
    :param note: is given a record of every fault that is skipped.
    """
    for entry in ("mate", "mutate", "local_search"):
        if hasattr(toolbox, entry):
            function = getattr(toolbox, entry)
            toolbox.register(
                entry, Guard(entry, names.get(entry, name_of(function)), function, on_error, note)
            )
    select = toolbox.select  # its keywords stay where the strategy looks for them
    guarded = SelectionGuard("select", names.get("select", name_of(select)), select.func, "stop", note)
    toolbox.register("select", guarded, **select.keywords)


def _checked(returned: Any, given: Individuals) -> tuple[Any, ...]:
    if not isinstance(returned, tuple) or len(returned) != len(given):
        what = f"a tuple of {len(returned)}" if isinstance(returned, tuple) else type(returned).__name__
        raise TypeError(
            f"it returned {what}; an operator returns a tuple of the individuals that it was given"
        )
    for individual in returned:
        for place, gene in enumerate(individual):
            if isinstance(gene, float) and not math.isfinite(gene):
                raise ValueError(f"it set gene {place} to {gene}; genes are finite numbers")
    return returned


def _who(individual: IndividualLike) -> str:
    origin = getattr(individual, "origin", None)
    if origin is None:
        return "an individual"
    if origin["id"] is not None:
        return f"individual {origin['id']}"
    parents = " and ".join(map(str, origin["parents"]))
    return f"a child of individual {parents}" if parents else "a new individual"
