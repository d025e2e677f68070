"""Rules of problems by name, and of the kinds of fitness that score them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import DATA
from ..files import toml
from ..individual import Individual
from ..runs import Config, Problem, make_config
from ..spaces import SPACES
from .fitness import FitnessCase
from .parts import PartCase
from .report import Case, Kind


@dataclass
class ScoringCase(Case):
    """A kind of fitness, and a configuration that it scores."""

    config: Config

    @classmethod
    def of(cls, kind: type[Problem], /, *, config: Any) -> ScoringCase:
        """Make a case.

        :raises TypeError: when it is no kind of fitness.
        """
        if not (isinstance(kind, type) and issubclass(kind, Problem)):
            raise TypeError(f"a kind of fitness is a subclass of tdgnas.runs.Problem; got {kind!r}")
        return cls(kind, make_config(config) if isinstance(config, dict) else config)

    def ready(self) -> tuple[Problem, list[Individual]]:
        """Make a problem, and individuals of its space."""
        problem, rng = self.subject(self.config), random.Random(0)
        drawn = [problem.space.encode(problem.space.sample(rng)) for _ in range(4)]
        return problem, [Individual(genes, problem.fitness()) for genes in drawn]

    def rule_can_be_called(self) -> Iterator[str]:
        problem, individuals = self.ready()
        for rule in FitnessCase.rules().values():
            yield from rule(FitnessCase(problem.evaluate, deepcopy(individuals))) or ()
        values = problem.evaluate(individuals[0])
        if len(values) != len(problem.fitness.weights):
            yield f"{self.name} gives {len(values)} values, its fitness class has the weights {problem.fitness.weights}"
        elif math.isfinite(problem.worst) and (values[0] - problem.worst) * problem.fitness.weights[0] < 0:
            yield f"{self.name} calls {problem.worst} the worst value, and an individual has {values[0]}"

    def rule_counts_what_it_costs(self) -> Iterator[str]:
        problem, individuals = self.ready()
        before = problem.budget.requests
        for one in individuals:
            problem.evaluate(one)
        if problem.budget.requests != before + len(individuals) or problem.budget.evaluations < 1:
            yield f"the ledger of {self.name} does not count requests and evaluations; searches end by it"
        counted = problem.budget.state_dict()
        problem.final(problem.space.decode(individuals[0]))
        problem.measured([problem.space.decode(individuals[0])])
        if problem.budget.state_dict() != counted:
            yield f"final() or measured() of {self.name} pays into the ledger; they are not the search's cost"

    def rule_offers_what_it_says(self) -> Iterator[str]:
        problem, individuals = self.ready()
        if problem.gradients != ("source" in problem.offers):
            does = "does not offer" if problem.gradients else "offers"
            yield f"{self.name} says gradients={problem.gradients}, and {does} `source`"
        elif problem.gradients:
            genes = np.array([list(one) for one in individuals])
            if np.asarray(problem.offers["source"]().alpha_gradients(genes, seed=0)).shape != genes.shape:
                yield f"the source of {self.name} gives gradients of another shape than the genes"
        for value in problem.final(problem.space.decode(individuals[0])).values():
            if not isinstance(value, float) or not math.isfinite(value):
                yield f"final() of {self.name} gives {value!r}; give finite floats by name"

    def rule_goes_on_where_its_state_was_taken(self) -> Iterator[str]:
        problem, individuals = self.ready()
        value = problem.evaluate(individuals[0])
        other, _ = self.ready()
        other.load_state_dict(problem.state_dict())
        if other.evaluate(individuals[0]) != value:
            yield f"{self.name} made again with the state of another one scores differently; put into it what changes"


class ProblemCase(PartCase):
    """A problem by name."""

    def rule_can_be_called(self) -> Iterator[str]:
        sections = self.call({})
        if not isinstance(sections, dict) or not all(isinstance(each, dict) for each in sections.values()):
            yield f"{self.name} returned {sections!r}; a problem returns sections of a configuration, a dict of dicts"

    def rule_returns_new_sections(self) -> Iterator[str]:
        one = self.call({})
        kept = deepcopy(one)
        for section in one.values():
            section["changed"] = True
        if self.call({}) != kept:
            yield f"{self.name} returns the same dict twice, or draws it; make a new one at every call"

    def rule_is_a_configuration(self) -> None:
        config = make_config({}, self.call({}))
        SPACES.get(config.space.name)
        if config.data is not None:
            DATA.get(config.data.name)

    def rule_can_be_written(self) -> Iterator[str]:
        sections = self.call({})
        rows = [
            (key, toml.Section("", [(k, v, "") for k, v in each.items()]), "")
            for key, each in sections.items()
        ]
        if toml.loads(toml.dumps(toml.Section("", rows))) != sections:
            yield f"what {self.name} returns is not what TOML gives back; give numbers, words, lists and dicts"


check_problem = Kind("problem", ProblemCase)
"""Check a problem, a function that returns sections of a configuration. Options are its keywords."""

check_scoring = Kind("scoring", ScoringCase)
"""Check a kind of fitness, a subclass of :class:`tdgnas.runs.Problem`, on the option ``config``: a configuration that
it scores, or its nested dict."""
