"""REINFORCE with an autoregressive LSTM controller, as NAS-RL and ENAS have it.

Source: Zoph and Le 2017, section 3.2; Pham et al. 2018, *Efficient Neural Architecture Search via Parameter
Sharing*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from ..decision import Decision
from ..individual import IndividualLike
from ..settings import Count, NotNegative, Positive, Section
from .base import STRATEGIES
from .decisions import DecisionStrategy
from .rewards import Baseline, Reward, make_reward

__all__ = ["Controller", "ReinforceLSTM"]

if TYPE_CHECKING:
    import torch


class Controller(Section):
    """The LSTM. What is none is as in the published settings."""

    hidden: Count | None = Field(
        None, description="units of each layer and of the embedding (nas-rl 35, enas 64)"
    )
    layers: Count | None = Field(None, description="LSTM layers (2, 1)")
    init: Positive | None = Field(None, description="first weights are uniform in -init to init (0.08, 0.1)")
    tanh: NotNegative | None = Field(
        None, description="logits become tanh * tanh(logits) (enas 1.5); 0 leaves them as they are (nas-rl)"
    )
    temperature: Positive | None = Field(None, description="divides the logits first (1)")


#: Published settings; any of them can be overridden.
SETTINGS: dict[str, dict[str, Any]] = {
    "nas-rl": {
        "hidden": 35, "layers": 2, "init": 0.08, "lr": 6e-4, "baseline": 0.95, "entropy": 0.0,
        "tanh": 0.0, "temperature": 1.0, "batch": 8,
    },
    "enas": {
        "hidden": 64, "layers": 1, "init": 0.1, "lr": 1e-3, "baseline": 0.99, "entropy": 1e-4,
        "tanh": 1.5, "temperature": 1.0, "batch": 20,
    },
}  # fmt: skip
_AS_PUBLISHED = Controller()


@STRATEGIES.register("reinforce-lstm")
class ReinforceLSTM(DecisionStrategy):
    """Samples architectures choice by choice from an LSTM that is rewarded for good ones.

    Log-probability and entropy of an architecture are those of its live decisions, and only these learn from it.

    :param decisions: ``space.decisions``.
    :param settings: the published settings that hold where the others are none: ``nas-rl`` (8 architectures per update,
        Adam 6e-4, baseline 0.95, no entropy bonus) or ``enas`` (20, 1e-3, 0.99, 1e-4).
    :param batch: architectures per update.
    :param lr: learning rate (Adam).
    :param baseline: decay of the moving average of rewards.
    :param entropy: weight of the entropy bonus.
    :param controller: the LSTM.
    :param reward: see :func:`make_reward`.
    :param c: of the reward ``perplexity``.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    keeps = ("baseline.value",)

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        settings: Literal["nas-rl", "enas"] = "nas-rl",
        batch: Count | None = None,
        lr: Positive | None = None,
        baseline: float | None = None,
        entropy: NotNegative | None = None,
        controller: Controller = _AS_PUBLISHED,
        reward: Reward | Callable[[Sequence[float]], float] = "auto",
        c: float = 1.0,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        from .lstm import ControllerTrainer, LSTMController

        own = {"batch": batch, "lr": lr, "baseline": baseline, "entropy": entropy, **dict(controller)}
        chosen = SETTINGS[settings] | {name: value for name, value in own.items() if value is not None}
        self.batch: int = chosen["batch"]
        self.reward, self.baseline = make_reward(reward, c), Baseline(chosen["baseline"])
        shape = {name: chosen[name] for name in Controller.model_fields}
        self.controller = LSTMController(self.decisions.sizes, [self.rng], **shape)
        self.trainer = ControllerTrainer(self.controller, chosen["lr"], chosen["entropy"])

    def _generate(self) -> list[IndividualLike]:
        import torch

        draw = self.rng.random
        uniforms = [[draw() for _ in self.decisions.sizes] for _ in range(self.batch)]
        drawn = self.controller.sample(torch.tensor([uniforms]))[0].tolist()
        return [self.individual(choices) for choices in drawn]

    def _update(self, individuals: list[IndividualLike]) -> None:
        import torch

        self.population = individuals
        rewards = [self.reward(individual) for individual in individuals]
        advantages = torch.tensor([rewards]) - self.baseline.before(rewards)
        choices = self.decisions.table(individuals)
        live = self.live(choices)
        mask = None if live is None else torch.as_tensor(live)[None]
        self.trainer.step(torch.as_tensor(choices)[None], advantages, mask)

    def state_dict(self) -> dict[str, Any]:
        """What every strategy has, and the controller's weights and their optimiser as arrays."""
        weights = {name: value.detach().numpy().copy() for name, value in self.controller.parameters.items()}
        moments = {}
        for name, value in self.controller.parameters.items():
            for key, moment in self.trainer.optimiser.state.get(value, {}).items():
                moments[f"{name}.{key}"] = moment.numpy().copy()
        return {**super().state_dict(), "weights": weights, "moments": moments}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        import torch

        super().load_state_dict(state)
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
