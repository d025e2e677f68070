"""TDGA: a genetic algorithm whose selection minimises the free energy of the population.

Source: Mori, Yoshida, Tamaki, Kita, Nishikawa 1995, *A thermodynamical selection rule for the genetic algorithm*; with
the Lamarckian gradient step in between, the search of DARTS + TDGA.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, ClassVar, cast

from deap import base

from ..operators import Schedule, population_entropy
from ..operators.entropy import Loci
from ..operators.moves import write
from ..settings import Share
from .base import Strategy

__all__ = ["TDGA"]


class TDGA(Strategy):
    """Thermodynamical genetic algorithm with local search, after the toolbox's operators.

    One generation: the elite are cloned; every individual takes a step of ``toolbox.local_search`` where that is
    registered; pairs are crossed by ``toolbox.mate``; parents and offspring alike are mutated by ``toolbox.mutate``;
    ``toolbox.select`` picks the next population out of elite + parents + offspring. A :class:`Schedule` given to
    ``select`` as ``temperature`` is asked for its value by the number of the generation, counted from 1. Where an
    individual comes from is noted on it as ``origin``, a dict: ``id`` (None until it is complete), ``parents`` (ids)
    and ``operators`` (names).

    :param population: individuals to begin with; they are changed in place, an object that is there twice is cloned.
    :param toolbox: with ``mate``, ``mutate`` and ``select``; optionally ``local_search``, ``train`` (called with the
        population before each generation, for weights that are trained alternately) and ``map``.
    :param cxpb: probability that a pair is crossed.
    :param mutpb: probability that an individual is mutated.
    :param elite: how many of the best are kept out of mutation's reach.
    :param loci: choices of a population for its entropy, see :class:`ShannonEntropy`; thresholded genes when None.
    :param rng: source of the algorithm's own draws; Python's :mod:`random` when None.
    :raises ValueError: for probabilities outside 0 to 1, an empty population or a missing operator.
    """

    several = True  # the energy is then the Pareto rank
    keeps: ClassVar[tuple[str, ...]] = ("temperature", "entropies", "next_id")

    def __init__(
        self,
        population: Sequence[Any],
        toolbox: base.Toolbox,
        *,
        cxpb: Share = 0.8,
        mutpb: Share = 0.2,
        elite: int = 1,
        loci: Loci | None = None,
        rng: random.Random | None = None,
    ) -> None:
        super().__init__(getattr(toolbox, "clone", None))
        if len(population) < 1:
            raise ValueError("the population is empty; pass at least one individual")
        if not 0 <= elite <= len(population):
            raise ValueError(f"elite is {elite}; it must be between 0 and the population's {len(population)}")
        for name in ("mate", "mutate", "select"):
            if not hasattr(toolbox, name):
                raise ValueError(f"the toolbox lacks {name!r}; add toolbox.register({name!r}, ...)")
        # Operators change individuals in place; one object in two places would be changed twice.
        known: dict[int, int] = {}
        self.population = [
            self.clone(individual) if known.setdefault(id(individual), place) != place else individual
            for place, individual in enumerate(population)
        ]
        self.toolbox = toolbox
        self.cxpb, self.mutpb, self.elite = cxpb, mutpb, elite
        self.size = len(population)
        self.loci = loci
        self.rng = rng or random
        self.temperature: float | None = None
        self.entropies: list[float] = []
        self.next_id = len(population)
        for number, individual in enumerate(cast("list[Any]", self.population)):
            individual.origin = {"id": number, "parents": [], "operators": ["init"]}

    def _generate(self) -> list[Any]:
        if self.generation == 0:
            return self.population
        parents = self.population
        best = sorted(parents, key=attrgetter("fitness"), reverse=True)[: self.elite]
        if hasattr(self.toolbox, "train"):
            self.toolbox.train(parents)
            for individual in parents:
                del individual.fitness.values
        elite = [self.clone(individual) for individual in best]
        if hasattr(self.toolbox, "local_search"):
            # A map may be lazy, as the builtin is, or hand back copies, as one over processes does.
            moved = list(self.toolbox.map(self.toolbox.local_search, parents))
            for place, (individual,) in enumerate(moved):
                self._changed(individual, "local_search", parents[place])
                parents[place] = individual
        pool = [*parents, *self._mate([self.clone(individual) for individual in parents])]
        for place, individual in enumerate(pool):
            if self.rng.random() < self.mutpb:
                (pool[place],) = self.toolbox.mutate(individual)
                self._changed(pool[place], "mutate", individual)
        self._complete(pool)
        return [*elite, *pool]

    def _complete(self, pool: list[Any]) -> None:
        """Number what was changed; nothing is after this."""
        for individual in pool:
            if individual.origin["id"] is None:
                individual.origin = {**individual.origin, "id": self.next_id}
                self.next_id += 1

    def _mate(self, offspring: list[Any]) -> list[Any]:
        order = list(range(len(offspring)))
        self.rng.shuffle(order)
        for first, second in zip(order[::2], order[1::2], strict=False):
            if self.rng.random() < self.cxpb:
                one, two = offspring[first], offspring[second]
                origins = one.origin, two.origin
                children = self.toolbox.mate(one, two)
                for child, own, other in zip(children, origins, reversed(origins), strict=True):
                    child.origin = own
                    self._changed(child, "mate", other=other)
                offspring[first], offspring[second] = children
        return offspring

    def _changed(
        self, individual: Any, operator: str, before: Any = None, other: dict[str, Any] | None = None
    ) -> None:
        # Operators work in place; one that returns a new object all the same is taken at its word.
        origin = (individual if before is None else before).origin
        del individual.fitness.values
        if origin["id"] is not None:
            origin = {"parents": [origin["id"]], "operators": []}
        parents = list(origin["parents"])
        if other is not None:
            parents += [other["id"]] if other["id"] is not None else other["parents"]
        individual.origin = {
            "id": None,
            "parents": list(dict.fromkeys(parents)),
            "operators": [*origin["operators"], operator],
        }

    def _update(self, individuals: list[Any]) -> None:
        self._take_in(individuals)
        chosen = self._select(individuals) if self.generation > 0 else individuals
        # Selection with replacement returns one object several times; operators change individuals in place.
        self.population = [self.clone(one) for one in chosen] if self.generation > 0 else individuals
        self._note_entropy()

    def _take_in(self, individuals: list[Any]) -> None:
        """Number those that were not asked for, such as networks that are known to be good."""
        for individual in individuals:
            if not hasattr(individual, "origin"):
                individual.origin = {"id": self.next_id, "parents": [], "operators": ["given"]}
                self.next_id += 1

    def _note_entropy(self) -> None:
        self.entropies.append(population_entropy(self.population, self.loci))

    def _age(self) -> int:
        """Where the schedule of the temperature is, in generations from 1 on."""
        return self.generation

    def _select(self, pool: list[Any]) -> list[Any]:
        schedule = getattr(self.toolbox.select, "keywords", {}).get("temperature")
        if isinstance(schedule, Schedule):
            self.temperature = schedule(self._age(), self.entropies)
            return list(self.toolbox.select(pool, self.size, temperature=self.temperature))
        self.temperature = schedule
        return list(self.toolbox.select(pool, self.size))

    def record(self) -> dict[str, float]:
        """Temperature of the last selection, where there was one."""
        return {} if self.temperature is None else {"temperature": self.temperature}

    def _blank(self, genes: list[Any]) -> Any:
        blank = self.clone(self.population[0])
        if len(blank) != len(genes):
            blank[:] = type(blank)(genes)
        write(blank, genes)
        del blank.fitness.values
        return blank
