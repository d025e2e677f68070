"""REINFORCE on a controller.

Source: Zoph and Le 2017, section 3.2; Pham et al. 2018, section 2.4, and the skip penalty of section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .lstm import LSTMController
from .rewards import Baseline


def adam(parameters: Iterable[Tensor], lr: float, beta1: float, eps: float) -> torch.optim.Adam:
    """Return the optimiser of a controller."""
    # foreach/fused variants differ between builds; the plain loop gives the same numbers everywhere.
    return torch.optim.Adam(parameters, lr, (beta1, 0.999), eps, foreach=False)


class ControllerTrainer:
    """Adam on -(1/m) sum_k (R_k - b) log P(a_k) + skip_weight * KL, all runs independent of each other.

    The entropies met on the way, times ``entropy``, belong to the reward R_k and have no gradient of their own.

    :param controller: trained in place.
    :param baseline: b, a moving average of the rewards.
    :param lr: learning rate.
    :param entropy: weight of the entropy in the reward.
    :param skip_weight: weight of the KL divergence that pulls the rate of taken positions.
    :param skip_rate: the wanted rate.
    :param beta1: of Adam.
    :param eps: of Adam.
    """

    def __init__(
        self,
        controller: LSTMController,
        baseline: Baseline,
        *,
        lr: float,
        entropy: float = 0.0,
        skip_weight: float = 0.0,
        skip_rate: float = 0.4,
        beta1: float = 0.9,
        eps: float = 1e-8,
    ) -> None:
        self.controller, self.baseline, self.entropy = controller, baseline, entropy
        self.skip_weight, self.skip_rate = skip_weight, skip_rate
        self.settings = {"lr": lr, "beta1": beta1, "eps": eps}
        self.optimiser: Any = adam(controller.parameters.values(), **self.settings)

    def loss(self, choices: Tensor, rewards: npt.ArrayLike, live: Tensor | None = None) -> Tensor:
        """Return the loss of each run, shape (runs,); the baseline takes the rewards in.

        :param choices: shape (runs, samples, decisions).
        :param rewards: shape (runs, samples).
        :param live: which choices count, in their shape; all when None.
        """
        log, entropy, pull = self.controller.score(choices, live, self.skip_rate)
        earned = np.asarray(rewards, dtype=np.float64)
        if self.entropy:
            earned = earned + self.entropy * entropy.detach().double().numpy()
        advantages = torch.as_tensor(self.baseline.advantages(earned), dtype=log.dtype)
        loss = -(advantages * log).mean(dim=1)
        return loss + self.skip_weight * pull.mean(dim=1) if self.skip_weight else loss

    def step(self, choices: Tensor, rewards: npt.ArrayLike, live: Tensor | None = None) -> None:
        """Take one step in all runs; only live choices are learned from. See :meth:`loss`."""
        self.optimiser.zero_grad(set_to_none=True)
        self.loss(choices, rewards, live).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
