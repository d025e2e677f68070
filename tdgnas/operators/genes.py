"""Populations as arrays: the alleles that an entropy counts, and the genes as numbers."""

from __future__ import annotations

import array
import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..individual import GenesLike, stacked

__all__ = ["Loci"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Loci = Callable[[Sequence[Any]], Any]
"""Reads the alleles of a population: ``loci(population)`` gives integers of shape (individuals, loci)."""

Active = Sequence[bool] | Sequence[int] | NDArray[Any] | None
"""The loci that count: a mask or indices; None for all."""


def common_length(population: Sequence[GenesLike]) -> int:
    """Return the number of genes that all individuals have.

    :param population: the individuals, any sequences.
    :returns: their common length.
    :raises ValueError: when the population is empty or the lengths differ.
    :raises TypeError: when an individual is no sequence of genes.
    """
    if len(population) == 0:
        raise ValueError("the population is empty; at least one individual is needed")
    for position, individual in enumerate(population):
        if isinstance(individual, (Set, Mapping)) or not hasattr(individual, "__getitem__"):
            raise TypeError(
                f"individual {position} is a {type(individual).__name__}, which has no first, second, ... "
                "gene; give an entropy that reads it: ShannonEntropy(loci=...), where loci(population) "
                "returns integers of shape (individuals, loci)"
            )
    length = len(population[0])
    if length == 0:
        raise ValueError("the individuals have no genes")
    for position, individual in enumerate(population):
        if len(individual) != length:
            raise ValueError(
                f"individual {position} has {len(individual)} genes and individual 0 has {length}; "
                "the entropy compares individuals gene by gene, so all must be of one length"
            )
    return length


def gene_matrix(population: Sequence[GenesLike]) -> FloatArray:
    """Return a copy of the genes as floats, shape (individuals, genes).

    :param population: the individuals: lists, tuples, arrays of numbers.
    :raises ValueError: when the population is empty or the lengths differ.
    :raises TypeError: when a gene is no number.
    """
    quick = stacked(population)
    if quick is not None and quick.size:
        return np.array(quick)
    length = common_length(population)
    try:
        matrix = np.array(list(population), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the genes must be numbers to be computed with: {error}") from None
    if matrix.shape != (len(population), length):
        raise ValueError(
            f"genes must be single numbers in one row per individual; got an array of shape {matrix.shape}"
        )
    return matrix


def thresholded_loci(population: Sequence[GenesLike]) -> IntArray:
    """Return the alleles of every gene, shape (individuals, genes).

    A gene that is an integer, a bool, a string or any other hashable value is an allele as it is; a float is
    an architecture parameter, of which only the decoded gate counts: 1 where it is > 0 (sigmoid > 0.5), else
    0. In a list that mixes both, a gene counts as a float where every individual has a float.

    :param population: the individuals: lists, tuples, arrays.
    :raises ValueError: when the population is empty or the lengths differ.
    :raises TypeError: when a gene cannot be compared.

    >>> thresholded_loci([[0.3, -0.2], [0.9, 0.0]]).tolist()
    [[1, 0], [1, 0]]
    >>> thresholded_loci([[2, -1], [0, -1]]).tolist()
    [[2, -1], [0, -1]]
    """
    table = _table(population)
    if table is None:  # compared one by one
        return _hashed_loci(population)
    return (table > 0 if table.dtype.kind == "f" else table).astype(np.int64)


def one_signed(population: Sequence[GenesLike]) -> bool:
    """Say whether all genes are finite floats on one side of 0, where a threshold at 0 sees no difference."""
    table = _table(population)
    if table is None or table.dtype.kind != "f":
        return False
    low, high = float(table.min()), float(table.max())
    return math.isfinite(low) and math.isfinite(high) and (low > 0 or high <= 0)


def _table(population: Sequence[GenesLike]) -> NDArray[Any] | None:
    """Return genes that are all integers, or all floats, shape (individuals, genes); None for others."""
    quick = stacked(population)
    if quick is not None and quick.size:
        return quick
    length = common_length(population)
    try:
        table = np.array(list(population))
    except (TypeError, ValueError, OverflowError):  # genes that numpy cannot stack
        return None
    numbers = table.dtype.kind in "biu" or (table.dtype.kind == "f" and _only_floats(population))
    return table if numbers and table.shape == (len(population), length) else None


def _only_floats(population: Sequence[GenesLike]) -> bool:
    if all(isinstance(individual, (np.ndarray, array.array)) for individual in population):
        return True
    return all(isinstance(gene, (float, np.floating)) for individual in population for gene in individual)


def _hashed_loci(population: Sequence[GenesLike]) -> IntArray:
    loci = np.empty((len(population), len(population[0])), dtype=np.int64)
    for locus, column in enumerate(zip(*population, strict=True)):
        if all(isinstance(gene, (float, np.floating)) for gene in column):
            loci[:, locus] = [gene > 0 for gene in column]
            continue
        codes: dict[Any, int] = {}
        try:
            loci[:, locus] = [codes.setdefault(gene, len(codes)) for gene in column]
        except TypeError as error:
            raise TypeError(
                f"gene {locus} cannot be told apart from others ({error}); "
                "give loci=, a callable that turns a population into integers of shape (individuals, loci)"
            ) from None
    return loci


def read_loci(population: Sequence[GenesLike], loci: Loci | None) -> IntArray:
    """Return the alleles of a population by a callable, or by :func:`thresholded_loci` where it is None.

    :param population: the individuals.
    :param loci: a callable such as ``space.choices``; its answer is checked.
    :raises ValueError: when the answer is not of shape (individuals, loci) or not of integers.
    """
    if loci is None:
        return thresholded_loci(population)
    if len(population) == 0:
        raise ValueError("the population is empty; at least one individual is needed")
    alleles = np.asarray(loci(population))
    if alleles.ndim != 2 or len(alleles) != len(population) or alleles.dtype.kind not in "biu":
        raise ValueError(
            f"loci must give integers of shape ({len(population)}, number of loci); "
            f"got {alleles.dtype} of shape {alleles.shape}"
        )
    return alleles.astype(np.int64)


def active_columns(active: Active, length: int) -> NDArray[np.intp]:
    """Return the indices of the loci that count.

    :param active: a mask of ``length`` booleans, or indices; None for all.
    :raises ValueError: when it is neither.
    """
    if active is None:
        return np.arange(length)
    chosen = np.asarray(active)
    if chosen.dtype == bool and chosen.shape == (length,) and chosen.any():
        return np.flatnonzero(chosen)
    indices = chosen.dtype.kind in "iu" and chosen.ndim == 1 and chosen.size > 0
    if indices and 0 <= chosen.min() <= chosen.max() < length:
        return np.unique(chosen).astype(np.intp)
    raise ValueError(
        f"active must be {length} booleans or indices from 0 to {length - 1}, at least one of them active; "
        f"got {active!r}"
    )


def distinct_rows(matrix: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows where each distinct genotype first occurs, and for every row which of these it equals.

    :param matrix: numbers, shape (individuals, columns).
    :returns: ``first`` and ``inverse`` with ``matrix[first][inverse]`` equal to ``matrix``.
    """
    # Adding 0 turns -0.0 into 0.0: equal numbers have equal bytes.
    matrix = np.ascontiguousarray(matrix + matrix.dtype.type(0))
    seen: dict[bytes, int] = {}
    first: list[int] = []
    inverse = np.empty(len(matrix), dtype=np.intp)
    for position, row in enumerate(matrix):
        inverse[position] = seen.setdefault(row.tobytes(), len(seen))
        if len(seen) > len(first):
            first.append(position)
    return np.array(first, dtype=np.intp), inverse
