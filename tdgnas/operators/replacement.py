"""Replacements in the shape of selections: who of parents + offspring survives.

The pool is ``parents + offspring``, k parents first, as ``algorithms.eaMuPlusLambda`` passes it to ``select``. Energies
are those of :func:`selThermodynamic`, distances those of :func:`gene_distances` unless others are given.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ..individual import IndividualLike
from .diversity import Distances, read_distances
from .entropy import Entropy
from .gene_entropy import fitting_entropy
from .registry import OPERATORS
from .schedules import Schedule
from .selection import check_pool, energies_of, scaled, temperature_of

__all__ = ["selCrowding", "selEntropyPreserving", "selRating", "selRestrictedTournament"]

T = TypeVar("T", bound=IndividualLike)


@OPERATORS.register("crowding")
def selCrowding(individuals: Sequence[T], k: int, *, distances: Distances | None = None) -> list[T]:
    """Let each offspring compete with the parent that it resembles, family by family [Mahfoud1995]_.

    Parents 2j and 2j+1 and the offspring in the same places are a family, as ``algorithms.varAnd`` makes them of a
    shuffled population. Of the two ways to pair them, the one with the smaller sum of distances counts; an offspring
    takes its parent's place when it is better. An odd one at the end competes with the parent in its place.

    :param individuals: *k* parents, then offspring, *k* at most; whatever else follows competes with the worst.
    :param k: the number of survivors.
    :param distances: distances of a pool, shape (individuals, individuals).
    :returns: a list of references to the survivors, in the parents' places.
    :raises ValueError: when *k* is out of range, or a fitness is missing or not finite.

    .. [Mahfoud1995] Mahfoud, "Niching methods for genetic algorithms", PhD thesis, University of Illinois, 1995.

    It uses no random numbers.
    """
    k = check_pool(individuals, k, replacement=False)
    energies, d = energies_of(individuals), read_distances(individuals, distances)
    places = list(range(k))
    offspring = min(k, len(individuals) - k)
    for first in range(0, offspring, 2):
        rivals = [k + place for place in (first, first + 1) if place < offspring]
        parents = [place for place in (first, first + 1) if place < k]
        straight = sum(d[parent, rival] for parent, rival in zip(parents, rivals, strict=False))
        crossed = sum(d[parent, rival] for parent, rival in zip(parents, rivals[::-1], strict=False))
        for parent, rival in zip(parents, rivals if straight <= crossed else rivals[::-1], strict=False):
            if energies[rival] < energies[parent]:
                places[parent] = rival
    for newcomer in range(2 * k, len(individuals)):
        worst = max(range(k), key=lambda place: energies[places[place]], default=None)
        if worst is not None and energies[newcomer] < energies[places[worst]]:
            places[worst] = newcomer
    return [individuals[place] for place in places]


@OPERATORS.register("restricted-tournament")
def selRestrictedTournament(
    individuals: Sequence[T],
    k: int,
    *,
    window: int | None = None,
    distances: Distances | None = None,
    rng: random.Random | None = None,
) -> list[T]:
    """Let each newcomer replace the most similar of a few random survivors, if it is better [Harik1995]_.

    :param individuals: *k* parents, then any number of offspring, which enter in their order.
    :param k: the number of survivors.
    :param window: how many survivors a newcomer looks at; a quarter of *k*, at least 2, when None.
    :param distances: distances of a pool, shape (individuals, individuals).
    :param rng: where random numbers come from (``sample``), instead of :mod:`random`.
    :returns: a list of references to the survivors.
    :raises ValueError: when *k* or *window* is out of range, or a fitness is missing or not finite.

    .. [Harik1995] Harik, "Finding multimodal solutions using restricted tournament selection", ICGA 1995.
    """
    k = check_pool(individuals, k, replacement=False)
    if window is not None and window < 1:
        raise ValueError(f"window must be at least 1; got {window!r}")
    size = min(max(2, k // 4) if window is None else window, k)
    energies, d = energies_of(individuals), read_distances(individuals, distances)
    draw = random.sample if rng is None else rng.sample
    places = list(range(k))
    for newcomer in range(k, len(individuals) if k else 0):
        seen = draw(range(k), size)
        nearest = min(seen, key=lambda place: d[newcomer, places[place]])
        if energies[newcomer] < energies[places[nearest]]:
            places[nearest] = newcomer
    return [individuals[place] for place in places]


@OPERATORS.register("rating")
def selRating(
    individuals: Sequence[T],
    k: int,
    *,
    temperature: float | Schedule = 1.0,
    levels: int = 10,
    relative: bool = True,
    generation: int | Callable[[], int] | None = None,
) -> list[T]:
    """Drop those with the largest free-energy component, by an entropy over levels of fitness [Ying2008]_.

    The energies of the pool are put into equal levels; with n_r of the pool's M individuals in level r, the entropy is
    H = -sum_r (n_r / M) ln(n_r / M), and an individual of level r carries the component E + T ln(n_r / M) of the free
    energy. One sort does what thermodynamical selection does pick by pick, and it looks at no gene: what is kept apart
    is fitness, not genotype. The best individual always stays.

    :param individuals: the pool.
    :param k: the number of survivors, at most the pool's size.
    :param temperature: T >= 0 in units of energy per nat, or a schedule of the generation.
    :param levels: the number of levels, >= 1.
    :param relative: whether T is in units of the standard deviation of the pool's energies.
    :param generation: the generation for a schedule, or a function without arguments that returns it.
    :returns: a list of references to the survivors, the least component first.
    :raises ValueError: for a parameter out of range, or a fitness that is missing or not finite.

    .. [Ying2008] Ying, Li, "Improving the computational efficiency of thermodynamical genetic algorithms", Journal of
       Software 19(7), 2008.

    It uses no random numbers.
    """
    k = check_pool(individuals, k, replacement=False)
    if levels < 1:
        raise ValueError(f"levels must be at least 1; got {levels!r}")
    energies, heat = scaled(energies_of(individuals), temperature_of(temperature, generation), relative)
    width = energies.max() / levels
    rating = np.zeros(len(energies), dtype=int)
    if width > 0:
        rating = np.minimum(energies // width, levels - 1).astype(int)
    counts = np.bincount(rating, minlength=levels)
    components = energies + heat * np.log(counts[rating] / len(energies))
    components[int(energies.argmin())] = -math.inf
    return [individuals[place] for place in np.argsort(components, kind="stable")[:k]]


@OPERATORS.register("entropy-preserving")
def selEntropyPreserving(individuals: Sequence[T], k: int, *, entropy: Entropy | None = None) -> list[T]:
    """Let a newcomer replace a worse individual where that costs the least entropy, or gains the most.

    Of the survivors that are no better than the newcomer, the one goes whose exchange leaves the population with the
    largest entropy; where every exchange lowers the entropy, only the worst survivor can go, and only to a better one.
    After the replacement by contribution to diversity of [Lozano2008]_, with the entropy as the measure of diversity.

    :param individuals: *k* parents, then any number of offspring, which enter in their order.
    :param k: the number of survivors.
    :param entropy: the entropy H; by default what fits the genes (:func:`fitting_entropy`).
    :returns: a list of references to the survivors.
    :raises ValueError: when *k* is out of range, or a fitness is missing or not finite.

    .. [Lozano2008] Lozano, Herrera, Cano, "Replacement strategies to preserve useful diversity in steady-state genetic
       algorithms", Information Sciences 178, 2008.

    It uses no random numbers.
    """
    k = check_pool(individuals, k, replacement=False)
    energies, measure = energies_of(individuals), entropy or fitting_entropy(individuals)
    chosen = list(range(k))
    for newcomer in range(k, len(individuals) if k else 0):
        now = measure.value([individuals[place] for place in chosen])
        gains = {}
        for place in range(k):
            if energies[newcomer] <= energies[chosen[place]]:
                exchanged = [*chosen[:place], newcomer, *chosen[place + 1 :]]
                gains[place] = measure.value([individuals[other] for other in exchanged]) - now
        if not gains:
            continue
        best = max(gains, key=lambda place: (round(gains[place], 9), energies[chosen[place]]))
        worst = max(range(k), key=lambda place: energies[chosen[place]])
        if gains[best] >= -1e-9:  # rounding is no loss
            chosen[best] = newcomer
        elif energies[newcomer] < energies[chosen[worst]]:
            chosen[worst] = newcomer
    return [individuals[place] for place in chosen]
