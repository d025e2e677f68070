"""Thermodynamical selection.

The pick is the candidate that gives the set of picks the least free energy F = <E> - T*H. With n picks so far
and m = n + 1, m*F of the set with candidate h is a constant plus E_h - T * gain_h, gain_h its part of m*H.

>>> from deap import base
>>> class Ones(base.Fitness):
...     weights = (1.0,)
>>> class Bits(list):
...     def __init__(self, text):
...         super().__init__(map(int, text))
...         self.fitness = Ones([sum(self)])
>>> pool = [Bits(text) for text in ("100", "110", "111", "011")]
>>> selThermodynamic(pool, 3, temperature=1.0)
[[1, 1, 1], [1, 0, 0], [0, 1, 1]]
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TypeVar

import numpy as np
from deap import tools

from ..individual import GenesLike
from .entropy import Entropy, EntropyState
from .gene_entropy import fitting_entropy
from .genes import FloatArray
from .pareto import pareto_ranks
from .registry import OPERATORS
from .schedules import Feedback, Schedule

__all__ = ["selThermodynamic"]

T = TypeVar("T", bound=GenesLike)

#: Energies from here on are of no real network, where others are small (the worst value of tasks and of limits).
FAILED = 1e6


@OPERATORS.register("thermodynamic")
def selThermodynamic(
    individuals: Sequence[T],
    k: int,
    *,
    temperature: float | Schedule = 1.0,
    entropy: Entropy | None = None,
    replacement: bool = True,
    relative: bool = False,
    energy: Callable[[T], float] | None = None,
    generation: int | Callable[[], int] | None = None,
    beside: Sequence[GenesLike] = (),
) -> list[T]:
    """Select *k* individuals that together have little free energy F = <E> - T*H [Mori1995]_.

    Starting from the empty set, *k* times the candidate whose addition gives the least F of the set so far is added;
    ties go to the lowest index. With the Shannon entropy the first pick has the least energy at every temperature,
    T = 0 gives *k* copies of the best, and the sums over loci are exact, so that the same pool gives the same picks
    in any order of loci and on any machine.

    :param individuals: the pool: lists, tuples, arrays with a fitness, of one length.
    :param k: the number of picks.
    :param temperature: T >= 0 in units of energy per nat, or a schedule of the generation.
    :param entropy: the entropy H; by default what fits the genes (:func:`fitting_entropy`): :class:`ShannonEntropy` of
        integers, bits and, as gates > 0, of floats of both signs, in nats; :class:`MeanDistanceEntropy` of floats that
        are all above 0 or all not above it, in units of a gene.
    :param replacement: whether an individual can be picked again; the same object is then returned several times.
    :param relative: whether the temperature is in units of the standard deviation of the pool's energies, which makes
        it independent of the fitness' scale (and sensitive to penalties far from all other energies). Where all
        energies are equal, any temperature > 0 leaves the choice to the entropy.
    :param energy: the energy of an individual; by default ``-fitness.wvalues[0]``, a minimised loss itself,
        and with several objectives the Pareto rank, 0 for the first front.
    :param generation: the generation for a schedule, or a function without arguments that returns it.
    :param beside: individuals that the set begins with and that are not returned, such as the population which the
        picks join: they count for the entropy, so that T matters for the first pick as well. Only genes are needed.
    :returns: a list of references to the selected individuals, in the order of the picks. With several objectives the
        fitness of each has its ``crowding_dist`` among the selected of its front, as ``selTournamentDCD`` needs it.
    :raises ValueError: when the pool is empty, *k* or the temperature is out of range, a fitness is invalid
        or not finite, lengths differ, or a schedule is given without its generation.
    :raises TypeError: when an argument is of the wrong kind.

    It uses no random numbers.
    """
    k = check_pool(individuals, k, replacement=replacement)
    if entropy is not None and not isinstance(entropy, Entropy):
        raise TypeError(f"entropy must be an Entropy such as ShannonEntropy(); got {entropy!r}")
    heat = temperature_of(temperature, generation)
    energies, heat = scaled(energies_of(individuals, energy), heat, relative)
    pool: list[GenesLike] = [*beside, *individuals]
    state = (entropy or fitting_entropy(pool)).start(pool, len(beside) + k)
    return _crowded([individuals[i] for i in _picks(state, energies, heat, k, replacement, len(beside))])


def _picks(
    state: EntropyState, energies: FloatArray, heat: float, k: int, replacement: bool, first: int
) -> list[int]:
    """Return k picks; the ``first`` candidates of the state are added without being picked."""
    for place in range(first):
        state.add(place)
    picks: list[int] = []
    while len(picks) < k:
        if picks:
            state.add(first + picks[-1])
        picks.append(int(np.argmin(energies - heat * state.gains()[first:])))
        if not replacement:
            energies[picks[-1]] = math.inf
    return picks


def _crowded(chosen: list[T]) -> list[T]:
    """Set the crowding distances of individuals with several objectives, front by front; return the individuals."""
    different = list({id(individual): individual for individual in chosen}.values())
    values = [getattr(getattr(one, "fitness", None), "wvalues", ()) for one in different]
    if values and min(map(len, values)) > 1 and len(set(map(len, values))) == 1:
        ranks = pareto_ranks(values)
        for rank in range(int(ranks.max()) + 1):
            front = [one for one, own in zip(different, ranks, strict=True) if own == rank]
            tools.emo.assignCrowdingDist(front)
    return chosen


def check_pool(individuals: Sequence[GenesLike], k: int, *, replacement: bool = True) -> int:
    """Check a pool and the number of picks, and return that number.

    :param replacement: whether an individual can be picked again.
    :raises ValueError: when the pool is empty or *k* is out of range.
    :raises TypeError: when *k* is no whole number.
    """
    k = operator.index(k)
    if len(individuals) == 0:
        raise ValueError("there are no individuals to select from")
    if k < 0 or (not replacement and k > len(individuals)):
        limit = (
            "" if replacement else f" and, without replacement, at most {len(individuals)}, the pool's size"
        )
        raise ValueError(f"k must be >= 0{limit}; got {k}")
    return k


def temperature_of(temperature: float | Schedule, generation: int | Callable[[], int] | None = None) -> float:
    """Return a temperature as a number.

    :param temperature: T >= 0, or a schedule of the generation.
    :param generation: the generation for a schedule, or a function without arguments that returns it.
    :raises ValueError: when it is out of range, or a schedule comes without its generation.
    :raises TypeError: when it is neither a number nor a schedule.
    """
    if isinstance(temperature, Feedback):
        raise ValueError(
            "a Feedback schedule needs the entropies of the populations so far. evolve and eaTDGA keep them "
            "and pass the temperature themselves; in a loop of your own give "
            "temperature=feedback(generation, entropies)"
        )
    if not isinstance(temperature, Real):
        if not callable(temperature):
            raise TypeError(f"temperature must be a number or a schedule; got {temperature!r}")
        if generation is None:
            raise ValueError(
                f"temperature={temperature!r} is a schedule and needs the generation. evolve and eaTDGA pass "
                "the temperature themselves; with a stock DEAP algorithm give generation=, a function "
                "without arguments that returns the current generation; in a loop of your own give "
                "temperature=schedule(generation)"
            )
        temperature = temperature(operator.index(generation() if callable(generation) else generation))
    heat = float(temperature)
    if not (math.isfinite(heat) and heat >= 0):
        raise ValueError(f"temperature must be a finite number >= 0; got {heat}")
    return heat


def energies_of(individuals: Sequence[T], energy: Callable[[T], float] | None = None) -> FloatArray:
    """Return the energy of every individual: ``-fitness.wvalues[0]``, with several objectives the Pareto rank.

    :param energy: another energy of an individual.
    :raises ValueError: when a fitness is invalid or not finite.
    :raises TypeError: when an individual has no DEAP fitness.
    """
    if energy is not None:
        energies = np.array([float(energy(individual)) for individual in individuals])
    else:
        values = [_weighted_values(individual, position) for position, individual in enumerate(individuals)]
        if len({len(value) for value in values}) > 1:
            raise ValueError("individuals differ in their number of objectives; energies cannot be compared")
        table = np.array(values, dtype=np.float64)
        if table.shape[1] > 1:
            if np.isnan(table).any():
                position = int(np.argmax(np.isnan(table).any(axis=1)))
                raise ValueError(
                    f"the fitness of individual {position} holds NaN; give the worst value instead"
                )
            return pareto_ranks(table).astype(np.float64)
        energies = -table[:, 0]
    if not np.isfinite(energies).all():
        position = int(np.argmin(np.isfinite(energies)))
        raise ValueError(
            f"the energy of individual {position} is {energies[position]}; energies must be finite numbers: "
            "give a failed evaluation the worst finite value instead"
        )
    return energies


def _weighted_values(individual: GenesLike, position: int) -> tuple[float, ...]:
    fitness = getattr(individual, "fitness", None)
    if fitness is None or not hasattr(fitness, "wvalues"):
        raise TypeError(
            f"individual {position} ({type(individual).__name__}) has no DEAP fitness; give it one, or pass "
            "energy=, a function of an individual"
        )
    if not fitness.valid:
        raise ValueError(
            f"the fitness of individual {position} is invalid: evaluate all individuals before selecting, "
            "ind.fitness.values = toolbox.evaluate(ind)"
        )
    return tuple(fitness.wvalues)


def scaled(energies: FloatArray, heat: float, relative: bool) -> tuple[FloatArray, float]:
    """Shift the energies to a least one of 0, and make the temperature absolute.

    Energies of :data:`FAILED` or more beside others below a thousandth of it are those of networks that failed or are
    beyond a limit: they are no part of the deviation, which a single one would make so large that no other energy
    mattered.

    :param heat: T >= 0.
    :param relative: whether T is in units of the standard deviation of the energies.
    :returns: energies and temperature in one unit, which is another one where the energies are huge.
    :raises ValueError: when the temperature overflows.
    """
    real = energies[energies < FAILED]
    if not len(real) or float(np.abs(real).max()) > FAILED / 1000:
        real = energies
    # A failed evaluation may have the largest float as its energy: a power of two avoids the overflow.
    if max(float(np.abs(energies).max()), 0.0 if relative else heat) > 2.0**900:
        energies, heat = np.ldexp(energies, -100), heat if relative else math.ldexp(heat, -100)
        real = np.ldexp(real, -100)
    energies, real = energies - energies.min(), real - real.min()
    widest = float(real.max())
    if not relative:
        return energies, heat
    if widest == 0:
        return energies, min(heat, 1.0)  # every T > 0 leaves the choice to the entropy alone
    heat *= widest * float(np.std(real / widest))
    if heat > 2.0**960:
        raise ValueError(f"the temperature relative to energies as large as {widest} overflows; lower it")
    return energies, heat
