"""First individuals: ``toolbox.register("individual", initBernoulli, Individual, probabilities=w)``."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..decision import drawn
from .moves import Group, check_probability, check_scale, gene_groups

__all__ = ["initBernoulli", "initNormal", "initUniform"]

Container = TypeVar("Container")


def initBernoulli(
    container: Callable[[list[float]], Container],
    probabilities: Sequence[float],
    scale: float = 1.0,
    slices: Sequence[Group] | None = None,
    rng: random.Random | None = None,
) -> Container:
    """Draw each gate from its probability: the gene is +scale with probability p, else -scale.

    With *slices*, one choice is drawn per decision by the probabilities of its genes: the chosen gene is
    +scale, the others -scale; a decision of one gene is a gate as above. With a pretrained alpha's
    probabilities the population inherits from it.

    :param container: makes an individual from a list of genes.
    :param probabilities: one number per gene: sigmoid(alpha) of a gate, softmax(alpha) of a decision.
    :param scale: the magnitude of the genes, > 0.
    :param slices: the genes of each decision (``space.slices``), covering all genes; by default all are
        gates.
    :param rng: where random numbers come from (``random``), instead of :mod:`random`.
    :returns: ``container(genes)``.
    :raises ValueError: when a number is no probability, a decision's do not sum to 1, or slices leave genes
        out.
    """
    weights = [float(probability) for probability in probabilities]
    for gene, weight in enumerate(weights):
        check_probability(f"probabilities[{gene}]", weight)
    check_scale(scale)
    length = len(weights)
    gates = [[gene] for gene in range(length)]
    decisions = gates if slices is None else gene_groups(slices, length, name="slices")
    if (covered := sum(map(len, decisions))) != length:
        raise ValueError(f"slices cover {covered} of {length} genes; every gene needs its decision")

    draw = random.random if rng is None else rng.random
    found = [-scale] * length
    for genes in decisions:
        shares = [weights[gene] for gene in genes]
        if len(genes) > 1:
            _check_sum(genes, shares)
        choice = drawn(shares, draw())
        if len(genes) > 1:
            found[genes[choice]] = scale
        elif choice:
            found[genes[0]] = scale
    return container(found)


def _check_sum(genes: Sequence[int], shares: Sequence[float]) -> None:
    if abs(sum(shares) - 1) > 1e-3:
        raise ValueError(
            f"the probabilities of genes {list(genes)}, one decision, must sum to 1; they sum to "
            f"{sum(shares)}: give the softmax of alpha"
        )


def initUniform(
    container: Callable[[list[float]], Container],
    size: int,
    low: float = -1.0,
    high: float = 1.0,
    rng: random.Random | None = None,
) -> Container:
    """Draw each gene evenly between *low* and *high*.

    :param container: makes an individual from a list of genes.
    :param size: the number of genes.
    :param low: the least value.
    :param high: the largest value.
    :param rng: where random numbers come from (``uniform``), instead of :mod:`random`.
    :returns: ``container(genes)``.
    :raises ValueError: when the bounds are not finite or in the wrong order.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"low and high must be finite numbers, low <= high; got {low!r} and {high!r}")
    draw = random.uniform if rng is None else rng.uniform
    return container([draw(low, high) for _ in range(_size(size))])


def initNormal(
    container: Callable[[list[float]], Container],
    size: int,
    mu: float = 0.0,
    sigma: float = 1.0,
    rng: random.Random | None = None,
) -> Container:
    """Draw each gene from a normal distribution.

    :param container: makes an individual from a list of genes.
    :param size: the number of genes.
    :param mu: the mean.
    :param sigma: the standard deviation, >= 0.
    :param rng: where random numbers come from (``gauss``), instead of :mod:`random`.
    :returns: ``container(genes)``.
    :raises ValueError: when *sigma* is negative or a number is not finite.
    """
    if not (math.isfinite(mu) and math.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"mu and sigma must be finite numbers, sigma >= 0; got {mu!r} and {sigma!r}")
    draw = random.gauss if rng is None else rng.gauss
    return container([draw(mu, sigma) for _ in range(_size(size))])


def _size(size: int) -> int:
    if size < 1:
        raise ValueError(f"size must be at least one gene; got {size!r}")
    return size
