"""What a fitness is worth to a REINFORCE controller."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ...individual import IndividualLike

Reward = Literal["auto", "accuracy", "cubed", "perplexity", "squared"]


def make_reward(
    reward: Reward | Callable[[Sequence[float]], float], c: float = 1.0
) -> Callable[[IndividualLike], float]:
    """Return a function from an individual with a fitness to its reward.

    :param reward: ``accuracy``; ``cubed``, accuracy^3 (Zoph and Le 2017, section 4.1); ``perplexity``, c /
        perplexity with perplexity = exp(loss) (ENAS, section 2.2); ``squared``, c / perplexity^2 (Zoph and Le,
        section 4.2); ``auto``, the accuracy where the fitness is maximised and c / perplexity where it is a loss; or
        a function of the fitness values.
    :param c: of ``perplexity`` and ``squared``.
    :raises ValueError: for an unknown name, and, when called, where the fitness is of the other kind.
    """
    if callable(reward):
        return lambda individual: float(reward(individual.fitness.values))
    if reward not in get_args(Reward):
        raise ValueError(f"reward is {reward!r}; it must be {', '.join(get_args(Reward))} or a function")

    def value(individual: IndividualLike) -> float:
        first, maximised = individual.fitness.values[0], individual.fitness.weights[0] > 0
        kind = ("accuracy" if maximised else "perplexity") if reward == "auto" else reward
        of_loss = kind in ("perplexity", "squared")
        if maximised == of_loss:
            wanted = "a loss (weights -1)" if of_loss else "an accuracy (weights +1)"
            raise ValueError(
                f"the reward {reward!r} is of {wanted}; this fitness has weights {individual.fitness.weights}"
            )
        if of_loss:
            return c * math.exp(min(-first * (1 + (kind == "squared")), 700.0))
        return float(first**3 if kind == "cubed" else first)

    return value


class Baseline:
    """Exponential moving average of rewards, for one run or for many at once.

    :param decay: share of the old value that is kept (0.99 in ENAS); None for no baseline, which is 0.
    :param start: where it begins; each reward is then taken in before it is compared, as in ENAS. None for the average
        of earlier batches, as in NAS-RL; the first batch sets it.
    :param clip: largest distance of a reward from the baseline that is learned from; None for no limit.
    :ivar value: by run where there are several; None before the first rewards.
    """

    def __init__(self, decay: float | None, start: float | None = None, clip: float | None = None) -> None:
        if decay is not None and not 0 <= decay < 1:
            raise ValueError(f"baseline is {decay}; it is a decay in [0, 1), or None for none")
        self.decay, self.start, self.clip = decay, start, clip
        self.value: Any = None

    def advantages(self, rewards: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return how far rewards are above the baseline, clipped, in their shape; and take them in."""
        found = np.asarray(rewards, dtype=np.float64) - self.before(rewards)
        return found if self.clip is None else np.clip(found, -self.clip, self.clip)

    def before(self, rewards: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return what to compare rewards with, in their shape, and take them in.

        :param rewards: shape (samples,), or (runs, samples).
        """
        given = np.asarray(rewards, dtype=np.float64)
        if not np.isfinite(given).all():
            raise ValueError(
                "a reward is infinite; give a failed evaluation the worst finite fitness instead"
            )
        if self.decay is None:
            return np.zeros_like(given)
        if self.start is None:
            mean = given.mean(axis=-1)
            old = mean if self.value is None else self.value
            self._keep(mean if self.value is None else self.decay * old + (1 - self.decay) * mean)
            return np.broadcast_to(np.expand_dims(old, -1), given.shape)
        value, found = (self.start if self.value is None else self.value), np.empty_like(given)
        for place in range(given.shape[-1]):
            value = value - (1 - self.decay) * (value - given[..., place])
            found[..., place] = value
        self._keep(value)
        return found

    def _keep(self, value: Any) -> None:
        self.value = float(value) if np.ndim(value) == 0 else value
