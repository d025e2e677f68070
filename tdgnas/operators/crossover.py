"""Crossovers that keep together what belongs together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from ..individual import GenomeLike
from .moves import Group, check_probability, gene_groups, pair_length, swap
from .registry import OPERATORS

__all__ = ["cxDecision", "cxLayerOrder", "cxTarget"]

Genes = TypeVar("Genes", bound=GenomeLike)


@OPERATORS.register("decision")
def cxDecision(
    ind1: Genes, ind2: Genes, *, slices: Sequence[Group], indpb: float = 0.5, rng: random.Random | None = None
) -> tuple[Genes, Genes]:
    """Uniform crossover [Syswerda1989]_ of whole decisions: all genes of a decision are swapped, or none.

    :param ind1: the first individual, changed in place.
    :param ind2: the second individual, changed in place.
    :param slices: the genes of each decision: ``space.slices``.
    :param indpb: the probability of each decision to be swapped.
    :param rng: where random numbers come from (``random``), instead of :mod:`random`.
    :returns: a tuple of the two individuals.
    :raises ValueError: when lengths, slices or the probability do not fit.

    .. [Syswerda1989] Syswerda, "Uniform crossover in genetic algorithms", ICGA 1989.
    """
    check_probability("indpb", indpb)
    draw = random.random if rng is None else rng.random
    for genes in gene_groups(slices, pair_length(ind1, ind2), name="slices"):
        if draw() < indpb:
            swap(ind1, ind2, genes)
    return ind1, ind2


@OPERATORS.register("target")
def cxTarget(
    ind1: Genes, ind2: Genes, *, groups: Sequence[Group], rng: random.Random | None = None
) -> tuple[Genes, Genes]:
    """Swap all genes of one randomly chosen group, for instance of all shortcuts into one target node.

    :param ind1: the first individual, changed in place.
    :param ind2: the second individual, changed in place.
    :param groups: the genes of each group.
    :param rng: where random numbers come from (``randrange``), instead of :mod:`random`.
    :returns: a tuple of the two individuals.
    :raises ValueError: when lengths or groups do not fit.
    """
    chosen = gene_groups(groups, pair_length(ind1, ind2), name="groups")
    draw = random.randrange if rng is None else rng.randrange
    swap(ind1, ind2, chosen[draw(len(chosen))])
    return ind1, ind2


@OPERATORS.register("layer-order")
def cxLayerOrder(
    ind1: Genes, ind2: Genes, *, groups: Sequence[Group] | None = None, rng: random.Random | None = None
) -> tuple[Genes, Genes]:
    """One-point crossover along the layers: all groups from a random cut on are swapped.

    Each child shares all layers before the cut with one parent, so networks that reuse computed layers
    compute only the layers behind it.

    :param ind1: the first individual, changed in place.
    :param ind2: the second individual, changed in place.
    :param groups: the genes of each layer, in the order of computation; by default each gene is a layer.
    :param rng: where random numbers come from (``randrange``), instead of :mod:`random`.
    :returns: a tuple of the two individuals.
    :raises ValueError: when lengths or groups do not fit, or there are fewer than two groups.
    """
    length = pair_length(ind1, ind2)
    groups = [[gene] for gene in range(length)] if groups is None else groups
    layers = gene_groups(groups, length, name="groups")
    if len(layers) < 2:
        raise ValueError("a cut needs at least two groups; got one, which would swap everything")
    draw = random.randrange if rng is None else rng.randrange
    for genes in layers[draw(1, len(layers)) :]:
        swap(ind1, ind2, genes)
    return ind1, ind2
