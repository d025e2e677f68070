"""What strategies are compared on: tables of trained networks, and supernets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..fitness import TableNotFound, TabularFitness, find_table, load_table, synthetic_table
from ..individual import AccuracyFitness
from ..runs.search import Unit
from ..spaces import Decision, NASBench201, SearchSpace
from .session import Problem, Session
from .specs import Spec
from .supernets import SupernetProblem


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
