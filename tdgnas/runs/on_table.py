"""Problems whose fitness is a table of trained networks."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from ..files.digests import digest
from ..fitness import Table, TabularFitness, load_table, synthetic_table, table_file
from ..fitness.table import fidelity_columns
from ..individual import AccuracyFitness
from ..settings import Section
from ..spaces import Architecture, SearchSpace, create
from .build import settings_for
from .problem import FITNESSES, Problem
from .settings import Config, TableSettings


@FITNESSES.register("table")
class OnTable(Problem):
    """Accuracies of trained networks by a table, and a simulated clock; nothing is trained."""

    Settings: ClassVar[type[Section]] = TableSettings
    unused: ClassVar[tuple[str, ...]] = ("data", "map", "pretrain", "shortlist", "retrain")
    units: ClassVar[tuple[str, ...]] = ("generations", "evaluations", "seconds")
    fitness = AccuracyFitness

    def __init__(self, config: Config) -> None:
        self.space, table = self._read(config)
        self.evaluate = TabularFitness(self.space, table, **settings_for(TabularFitness, config.fitness))

    @classmethod
    def _read(cls, config: Config) -> tuple[SearchSpace, Table]:
        settings: TableSettings = config.fitness
        kept = json.dumps(config.space.settings, sort_keys=True)
        return _table(
            config.space.name, kept, settings.file, settings.key, settings.invented, cls.reads(config)
        )

    @classmethod
    def has_fidelity(cls, config: Config) -> bool:
        """Whether the table has the signal after several numbers of epochs."""
        try:
            table = cls._read(config)[1]
        except (OSError, ValueError):  # told when the problem is made
            return True
        return len(fidelity_columns(table, config.fitness.signal)[1]) > 1

    @classmethod
    def reads(cls, config: Config) -> str:
        """Digest of the table."""
        if config.fitness.invented is not None:
            return ""
        path = table_file(config.fitness.file)
        if not path.is_file():
            return "missing"
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns)

    def final(self, architecture: Architecture) -> dict[str, float]:
        """Return the final accuracy that the table has."""
        return {"test_accuracy": self.evaluate.final(architecture)}


@lru_cache(maxsize=8)
def _digest(path: Path, size: int, time: int) -> str:
    return digest(path)


@lru_cache(maxsize=8)
def _table(
    name: str, settings: str, file: str | None, key: str | None, invented: int | None, version: str
) -> tuple[SearchSpace, Table]:
    """Read a table once for all searches of a process."""
    space: Any = create(name, **json.loads(settings))
    if invented is not None:
        return space, synthetic_table(space, invented)
    return space, load_table(space, file) if key is None else load_table(space, file, key=key)
