"""One sampled path through the relaxed network: the memory of a discrete network, and still a gradient for alpha.

Source: Dong, Yang 2019, *Searching for a Robust Neural Architecture in Four GPU Hours* (GDAS), eqs. 3 and 4.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor

from ..spaces import SearchSpace


@dataclass(frozen=True)
class SampledPath:
    """A choice for every decision, and the noise that made it.

    :param space: the space of the decisions.
    :param noise: one number per gene: Gumbel noise for K-way decisions, logistic noise for gates.
    :param choices: the choices; everything else is not computed.
    :param temperature: of the softmax that carries alpha's gradient.
    """

    space: SearchSpace
    noise: tuple[float, ...]
    choices: tuple[int, ...]
    temperature: float = 1.0

    def weights(self, genes: Tensor) -> Tensor:
        """Weights of shape (genes,): exactly 1 for what is chosen and 0 for the rest, with the gradient of the
        softmax (gates: sigmoid) over (alpha + noise) / temperature.
        """
        tilted = (genes + torch.tensor(self.noise, dtype=genes.dtype, device=genes.device)) / self.temperature
        hard = torch.zeros_like(tilted)
        parts = []
        for decision, where, choice in zip(
            self.space.decisions, self.space.slices, self.choices, strict=True
        ):
            if decision.binary:
                parts.append(torch.sigmoid(tilted[where]))
                hard[where.start] = float(choice)
            else:
                parts.append(torch.softmax(tilted[where], dim=0))
                hard[where.start + choice] = 1.0
        soft = torch.cat(parts)
        return hard + (soft - soft.detach())


def sample_path(
    space: SearchSpace, genes: Tensor, temperature: float = 1.0, rng: random.Random | None = None
) -> SampledPath:
    """Draw a path with the relaxed weights (softmax, sigmoid) as probabilities.

    :param genes: alpha, shape (genes,).
    :param temperature: of the gradient; the choices do not depend on it.
    :raises ValueError: when the temperature is not positive.

    Draws from ``rng``, or from Python's :mod:`random`, one number per gene.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be positive (1 is usual, less is sharper)")
    draw = (rng or random).random
    values = genes.detach().double().tolist()
    noise: list[float] = []
    for decision in space.decisions:
        noise.extend(_logistic(draw()) if decision.binary else _gumbel(draw()) for _ in range(decision.genes))
    tilted = [value + extra for value, extra in zip(values, noise, strict=True)]
    return SampledPath(space, tuple(noise), space.decisions.choices(tilted), temperature)


def _gumbel(u: float) -> float:
    return -math.log(-math.log(min(max(u, 1e-12), 1 - 1e-12)))


def _logistic(u: float) -> float:
    u = min(max(u, 1e-12), 1 - 1e-12)
    return math.log(u) - math.log(1 - u)
