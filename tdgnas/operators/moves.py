"""What crossovers and mutations do to genes in place, one by one.

Going gene by gene works alike on lists, ``array.array`` and ndarrays (whose slices are views: swapping slices of two
ndarrays makes both equal).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..decision import choice_of
from ..individual import GenesLike, GenomeLike


def check_scale(scale: float) -> None:
    """Raise ValueError when a magnitude of genes is not positive and finite."""
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be > 0 and finite; got {scale!r}")


def pair_length(ind1: GenesLike, ind2: GenesLike) -> int:
    """Return the number of genes of two individuals.

    :raises ValueError: when they differ.
    """
    if len(ind1) != len(ind2):
        raise ValueError(f"the individuals must be of one length; got {len(ind1)} and {len(ind2)} genes")
    return len(ind1)


def write(individual: GenomeLike, genes: Iterable[Any]) -> None:
    """Give an individual other genes."""
    for place, gene in enumerate(genes):
        individual[place] = gene


def swap(ind1: GenomeLike, ind2: GenomeLike, genes: Iterable[int]) -> None:
    """Exchange genes of two individuals."""
    for gene in genes:
        ind1[gene], ind2[gene] = ind2[gene], ind1[gene]


def flip(individual: GenomeLike, genes: Iterable[int], scale: float) -> None:
    """Negate gates; one of 0, which is off, becomes *scale*."""
    for gene in genes:
        individual[gene] = -individual[gene] if individual[gene] != 0 else scale


def choose(individual: GenomeLike, genes: Sequence[int], new: int) -> None:
    """Make a decision of several genes take another choice than now: its largest gene changes places."""
    values = [individual[gene] for gene in genes]
    old = choice_of(values)
    individual[genes[old]], individual[genes[new]] = values[new], values[old]
    if max(individual[gene] for place, gene in enumerate(genes) if place != new) == values[old]:
        step = np.spacing(np.float32(abs(values[old])))  # a step that 32-bit genes can hold, too
        individual[genes[new]] = float(values[old]) + float(step)


def redraw(individual: GenomeLike, genes: Sequence[int], pick: Callable[[int], int], scale: float) -> None:
    """Make a decision take another choice, each equally likely; a gate is flipped.

    :param pick: draws a place, such as :func:`random.randrange`.
    """
    if len(genes) == 1:
        flip(individual, genes, scale)
    else:
        other, old = pick(len(genes) - 1), choice_of([individual[gene] for gene in genes])
        choose(individual, genes, other if other < old else other + 1)
