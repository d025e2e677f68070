"""Mutations whose strength is part of the individual and evolves with it.

The strength is an attribute of the individual. It goes with clones and pickles, and with the individuals that a
strategy saves; crossover leaves each child the strength of the parent whose object it is.
"""

from __future__ import annotations

import math
import random
from typing import Any, TypeVar

from ..individual import GenomeLike
from .moves import check_probability, check_scale, flip
from .registry import OPERATORS

__all__ = ["mutSelfAdaptive", "mutSelfAdaptiveFlip"]

Genes = TypeVar("Genes", bound=GenomeLike)


@OPERATORS.register("self-adaptive")
def mutSelfAdaptive(
    individual: Genes,
    *,
    sigma: float = 0.2,
    tau: float | None = None,
    minimum: float = 1e-3,
    maximum: float = 10.0,
    rng: random.Random | None = None,
) -> tuple[Genes]:
    """Add normal noise to every gene, of a standard deviation that the individual carries [Beyer2002]_.

    First the strength changes, ``individual.sigma *= exp(tau * N(0, 1))``, then the genes with it: good genes come with
    the strength that found them.

    :param individual: the individual, changed in place.
    :param sigma: the strength of an individual that has none yet, > 0.
    :param tau: how fast strengths change; 1 / sqrt(2 * genes) when None.
    :param minimum: the least strength, > 0.
    :param maximum: the largest strength.
    :param rng: where random numbers come from (``gauss``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: for a strength or rate out of range.

    .. [Beyer2002] Beyer, Schwefel, "Evolution strategies: a comprehensive introduction", Natural Computing 1, 2002.
    """
    if not 0 < minimum <= sigma <= maximum < math.inf:
        raise ValueError(
            f"sigma must lie between minimum > 0 and maximum; got {sigma!r} between {minimum!r} and {maximum!r}"
        )
    genome: Any = individual
    rate = 1 / math.sqrt(2 * len(genome)) if tau is None else tau
    if not (math.isfinite(rate) and rate >= 0):
        raise ValueError(f"tau must be a finite number >= 0; got {tau!r}")
    draw = random.gauss if rng is None else rng.gauss
    strength = float(getattr(genome, "sigma", sigma)) * math.exp(min(rate * draw(0.0, 1.0), 50.0))
    genome.sigma = min(max(strength, minimum), maximum)
    for gene in range(len(genome)):
        genome[gene] += genome.sigma * draw(0.0, 1.0)
    return (individual,)


@OPERATORS.register("self-adaptive-flip")
def mutSelfAdaptiveFlip(
    individual: Genes,
    *,
    rate: float = 0.1,
    gamma: float = 0.22,
    minimum: float | None = None,
    scale: float = 1.0,
    rng: random.Random | None = None,
) -> tuple[Genes]:
    """Flip gates with a probability that the individual carries [Baeck1996]_.

    ``individual.rate`` becomes 1 / (1 + (1 - p) / p * exp(-gamma * N(0, 1))), then every gate is flipped with it.

    :param individual: the individual, changed in place.
    :param rate: the probability of an individual that has none yet.
    :param gamma: how fast probabilities change, >= 0.
    :param minimum: the least probability; 1 / genes when None.
    :param scale: the magnitude given to a gene of 0, > 0.
    :param rng: where random numbers come from (``random`` and ``gauss``), instead of :mod:`random`.
    :returns: a tuple of the individual.
    :raises ValueError: when a number is out of range.

    .. [Baeck1996] Bäck, Schütz, "Intelligent mutation rate control in canonical genetic algorithms", ISMIS 1996.
    """
    genome: Any = individual
    least = 1 / len(genome) if minimum is None else minimum
    check_probability("rate", rate)
    check_probability("minimum", least)
    check_scale(scale)
    if not gamma >= 0:
        raise ValueError(f"gamma must be >= 0; got {gamma!r}")
    noise, draw = (random.gauss, random.random) if rng is None else (rng.gauss, rng.random)
    old = min(max(float(getattr(genome, "rate", rate)), 1e-9), 1 - 1e-9)
    new = 1 / (1 + (1 - old) / old * math.exp(max(-gamma * noise(0.0, 1.0), -50.0)))
    genome.rate = min(max(new, least), 0.5)
    flip(genome, [gene for gene in range(len(genome)) if draw() < genome.rate], scale)
    return (individual,)
