"""A trial of a strategy before anything is trained: its operators are called once, and everything is put back."""

from __future__ import annotations

from typing import Any

from ..seeding import random_states, set_random_states
from ..strategies.saving import set_toolbox_states, toolbox_states
from .build import section
from .problem import Problem
from .settings import Config
from .wiring import make_strategy, names_of


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
        individual.fitness.values = (1.0,) * strategy.objectives
    try:
        for entry, given in (("mate", pair), ("mutate", pair[:1]), ("select", (pair, 2))):
            name = names.get(entry, entry)
            with section(f"strategy.{entry}: {name!r} fails on the space {config.space.name!r}"):
                keywords = {"temperature": 1.0} if "temperature" in getattr(toolbox, entry).keywords else {}
                getattr(toolbox, entry)(*given, **keywords)
    finally:
        set_toolbox_states(toolbox, own)
