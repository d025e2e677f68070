"""Mutations that fit architecture parameters: they change decisions, not only numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from ..decision import Decisions
from ..individual import GenomeLike
from .moves import Group, check_probability, check_scale, flip, gene_groups, redraw, write
from .registry import OPERATORS

__all__ = ["mutChoice", "mutFlipGate", "mutNeighbour", "mutTarget"]

Genes = TypeVar("Genes", bound=GenomeLike)


@OPERATORS.register("flip-gate")
def mutFlipGate(
    individual: Genes, *, indpb: float, scale: float = 1.0, rng: random.Random | None = None
) -> tuple[Genes]:
    """Flip gates: negate a gene's sign and keep its magnitude, so that a confident gate stays confident.

    A gene of 0, a gate that is off (sigmoid 0.5 is not above 0.5), becomes ``scale``.

    :param individual: the individual, changed in place.
    :param indpb: the probability of each gene to be flipped.
    :param scale: the magnitude given to a gene of 0, > 0.
    :param rng: where random numbers come from (``random``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when the probability or the scale is out of range.
    """
    _check(indpb, scale)
    draw = random.random if rng is None else rng.random
    flip(individual, [gene for gene in range(len(individual)) if draw() < indpb], scale)
    return (individual,)


@OPERATORS.register("flip-target")
def mutTarget(
    individual: Genes,
    *,
    groups: Sequence[Group],
    indpb: float = 1.0,
    scale: float = 1.0,
    rng: random.Random | None = None,
) -> tuple[Genes]:
    """Flip the gates of one randomly chosen group, for instance of all shortcuts into one target node.

    :param individual: the individual, changed in place.
    :param groups: the genes of each group.
    :param indpb: the probability of each gate of the chosen group to be flipped; 1 flips every one.
    :param scale: the magnitude given to a gene of 0, > 0.
    :param rng: where random numbers come from (``random`` and ``randrange``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when groups, probability or scale do not fit.
    """
    _check(indpb, scale)
    targets = gene_groups(groups, len(individual), name="groups")
    pick, draw = (random.randrange, random.random) if rng is None else (rng.randrange, rng.random)
    target = targets[pick(len(targets))]
    flip(individual, [gene for gene in target if draw() < indpb], scale)
    return (individual,)


@OPERATORS.register("choice")
def mutChoice(
    individual: Genes,
    *,
    slices: Sequence[Group],
    indpb: float,
    scale: float = 1.0,
    rng: random.Random | None = None,
) -> tuple[Genes]:
    """Redraw choices: swap the largest gene of a decision with another one, each equally likely.

    The new choice always differs, also where genes are equal: the new largest gene is then raised by the
    least step. A decision of one gene, a gate, is flipped as by :func:`mutFlipGate`.

    :param individual: the individual, changed in place.
    :param slices: the genes of each decision: ``space.slices``.
    :param indpb: the probability of each decision to be redrawn.
    :param scale: the magnitude given to a gate of 0, > 0.
    :param rng: where random numbers come from (``random`` and ``randrange``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when slices, probability or scale do not fit.
    """
    _check(indpb, scale)
    pick, draw = (random.randrange, random.random) if rng is None else (rng.randrange, rng.random)
    for genes in gene_groups(slices, len(individual), name="slices"):
        if draw() < indpb:
            redraw(individual, genes, pick, scale)
    return (individual,)


@OPERATORS.register("neighbour")
def mutNeighbour(
    individual: Genes, *, decisions: Decisions, scale: float = 1.0, rng: random.Random | None = None
) -> tuple[Genes]:
    """Take one step: a random decision takes another choice; where decisions are moves, one move more is made.

    :param individual: the individual, changed in place.
    :param decisions: ``space.decisions``, whose ``neighbour`` says what a step is.
    :param scale: the genes are then ``+scale`` and ``-scale``.
    :param rng: where random numbers come from (``randrange``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when the scale is out of range.
    """
    check_scale(scale)
    choices = decisions.neighbour(decisions.choices(individual), rng or random)
    write(individual, decisions.genes(choices, scale))
    return (individual,)


def _check(indpb: float, scale: float) -> None:
    check_probability("indpb", indpb)
    check_scale(scale)
