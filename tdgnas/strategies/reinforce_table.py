"""REINFORCE with one row of logits per decision, all decisions independent.

Source: Williams 1992, *Simple Statistical Gradient-Following Algorithms*; as a search on NAS-Bench-201, Dong
and Yang 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count, NotNegative, Positive
from .adam import adam_step
from .base import STRATEGIES
from .controllers.rewards import Baseline, Reward, make_reward
from .decisions import DecisionStrategy

__all__ = ["ReinforceTable"]

Array = npt.NDArray[np.float64]


def policy(logits: Array, starts: Sequence[int]) -> Array:
    """Return probabilities: the softmax of each decision's logits.

    :param logits: of all decisions, one after another, shape (logits,).
    :param starts: where each decision's logits start.
    """
    sizes = np.diff([*starts, len(logits)])
    top = np.repeat(np.maximum.reduceat(logits, starts), sizes)
    grown = np.exp(logits - top)
    return np.asarray(grown / np.repeat(np.add.reduceat(grown, starts), sizes), dtype=np.float64)


def policy_gradient(
    probabilities: Array,
    chosen: npt.NDArray[np.int64],
    advantages: Array,
    live: npt.NDArray[np.bool_] | None = None,
) -> Array:
    """Return (1/m) sum_k (R_k - b) grad log P(a_k), shape (logits,).

    :param chosen: the logits that were chosen, shape (samples, decisions).
    :param advantages: R_k - b, shape (samples,).
    :param live: which logits are of a decision that matters, shape (samples, logits); every one when None. P(a) is the
        product over these decisions alone.
    """
    weights = np.repeat(advantages[:, None], chosen.shape[1], axis=1)
    if live is not None:
        weights = weights * np.take_along_axis(live, chosen, axis=1)
    ones = np.bincount(chosen.ravel(), weights=weights.ravel(), minlength=len(probabilities))
    total = advantages.sum() if live is None else advantages @ live
    gradient: Array = (ones - total * probabilities) / len(advantages)
    return gradient  # grad log softmax = one-hot - P


def entropy_gradient(probabilities: Array, starts: Sequence[int]) -> Array:
    """Return the gradient of the policy's entropy (nats, summed over decisions) with respect to the
    logits."""
    logs = np.log(np.maximum(probabilities, 1e-300))
    sizes = np.diff([*starts, len(probabilities)])
    entropies = -np.add.reduceat(probabilities * logs, starts)
    return np.asarray(-probabilities * (logs + np.repeat(entropies, sizes)), dtype=np.float64)


@STRATEGIES.register("reinforce-table")
class ReinforceTable(DecisionStrategy):
    """Samples each decision from its own softmax and raises the logits of what was rewarded above the
    baseline.

    Log-probability and entropy of an architecture are those of its live decisions, and only these learn from it.

    :param decisions: ``space.decisions``.
    :param batch: architectures per update, m.
    :param lr: learning rate of the logits (Adam).
    :param baseline: decay of the moving average of rewards; None for no baseline.
    :param entropy: weight of the entropy bonus.
    :param clip: largest distance of a reward from the baseline that is learned from; None for no limit.
    :param temperature: divides the logits.
    :param reward: see :func:`make_reward`.
    :param c: of the reward ``perplexity``.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    asynchronous = True
    keeps = ("logits", "moments", "baseline.value")

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        batch: Count = 1,
        lr: Positive = 0.1,
        baseline: float | None = 0.9,
        entropy: NotNegative = 0.0,
        clip: Positive | None = None,
        temperature: Positive = 1.0,
        reward: Reward | Callable[[Sequence[float]], float] = "auto",
        c: float = 1.0,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.batch, self.lr, self.entropy, self.temperature = batch, lr, entropy, temperature
        self.reward, self.baseline = make_reward(reward, c), Baseline(baseline, clip=clip)
        self.starts = (np.cumsum(self.decisions.sizes) - np.array(self.decisions.sizes)).tolist()
        self.logits = np.zeros(sum(self.decisions.sizes))
        self.moments = np.zeros((2, len(self.logits)))

    @property
    def probabilities(self) -> Array:
        """Probability of each choice of each decision, one after another."""
        return policy(self.logits / self.temperature, self.starts)

    def _generate(self) -> list[IndividualLike]:
        probabilities = self.probabilities.tolist()
        rows = [
            probabilities[start : start + n]
            for start, n in zip(self.starts, self.decisions.sizes, strict=True)
        ]
        draw = self.rng.choices
        return [self.individual([draw(range(len(row)), row)[0] for row in rows]) for _ in range(self.batch)]

    def _update(self, individuals: list[IndividualLike]) -> None:
        self.population = individuals
        rewards = [self.reward(individual) for individual in individuals]
        advantages = self.baseline.advantages(rewards)
        choices = self.decisions.table(individuals)
        live, probabilities = self.live(choices), self.probabilities
        if live is not None:
            live = np.repeat(live, self.decisions.sizes, axis=1)
        gradient = policy_gradient(probabilities, choices + np.array(self.starts), advantages, live)
        bonus = self.entropy * entropy_gradient(probabilities, self.starts)
        gradient = gradient + (bonus if live is None else bonus * live.mean(axis=0))
        direction, self.moments = adam_step(
            gradient / self.temperature, self.moments, self.generation + 1, betas=(0.9, 0.999)
        )
        self.logits = self.logits + self.lr * direction
