"""Rules of strategies: searches with ``generate`` and ``update``."""

from __future__ import annotations

import inspect
import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from deap import algorithms, base

from ..individual import AccuracyFitness, IndividualLike, merit
from ..seeding import seed_everything
from ..strategies import Strategy
from .generators import drawn_from, reseeds, seeded
from .report import Case, Kind
from .samples import SmallProblem, values_of


def turns(strategy: Strategy, problem: SmallProblem, count: int) -> Iterator[list[IndividualLike]]:
    """Run generations; of each its individuals as they were generated, which are then evaluated."""
    for _ in range(count):
        individuals = strategy.generate()
        yield individuals
        for one in individuals:
            if not one.fitness.valid:
                one.fitness.values = problem(one)
        if individuals:  # that there are some is a rule of its own
            strategy.update(individuals)


@dataclass
class StrategyCase(Case):
    """What makes a strategy, and the options it is made with."""

    options: Mapping[str, Any]

    @classmethod
    def of(cls, make: Callable[..., Any], /, **options: Any) -> StrategyCase:
        """Make a case."""
        if not callable(make):
            raise TypeError(f"pass the strategy's class, or a function that makes one; got {make!r}")
        return cls(make, options)

    @property
    def objectives(self) -> int:
        """How many fitness values the strategy wants."""
        return int(getattr(self.subject, "objectives", 1))

    def strategy(
        self, problem: SmallProblem, seed: int | None = 0, fitness: type[base.Fitness] | None = None
    ) -> Strategy:
        """Make a strategy for a problem."""
        parameters = inspect.signature(self.subject).parameters
        options = dict(self.options)
        open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        if seed is not None and ("rng" in parameters or open_ended):
            options["rng"] = random.Random(seed)
        if fitness is not None and ("fitness" in parameters or open_ended):
            options["fitness"] = fitness
        required = "source" in parameters and parameters["source"].default is inspect.Parameter.empty
        if required or getattr(self.subject, "needs_gradients", False):
            options.setdefault("source", problem)
        made: Strategy = self.subject(problem.decisions, **options)
        return made

    def start(self, seed: int | None = 0, **options: Any) -> tuple[Strategy, SmallProblem]:
        """Return a strategy and the problem that it is made for."""
        problem = SmallProblem(self.objectives)
        return self.strategy(problem, seed, **options), problem

    def run(self, generations: int, seed: int | None = 0) -> tuple[Strategy, SmallProblem]:
        """Return a strategy after some generations."""
        strategy, problem = self.start(seed)
        for _ in turns(strategy, problem, generations):
            pass
        return strategy, problem

    def rule_can_be_called(self) -> Iterator[str]:
        strategy, _ = self.start()
        for method in ("generate", "update", "state_dict", "load_state_dict"):
            if not callable(getattr(strategy, method, None)):
                yield f"{self.name} has no {method}(); make it a subclass of tdgnas.strategies.Strategy"
        self.run(1)

    def rule_generates_individuals(self) -> Iterator[str]:
        strategy, problem = self.start()
        for individuals in turns(strategy, problem, 4):
            if not isinstance(individuals, list) or not individuals:
                yield f"generate() of {self.name} gave {individuals!r}; it must be a list of at least one individual"
            for one in individuals:
                genes, wanted = values_of(one), problem.decisions.length
                if len(genes) != wanted:
                    yield (
                        f"{self.name} generates individuals of {len(genes)} genes; the decisions have {wanted}: one "
                        "per gate, one per choice elsewhere"
                    )
                if not all(math.isfinite(gene) for gene in genes):
                    yield f"{self.name} generates genes that are NaN or infinite"
                if not hasattr(one, "fitness"):
                    yield f"{self.name} generates individuals without a fitness; use tdgnas.Individual"

    def rule_generates_distinct_objects(self) -> Iterator[str]:
        for individuals in turns(*self.start(), 6):
            if len({id(one) for one in individuals}) < len(individuals):
                yield (
                    f"{self.name} generates the same object several times; operators then change it several times "
                    "over: clone what selection returned"
                )

    def rule_keeps_no_stale_fitness(self) -> Iterator[str]:
        strategy, problem = self.start()
        for individuals in turns(strategy, problem, 8):
            for one in individuals:
                if one.fitness.valid and not np.allclose(one.fitness.values, problem.values(one)):
                    yield (
                        f"{self.name} generates an individual with the fitness of other genes; delete it "
                        "(`del individual.fitness.values`) whenever genes change, else it is never evaluated again"
                    )

    def rule_keeps_the_best(self) -> Iterator[str]:
        strategy, problem = self.start()
        seen: list[tuple[float, tuple[float, ...]]] = []
        for _ in range(8):
            (individuals,) = turns(strategy, problem, 1)
            seen += map(merit, individuals)
            if strategy.best is None or merit(strategy.best) != max(seen):
                yield (
                    f"{self.name}.best is not the best individual evaluated (with the most effort); call "
                    "super().update(), or write _update"
                )
            if any(strategy.best is one for one in individuals):
                yield f"{self.name}.best is one of the individuals that go on changing; keep a clone"

    def rule_maximises_what_is_maximised(self) -> Iterator[str]:
        if self.objectives != 1:
            return
        found = []
        for seed in range(4):
            problem = SmallProblem(maximise=True)
            strategy = self.strategy(problem, seed, AccuracyFitness)
            for individuals in turns(strategy, problem, 15):
                if type(individuals[0].fitness).weights[0] < 0:
                    return  # makes its own fitness class; then a maximised one is not on offer
            found.append(10.0 - strategy.best.fitness.values[0])
        if np.mean(found) > problem.median:
            yield (
                f"{self.name} settles on the worse architectures when the fitness is maximised; compare `ind.fitness`, "
                "in which larger is always better, and not `ind.fitness.values`"
            )

    def rule_repeats_with_the_seed(self) -> Iterator[str]:
        one, two = (seeded(outside, lambda: self.run(4, seed=7)[1].evaluated) for outside in (1, 2))
        if one != two:
            yield (
                f"{self.name} with the same rng searches differently; draw everything from the rng it was given "
                "(`drawing_from(self.rng)` lends it to DEAP's operators)"
            )
        seed_everything(12345)
        used = drawn_from(lambda: self.run(3, seed=7)) - {"torch"}
        if used:
            yield f"{self.name} was given an rng and changes the global generator {sorted(used)[0]}; draw from the rng"
        random.seed(3)
        if "random" in reseeds(lambda: self.run(3, seed=None)):
            yield f"{self.name} without an rng seeds the global generator; leave seeding to the user"

    def rule_lets_no_NaN_through(self) -> Iterator[str]:
        for value, what in ((float("nan"), "NaN"), (None, "no fitness")):
            strategy, _ = self.start()
            individuals = strategy.generate()
            for one in individuals:
                if value is not None:
                    one.fitness.values = (value,) * len(one.fitness.weights)
            try:
                strategy.update(individuals)
            except ValueError:
                continue
            yield (
                f"update() of {self.name} takes individuals with {what}; raise a ValueError (NaN wins every comparison "
                "in DEAP): call super().update(), or write _update and leave update() to the base class"
            )

    def rule_goes_on_where_its_state_was_taken(self) -> Iterator[str]:
        _, whole = self.run(6)
        begun, problem = self.run(3)
        try:
            text = json.dumps(begun.state_dict(), default=_array)
        except TypeError as error:
            yield f"state_dict() of {self.name} holds more than JSON values and arrays ({error})"
            return
        resumed, refused = self.strategy(problem, 99), ""
        try:
            resumed.load_state_dict(json.loads(text, object_hook=_unarray))
            for _ in turns(resumed, problem, 3):
                pass
        except Exception as error:
            refused = f" (raised {type(error).__name__}: {error})"
        if refused or problem.evaluated != whole.evaluated:
            yield (
                f"{self.name} does not go on where its state was taken{refused}: put all that the next generation "
                "depends on into state_dict(), the random generator's state among it, and read it in "
                "load_state_dict(); the base classes save population, best and rng, other individuals go by "
                "pack(individual) and self.unpack(packed)"
            )
        elif resumed.generation != 6:
            yield f"{self.name} counts {resumed.generation} generations after 6; keep `generation` in the state"

    def rule_runs_in_eaGenerateUpdate(self) -> Iterator[str]:
        strategy, problem = self.start()
        toolbox = base.Toolbox()
        toolbox.register("evaluate", problem)
        toolbox.register("generate", strategy.generate)
        toolbox.register("update", strategy.update)
        algorithms.eaGenerateUpdate(toolbox, ngen=3, verbose=False)
        if strategy.generation != 3:
            yield f"{self.name}.generation is {strategy.generation} after 3 generations of eaGenerateUpdate"

    def rule_finds_something(self) -> Iterator[str]:
        found = []
        for seed in range(3):
            strategy, problem = self.run(20, seed)
            found.append(problem.loss(problem.decisions.choices(strategy.best)))
        if np.mean(found) > problem.median:
            yield (
                f"{self.name} ends with a mean loss of {np.mean(found):.3g} after 20 generations, worse than the "
                f"median architecture's {problem.median:.3g}; does it learn from update()?"
            )


def _array(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"__array__": value.tolist(), "dtype": str(value.dtype)}
    raise TypeError(f"{type(value).__name__} {value!r}")


def _unarray(value: dict[str, Any]) -> Any:
    return np.array(value["__array__"], dtype=value["dtype"]) if "__array__" in value else value


check_strategy = Kind("strategy", StrategyCase)
"""Check a strategy, by its class or a function that makes it.

It is called as ``strategy(decisions, rng=random.Random(...), fitness=..., **options)``, on a problem of three gates and
two decisions of four choices. A parameter ``source`` without a default gets a source of exact gradients. Options are
keywords of the class.
"""
