"""Fitness from training every architecture from scratch, a few epochs each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from deap import base

from ..budget import Budget
from ..devices import own_noise, pick_device
from ..individual import AccuracyFitness, LossFitness
from ..spaces import Architecture, SearchSpace
from ..training import Recipe, Training, TrainingDiverged, evaluate

if TYPE_CHECKING:
    from ..data import Splits


class ScratchFitness:
    """Loss or a measure on the validation data of the architecture's own network, trained from scratch.

    Every network has the same recipe, initial weights and order of the images of one seed, so that an architecture has
    one value, which is remembered by its canonical form. One image costs 3 passes per epoch of training and 1 of
    validation.

    :param space: what is searched.
    :param data: train and valid of it.
    :param recipe: of every training.
    :param measure: ``loss`` or a measure of the data's task.
    :param seed: of weights and order.
    :param device: where to compute; CUDA where there is one, else the CPU.
    :raises ValueError: for an unknown measure.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: Splits,
        recipe: Recipe,
        *,
        measure: str = "loss",
        seed: int = 0,
        device: str | torch.device | None = None,
    ) -> None:
        self.space, self.data, self.recipe = space, data, recipe
        self.measure, self.seed = measure, seed
        self.higher = data.task.measure(measure).higher
        self.worst = data.task.worst_of(measure)
        self.device = pick_device(device)
        self.budget = Budget()
        self._known: dict[tuple[int, ...], float] = {}

    @property
    def fitness_type(self) -> type[base.Fitness]:
        """The class that the individuals' fitness has to have."""
        return AccuracyFitness if self.higher else LossFitness

    def __call__(self, individual: Sequence[float]) -> tuple[float, ...]:
        """Return the fitness of one individual; one whose training diverges has the task's worst value."""
        self.budget.requests += 1
        choices = self.space.decisions.canonical(self.space.decode(individual).choices)
        if choices not in self._known:
            self._known[choices] = self._value(self.space.architecture(choices))
        return (self._known[choices],)

    def _value(self, architecture: Architecture) -> float:
        try:
            network = self.train(architecture).evaluated
            value = evaluate(network, self.data.valid.to(self.device))[self.measure]
        except TrainingDiverged:
            value = self.worst
        passes = 3 * self.recipe.epochs * len(self.data.train) + len(self.data.valid)
        self.budget.count(1, passes, cause="evaluation")
        return value

    def train(self, architecture: Architecture) -> Training:
        """Train an architecture's network to the end of the recipe; the budget is not asked.

        :raises TrainingDiverged: when the loss is no longer finite.
        """
        with own_noise(self.seed):
            network = self.space.network(architecture)
        training = Training(network, self.data, self.recipe, self.seed, self.device)
        for _ in training:
            pass
        return training

    def state_dict(self) -> dict[str, Any]:
        """The ledger, and the values that are known."""
        known = [[list(choices), value] for choices, value in self._known.items()]
        return {"budget": self.budget.state_dict(), "known": known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.budget.load_state_dict(state["budget"])
        self._known = {tuple(choices): value for choices, value in state["known"]}
