"""Variation of motifs of motifs, as hierarchical representations have it [Liu2018]_.

.. [Liu2018] Liu et al., "Hierarchical Representations for Efficient Architecture Search", ICLR 2018, section 3.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..decision import Decisions
from ..individual import GenomeLike
from .moves import check_scale, gene_groups, redraw
from .registry import OPERATORS

__all__ = ["initMutated", "mutMotif"]

Genes = TypeVar("Genes", bound=GenomeLike)


@OPERATORS.register("motif")
def mutMotif(
    individual: Genes, *, decisions: Decisions, scale: float = 1.0, rng: random.Random | None = None
) -> tuple[Genes]:
    """Give one edge another operation, drawn step by step: a level, a motif of it, an edge, what it carries.

    So motifs of a level with few of them change as often as those of one with many. Where an edge may carry nothing,
    edges come and go.

    :param individual: the individual, changed in place.
    :param decisions: ``space.decisions``; those of one ``kind`` are a level, those of one ``group`` a motif.
    :param scale: the magnitude given to a gate of 0, > 0.
    :param rng: where random numbers come from (``randrange``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when decisions or scale do not fit.
    """
    check_scale(scale)
    pick = random.randrange if rng is None else rng.randrange
    motifs = decisions.nests[pick(len(decisions.nests))]
    edges = motifs[pick(len(motifs))]
    place = edges[pick(len(edges))]
    (genes,) = gene_groups([decisions.slices[place]], len(individual), name="decisions")
    redraw(individual, genes, pick, scale)
    return (individual,)


def initMutated(
    container: Callable[[list[float]], Genes],
    start: Sequence[float],
    mutate: Callable[[Genes], tuple[Any, ...]],
    times: int = 1000,
) -> Genes:
    """Mutate one genotype many times: a population so made is diverse, however plain the genotype is.

    :param container: makes an individual from a list of genes.
    :param start: the genes to begin with, such as ``space.encode(space.start)``, all motifs chains of identities.
    :param mutate: the mutation, such as ``toolbox.mutate``.
    :param times: how often, >= 0.
    :returns: the individual.
    :raises ValueError: for a negative number.

    It uses the random numbers of the mutation.
    """
    if times < 0:
        raise ValueError(f"times is {times}; a genotype is mutated 0 times or more")
    individual = container(list(start))
    for _ in range(times):
        (individual,) = mutate(individual)
    return individual
