"""TDGA made ready for the decisions of a space, with operators that fit them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

from deap import base

from ..decision import Decision, Decisions
from ..individual import Individual, LossFitness
from ..mapping import batch_map
from ..operators import Constant, GradientSource, Schedule, bind, lsDARTS
from ..settings import Count
from .base import STRATEGIES
from .decisions import drawing_from
from .tdga import TDGA
from .tdga_settings import GradientStep, Selection, Temperature, Variation
from .unseen import Unseen

__all__ = ["DecisionTDGA"]

_VARIATION = Variation(mate="decision", mutate="choice", indpb_mutate=None)
_TEMPERATURE = Temperature(start=0.1, stop=0.01, ngen=20, relative=True)
_SELECTION, _NO_STEP = Selection(), GradientStep(steps=0, lr=0.01)


@STRATEGIES.register("tdga")
class DecisionTDGA(TDGA):
    """TDGA that crosses and redraws whole decisions, with the entropy of the choices.

    The temperature is relative to the spread of the pool's energies, so that losses and accuracies in any unit need no
    other settings. Its defaults were tuned on NAS-Bench-201's validation signal, see ``benchmarks/nasbench201.py``.

    It never asks twice: an offspring or mutated individual whose architecture was evaluated before has one decision
    after the other redrawn until it is new, or is drawn at random after 50 of these (see :class:`Unseen`). An
    individual that only took a gradient step is asked for again, since its genes are new.

    :param decisions: ``space.decisions``.
    :param population: individuals kept, N.
    :param variation: crossover and mutation.
    :param temperature: of the selection; also a number or a schedule.
    :param selection: who survives.
    :param gradient: the steps of a local search, where ``source`` gives gradients.
    :param repeat: whether an architecture may be asked for again.
    :param source: gives gradients of alpha, such as a supernet.
    :param rng: source of all random numbers; Python's :mod:`random` when None.
    :param fitness: class of the individuals' fitness.
    :raises ValueError: for steps without a source, or a setting out of range.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: Count = 10,
        variation: Variation = _VARIATION,
        temperature: Temperature | Schedule | float = _TEMPERATURE,
        selection: Selection = _SELECTION,
        gradient: GradientStep = _NO_STEP,
        repeat: bool = False,
        source: GradientSource | None = None,
        rng: random.Random | None = None,
        fitness: type[base.Fitness] = LossFitness,
    ) -> None:
        self.decisions, self.fitness = Decisions.of(decisions), fitness
        self.own_rng, self._gates = rng or cast(random.Random, random), variation.gates
        self.unseen = None if repeat else Unseen(self.decisions)
        toolbox = self._toolbox(variation, temperature, selection)
        if gradient.steps:
            if source is None:
                raise ValueError(
                    f"gradient.steps is {gradient.steps} and there is no source of gradients of alpha, such as a "
                    "supernet; set gradient.steps=0 for a search without gradients"
                )
            toolbox.register("local_search", lsDARTS, supernet=source, **dict(gradient))
        super().__init__(
            [self._first(variation.scale) for _ in range(population)],
            toolbox,
            cxpb=variation.cxpb,
            mutpb=variation.mutpb,
            elite=selection.elite,
            loci=self.decisions.loci,
        )

    def _first(self, scale: float) -> Individual:
        choices = self.decisions.sample(self.own_rng)
        if self._gates != 0.5:
            on = [int(self.own_rng.random() < self._gates) for _ in choices]
            pairs = zip(self.decisions, on, choices, strict=True)
            choices = tuple(gate if decision.binary else own for decision, gate, own in pairs)
        if self.unseen is not None:
            choices = self.unseen.new(choices, self.own_rng)
        return Individual(self.decisions.genes(choices, scale), self.fitness())

    def _toolbox(
        self, variation: Variation, temperature: Temperature | Schedule | float, selection: Selection
    ) -> base.Toolbox:
        heat = temperature.make() if isinstance(temperature, Temperature) else temperature
        settings: dict[str, Any] = {
            "temperature": heat if callable(heat) else Constant(heat).t,  # a number is checked by it
            "relative": getattr(temperature, "relative", _TEMPERATURE.relative),
            "entropy": selection.make_entropy(self.decisions.loci),
            "replacement": selection.replacement,
            "tournsize": 3,
            "decisions": self.decisions,
            "slices": self.decisions.slices,
            "groups": self.decisions.groups,
            "mu": 0.0,
            "sigma": variation.sigma,
            "scale": variation.scale,
        }
        redrawn = 1 / len(self.decisions) if variation.indpb_mutate is None else variation.indpb_mutate
        toolbox = base.Toolbox()
        toolbox.register("map", batch_map)
        for kind, name, indpb, parameters in [
            ("select", selection.operator, 0.0, selection.parameters),
            ("mate", variation.mate, variation.indpb_mate, variation.mate_parameters),
            ("mutate", variation.mutate, redrawn, variation.mutate_parameters),
        ]:
            operator = bind(kind, name, {**settings, "indpb": indpb}, parameters)
            toolbox.register(kind, operator.func, **operator.keywords)  # type: ignore[attr-defined]
        return toolbox

    def _own_rng(self) -> random.Random:
        return self.own_rng

    def _generate(self) -> list[Any]:
        with drawing_from(self.own_rng):
            return super()._generate()

    def _complete(self, pool: list[Any]) -> None:
        if self.unseen is not None:
            for individual in pool:
                varied = not individual.fitness.valid and {"mate", "mutate"} & set(
                    individual.origin["operators"]
                )
                if varied and self.unseen.renew(individual):
                    self._changed(individual, "renew", individual)
        super()._complete(pool)

    def _update(self, individuals: list[Any]) -> None:
        with drawing_from(self.own_rng):
            super()._update(individuals)
