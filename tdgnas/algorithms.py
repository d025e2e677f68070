"""Running a strategy: the ``evolve`` generator, and functions of DEAP's shape on top of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from deap import base, tools

from .operators import population_entropy
from .operators.entropy import Loci
from .strategies import TDGA


class GenerateUpdate(Protocol):
    """What ``evolve`` needs of a strategy; DEAP's own strategies (``deap.cma``) have it as well."""

    def generate(self) -> list[Any]:
        """Return individuals to evaluate."""

    def update(self, individuals: Sequence[Any]) -> None:
        """Take them back, evaluated."""


@dataclass(frozen=True)
class Generation:
    """One turn of ``evolve``.

    :param index: 0 for the initial population.
    :param population: what the strategy holds after it (what was evaluated, where the strategy holds nothing).
    :param evaluated: the individuals that ``generate`` returned.
    :param record: numbers for the logbook; energies are losses, or negated fitness where that is maximised.
    """

    index: int
    population: list[Any]
    evaluated: list[Any]
    record: dict[str, Any]


class Evolution(Iterator[Generation]):
    """The iterator that :func:`evolve` returns.

    :ivar logbook: a ``deap.tools.Logbook`` with one record per generation.
    :ivar generation: generations done so far.
    """

    def __init__(
        self,
        strategy: GenerateUpdate,
        toolbox: base.Toolbox,
        ngen: int,
        *,
        stats: tools.Statistics | None = None,
        halloffame: tools.HallOfFame | None = None,
        loci: Loci | None = None,
    ) -> None:
        if ngen < 0:
            raise ValueError(f"ngen is {ngen}; it is a number of generations, 0 or more")
        if not hasattr(toolbox, "evaluate"):
            raise ValueError('the toolbox lacks "evaluate"; add toolbox.register("evaluate", fitness)')
        self.strategy = strategy
        self.toolbox = toolbox
        self.ngen = ngen
        self.stats = stats
        self.halloffame = halloffame
        self.loci = loci
        self.generation = 0
        self.logbook = tools.Logbook()
        extra = [] if stats is None else list(stats.fields)
        self.logbook.header = ["gen", "nevals", "best", "mean", "entropy", "temperature", "distinct", *extra]

    def __next__(self) -> Generation:
        if self.generation > self.ngen:
            raise StopIteration
        start = time.perf_counter()
        individuals = self.strategy.generate()
        fresh = [individual for individual in individuals if not individual.fitness.valid]
        for individual, values in zip(fresh, self.toolbox.map(self.toolbox.evaluate, fresh), strict=True):
            individual.fitness.values = values
        if self.halloffame is not None:
            self.halloffame.update(individuals)
        self.strategy.update(individuals)
        population = getattr(self.strategy, "population", None) or individuals
        record = self._record(population, len(fresh), time.perf_counter() - start)
        self.logbook.record(**record)
        self.generation += 1
        return Generation(self.generation - 1, list(population), list(individuals), record)

    def _record(self, population: Sequence[Any], nevals: int, seconds: float) -> dict[str, Any]:
        energies = [-individual.fitness.wvalues[0] for individual in population]
        extra = self.strategy.record() if hasattr(self.strategy, "record") else {}
        return {
            "gen": self.generation,
            "nevals": nevals,
            "best": min(energies),
            "mean": float(np.mean(energies)),
            "entropy": population_entropy(population, self.loci),
            "distinct": len({tuple(individual) for individual in population}),
            "seconds": seconds,
            **extra,
            **({} if self.stats is None else self.stats.compile(population)),
        }


def evolve(
    strategy: GenerateUpdate,
    toolbox: base.Toolbox,
    ngen: int,
    *,
    stats: tools.Statistics | None = None,
    halloffame: tools.HallOfFame | None = None,
    loci: Loci | None = None,
) -> Evolution:
    """Run a strategy as an iterator over generations; stopping, saving and progress are the caller's own code.

    Generation 0 evaluates the initial population, then ``ngen`` follow. Only individuals without a valid fitness are
    evaluated, through ``toolbox.map(toolbox.evaluate, ...)``.

    :param strategy: anything with ``generate`` and ``update``.
    :param toolbox: with ``evaluate``; with ``map`` (such as ``tdgnas.batch_map``) for whole populations at once.
    :param ngen: generations after the initial one.
    :param stats: DEAP statistics of the population, added to the record.
    :param halloffame: DEAP hall of fame, updated with everything evaluated.
    :param loci: a population's choices for the entropy in the record, such as ``space.choices``.
    :returns: an :class:`Evolution`, to be iterated.
    :raises ValueError: for a negative number of generations or a toolbox without ``evaluate``.
    """
    return Evolution(strategy, toolbox, ngen, stats=stats, halloffame=halloffame, loci=loci)


def eaTDGA(
    population: list[Any],
    toolbox: base.Toolbox,
    cxpb: float,
    mutpb: float,
    ngen: int,
    *,
    elite: int = 1,
    loci: Loci | None = None,
    stats: tools.Statistics | None = None,
    halloffame: tools.HallOfFame | None = None,
    verbose: bool = False,
) -> tuple[list[Any], tools.Logbook]:
    """Thermodynamical genetic algorithm, in the shape of ``deap.algorithms.eaSimple``.

    :param population: individuals to begin with; the list is changed in place to hold the final ones.
    :param toolbox: with ``evaluate``, ``mate``, ``mutate``, ``select`` and, if wanted, ``local_search``, ``train``, ``map``.
    :param cxpb: probability that a pair is crossed.
    :param mutpb: probability that an individual is mutated (parents and offspring alike).
    :param ngen: generations.
    :param elite: how many of the best enter the selection unmutated.
    :param loci: a population's choices for the entropy in the logbook, such as ``space.choices``.
    :param stats: DEAP statistics, added to the logbook.
    :param halloffame: DEAP hall of fame.
    :param verbose: print the logbook as it grows.
    :returns: the final population and the logbook.

    Mori et al. 1995. Draws from Python's :mod:`random`, as the toolbox's operators do.
    """
    strategy = TDGA(population, toolbox, cxpb=cxpb, mutpb=mutpb, elite=elite, loci=loci)
    evolution = evolve(strategy, toolbox, ngen, stats=stats, halloffame=halloffame, loci=loci)
    for _ in evolution:
        if verbose:
            print(evolution.logbook.stream)
    population[:] = strategy.population
    return population, evolution.logbook
