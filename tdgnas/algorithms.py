"""Running a strategy: the ``evolve`` generator, and functions of DEAP's shape on top of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np
from deap import base, tools

from .individual import IndividualLike, packed, set_values
from .mapping import layers, name_of
from .operators import population_entropy
from .operators.entropy import Loci, gate_entropies
from .seeding import random_states, set_random_states
from .strategies import TDGA, Strategy
from .strategies.base import check_evaluated, pack
from .strategies.saving import logbook_state, set_logbook, set_toolbox_states, toolbox_states

_OPEN = dict.fromkeys(("best", "mean", "entropy", "distinct"))
_HELD = 2**18  # bytes of populations whose records are open; reading the logbook fills them in


Some = TypeVar("Some", bound=IndividualLike)


class GenerateUpdate(Protocol):
    """What ``evolve`` needs of a strategy; DEAP's own strategies (``deap.cma``) have it as well."""

    def generate(self) -> Sequence[IndividualLike]:
        """Return individuals to evaluate."""

    def update(self, individuals: Sequence[IndividualLike]) -> None:
        """Take them back, evaluated."""


class Stateful(Protocol):
    """Whatever has a state that can be saved: a supernet, a schedule or an operator of your own."""

    def state_dict(self) -> Mapping[str, Any]:
        """Return everything that changes, as numbers, strings, lists, dicts, arrays and tensors."""

    def load_state_dict(self, state_dict: Any) -> Any:
        """Go on where :meth:`state_dict` was taken."""


@dataclass(slots=True)
class Generation:
    """One turn of ``evolve``.

    :param index: 0 for the initial population.
    :param population: what the strategy holds after it (what was evaluated, where the strategy holds nothing).
    :param evaluated: the individuals that ``generate`` returned.
    :param cost: what the evaluation took, by name, where the fitness has a method ``cost`` that counts it (nodes and
        multiply-adds, see ``SupernetFitness``); not in the logbook, since a resumed search has to compute more.
    :param evolution: what it is a turn of.
    """

    index: int
    population: list[IndividualLike]
    evaluated: list[IndividualLike]
    cost: dict[str, int]
    evolution: Evolution = field(repr=False)

    @property
    def record(self) -> dict[str, Any]:
        """Numbers of the logbook; energies are losses, or negated fitness where that is maximised."""
        found: dict[str, Any] = self.evolution.logbook[self.index]
        return found


def _check_direction(strategy: Any, evaluate: Any) -> None:
    plain = takewhile(
        lambda layer: not hasattr(layer, "__wrapped__"), layers(evaluate)
    )  # a decorator may change signs
    wanted = next((layer.fitness_type for layer in plain if hasattr(layer, "fitness_type")), None)
    population = getattr(strategy, "population", None)
    own = population[0].fitness if population else getattr(strategy, "fitness", None)
    if wanted is not None and getattr(own, "weights", wanted.weights)[0] * wanted.weights[0] < 0:
        raise ValueError(
            f"{name_of(evaluate)} is to be {'maximised' if wanted.weights[0] > 0 else 'minimised'}, and "
            f"{type(strategy).__name__} does the opposite: make its individuals with the fitness {wanted.__name__}"
        )


class Evolution(Iterator[Generation]):
    """Run a strategy as an iterator over generations; stopping, saving and progress are the caller's own code.

    Generation 0 evaluates the initial population, then ``ngen`` follow. Only individuals without a valid fitness are
    evaluated, through ``toolbox.map(toolbox.evaluate, ...)``. Written ``evolve(strategy, toolbox, ngen)``.

    Between two generations it can be saved (:meth:`save`) and, built anew the same way, go on from there
    (:meth:`load`) as if it had never stopped, bit for bit on the same machine. A generation whose evaluation or
    selection raised can be tried again: ``next`` then goes on with the same individuals, evaluated ones stay so.

    :param strategy: anything with ``generate`` and ``update``.
    :param toolbox: with ``evaluate``; with ``map`` (such as ``tdgnas.batch_map``) for whole populations at once.
    :param ngen: generations after the initial one.
    :param stats: DEAP statistics of the population, added to the record.
    :param halloffame: DEAP hall of fame, updated with everything evaluated.
    :param loci: a population's choices for the entropy in the record, such as ``space.choices``.
    :ivar generation: generations done so far.
    :raises ValueError: for a negative number of generations, a toolbox without ``evaluate``, or a strategy that
        minimises what the fitness says is to be maximised (``fitness_type``), or the other way round.
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
        _check_direction(strategy, toolbox.evaluate)
        self.strategy = strategy
        self.toolbox = toolbox
        self.ngen = ngen
        self.stats = stats
        self.halloffame = halloffame
        self.loci = loci
        self.generation = 0
        self._begun: Sequence[IndividualLike] | None = None  # of a generation that was begun and not ended
        self._logbook = tools.Logbook()
        self._open: list[
            tuple[dict[str, Any], list[float], bytes]
        ] = []  # records, energies, genes to fill in
        self._held = 0  # bytes of genes in them
        self._evaluate, self._counter = None, None
        self._checks = isinstance(strategy, Strategy)  # what it takes back
        self._says = getattr(strategy, "record", None)
        extra = [] if stats is None else list(stats.fields)
        self._logbook.header = ["gen", "nevals", "best", "mean", "entropy", "temperature", "distinct", *extra]

    def __next__(self) -> Generation:
        if self.generation > self.ngen:
            raise StopIteration
        start = time.perf_counter()
        individuals, fresh = self._evaluated()
        if self.halloffame is not None:
            check_evaluated(individuals)  # NaN would spoil it for good
            self.halloffame.update(individuals)
        elif not self._checks:
            check_evaluated(individuals)
        self.strategy.update(individuals)
        self._begun = None
        population = getattr(self.strategy, "population", None) or individuals
        self._record(population, len(fresh), time.perf_counter() - start)
        self.generation += 1
        return Generation(self.generation - 1, list(population), list(individuals), self._cost(), self)

    def _evaluated(self) -> tuple[Sequence[IndividualLike], Sequence[IndividualLike]]:
        """Return the individuals that go back to the strategy, evaluated, and those of them that were evaluated now."""
        individuals = self._begun = self.strategy.generate() if self._begun is None else self._begun
        fresh = [individual for individual in individuals if not individual.fitness.valid]
        for individual, values in zip(fresh, self.toolbox.map(self.toolbox.evaluate, fresh), strict=True):
            set_values(individual, values)
        return individuals, fresh

    @property
    def logbook(self) -> tools.Logbook:
        """One record per generation, see :attr:`Generation.record`."""
        if self._open:
            self._fill()
        return self._logbook

    def _cost(self) -> dict[str, int]:
        if self._evaluate is not self.toolbox.evaluate:
            self._evaluate = self.toolbox.evaluate
            self._counter = next((layer for layer in layers(self._evaluate) if hasattr(layer, "cost")), None)
        return {} if self._counter is None else dict(self._counter.cost())

    @property
    def _own(self) -> base.Toolbox | None:
        """The strategy's toolbox, where it is another one."""
        own = getattr(self.strategy, "toolbox", None)
        return None if own is self.toolbox else own

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next generation depends on: strategy, random states, operators that have a state.

        An operator has a state when its function, or the object whose method it is, has ``state_dict`` and
        ``load_state_dict``, as ``SupernetFitness`` (its cache) and ``WeightTraining`` have.

        :raises TypeError: when the strategy has no ``state_dict`` and ``load_state_dict``, or, where there is a hall of
            fame, no ``unpack`` that makes its members again.
        :raises RuntimeError: inside a generation, after an error in it.
        """
        if self._begun is not None:
            raise RuntimeError(
                f"generation {self.generation} was begun and not ended, which cannot be saved; finish it with next()"
            )
        strategy: Any = self.strategy
        needed = ["state_dict", "load_state_dict", *([] if self.halloffame is None else ["unpack"])]
        missing = [name for name in needed if not hasattr(strategy, name)]
        if missing:
            raise TypeError(
                f"{type(strategy).__name__} cannot be saved: it has no {' and '.join(missing)}; write them in a "
                "subclass of it, see tdgnas.strategies.Strategy"
            )
        return {
            "generation": self.generation,
            "strategy": strategy.state_dict(),
            "logbook": logbook_state(self.logbook),
            "halloffame": None if self.halloffame is None else [pack(one) for one in self.halloffame],
            "toolbox": toolbox_states(self.toolbox),
            "own": None if self._own is None else toolbox_states(self._own),
            "random": random_states(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        :raises ValueError: when the toolbox or the hall of fame is another one than was saved.
        """
        if (state["halloffame"] is None) != (self.halloffame is None):
            raise ValueError("one of the saved and this evolution has a hall of fame, the other has none")
        strategy: Any = self.strategy
        set_toolbox_states(self.toolbox, state["toolbox"])
        if self._own is not None:
            set_toolbox_states(self._own, state["own"])
        strategy.load_state_dict(state["strategy"])
        if self.halloffame is not None:
            self.halloffame.clear()
            # The last one first: of equally good members the hall puts the newest in front.
            for each in reversed(state["halloffame"]):
                self.halloffame.insert(strategy.unpack(each))
        set_logbook(self.logbook, state["logbook"])
        self.generation = state["generation"]
        self._begun = None
        set_random_states(state["random"])

    def save(self, path: str | Path, **others: Stateful) -> Path:
        """Write the state into one file, atomically; call it between two generations.

        :param path: the file; what it held before stays whole until the new one is complete.
        :param others: further objects with ``state_dict`` and ``load_state_dict`` that change meanwhile, by names of
            your choice: ``evolution.save(path, supernet=supernet)``.
        :returns: the path.
        :raises TypeError: when the strategy, or a value in a state, cannot be saved.
        :raises StorageError: when the file cannot be written.
        """
        from .files.checkpoints import save_checkpoint

        own = {
            "evolution": self.state_dict(),
            "others": {name: dict(o.state_dict()) for name, o in others.items()},
        }
        return save_checkpoint(own, Path(path))

    def load(self, path: str | Path, **others: Stateful) -> Evolution:
        """Go on where :meth:`save` was called; ``self`` is made the same way as the evolution that was saved.

        :param others: the same names as in :meth:`save`.
        :returns: self.
        :raises FileNotFoundError: when there is no such file.
        :raises ValueError: when the file is damaged, or was saved from another kind of evolution.
        """
        from .files.checkpoints import load_checkpoint

        state = load_checkpoint(Path(path))
        if not isinstance(state, dict) or set(state) != {"evolution", "others"}:
            raise ValueError(f"{path} was not written by Evolution.save")
        if set(others) != set(state["others"]):
            there, here = ", ".join(state["others"]) or "nothing", ", ".join(others) or "nothing"
            raise ValueError(f"{path} was saved with {there} beside the evolution; load was given {here}")
        # Weights before the caches that depend on them.
        for name, other in others.items():
            other.load_state_dict(state["others"][name])
        self.load_state_dict(state["evolution"])
        return self

    def _record(self, population: Sequence[IndividualLike], nevals: int, seconds: float) -> None:
        """Begin a record; what follows from the population is filled in later, for many generations at once."""
        record: dict[str, Any] = {"gen": self.generation, "nevals": nevals, **_OPEN, "seconds": seconds}
        if self._says is not None:
            record.update(self._says())
        energies = [-individual.fitness.wvalues[0] for individual in population]
        genes = packed(population) if self.loci is None and self.stats is None else None
        if not genes:
            entropy = population_entropy(population, self.loci)
            _fill(record, min(energies), _means([energies])[0], entropy, len(set(map(tuple, population))))
            self._logbook.record(**record, **({} if self.stats is None else self.stats.compile(population)))
            return
        self._logbook.append(record)
        self._open.append((record, energies, genes))
        self._held += len(genes)
        if self._held > _HELD:
            self._fill()

    def _fill(self) -> None:
        for _, group in groupby(self._open, key=lambda held: (len(held[1]), len(held[2]))):
            records, energies, genes = zip(*group, strict=True)
            shape = len(genes), len(energies[0]), -1
            stack = (
                np.frombuffer(b"".join(genes)).reshape(shape) + 0.0
            )  # -0.0 becomes 0.0: equal numbers have equal bytes
            rows = stack.view(np.dtype((np.void, 8 * stack.shape[2])))[..., 0].tolist()
            found = zip(
                records,
                map(min, energies),
                _means(energies),
                gate_entropies(stack).tolist(),
                rows,
                strict=True,
            )
            for record, best, mean, entropy, genomes in found:
                _fill(record, best, mean, entropy, len(set(genomes)))
        self._open, self._held = [], 0


def _means(energies: Sequence[list[float]]) -> list[float]:
    table = np.array(energies, dtype=np.float64)
    means: list[float] = (np.add.reduce(table, axis=1) / table.shape[1]).tolist()
    return means


def _fill(record: dict[str, Any], best: float, mean: float, entropy: float, distinct: int) -> None:
    record["best"], record["mean"], record["entropy"], record["distinct"] = best, mean, entropy, distinct


evolve = Evolution
"""The verb by which an :class:`Evolution` is made."""


def eaTDGA(
    population: list[Some],
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
) -> tuple[list[Some], tools.Logbook]:
    """Thermodynamical genetic algorithm, in the shape of ``deap.algorithms.eaSimple``.

    :param population: individuals to begin with; the list is changed in place to hold the final ones.
    :param toolbox: with ``evaluate``, ``mate``, ``mutate``, ``select``; perhaps ``local_search``, ``train``, ``map``.
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
    population[:] = cast("list[Some]", strategy.population)
    return population, evolution.logbook
