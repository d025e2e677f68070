"""A discretisation rule: from relaxed weights to an architecture."""

from __future__ import annotations

import numpy as np

from tdgnas.decision import Genes
from tdgnas.spaces import Architecture, SearchSpace


def cautious(space: SearchSpace, weights: Genes, sure: float = 0.7) -> Architecture:
    """Open a gate only when its weight is above ``sure``; elsewhere take the likeliest choice.

    :param space: whose architecture is made.
    :param weights: one per gene, from 0 to 1.
    :param sure: the weight from which on a gate is trusted.
    :raises ValueError: for another number of weights, or NaN.
    """
    if np.shape(weights) != (space.length,) or not np.isfinite(weights).all():
        raise ValueError(f"{space.name!r} has {space.length} finite weights, got {weights!r}")
    return space.architecture(
        [
            int(weights[where.start] > sure) if decision.binary else int(weights[where].argmax())
            for decision, where in zip(space.decisions, space.slices, strict=True)
        ]
    )
