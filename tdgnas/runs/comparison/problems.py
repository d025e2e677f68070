"""What strategies are compared on: tables of trained networks, and supernets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from deap import base

from ...fitness import TableNotFound, TabularFitness, find_table, load_table, synthetic_table
from ...individual import AccuracyFitness
from ...spaces import Architecture, Decision, NASBench201, SearchSpace
from .search import Unit
from .specs import Spec


@dataclass
class Session:
    """One problem made ready for one search.

    :param space: what is searched.
    :param evaluate: a fitness with ``budget``.
    :param fitness: class of the individuals' fitness.
    :param final: measures a chosen architecture; its costs do not count.
    :param source: makes a source of gradients for an order and whether weights learn; None where there is
        none.
    :param start: alpha to begin a gradient search with.
    :param whole: whether generations are evaluated in one call.
    """

    space: SearchSpace
    evaluate: Any
    fitness: type[base.Fitness]
    final: Callable[[Architecture], dict[str, float]]
    source: Callable[[int, bool], Any] | None = None
    start: list[float] | None = None
    whole: bool = False


class Problem(Protocol):
    """What a comparison needs of a problem."""

    unit: Unit
    limit: float
    metric: str
    higher: bool
    gradients: bool
    paired: bool
    curve: bool

    @property
    def decisions(self) -> Sequence[Decision]:
        """What is decided in its space."""

    @property
    def document(self) -> dict[str, Any]:
        """All settings that its results depend on, as JSON values."""

    def prepare(self, seed: int, folder: Path) -> None:
        """Make what all searches of a seed share, where it is not in the folder yet."""

    def prepared(self, seed: int, folder: Path) -> bool:
        """Say whether that is there."""

    def open(self, seed: int, folder: Path) -> Session:
        """Make ready for one search."""


class TableProblem:
    """NAS-Bench-201's cells with the accuracies of a table, by the simulated clock.

    :param name: ``nasbench201`` for real measurements, ``synthetic`` for invented ones.
    :param repeats: see :class:`TabularFitness`.
    :param seed: of the synthetic table.
    :raises FileNotFoundError: when there is no table.
    """

    unit: Unit = "seconds"
    limit = 12_000.0
    metric = "test_accuracy"
    higher = True
    gradients = False
    paired = False
    curve = True

    def __init__(self, name: str, repeats: Any = "free", seed: int = 0) -> None:
        self.name, self.repeats, self.seed = name, repeats, seed
        _table(name, seed)  # a missing or damaged file is reported before anything runs

    @property
    def decisions(self) -> Sequence[Decision]:
        """Those of NAS-Bench-201."""
        space: SearchSpace = _table(self.name, self.seed)[0]
        return space.decisions

    @property
    def document(self) -> dict[str, Any]:
        """All settings that its results depend on."""
        _, table = _table(self.name, self.seed)
        document = {"table": table.name, "rows": len(table), "repeats": self.repeats}
        return {**document, "seed": self.seed} if self.name == "synthetic" else document

    def prepare(self, seed: int, folder: Path) -> None:
        """Nothing is shared but the table."""

    def prepared(self, seed: int, folder: Path) -> bool:
        """Nothing is needed."""
        return True

    def open(self, seed: int, folder: Path) -> Session:
        """Make ready for one search."""
        space, table = _table(self.name, self.seed)
        fitness = TabularFitness(space, table, repeats=self.repeats)
        return Session(
            space, fitness, AccuracyFitness, lambda chosen: {"test_accuracy": fitness.final(chosen)}
        )


@lru_cache
def _table(name: str, seed: int) -> Any:
    space = NASBench201()
    return space, synthetic_table(space, seed) if name == "synthetic" else load_table(space)


#: Short names of problems on supernets.
ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    "digits-vgg": ("vgg-shortcuts@digits", {"width": 0.125}),
    "digits-vgg-tiny": ("vgg-shortcuts@digits", {"width": 0.03125, "epochs": 4, "images": 128}),
    "digits-cells": ("nasbench201@digits", {"channels": 4, "cells_per_stage": 1, "epochs": 10}),
}


def make_problem(spec: Spec) -> Problem:
    """Make the problem of a spec: a table by name, an alias, or ``space@data`` for a supernet.

    :raises ValueError: for an unknown name or option, with what there is.
    """
    name, options = spec.name, dict(spec.options)
    if name in ALIASES:
        name, defaults = ALIASES[name]
        options = {**defaults, **options}
    if "@" in name:
        from .supernets import SupernetProblem

        space, _, data = name.partition("@")
        return SupernetProblem(space, data, **options)
    if name not in ("nasbench201", "synthetic"):
        raise ValueError(
            f"there is no problem {name!r}; there are nasbench201, synthetic, {', '.join(ALIASES)}, and SPACE@DATA, "
            "such as vgg-shortcuts@digits:width=0.125"
        )
    try:
        return TableProblem(name, **options)
    except TypeError as error:
        raise ValueError(f"problem {name!r}: {error}; its options are repeats and seed") from error


def default_problem() -> str:
    """Return ``nasbench201`` where its table is found, else ``synthetic``."""
    try:
        find_table()
    except TableNotFound:
        return "synthetic"
    return "nasbench201"
