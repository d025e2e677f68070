"""A strategy on a problem: what it is given, and whether the two fit."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..files import Json
from ..fitness import Latency, WithObjectives, load_latencies
from ..individual import fitness_of
from ..seeding import random_states, set_random_states
from ..strategies import STRATEGIES, Strategy, create, wants
from ..strategies.saving import set_toolbox_states, toolbox_states
from .build import section
from .errors import ConfigError
from .problem import FITNESSES, Problem
from .search import Search
from .settings import Config


def check_fit(config: Config) -> None:
    """Check that strategy, problem and budget fit, from what they say of themselves; nothing is built.

    :raises ConfigError: with the reason, and what fits.
    """
    name, kind = config.strategy.name, config.fitness.kind
    reason = unfit(name, config)
    if reason:
        fitting = ", ".join(each for each in STRATEGIES.names() if not unfit(each, config))
        raise ConfigError(f"strategy: {name!r} {reason}; what fits the problem {config.problem!r}: {fitting}")
    if getattr(config.map, "asynchronous", False):  # a table has no map
        _check_asynchronous(config)
    units = FITNESSES.get(kind).units
    if config.budget.unit not in units:
        raise ConfigError(
            f"budget.unit: the problem {config.problem!r} has no {config.budget.unit}; it counts {', '.join(units)}"
        )


def _check_asynchronous(config: Config) -> None:
    fitness, strategy = config.fitness, config.strategy.name
    if not FITNESSES.get(fitness.kind).trains or getattr(fitness, "inherit", False):
        raise ConfigError(
            f"map.asynchronous: it is for problems that train every child by itself, and {config.problem!r} does not"
        )
    if not STRATEGIES.get(strategy).asynchronous:
        fitting = (name for name in STRATEGIES.names() if STRATEGIES.get(name).asynchronous)
        able = ", ".join(name for name in fitting if not unfit(name, config))
        raise ConfigError(
            f"map.asynchronous: {strategy!r} takes back whole generations; leave it out, or take one of {able}"
        )
    if config.budget.unit == "generations":
        raise ConfigError("map.asynchronous: there are no generations then; set budget.unit to evaluations")


def unfit(strategy: str, config: Config) -> str:
    """Say why a strategy cannot work with the fitness of a configuration; nothing where it can."""
    found, kind = STRATEGIES.get(strategy), config.fitness.kind
    fitness = FITNESSES.get(kind)
    if found.needs_gradients and not fitness.gradients:
        return f"follows gradients of alpha, and the fitness {kind!r} has none"
    if found.needs_fidelity and not fitness.has_fidelity(config):
        return (
            f"evaluates with less effort too, which the fitness {kind!r} cannot here: it takes a table with the signal "
            "after several numbers of epochs, or trainings from scratch of more than one epoch"
        )
    further = further_objectives(strategy, config)
    if 1 + len(further) < found.objectives:
        return f"wants {found.objectives} fitness values; set objectives.names"
    if 1 + len(further) > found.objectives and not found.several:
        return f"takes no objectives beside the fitness, and objectives.names has {', '.join(further)}"
    return ""


def further_objectives(strategy: str, config: Config) -> tuple[str, ...]:
    """The objectives beside the fitness: those that are set, or the parameters where a strategy needs two."""
    needed = STRATEGIES.get(strategy).objectives > 1
    return tuple(config.objectives.names or (("parameters",) if needed else ()))


def make_strategy(config: Config, problem: Problem) -> tuple[Strategy, Any]:
    """Make the strategy of a configuration for a problem.

    :returns: the strategy, and the fitness that it wants, with the further objectives and limits.
    :raises ConfigError: when it cannot be made.
    """
    name = config.strategy.name
    kind = STRATEGIES.get(name)
    given = config.strategy.model_dump(exclude={"name"})
    fitness, evaluate = problem.fitness, problem.evaluate
    further = further_objectives(name, config)
    limits: dict[str, float] = {str(what): most for what, most in config.objectives.limits.items()}
    if further or limits:
        latency = _latency(config, problem) if "latency" in (*further, *limits) else None
        evaluate = WithObjectives(
            evaluate,
            problem.space,
            further,
            limits=limits,
            latency=latency,
            fitness_type=fitness,
            worst=problem.worst,
        )
    if further:
        fitness = fitness_of(*fitness.weights, *(-1.0 for _ in further))
    wanted = wants(name)
    given |= {want: make() for want, make in problem.offers.items() if want in wanted}
    if "fitness" in wanted:
        given["fitness"] = fitness
    try:
        return create(name, problem.decisions, seed=seed_of(kind, config.seed), **given), evaluate
    except (ValueError, TypeError, ImportError) as error:
        raise ConfigError(f"strategy: {error}") from error


def _latency(config: Config, problem: Problem) -> Latency:
    path = config.objectives.latencies
    with section("objectives.latencies"):
        table = None if path is None else load_latencies(path)
        return Latency(problem.space, table, device=problem.device)


def seed_of(kind: type[Strategy], seed: int) -> int:
    """The seed of a strategy's own random numbers.

    Not the experiment's, which splits the data and starts the supernet, unless the strategy says that it goes on with
    that stream (``stream = ""``).
    """
    stream = kind.stream
    return random.Random(f"{stream} {seed}").getrandbits(32) if stream else seed


def make_search(config: Config, problem: Problem, strategy: Strategy, evaluate: Any) -> Search:
    """Make the search within the configuration's budget."""
    flow = None
    if getattr(config.map, "asynchronous", False):  # a table has no map
        from ..distributed import Flow

        flow = Flow(strategy, evaluate, problem.evaluate.map)
    return Search(
        strategy,
        evaluate,
        problem.budget,
        unit=config.budget.unit,
        limit=config.budget.limit,
        loci=problem.decisions.loci,
        whole=problem.whole,
        begin=problem.growth,
        flow=flow,
    )


def search_record(search: Search, problem: Problem) -> Json:
    """What is kept of a search: where its budget began, what everything cost, and its trace."""
    return {"start": search.start, "costs": asdict(problem.budget), **asdict(search.trace)}


def names_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The operators that a strategy's settings name, by their entries in the toolbox."""
    variation, selection = settings.get("variation", {}), settings.get("selection", {})
    names = {entry: variation.get(entry) for entry in ("mate", "mutate")} | {
        "select": selection.get("operator")
    }
    return {entry: name for entry, name in names.items() if name is not None}


def try_strategy(config: Config, problem: Problem) -> None:
    """Make the strategy and, where it has a toolbox, try crossover, mutation and selection; all states are put back.

    :raises ConfigError: naming what fails.
    """
    states = random_states()
    try:
        strategy, _ = make_strategy(config, problem)
        if hasattr(strategy, "toolbox"):
            _try_operators(config, strategy)
    finally:
        set_random_states(states)


def _try_operators(config: Config, strategy: Any) -> None:
    toolbox = strategy.toolbox
    names = names_of(config.strategy.model_dump())
    own = toolbox_states(toolbox)
    pair = [strategy.clone(strategy.population[place % len(strategy.population)]) for place in (0, 1)]
    for individual in pair:
        individual.fitness.values = (1.0,) * len(individual.fitness.weights)
    try:
        for entry, given in (("mate", pair), ("mutate", pair[:1]), ("select", (pair, 2))):
            name = names.get(entry, entry)
            with section(f"strategy.{entry}: {name!r} fails on the space {config.space.name!r}"):
                keywords = {"temperature": 1.0} if "temperature" in getattr(toolbox, entry).keywords else {}
                getattr(toolbox, entry)(*given, **keywords)
    finally:
        set_toolbox_states(toolbox, own)
