"""From relaxed weights to an architecture: rules for decisions of any kind, and for gates."""

from __future__ import annotations

import random

import numpy as np

from ..decision import Genes, drawn
from .architecture import Architecture
from .rules import RULES
from .space import SearchSpace


@RULES.register("threshold")
def threshold(space: SearchSpace, weights: Genes) -> Architecture:
    """Keep a gate whose weight is above one half (exactly one half is dropped); the likeliest of K choices."""
    weights = checked_weights(space, weights)
    return space.architecture(
        [
            int(weights[where.start] > 0.5) if decision.binary else int(weights[where].argmax())
            for decision, where in zip(space.decisions, space.slices, strict=True)
        ]
    )


@RULES.register("sample")
def sample(space: SearchSpace, weights: Genes, rng: random.Random | None = None) -> Architecture:
    """Draw each choice with its weight as the probability: a gate is kept when its weight exceeds a uniform number.

    Draws from ``rng``, or from Python's :mod:`random`.
    """
    weights = checked_weights(space, weights)
    draw = (rng or random).random
    return space.architecture([drawn(weights[where].tolist(), draw()) for where in space.slices])


@RULES.register("round-k")
def round_k(space: SearchSpace, weights: Genes) -> Architecture:
    """Keep, per target, as many connections as the weights of its predecessors sum to, the strongest first.

    With the forward edge, whose weight is 1 and which competes as well, a target keeps ``k = round(1 + sum of w)``
    connections; since the forward edge always wins its place, ``round(1 + sum of w) - 1`` gates remain. Equal weights
    go to the earlier predecessor, and one half is rounded to the even number, as Python's ``round`` does.

    :raises ValueError: when the space has decisions that are not gates with a target.
    """
    weights = checked_weights(space, weights)
    for decision in space.decisions:
        if not decision.binary or not decision.group:
            raise ValueError(
                f"the round-k rule counts the gates of each target; decision {decision.name!r} of {space.name!r} "
                "is no gate with a target. Use the threshold rule."
            )
    choices = [0] * len(space.decisions)
    for members in space.decisions.members:
        own = np.array([weights[space.slices[member].start] for member in members])
        kept = round(1.0 + float(own.sum())) - 1
        for place in np.argsort(-own, kind="stable")[:kept]:
            choices[members[place]] = 1
    return space.architecture(choices)


def checked_weights(space: SearchSpace, weights: Genes) -> Genes:
    """Return relaxed weights as an array of shape (genes,).

    :raises ValueError: for another shape, NaN or infinity.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (space.length,):
        raise ValueError(f"{space.name!r} has {space.length} weights, got an array of shape {weights.shape}")
    if not np.isfinite(weights).all():
        raise ValueError("the relaxed weights contain NaN or infinity; did the training diverge?")
    return weights
