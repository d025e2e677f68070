"""Entropies of real-valued genes: distance to the mean, variance, log-determinant.

Every form also has a slow state through its definition (``Entropy.start``), against which the fast one is
tested.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..individual import GenesLike
from .entropy import Entropy, EntropyState, ShannonEntropy
from .genes import Active, FloatArray, active_columns, distinct_rows, gene_matrix, one_signed

__all__ = ["LogDetEntropy", "MeanDistanceEntropy", "VarianceEntropy", "fitting_entropy"]


def fitting_entropy(pool: Sequence[GenesLike]) -> Entropy:
    """Return the entropy that follows the genes of a pool.

    Integers, bits and other hashable values are alleles, and floats of both signs are gates: :class:`ShannonEntropy`,
    in nats. Floats on one side of 0 are real numbers, which no threshold tells apart: :class:`MeanDistanceEntropy`, in
    units of a gene. Of the real forms it needs no constant, does not depend on the square of the genes' scale, and
    keeps candidates apart over the widest range of temperatures.
    """
    return MeanDistanceEntropy() if one_signed(pool) else ShannonEntropy()


def _finite_genes(population: Sequence[GenesLike]) -> FloatArray:
    genes = gene_matrix(population)
    if not np.isfinite(genes).all():
        position = int(np.argmin(np.isfinite(genes).all(axis=1)))
        raise ValueError(f"this entropy needs finite genes; individual {position} holds NaN or infinity")
    return genes


def _active_genes(population: Sequence[GenesLike], active: Active) -> FloatArray:
    genes = _finite_genes(population)
    return genes[:, active_columns(active, genes.shape[1])]


@dataclass(frozen=True)
class MeanDistanceEntropy(Entropy):
    """H = sum over individuals of the root-mean-square distance (over genes) to the mean: form (b).

    :param active: mask or indices of the genes that count; all by default.

    >>> MeanDistanceEntropy().value([[1.0, 1.0], [-1.0, -1.0]])
    2.0
    """

    active: Active = None

    def value(self, population: Sequence[GenesLike]) -> float:
        """Return the entropy, in units of a gene."""
        genes = _active_genes(population, self.active)
        return float(np.sqrt(((genes - genes.mean(axis=0)) ** 2).mean(axis=1)).sum())

    def start(self, pool: Sequence[GenesLike], picks: int) -> EntropyState:
        """Return the fast state: squared distances to the picks, one row per distinct pick."""
        return _MeanDistanceState(_active_genes(pool, self.active))


class _MeanDistanceState:
    """With squared distances D: |x_i - mean|^2 = sum_j D_ij / m - sum_jk D_jk / (2 m^2)."""

    def __init__(self, genes: FloatArray) -> None:
        rows, self._genotype = distinct_rows(genes)
        self._genes = genes[rows]
        self._row: dict[int, int] = {}  # a picked genotype -> its row of _squares and _copies
        self._squares = np.zeros((0, len(rows)))
        self._copies = np.zeros(0)
        self._sums = np.zeros(len(rows))  # of D to the picks
        self._total = 0.0  # of D over ordered pairs of picks

    def gains(self) -> FloatArray:
        size = self._copies.sum() + 1
        centre = (self._total + 2 * self._sums) / (2 * size**2)
        own = self._distance(self._sums / size - centre)
        others = self._distance((self._sums[list(self._row), None] + self._squares) / size - centre)
        return np.asarray(size * (own + self._copies @ others)[self._genotype])

    def _distance(self, squares: FloatArray) -> FloatArray:
        return np.asarray(np.sqrt(np.maximum(squares, 0) / self._genes.shape[1]))

    def add(self, index: int) -> None:
        genotype = int(self._genotype[index])
        if genotype not in self._row:
            self._row[genotype] = len(self._row)
            squares = ((self._genes - self._genes[genotype]) ** 2).sum(axis=1)
            self._squares = np.vstack([self._squares, squares])
            self._copies = np.append(self._copies, 0.0)
        row = self._row[genotype]
        self._copies[row] += 1
        self._total += 2 * float(self._sums[genotype])
        self._sums += self._squares[row]


@dataclass(frozen=True)
class VarianceEntropy(Entropy):
    """H = sum over genes of their variance in the population (divided by N): form (c).

    :param active: mask or indices of the genes that count; all by default.

    >>> VarianceEntropy().value([[1.0, 1.0], [-1.0, -1.0]])
    2.0
    """

    active: Active = None

    def value(self, population: Sequence[GenesLike]) -> float:
        """Return the entropy, in units of a gene squared."""
        return float(_active_genes(population, self.active).var(axis=0).sum())

    def start(self, pool: Sequence[GenesLike], picks: int) -> EntropyState:
        """Return the fast state: one matrix-vector product per pick."""
        return _VarianceState(_active_genes(pool, self.active))


class _VarianceState:
    """m H = sum |x|^2 - |sum x|^2 / m; with n picks of sum s, candidate x adds (n |x|^2 - 2 x.s) / (n+1)."""

    def __init__(self, genes: FloatArray) -> None:
        rows, self._genotype = distinct_rows(genes)
        self._genes = genes[rows] - genes.mean(axis=0)  # the variance does not change, the rounding shrinks
        self._norms = (self._genes**2).sum(axis=1)
        self._sum = np.zeros(genes.shape[1])
        self._size = 0

    def gains(self) -> FloatArray:
        gains = (self._size * self._norms - 2 * (self._genes @ self._sum)) / (self._size + 1)
        return np.asarray(gains[self._genotype])

    def add(self, index: int) -> None:
        self._sum += self._genes[self._genotype[index]]
        self._size += 1


@dataclass(frozen=True)
class LogDetEntropy(Entropy):
    """H = (1/N) sum over loci k of ln det(G_k + eps*I): form (d).

    G_k is the Gram matrix (N, N) of the individuals' genes at locus k.

    Where individuals are alike it is negative: one more copy of a present one adds about ln eps at every
    locus. The entropy of a single individual depends on its genes, so the first pick need not have the least
    energy.

    :param eps: regularisation, > 0.
    :param groups: the genes of each locus as lists of indices; one locus per gene by default. A gene in no
        group does not count.
    :param active: mask or indices of the loci that count; all by default.
    """

    eps: float = 1e-3
    groups: Sequence[Sequence[int]] | None = None
    active: Active = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.eps) and self.eps > 0):
            raise ValueError(f"eps must be a finite number > 0; got {self.eps!r}")

    def value(self, population: Sequence[GenesLike]) -> float:
        """Return the entropy."""
        genes = self._by_locus(population)
        size, _, width = genes.shape
        # ln det(X X^T + eps I_N) = (N - d) ln eps + ln det(X^T X + eps I_d), X of shape (N, d)
        spread = np.einsum("nki,nkj->kij", genes, genes) + self.eps * np.eye(width)
        return float(((size - width) * math.log(self.eps) + np.linalg.slogdet(spread)[1]).sum() / size)

    def start(self, pool: Sequence[GenesLike], picks: int) -> EntropyState:
        """Return the fast state: determinants updated by their Schur complements."""
        return _LogDetState(self._by_locus(pool), self.eps)

    def _by_locus(self, population: Sequence[GenesLike]) -> FloatArray:
        """Return (individuals, loci, genes of a locus); padding with zeros leaves Gram matrices equal."""
        genes = _finite_genes(population)
        length = genes.shape[1]
        groups = [[gene] for gene in range(length)] if self.groups is None else [list(g) for g in self.groups]
        if not all(0 <= gene < length for group in groups for gene in group):
            raise ValueError(f"groups must hold gene indices from 0 to {length - 1}; got {groups!r}")
        groups = [groups[locus] for locus in active_columns(self.active, len(groups))]
        padded = np.zeros((len(genes), len(groups), max((len(group) for group in groups), default=1)))
        for locus, group in enumerate(groups):
            padded[:, locus, : len(group)] = genes[:, group]
        return padded


class _LogDetState:
    """Per locus A = X^T X + eps I, with the picks' genes X.

    Adding x multiplies det(G + eps I) by its Schur complement x.x + eps - v^T (G + eps I)^-1 v, v = X x,
    which is eps (1 + x^T A^-1 x) by Woodbury's identity: a small inverse whatever the number of picks.
    """

    def __init__(self, genes: FloatArray, eps: float) -> None:
        rows, self._genotype = distinct_rows(genes.reshape(len(genes), -1))
        self._genes, self._eps = genes[rows], eps
        self._spread = np.tile(eps * np.eye(genes.shape[2]), (genes.shape[1], 1, 1))

    def gains(self) -> FloatArray:
        solved = np.einsum("pki,kij->pkj", self._genes, np.linalg.inv(self._spread))
        complements = 1 + (solved * self._genes).sum(axis=2)
        return np.asarray(np.log(self._eps * complements).sum(axis=1)[self._genotype])

    def add(self, index: int) -> None:
        genes = self._genes[self._genotype[index]]
        self._spread += genes[:, :, None] * genes[:, None, :]
