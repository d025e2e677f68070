"""REINFORCE with an autoregressive LSTM controller, as NAS-RL and ENAS have it.

Source: Zoph and Le 2017, section 3.2; Pham et al. 2018, *Efficient Neural Architecture Search via Parameter Sharing*,
and the authors' released code where it and the paper differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from ...decision import Decision
from ...individual import IndividualLike
from ...settings import Count, NotNegative, Positive, Section, Share
from ..base import STRATEGIES
from ..decisions import DecisionStrategy
from .rewards import Baseline, Reward, make_reward

__all__ = ["Controller", "ReinforceLSTM"]

if TYPE_CHECKING:
    import torch

Preset = Literal["nas-rl", "enas-macro", "enas-micro", "enas-rnn"]


class Controller(Section):
    """The LSTM. What is none is as in the published settings, given as (nas-rl, enas-macro, enas-micro)."""

    shared: bool = Field(
        True,
        description="decisions of one kind share head and embedding, and those that point at earlier positions are "
        "answered by attention; false gives every decision a head of its own",
    )
    hidden: Count | None = Field(None, description="units of each layer and of the embedding (35, 64, 64)")
    layers: Count | None = Field(None, description="LSTM layers (2, 1, 1)")
    init: Positive | None = Field(
        None, description="first weights are uniform in -init to init (0.08, 0.1, 0.1)"
    )
    biases: bool | None = Field(None, description="whether LSTM and heads have biases (true, false, false)")
    temperature: Positive | None = Field(None, description="divides the logits first (1, 1, 1)")
    tanh: NotNegative | None = Field(
        None, description="logits become tanh * tanh(logits) (0, 1.5, 1.1); 0 leaves them as they are"
    )
    reduce: Positive | None = Field(None, description="divides tanh where a head answers (1, 1, 2.5)")
    gain: Positive | None = Field(
        None,
        description="log-odds of taking a position per unit of its logit (1, 2, 2): 2 for logits [-q, q]",
    )
    bias: tuple[float, ...] | None = Field(
        None, description="first values of the heads' learned bias (none, none, 10 10 0 0 0)"
    )
    constant: tuple[float, ...] | None = Field(
        None, description="added to the heads' logits in the first cell (none, none, .25 .25 -.25 -.25 -.25)"
    )
    reach: NotNegative | None = Field(
        None,
        description="takes the squared distance of an earlier position, divided by this, off the logit of choosing it "
        "(0, 0, 0; 6 for recurrent cells); 0 takes nothing off",
    )
    skip_weight: NotNegative | None = Field(
        None, description="weight of the KL divergence of taken positions from skip_rate (0, 0.8, 0)"
    )
    skip_rate: Share | None = Field(None, gt=0, lt=1, description="wanted share of taken positions (0.4)")


_NAS_RL: dict[str, Any] = {
    "hidden": 35, "layers": 2, "init": 0.08, "biases": True, "temperature": 1.0, "tanh": 0.0, "reduce": 1.0,
    "gain": 1.0, "bias": (), "constant": (), "reach": 0.0, "skip_weight": 0.0, "skip_rate": 0.4,
    "lr": 6e-4, "beta1": 0.9, "eps": 1e-8, "baseline": 0.95, "start": None, "entropy": 0.0, "batch": 8,
    "updates": 50, "c": 1.0,
}  # fmt: skip
_MACRO = _NAS_RL | {
    "hidden": 64, "layers": 1, "init": 0.1, "biases": False, "tanh": 1.5, "gain": 2.0, "skip_weight": 0.8,
    "lr": 1e-3, "beta1": 0.0, "eps": 1e-3, "baseline": 0.99, "start": 0.0, "entropy": 1e-4, "batch": 20,
}  # fmt: skip
_MICRO = _MACRO | {
    "tanh": 1.1, "reduce": 2.5, "bias": (10.0, 10.0, 0.0, 0.0, 0.0),
    "constant": (0.25, 0.25, -0.25, -0.25, -0.25), "skip_weight": 0.0, "lr": 3.5e-3, "batch": 10, "updates": 30,
}  # fmt: skip
_RNN = _MACRO | {
    "hidden": 100, "tanh": 2.5, "temperature": 5.0, "reach": 6.0, "skip_weight": 0.0, "lr": 3.5e-4, "batch": 10,
    "c": 80.0,
}  # fmt: skip
#: Published settings; any of them can be overridden.
PRESETS: dict[str, dict[str, Any]] = {
    "nas-rl": _NAS_RL,
    "enas-macro": _MACRO,
    "enas-micro": _MICRO,
    "enas-rnn": _RNN,
}
_AS_PUBLISHED = Controller()


def make_trainer(
    decisions: Sequence[Decision],
    rngs: Sequence[Any],
    preset: str,
    controller: Controller = _AS_PUBLISHED,
    **own: Any,
) -> Any:
    """Return a controller for as many runs as there are generators, in its :class:`ControllerTrainer`.

    :param preset: the published settings that hold where the others are none.
    :param own: ``lr``, ``baseline``, ``entropy``, ``clip``.
    """
    from .lstm import LSTMController, Shape
    from .training import ControllerTrainer

    chosen = PRESETS[preset] | {
        key: value for key, value in {**own, **dict(controller)}.items() if value is not None
    }
    shape = Shape(**{each.name: chosen[each.name] for each in fields(Shape)})
    wanted = ("lr", "entropy", "skip_weight", "skip_rate", "beta1", "eps")
    return ControllerTrainer(
        LSTMController(decisions, rngs, shape),
        Baseline(chosen["baseline"], chosen["start"], own.get("clip")),
        **{key: chosen[key] for key in wanted},
    )


@STRATEGIES.register("reinforce-lstm")
class ReinforceLSTM(DecisionStrategy):
    """Samples architectures choice by choice from an LSTM that is rewarded for good ones.

    Decisions of one kind are one question asked again: they share head and embedding. Decisions that point at earlier
    positions are answered by attention to these. Log-probability and entropy of an architecture are those of its live
    decisions, and only these learn from it.

    :param decisions: ``space.decisions``.
    :param settings: the published settings that hold where the others are none: ``nas-rl`` (8 architectures per update,
        Adam 6e-4, baseline 0.95, no entropy), ``enas-macro`` (20, 1e-3, 0.99, 1e-4) ``enas-micro`` (10, 3.5e-3) or
        ``enas-rnn`` (10, 3.5e-4).
    :param batch: architectures per update.
    :param lr: learning rate (Adam).
    :param baseline: decay of the moving average of rewards.
    :param entropy: weight of the entropy in the reward.
    :param clip: largest distance of a reward from the baseline that is learned from; none for no limit.
    :param controller: the LSTM.
    :param reward: see :func:`make_reward`.
    :param c: of the reward ``perplexity``; 80 for ``enas-rnn``, else 1, where none.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    asynchronous = True
    keeps = ("trainer.baseline.value",)

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        settings: Preset = "nas-rl",
        batch: Count | None = None,
        lr: Positive | None = None,
        baseline: float | None = None,
        entropy: NotNegative | None = None,
        clip: Positive | None = None,
        controller: Controller = _AS_PUBLISHED,
        reward: Reward | Callable[[Sequence[float]], float] = "auto",
        c: Positive | None = None,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.batch: int = batch or PRESETS[settings]["batch"]
        self.reward = make_reward(reward, PRESETS[settings]["c"] if c is None else c)
        own = {"lr": lr, "baseline": baseline, "entropy": entropy, "clip": clip}
        self.trainer = make_trainer(self.decisions, [self.rng], settings, controller, **own)
        self.controller = self.trainer.controller

    def _generate(self) -> list[IndividualLike]:
        return self.sampled(self.batch)

    def sampled(self, count: int) -> list[IndividualLike]:
        """Return individuals that the controller draws now."""
        import torch

        draw = self.rng.random
        uniforms = [[draw() for _ in self.decisions.sizes] for _ in range(count)]
        drawn = self.controller.sample(torch.tensor([uniforms]))[0].tolist()
        return [self.individual(choices) for choices in drawn]

    def _update(self, individuals: list[IndividualLike]) -> None:
        import torch

        self.population = individuals
        rewards = [self.reward(individual) for individual in individuals]
        choices = self.decisions.table(individuals)
        live = self.live(choices)
        mask = None if live is None else torch.as_tensor(live)[None]
        self.trainer.step(torch.as_tensor(choices)[None], [rewards], mask)

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
