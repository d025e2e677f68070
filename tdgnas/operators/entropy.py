"""Entropies of a population, and Shannon's over the loci: what thermodynamical selection keeps up.

An entropy is a value object with ``value(population)``. Selection asks it for a state that follows a growing
set of picks; the default state calls ``value`` for every candidate, the forms here have a fast one. A new
entropy needs a subclass of :class:`Entropy` with ``value``; a fast ``start`` can come later.

The Shannon form is in nats; the forms over real genes (``gene_entropy``) have the units of their formulas, so
temperatures do not carry over between forms.
"""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..individual import GenesLike, stacked
from .genes import Active, FloatArray, IntArray, active_columns, distinct_rows, read_loci
from .genes import Loci as Loci

__all__ = ["Entropy", "EntropyState", "ShannonEntropy", "population_entropy"]


class EntropyState(Protocol):
    """The entropy of a set of picks that grows by one candidate of the pool after another."""

    def gains(self) -> FloatArray:
        """Return, for every candidate of the pool, m*H(picks + candidate), m = number of picks + 1.

        Terms that are equal for all candidates may be left out. Shape (pool,), always finite.
        """
        ...

    def add(self, index: int) -> None:
        """Add candidate ``index`` of the pool to the picks."""
        ...


class Entropy(ABC):
    """An entropy of populations. Subclasses write :meth:`value`."""

    @abstractmethod
    def value(self, population: Sequence[GenesLike]) -> float:
        """Return the entropy H of a population of at least one individual: a finite number."""

    def start(self, pool: Sequence[GenesLike], picks: int) -> EntropyState:
        """Return the state of an empty set of picks.

        :param pool: the candidates.
        :param picks: how many picks will follow at most.
        """
        return _DirectState(self, pool)


class _DirectState:
    """Any entropy, slowly: the definition for each candidate."""

    def __init__(self, entropy: Entropy, pool: Sequence[GenesLike]) -> None:
        self._entropy, self._pool, self._picked = entropy, pool, list[GenesLike]()

    def gains(self) -> FloatArray:
        values = [self._entropy.value([*self._picked, candidate]) for candidate in self._pool]
        if not np.isfinite(values).all():
            worst = next(value for value in values if not math.isfinite(value))
            raise ValueError(
                f"{type(self._entropy).__name__}.value returned {worst}; an entropy must be a finite number"
            )
        return (len(self._picked) + 1) * np.asarray(values, dtype=np.float64)

    def add(self, index: int) -> None:
        self._picked.append(self._pool[index])


@dataclass(frozen=True)
class ShannonEntropy(Entropy):
    """H = sum over loci k of H_k, H_k = -sum_j P_jk ln P_jk, in nats [Mori1995]_: form (a), the default.

    P_jk is the share of allele j at locus k. Integer, bool and string genes are alleles as they are; float
    genes count as gates, on where > 0. A pool whose genes differ and whose gates do not is warned of.

    :param loci: reads other alleles: ``loci(population)`` gives integers of shape (individuals, loci), for
        instance ``space.choices`` where a decision has several genes.
    :param active: mask or indices of the loci that count; all by default.

    .. [Mori1995] Mori, Yoshida, Tamaki, Kita, Nishikawa, "A thermodynamical selection rule for the genetic
       algorithm", ICEC 1995.

    >>> round(ShannonEntropy().value([[0, 0, 0], [1, 1, 1], [1, 0, 0]]), 7)
    1.9095425
    """

    loci: Loci | None = None
    active: Active = None

    def value(self, population: Sequence[GenesLike]) -> float:
        """Return the entropy in nats."""
        genes = stacked(population) if self.loci is None and self.active is None else None
        if genes is not None and genes.size:
            return float(gate_entropies(genes))
        counts = _counts(self._read(population))
        return float(-_terms(len(population))[counts[counts > 0]].sum()) + 0.0  # not -0.0

    def start(self, pool: Sequence[GenesLike], picks: int) -> EntropyState:
        """Return the fast state: exact sums, one matrix-vector product per pick."""
        alleles = self._read(pool)
        if self.loci is None and self.active is None and (alleles == alleles[0]).all():
            _warn_blind(pool)
        return _ShannonState(alleles, picks)

    def _read(self, population: Sequence[GenesLike]) -> IntArray:
        alleles = read_loci(population, self.loci)
        return alleles if self.active is None else alleles[:, active_columns(self.active, alleles.shape[1])]


def _warn_blind(pool: Sequence[GenesLike]) -> None:
    first = list(pool[0])
    if any(list(individual) != first for individual in pool):
        warnings.warn(
            "the selection cannot tell these individuals apart: their genes differ, and not one of them is on another "
            "side of 0 than in the others, where a float counts as a gate. Give it an entropy that fits: "
            "MeanDistanceEntropy(), VarianceEntropy() or LogDetEntropy() for real numbers, or "
            "ShannonEntropy(loci=...) for alleles that you read yourself",
            stacklevel=4,
        )


def population_entropy(population: Sequence[GenesLike], loci: Loci | None = None) -> float:
    """Return the Shannon entropy of a population in nats, summed over loci; see :class:`ShannonEntropy`.

    :param population: at least one individual.
    :param loci: reads other alleles than the genes, such as ``space.choices``.
    :returns: the entropy.

    >>> round(population_entropy([[0, 0, 0], [1, 1, 1]]), 7)
    2.0794415
    """
    return ShannonEntropy(loci).value(population)


@lru_cache(maxsize=64)
def _terms(size: int) -> FloatArray:
    """Return p ln p of the shares 0, 1 / size, ... 1; that of 0 is 0."""
    shares = np.arange(size + 1) / size
    return np.concatenate(([0.0], shares[1:] * np.log(shares[1:])))


def gate_entropies(genes: FloatArray) -> FloatArray:
    """Return the Shannon entropy of gates that are on where a gene is above 0, in nats, of one population or many.

    :param genes: shape (..., individuals, genes).
    :returns: shape (...,).
    """
    size = genes.shape[-2]
    on = (genes > 0).sum(axis=-2)
    terms = _terms(size)
    # One term for on and one for off, side by side: the order in which they are summed.
    pairs = np.stack([terms[size - on], terms[on]], axis=-1).reshape(*on.shape[:-1], -1)
    return np.asarray(0.0 - pairs.sum(axis=-1), dtype=np.float64)


def _counts(alleles: IntArray) -> IntArray:
    """Count the alleles of all loci, locus after locus, smaller alleles first; absent ones may be among them."""
    low, high = int(alleles.min()), int(alleles.max())
    if high - low >= 64:
        return np.bincount(_allele_columns(alleles)[0].ravel())
    width = high - low + 1
    return np.bincount((alleles + np.arange(-low, alleles.shape[1] * width - low, width)).ravel())


def _allele_columns(alleles: IntArray) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Number the alleles of all loci through, locus after locus, as the columns of the one-hot matrix.

    Returns the column of every gene, shape (individuals, loci), the first column of every locus, and the
    number of alleles of every locus.
    """
    low, high = int(alleles.min()), int(alleles.max())
    codes, sizes = _table_codes(alleles - low) if high - low < 64 else _sorted_codes(alleles)
    first = sizes.cumsum() - sizes
    return codes + first, first, sizes


def _table_codes(alleles: IntArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the alleles of each locus from 0, and count them, by a table of the small integers that occur."""
    loci = np.arange(alleles.shape[1])
    occurs = np.zeros((len(loci), int(alleles.max()) + 1), dtype=np.intp)
    occurs[loci, alleles] = 1
    return (occurs.cumsum(axis=1) - 1)[loci, alleles], occurs.sum(axis=1)


def _sorted_codes(alleles: IntArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the alleles of each locus from 0, and count them, whatever integers they are."""
    order = np.argsort(alleles, axis=0)
    ranked = np.take_along_axis(alleles, order, axis=0)
    fresh = np.zeros(alleles.shape, dtype=np.intp)
    fresh[1:] = ranked[1:] != ranked[:-1]
    codes = np.empty(alleles.shape, dtype=np.intp)
    np.put_along_axis(codes, order, fresh.cumsum(axis=0), axis=0)
    return codes, fresh.sum(axis=0) + 1


def entropy_steps(picks: int, loci: int) -> FloatArray:
    """Return dg(m) = g(m+1) - g(m), g(x) = x ln x, for m = 0 .. picks, on a dyadic grid.

    The grid 2^-b, b = 52 - ceil(log2(loci * (ln(picks+1) + 1))), is as fine as it can be with every sum of
    ``loci`` of these numbers exact in 64 bits: sums are then equal in any order, and ties are ties on every
    machine.
    """
    bits = 52 - math.ceil(math.log2(max(loci, 1) * (math.log(picks + 1) + 1)))
    # ln(m+1) + m ln(1 + 1/m) is the same difference without its cancellation.
    steps = [0.0] + [math.log(m + 1) + m * math.log1p(1 / m) for m in range(1, picks + 1)]
    return np.array([math.ldexp(round(math.ldexp(step, bits)), -bits) for step in steps])


class _ShannonState:
    """Counts of the alleles picked so far, and the distinct genotypes of the pool as a one-hot matrix.

    Adding candidate h changes m*H by a constant minus sum_l dg(c[l, x_hl]). The first allele of each locus is
    left out of the matrix and its term kept in the constant, which halves the matrix of binary loci.
    """

    def __init__(self, alleles: IntArray, picks: int) -> None:
        rows, self._genotype = distinct_rows(alleles)
        self._columns, self._first, sizes = _allele_columns(alleles[rows])
        self._counts = np.zeros(int(sizes.sum()), dtype=np.intp)
        self._steps = entropy_steps(picks, alleles.shape[1])
        self._other = np.delete(np.arange(len(self._counts)), self._first)
        self._locus = np.repeat(np.arange(len(self._first)), sizes - 1)  # of every other allele
        # Many alleles per locus (permutations, say) would make a huge matrix of zeros: look terms up instead.
        self._matrix = self._one_hot() if len(self._other) <= 4 * len(self._first) else None

    def _one_hot(self) -> FloatArray:
        matrix = np.zeros((len(self._columns), len(self._counts)))
        matrix[np.arange(len(matrix))[:, None], self._columns] = 1
        return np.ascontiguousarray(matrix[:, self._other])

    def gains(self) -> FloatArray:
        steps = self._steps[self._counts]
        if self._matrix is None:
            sums = steps[self._columns].sum(axis=1)
        else:
            base = steps[self._first]
            sums = self._matrix @ (steps[self._other] - base[self._locus]) + base.sum()
        return np.asarray(-sums[self._genotype], dtype=np.float64)

    def add(self, index: int) -> None:
        self._counts[self._columns[self._genotype[index]]] += 1
