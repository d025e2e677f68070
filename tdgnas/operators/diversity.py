"""Selections that keep a population diverse, beside thermodynamical selection.

Energies are those of :func:`selThermodynamic`: ``-fitness.wvalues[0]``, a minimised loss itself, and with several
objectives the Pareto rank.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..individual import GenesLike, IndividualLike
from .genes import FloatArray, gene_matrix
from .registry import OPERATORS
from .schedules import Schedule
from .selection import check_pool, energies_of, scaled, temperature_of

__all__ = ["gene_distances", "selBoltzmannTournament", "selSharing", "selYoungest"]

T = TypeVar("T", bound=IndividualLike)


def gene_distances(individuals: Sequence[GenesLike]) -> FloatArray:
    """Return the distances between individuals, shape (individuals, individuals).

    The share of genes on whose side of 0 they differ (gates and one-hot choices): 0 for equal architectures of gates,
    1 for opposite ones.
    """
    signs = gene_matrix(individuals) > 0
    return np.asarray((signs[:, None, :] != signs[None, :, :]).mean(axis=2), dtype=np.float64)


Distances = Callable[[Sequence[Any]], Any]


def read_distances(individuals: Sequence[IndividualLike], distances: Distances | None) -> FloatArray:
    """Return the distances by a callable, or by :func:`gene_distances` where it is None.

    :raises ValueError: when the answer is no square of finite numbers of at least 0.
    """
    table = np.asarray((distances or gene_distances)(individuals), dtype=np.float64)
    size = len(individuals)
    if table.shape != (size, size) or not np.isfinite(table).all() or (table < 0).any():
        raise ValueError(
            f"distances must give finite numbers >= 0 of shape ({size}, {size}); got shape {table.shape}"
        )
    return table


@OPERATORS.register("sharing")
def selSharing(
    individuals: Sequence[T],
    k: int,
    *,
    radius: float = 0.2,
    alpha: float = 1.0,
    distances: Distances | None = None,
    rng: random.Random | None = None,
) -> list[T]:
    """Select *k* individuals in proportion to shared fitness: who has many neighbours gets less [Goldberg1987]_.

    The fitness of i, counted from the worst of the pool, is divided by its niche count, the sum over j of
    sh(d_ij) = 1 - (d_ij / radius)^alpha for d_ij < radius, else 0. Picks come from stochastic universal sampling.

    :param individuals: the pool.
    :param k: the number of picks.
    :param radius: the distance within which individuals share, > 0.
    :param alpha: the shape of the sharing function, > 0; 1 is a triangle.
    :param distances: distances of a pool, shape (individuals, individuals); by default :func:`gene_distances`.
    :param rng: where random numbers come from (``random`` and ``shuffle``), instead of :mod:`random`.
    :returns: a list of references to the selected individuals.
    :raises ValueError: for a parameter out of range, or a fitness that is missing or not finite.

    .. [Goldberg1987] Goldberg, Richardson, "Genetic algorithms with sharing for multimodal function optimization",
       ICGA 1987.
    """
    k = check_pool(individuals, k)
    if not (radius > 0 and alpha > 0):
        raise ValueError(f"radius and alpha must be > 0; got radius={radius!r}, alpha={alpha!r}")
    energies = energies_of(individuals)
    near = read_distances(individuals, distances) / radius
    niches = np.where(near < 1, 1 - np.minimum(near, 1) ** alpha, 0.0).sum(axis=1)
    worst = energies.max()
    spread = worst - energies.min()
    # The worst keeps a small chance: one hundredth of the best's.
    shares = ((worst - energies) / spread * 0.99 + 0.01 if spread > 0 else np.ones(len(energies))) / niches
    if k == 0:
        return []
    draw, shuffle = (random.random, random.shuffle) if rng is None else (rng.random, rng.shuffle)
    ends = np.cumsum(shares / shares.sum())
    pointers = (np.arange(k) + draw()) / k
    picks = np.minimum(np.searchsorted(ends, pointers, side="right"), len(individuals) - 1).tolist()
    shuffle(picks)  # neighbours in the list are mated
    return [individuals[pick] for pick in picks]


@OPERATORS.register("boltzmann")
def selBoltzmannTournament(
    individuals: Sequence[T],
    k: int,
    *,
    temperature: float | Schedule = 1.0,
    relative: bool = True,
    generation: int | Callable[[], int] | None = None,
    rng: random.Random | None = None,
) -> list[T]:
    """Select *k* times one of two random individuals, the better one the more surely the colder it is.

    i wins over j with the probability 1 / (1 + exp((E_i - E_j) / T)), the logistic acceptance of simulated annealing
    [Goldberg1990]_; this is its competition of two, without the third, distant candidate of the original.

    :param individuals: the pool.
    :param k: the number of picks.
    :param temperature: T >= 0, or a schedule of the generation; 0 is a tournament of two.
    :param relative: whether T is in units of the standard deviation of the pool's energies.
    :param generation: the generation for a schedule, or a function without arguments that returns it.
    :param rng: where random numbers come from (``random`` and ``randrange``), instead of :mod:`random`.
    :returns: a list of references to the selected individuals.
    :raises ValueError: for a temperature out of range, or a fitness that is missing or not finite.

    .. [Goldberg1990] Goldberg, "A note on Boltzmann tournament selection for genetic algorithms and
       population-oriented simulated annealing", Complex Systems 4, 1990.
    """
    k = check_pool(individuals, k)
    energies, heat = scaled(energies_of(individuals), temperature_of(temperature, generation), relative)
    draw, pick = (random.random, random.randrange) if rng is None else (rng.random, rng.randrange)
    chosen = []
    for _ in range(k):
        i, j = pick(len(individuals)), pick(len(individuals))
        gap = float(energies[i] - energies[j])
        exponent = min(max(gap / heat, -700.0), 700.0) if heat > 0 else math.copysign(700.0, gap)
        chosen.append(individuals[i if draw() < 1 / (1 + math.exp(exponent)) else j])
    return chosen


@OPERATORS.register("youngest")
def selYoungest(individuals: Sequence[T], k: int, *, birth: Callable[[T], float] | None = None) -> list[T]:
    """Select the *k* youngest: nobody is kept for being good, everybody dies of age [Real2019]_.

    The replacement of regularised evolution; select parents with a tournament beside it.

    :param individuals: the pool, the older ones first: parents + offspring.
    :param k: the number of picks, at most the pool's size.
    :param birth: when an individual was made, larger is younger; by default its place in the pool.
    :returns: a list of references to the selected individuals, in the order of the pool.
    :raises ValueError: when *k* is out of range, or a fitness is missing or not finite.

    .. [Real2019] Real, Aggarwal, Huang, Le, "Regularized evolution for image classifier architecture search",
       AAAI 2019.

    It uses no random numbers.
    """
    k = check_pool(individuals, k, replacement=False)
    energies_of(individuals)
    born = [float(place) if birth is None else birth(one) for place, one in enumerate(individuals)]
    oldest_first = sorted(range(len(individuals)), key=born.__getitem__)
    return [individuals[place] for place in sorted(oldest_first[len(individuals) - k :])]
