"""A small search problem whose every architecture has a known loss: what strategies are tried on."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..decision import Decision, Decisions

DECISIONS = (
    Decision("gate0", ("off", "on"), binary=True),
    Decision("kind0", ("a", "b", "c", "d")),
    Decision("gate1", ("off", "on"), binary=True),
    Decision("gate2", ("off", "on"), binary=True),
    Decision("kind1", ("a", "b", "c", "d")),
)


class SmallProblem:
    """Losses of 128 architectures; callable as a fitness, and a source of gradients.

    :param objectives: 1, or 2 for a size beside the loss.
    :param maximise: give 10 minus the loss, to be maximised.
    :ivar evaluated: the choices that were evaluated, in order.
    """

    def __init__(self, objectives: int = 1, maximise: bool = False) -> None:
        self.decisions = Decisions(DECISIONS)
        self.objectives, self.maximise = objectives, maximise
        rng = random.Random(0)
        self.effects = [[rng.random() for _ in decision.choices] for decision in DECISIONS]
        self.evaluated: list[tuple[int, ...]] = []

    def losses(self) -> list[float]:
        """Return the losses of all architectures, sorted."""
        return sorted(self.loss(choices) for choices in itertools.product(*map(range, self.decisions.sizes)))

    def loss(self, choices: Sequence[int]) -> float:
        """Return the loss of choices."""
        return sum(effect[choice] for effect, choice in zip(self.effects, choices, strict=True))

    def values(self, individual: Any) -> tuple[float, ...]:
        """Return fitness values without noting the evaluation."""
        choices = self.decisions.choices(individual)
        loss = self.loss(choices)
        value = 10.0 - loss if self.maximise else loss
        return (value,) if self.objectives == 1 else (value, float(sum(choices)))

    def __call__(self, individual: Any) -> tuple[float, ...]:
        """Return the fitness of an individual."""
        self.evaluated.append(self.decisions.choices(individual))
        return self.values(individual)

    def alpha_gradients(self, genes: npt.NDArray[np.float64], *, seed: int = 0) -> npt.NDArray[np.float64]:
        """Return the gradient of the loss with respect to the relaxed choices, for every row."""
        rows = np.asarray(genes, dtype=np.float64)
        gradients = np.zeros_like(rows)
        for decision, where, effect in zip(DECISIONS, self.decisions.slices, self.effects, strict=True):
            values = np.asarray(effect)
            if decision.binary:
                on = 1 / (1 + np.exp(-rows[:, where]))
                gradients[:, where] = on * (1 - on) * (values[1] - values[0])
            else:
                shares = np.exp(rows[:, where] - rows[:, where].max(axis=1, keepdims=True))
                shares /= shares.sum(axis=1, keepdims=True)
                gradients[:, where] = shares * (values - (shares * values).sum(axis=1, keepdims=True))
        return gradients
