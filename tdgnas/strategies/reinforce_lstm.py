"""REINFORCE with an autoregressive LSTM controller, as NAS-RL and ENAS have it.

Source: Zoph and Le 2017, section 3.2; Pham et al. 2018, *Efficient Neural Architecture Search via Parameter
Sharing*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..decision import Decision
from .base import STRATEGIES
from .checks import check_counts
from .decisions import DecisionStrategy
from .rewards import Baseline, Reward, make_reward

if TYPE_CHECKING:
    import torch

#: Published settings; any of them can be overridden.
SETTINGS: dict[str, dict[str, Any]] = {
    "nas-rl": {
        "hidden": 35, "layers": 2, "init": 0.08, "lr": 6e-4, "baseline": 0.95, "entropy": 0.0,
        "tanh": None, "temperature": 1.0, "batch": 8,
    },
    "enas": {
        "hidden": 64, "layers": 1, "init": 0.1, "lr": 1e-3, "baseline": 0.99, "entropy": 1e-4,
        "tanh": 1.5, "temperature": 1.0, "batch": 20,
    },
}  # fmt: skip


@STRATEGIES.register("reinforce-lstm")
class ReinforceLSTM(DecisionStrategy):
    """Samples architectures choice by choice from an LSTM that is rewarded for good ones.

    Log-probability and entropy of an architecture are those of its live decisions, and only these learn from it.

    :param decisions: ``space.decisions``.
    :param settings: ``nas-rl`` (two layers of 35 units, Adam 6e-4, 8 architectures per update) or ``enas``
        (64 units, Adam 1e-3, tanh constant 1.5, entropy bonus 1e-4, baseline decay 0.99, 20 architectures).
    :param reward: see :func:`make_reward`.
    :param c: of the reward ``perplexity``.
    :param overrides: ``hidden``, ``layers``, ``init``, ``lr``, ``baseline``, ``entropy``, ``tanh``,
        ``temperature`` or ``batch`` (architectures per update), and ``rng`` and ``fitness`` as in
        :class:`DecisionStrategy`.
    """

    further_options = tuple(SETTINGS["nas-rl"])

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        settings: Literal["nas-rl", "enas"] = "nas-rl",
        reward: Reward | Callable[[Sequence[float]], float] = "auto",
        c: float = 1.0,
        **overrides: Any,
    ) -> None:
        if settings not in SETTINGS:
            raise ValueError(f"settings is {settings!r}; it must be one of {', '.join(SETTINGS)}")
        chosen = {**SETTINGS[settings], **{k: v for k, v in overrides.items() if k in SETTINGS[settings]}}
        super().__init__(decisions, **{k: v for k, v in overrides.items() if k not in chosen})
        from .lstm import ControllerTrainer, LSTMController

        check_counts(batch=chosen["batch"])
        self.batch: int = chosen["batch"]
        self.reward, self.baseline = make_reward(reward, c), Baseline(chosen["baseline"])
        shape = {name: chosen[name] for name in ("hidden", "layers", "init", "tanh", "temperature")}
        self.controller = LSTMController(self.decisions.sizes, [self.rng], **shape)
        self.trainer = ControllerTrainer(self.controller, chosen["lr"], chosen["entropy"])

    def _generate(self) -> list[Any]:
        import torch

        draw = self.rng.random
        uniforms = [[draw() for _ in self.decisions.sizes] for _ in range(self.batch)]
        drawn = self.controller.sample(torch.tensor([uniforms]))[0].tolist()
        return [self.individual(choices) for choices in drawn]

    def _update(self, individuals: list[Any]) -> None:
        import torch

        self.population = individuals
        rewards = [self.reward(individual) for individual in individuals]
        advantages = torch.tensor([rewards]) - self.baseline.before(rewards)
        choices = self.decisions.table(individuals)
        live = self.live(choices)
        mask = None if live is None else torch.as_tensor(live)[None]
        self.trainer.step(torch.as_tensor(choices)[None], advantages, mask)

    def state_dict(self) -> dict[str, Any]:
        """What every strategy has, the controller's weights and their optimiser as arrays, and the
        baseline."""
        weights = {name: value.detach().numpy().copy() for name, value in self.controller.parameters.items()}
        moments = {}
        for name, value in self.controller.parameters.items():
            for key, moment in self.trainer.optimiser.state.get(value, {}).items():
                moments[f"{name}.{key}"] = moment.numpy().copy()
        own = {"weights": weights, "moments": moments, "baseline": self.baseline.value}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        import torch

        super().load_state_dict(state)
        self.baseline.value = state["baseline"]
        with torch.no_grad():
            for name, value in self.controller.parameters.items():
                value.copy_(_tensor(state["weights"][name]))
                self.trainer.optimiser.state[value] = {
                    place.rpartition(".")[2]: _tensor(moment)
                    for place, moment in state["moments"].items()
                    if place.rpartition(".")[0] == name
                }


def _tensor(array: Any) -> torch.Tensor:
    import torch

    return torch.tensor(np.asarray(array, dtype=np.float32))
