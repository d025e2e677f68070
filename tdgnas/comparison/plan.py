"""What a comparison runs: every strategy on every problem with every seed, one cell each."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..files import Json
from ..fitness import TableNotFound, find_table
from ..registry import IMPORTED
from ..runs.config import flat, make_config
from ..runs.problem import FITNESSES, Problem
from ..runs.problems import problem_sections
from ..runs.search import UNITS
from ..runs.sections import document_of
from ..runs.settings import Config
from ..runs.wiring import check_fit, try_strategy, unfit
from ..strategies import STRATEGIES
from .specs import Spec

_VERSION = 2  # raised when cells of an earlier version are no longer comparable
_SHOWN = {"space", "data", "pretrain", "fitness", "retrain"}
_PRETRAINED = ("seed", "device", "data", "space", "pretrain")


@dataclass(frozen=True)
class Cell:
    """One strategy on one problem with one seed.

    :param problem: label of the problem.
    :param strategy: label of the strategy.
    :param document: the experiment as a nested dict, without its seed.
    """

    problem: str
    strategy: str
    seed: int
    document: Mapping[str, Any] = field(repr=False)

    @property
    def config(self) -> Config:
        """The experiment's configuration."""
        return _config(json.dumps(self.document)).model_copy(update={"seed": self.seed})

    def path(self, out: Path) -> Path:
        """Return the file that holds its result."""
        return out / self.problem / self.strategy / f"{self.seed}.json"

    def folder(self, out: Path) -> Path:
        """Return the folder of its run, where it has one."""
        return self.path(out).with_suffix("")

    @property
    def subject(self) -> Subject:
        """What is measured."""
        return Subject(self.config)

    @property
    def fingerprint(self) -> str:
        """A short text that changes with anything the result depends on."""
        config = self.config
        kind = FITNESSES.get(config.fitness.kind)
        return digest_of([_VERSION, config.model_dump(mode="json", exclude={"map"}), kind.reads(config)])[:16]

    @property
    def pretraining(self) -> Cell:
        """The cell whose pretraining this one shares with all others of its problem, seed and settings of it."""
        whole = self.config.model_dump(mode="json", exclude_none=True)
        own = {key: value for key, value in whole.items() if key in _PRETRAINED and key != "seed"}
        document = {
            **self.document,
            **own,
            "strategy": {"name": "random"},
            "fitness": {"kind": whole["fitness"]["kind"]},
        }
        document.pop("budget", None)
        return Cell(self.problem, f"pretrained/{digest_of(own)[:16]}", self.seed, document)


@lru_cache
def _config(text: str) -> Config:
    return make_config(json.loads(text))


def digest_of(document: Any) -> str:
    """SHA-256 of JSON values."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Subject:
    """A problem of a comparison: what is measured, and how.

    :param config: of one of its cells.
    :param metric: what is compared, by its name in the results.
    :param higher: whether more of it is better.
    """

    config: Config
    metric: str = ""
    higher: bool = True

    @property
    def kind(self) -> type[Problem]:
        """How individuals are scored."""
        return FITNESSES.get(self.config.fitness.kind)

    @property
    def light(self) -> bool:
        """Whether nothing is trained: its searches are run in memory and leave one file each."""
        return {"pretrain", "retrain"} <= set(self.kind.unused)

    @property
    def paired(self) -> bool:
        """Whether results of one seed belong together, since they share a supernet."""
        return "pretrain" not in self.kind.unused

    @property
    def retrained(self) -> bool:
        """Whether what a search chose is trained from scratch."""
        return self.config.retrain is not None and self.config.retrain.epochs > 0

    @property
    def unit(self) -> str:
        """What the budget counts."""
        return str(self.config.budget.unit)

    @property
    def limit(self) -> float:
        """Budget of each search, without what was used before it (pretraining)."""
        return float(self.config.budget.limit)

    @property
    def document(self) -> Json:
        """The settings that matter to all its results, as JSON values."""
        return _filled(
            self.config.model_dump(mode="json", include=_SHOWN, exclude_unset=True, exclude_none=True)
        )

    @property
    def stated(self) -> Json:
        """Of them those that are not as they are by default."""
        return _filled(
            self.config.model_dump(mode="json", include=_SHOWN, exclude_defaults=True, exclude_none=True)
        )

    @property
    def terms(self) -> Json:
        """The terms on which strategies are compared, as JSON values."""
        own = {"settings": self.document, "unit": self.unit, "budget": self.limit}
        return {**own, "metric": self.metric, "higher": self.higher}


def _filled(document: Json) -> Json:
    return {key: value for key, value in document.items() if value}


class Plan:
    """All cells of a comparison, checked before anything runs.

    :param strategies: the strategies; all that are installed and fit every problem when None.
    :param problems: the problems.
    :param seeds: the seeds.
    :param limit: budget of each search; each problem's own when None.
    :param unit: what is counted; each problem's own when None.
    :param settings: further keys of every experiment's configuration, nested.
    :raises ValueError: for unknown names and options, doubled or negative seeds, impossible budgets, and strategies
        that do not fit a problem, with the reason.
    :raises ImportError: when a package that a strategy needs is not installed.
    """

    def __init__(
        self,
        strategies: Sequence[Spec] | None,
        problems: Sequence[Spec],
        seeds: Sequence[int],
        *,
        limit: float | None = None,
        unit: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
            raise ValueError(f"the seeds are {list(seeds)}; give different whole numbers of at least 0")
        if limit is not None and not 0 < limit < math.inf:
            raise ValueError(f"the budget is {limit}; it must be above 0, and finite")
        if unit is not None and unit not in UNITS:
            raise ValueError(f"the unit is {unit!r}; it must be one of {', '.join(UNITS)}")
        self.problems, self.seeds, self.limit, self.unit = list(problems), list(seeds), limit, unit
        self.settings = dict(settings or {})
        self._check_settings()
        if IMPORTED:
            self.settings.setdefault("imports", list(IMPORTED))
        given = [self._config(spec, "random") for spec in problems]
        self.strategies = list(strategies if strategies is not None else _fitting(given))
        self.subjects = {spec.label: Subject(config) for spec, config in zip(problems, given, strict=True)}
        for spec in problems:
            self._check(spec)

    def _check_settings(self) -> None:
        """Refuse settings of what a comparison varies or is given beside them: they would be of every search."""
        given = flat(self.settings)
        own = {"seed": "seeds", "problem": "problems", "strategy.name": "strategies"}
        own |= {} if self.limit is None else {"budget.limit": "budget"}
        own |= {} if self.unit is None else {"budget.unit": "unit"}
        for key, what in own.items():
            if key in given:
                raise ValueError(
                    f"{key} would be the same in every search; leave it out, and give the {what}"
                )

    def _document(self, problem: Spec, strategy: str) -> Json:
        budget = {"limit": self.limit, "unit": self.unit}
        document = document_of(problem.text, strategy, None, self.settings)
        document["budget"] = {
            **{k: v for k, v in budget.items() if v is not None},
            **document.get("budget", {}),
        }
        sections = problem_sections(problem.text)
        kind = FITNESSES.get(sections.get("fitness", {}).get("kind", "supernet"))
        if not {"retrain"} & {*kind.unused, *sections, *document}:
            # A comparison trains nothing from scratch unless it is told to.
            document["retrain"] = {"epochs": 0}
        return document

    def _config(self, problem: Spec, strategy: str) -> Config:
        return _config(json.dumps(self._document(problem, strategy)))

    def _check(self, spec: Spec) -> None:
        subject = self.subjects[spec.label]
        if subject.unit == "generations":
            raise ValueError(
                f"{spec.label!r} counts generations, which differ in size between strategies; add --unit evaluations "
                "(or passes, or seconds) and --budget"
            )
        configs = [self._fitting_config(spec, strategy) for strategy in self.strategies]
        problem = subject.kind(subject.config)
        metric, higher = _metric(subject, problem)
        self.subjects[spec.label] = replace(subject, metric=metric, higher=higher)
        for strategy, config in zip(self.strategies, configs, strict=True):
            with _labelled(strategy):
                try_strategy(config, problem)

    def _fitting_config(self, problem: Spec, strategy: Spec) -> Config:
        with _labelled(strategy):
            config = self._config(problem, strategy.text)
            check_fit(config)
            if config.budget.unit == "evaluations" and _follows(config):
                raise ValueError("it follows gradients, which are no evaluations; compare it by image passes")
        return config

    def cells(self) -> Iterator[Cell]:
        """Return all cells, one seed of all strategies after another."""
        for problem in self.problems:
            documents = [self._document(problem, strategy.text) for strategy in self.strategies]
            for seed in self.seeds:
                for strategy, document in zip(self.strategies, documents, strict=True):
                    yield Cell(problem.label, strategy.label, seed, document)

    @property
    def document(self) -> Json:
        """The plan as JSON values."""
        return {
            "strategies": {spec.label: spec.document for spec in self.strategies},
            "problems": {
                spec.label: {**spec.document, **self.subjects[spec.label].terms} for spec in self.problems
            },
            "seeds": self.seeds,
        }


def _metric(subject: Subject, problem: Problem) -> tuple[str, bool]:
    """What is compared on a problem, and whether more of it is better."""
    if subject.retrained and problem.data is not None:
        headline = problem.data.task.headline
        return f"retrained_{headline}", problem.data.task.measure(headline).higher
    if type(problem).final is Problem.final:  # there is nothing but what the search sees
        return "signal", problem.fitness.weights[0] > 0
    return ("test_loss", False) if subject.paired else ("test_accuracy", True)


@contextmanager
def _labelled(spec: Spec) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{spec.label!r}: {error}") from error


def _follows(config: Config) -> bool:
    steps = getattr(getattr(config.strategy, "gradient", None), "steps", 0)
    return STRATEGIES.get(config.strategy.name).needs_gradients or steps > 0


def _fitting(configs: Sequence[Config]) -> Iterator[Spec]:
    """All registered strategies that are installed and fit every problem, those of plug-ins included."""
    for name in STRATEGIES.names():
        try:
            STRATEGIES.get(name).check_installed()
        except ImportError:
            continue
        gradients = STRATEGIES.get(name).needs_gradients
        if not any(unfit(name, c) or (gradients and c.budget.unit == "evaluations") for c in configs):
            yield Spec(name, name)


def default_problem() -> str:
    """Return ``nasbench201`` where its table is found, else ``synthetic``."""
    try:
        find_table()
    except TableNotFound:
        return "synthetic"
    return "nasbench201"
