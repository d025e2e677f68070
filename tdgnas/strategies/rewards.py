"""What a fitness is worth to a REINFORCE controller."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from ..individual import IndividualLike

Reward = Literal["auto", "accuracy", "cubed", "perplexity"]


def make_reward(
    reward: Reward | Callable[[Sequence[float]], float], c: float = 1.0
) -> Callable[[IndividualLike], float]:
    """Return a function from an individual with a fitness to its reward.

    :param reward: ``accuracy``; ``cubed``, accuracy^3 (Zoph and Le 2017, section 4.1); ``perplexity``, c /
        perplexity with perplexity = exp(loss) (ENAS, section 2.2); ``auto``, the accuracy where the fitness
        is maximised and c / perplexity where it is a loss; or a function of the fitness values.
    :param c: of ``perplexity``.
    :raises ValueError: for an unknown name, and, when called, where the fitness is of the other kind.
    """
    if callable(reward):
        return lambda individual: float(reward(individual.fitness.values))
    if reward not in ("auto", "accuracy", "cubed", "perplexity"):
        raise ValueError(f"reward is {reward!r}; it must be auto, accuracy, cubed, perplexity or a function")

    def value(individual: IndividualLike) -> float:
        first, maximised = individual.fitness.values[0], individual.fitness.weights[0] > 0
        kind = ("accuracy" if maximised else "perplexity") if reward == "auto" else reward
        if maximised != (kind != "perplexity"):
            wanted = "a loss (weights -1)" if kind == "perplexity" else "an accuracy (weights +1)"
            raise ValueError(
                f"the reward {reward!r} is of {wanted}; this fitness has weights {individual.fitness.weights}"
            )
        if kind == "perplexity":
            return c * math.exp(min(-first, 700.0))
        return float(first**3 if kind == "cubed" else first)

    return value


class Baseline:
    """Exponential moving average of the rewards so far; the first rewards set it.

    :param decay: share of the old value that is kept (0.99 in ENAS); None for no baseline, which is 0.
    """

    def __init__(self, decay: float | None) -> None:
        if decay is not None and not 0 <= decay < 1:
            raise ValueError(f"baseline is {decay}; it is a decay in [0, 1), or None for none")
        self.decay = decay
        self.value: float | None = None

    def before(self, rewards: Sequence[float]) -> float:
        """Return the baseline of earlier rewards, which does not depend on these, and take these in."""
        if self.decay is None:
            return 0.0
        mean = sum(rewards) / len(rewards)
        old = self.value
        self.value = mean if old is None else self.decay * old + (1 - self.decay) * mean
        return mean if old is None else old
