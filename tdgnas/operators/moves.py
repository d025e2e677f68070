"""Parts of an individual that operators treat as one, and what they do to genes in place, one by one.

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

Group = slice | Sequence[int]
"""The genes of one part: a slice, or a sequence of gene indices."""


def gene_groups(groups: Sequence[Group], length: int, *, name: str) -> list[list[int]]:
    """Return the gene indices of every group, checked.

    :param groups: slices (``space.slices``) or sequences of gene indices.
    :param length: the number of genes of an individual.
    :param name: the parameter's name, for messages.
    :raises ValueError: when there is no group, a group is empty or reaches outside, or a gene is in two
        places.

    >>> gene_groups([slice(0, 2), [3, 2]], 4, name="groups")
    [[0, 1], [3, 2]]
    """
    if len(groups) == 0:
        raise ValueError(f"{name} is empty; give the genes of each group, for instance [[0, 1], [2, 3]]")
    listed = [list(range(length)[g]) if isinstance(g, slice) else [int(gene) for gene in g] for g in groups]
    for position, (group, genes) in enumerate(zip(groups, listed, strict=True)):
        outside = isinstance(group, slice) and (group.stop or 0) > length
        if not genes or outside or not all(0 <= gene < length for gene in genes):
            raise ValueError(
                f"{name}[{position}] is {group!r}; it must name at least one gene, from 0 to {length - 1}: "
                f"the individual has {length} genes. Do {name} and individual belong to one space?"
            )
    if len({gene for genes in listed for gene in genes}) < sum(map(len, listed)):
        raise ValueError(f"{name} names a gene twice; every gene belongs to one group at most: {listed!r}")
    return listed


def check_probability(name: str, value: float) -> None:
    """Raise ValueError when a value is no probability."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a probability from 0 to 1; got {value!r}")


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
