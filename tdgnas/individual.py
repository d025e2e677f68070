"""The individual: an alpha-vector as ``array.array('d')`` with a DEAP fitness."""

from __future__ import annotations

import array
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from deap import base


class GenesLike(Protocol):
    """What is read as genes: a list, a tuple, an array, an ndarray."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, index: Any, /) -> Any: ...


class GenomeLike(GenesLike, Protocol):
    """Genes that an operator changes in place."""

    def __setitem__(self, index: Any, value: Any, /) -> None: ...


class IndividualLike(GenomeLike, Protocol):
    """A genome with a DEAP fitness: :class:`Individual`, or a class made by ``deap.creator``."""

    fitness: Any


class LossFitness(base.Fitness):  # type: ignore[misc]
    """One objective, minimised (a loss)."""

    weights = (-1.0,)


class AccuracyFitness(base.Fitness):  # type: ignore[misc]
    """One objective, maximised (an accuracy)."""

    weights = (1.0,)


@cache
def fitness_of(*weights: float) -> type[base.Fitness]:
    """Return a fitness of several values: 1 for one that is maximised, -1 for one that is minimised.

    >>> fitness_of(1, -1).weights == (1, -1)
    True
    """

    def reduced(fitness: Any) -> tuple[Any, ...]:
        return _restored, (weights, vars(fitness))

    return type("SeveralFitness", (base.Fitness,), {"weights": weights, "__reduce__": reduced})


def _restored(weights: tuple[float, ...], values: dict[str, Any]) -> base.Fitness:
    fitness = fitness_of(*weights)()
    fitness.__dict__.update(values)
    return fitness


class Individual(array.array):  # type: ignore[type-arg]
    """An alpha-vector of 64-bit floats with a ``fitness``.

    Every stock DEAP operator works on it, ``numpy.frombuffer(individual)`` views it without a copy, and it can
    be pickled and deep-copied without ``deap.creator``. A class made by ``creator`` may be used in its place.

    :param genes: the genes, any iterable of numbers.
    :param fitness: a DEAP fitness; an invalid :class:`LossFitness` when absent.

    >>> individual = Individual([0.5, -1.0])
    >>> individual.fitness.valid
    False
    >>> import numpy
    >>> numpy.frombuffer(individual)
    array([ 0.5, -1. ])
    """

    fitness: base.Fitness

    def __new__(cls, genes: Iterable[float] = (), fitness: base.Fitness | None = None) -> Individual:
        return super().__new__(cls, "d", genes)  # type: ignore[return-value]

    def __init__(self, genes: Iterable[float] = (), fitness: base.Fitness | None = None) -> None:
        super().__init__()
        self.fitness = LossFitness() if fitness is None else fitness

    def __deepcopy__(self, memo: dict[int, Any]) -> Individual:
        clone = type(self).__new__(type(self), self)
        memo[id(self)] = clone
        own = clone.__dict__
        for name, value in self.__dict__.items():
            own[name] = _copy_fitness(value) if isinstance(value, base.Fitness) else _copy(value, memo)
        return clone

    def __copy__(self) -> Individual:
        return self.__deepcopy__({})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),), vars(self)

    def __repr__(self) -> str:
        genes = ", ".join(f"{gene:.4g}" for gene in self)
        return f"{type(self).__name__}([{genes}], fitness={self.fitness.values or 'invalid'})"


def fidelity_of(individual: Any) -> float:
    """Return the share of the full effort that an individual is evaluated with: its ``fidelity``, 1 without one.

    :raises ValueError: when that is no share above 0.

    >>> fidelity_of(Individual([0.5]))
    1.0
    """
    found = getattr(individual, "fidelity", 1.0)
    if not 0 < found <= 1:
        raise ValueError(
            f"an individual's fidelity is {found!r}; it is a share of the full one, above 0 and at most 1"
        )
    return float(found)


def set_values(individual: Any, values: Any) -> None:
    """Set what a fitness has returned for an individual.

    :raises TypeError: when that is no tuple of as many numbers as the individual's fitness has weights.
    """
    try:
        individual.fitness.values = values
    except (TypeError, AssertionError) as error:
        count = len(individual.fitness.weights)
        raise TypeError(
            f"the fitness returned {values!r}; it has to return a tuple of {count} number{'s' * (count > 1)}, one for "
            f"each of the weights {individual.fitness.weights}" + (": write (value,)" if count == 1 else "")
        ) from error


def merit(individual: Any) -> tuple[float, tuple[float, ...]]:
    """Return what evaluated individuals are compared by: first the fidelity, then the fitness as DEAP compares it."""
    return fidelity_of(individual), tuple(individual.fitness.wvalues)


_ATOMS = {int, float, str, bool, type(None)}


def _copy(value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy, quick for what notes of an individual's origin are: dicts of numbers, words and lists of them."""
    if type(value) is dict:
        return {key: _copy_flat(one, memo) for key, one in value.items()}
    return _copy_flat(value, memo)


def _copy_flat(value: Any, memo: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    return value.copy() if kind is list and _ATOMS.issuperset(map(type, value)) else deepcopy(value, memo)


def stacked(individuals: Sequence[Any]) -> npt.NDArray[np.float64] | None:
    """Return the genes of arrays of doubles, shape (individuals, genes), read-only; None where some are no such thing.

    Without a Python loop over genes, and quick for thousands of individuals as well as for one.
    """
    found = packed(individuals)
    return None if found is None else np.frombuffer(found).reshape(len(individuals), -1)


def packed(individuals: Sequence[Any]) -> bytes | None:
    """Return the bytes of :func:`stacked`."""
    kinds = set(map(type, individuals))
    if kinds != {Individual}:
        arrays = all(issubclass(kind, array.array) for kind in kinds)
        if not arrays or {one.typecode for one in individuals} != {"d"}:
            return None
    if len(set(map(len, individuals))) != 1:
        return None
    return b"".join(individuals)


def _copy_fitness(fitness: base.Fitness) -> base.Fitness:
    # DEAP's own deep copy of a Fitness drops whatever a subclass keeps on the instance.
    clone: base.Fitness = object.__new__(type(fitness))
    clone.__dict__.update(vars(fitness))
    return clone
