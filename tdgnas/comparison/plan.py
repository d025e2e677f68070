"""What a comparison runs: every strategy on every problem with every seed, one cell each."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runs.search import UNITS, Unit
from .problems import make_problem
from .session import Problem
from .specs import Spec, check_strategy, try_strategy

_VERSION = 1  # raised when cells of an earlier version are no longer comparable


@dataclass(frozen=True)
class Cell:
    """One strategy on one problem with one seed.

    :param limit: budget of the search, without what was used before it (pretraining).
    """

    strategy: Spec
    problem: Spec
    seed: int
    unit: Unit
    limit: float

    def path(self, out: Path) -> Path:
        """Return the file that holds its result."""
        return out / self.problem.label / self.strategy.label / f"{self.seed}.json"

    def fingerprint(self, problem: Problem) -> str:
        """Return a short text that changes with anything the result depends on."""
        document = {
            "version": _VERSION,
            "strategy": self.strategy.document,
            "problem": problem.document,
            "seed": self.seed,
            "budget": [self.unit, self.limit],
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


class Plan:
    """All cells of a comparison, checked before anything runs.

    :param strategies: the strategies.
    :param problems: the problems.
    :param seeds: the seeds.
    :param limit: budget of each search; each problem's own when None.
    :param unit: what is counted; each problem's own when None.
    :raises ValueError: for unknown names and options, doubled or negative seeds, and impossible budgets.
    """

    def __init__(
        self,
        strategies: Sequence[Spec],
        problems: Sequence[Spec],
        seeds: Sequence[int],
        *,
        limit: float | None = None,
        unit: str | None = None,
    ) -> None:
        if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
            raise ValueError(f"the seeds are {list(seeds)}; give different whole numbers of at least 0")
        if limit is not None and not 0 < limit < math.inf:
            raise ValueError(f"the budget is {limit}; it must be above 0, and finite")
        if unit is not None and unit not in UNITS:
            raise ValueError(f"the unit is {unit!r}; it must be one of {', '.join(UNITS)}")
        self.strategies, self.problems, self.seeds = list(strategies), list(problems), list(seeds)
        self.made: dict[str, Problem] = {spec.label: make_problem(spec) for spec in problems}
        self.limit, self.unit = limit, unit
        for spec in problems:
            self._check(spec)

    def _check(self, spec: Spec) -> None:
        problem = self.made[spec.label]
        for strategy in self.strategies:
            check_strategy(strategy, gradients=problem.gradients, problem=spec.label)
            try_strategy(strategy, problem.decisions)
        unit = self.unit or problem.unit
        if self.limit is None and unit != problem.unit:
            raise ValueError(f"a budget in {unit} needs its size: add --budget")
        if unit == "seconds" and problem.unit != "seconds":
            raise ValueError(f"{spec.label!r} has no simulated seconds; count passes or evaluations")
        if unit == "passes" and problem.unit == "seconds":
            raise ValueError(f"{spec.label!r} is a table and passes no images; count seconds or evaluations")
        followers = [s.label for s in self.strategies if s.name == "darts" or s.options.get("local_search")]
        if unit == "evaluations" and followers:
            raise ValueError(
                f"{followers[0]!r} follows gradients, which are no evaluations; compare it by image passes"
            )

    def cells(self) -> Iterator[Cell]:
        """Return all cells, one seed of all strategies after another."""
        for problem in self.problems:
            made = self.made[problem.label]
            for seed in self.seeds:
                for strategy in self.strategies:
                    yield Cell(strategy, problem, seed, self.unit or made.unit, self.limit or made.limit)  # type: ignore[arg-type]

    @property
    def document(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return {
            "strategies": {spec.label: spec.document for spec in self.strategies},
            "problems": {
                spec.label: {
                    **spec.document,
                    "settings": self.made[spec.label].document,
                    "unit": self.unit or self.made[spec.label].unit,
                    "budget": self.limit or self.made[spec.label].limit,
                    "metric": self.made[spec.label].metric,
                    "higher": self.made[spec.label].higher,
                }
                for spec in self.problems
            },
            "seeds": self.seeds,
        }
