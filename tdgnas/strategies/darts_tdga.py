"""DARTS + TDGA, the main search: a population that inherits from a pretrained alpha and follows its gradients.

Source: Mori et al. 1995, *A thermodynamical selection rule for the genetic algorithm*; Liu, Simonyan, Yang 2018,
*DARTS: Differentiable Architecture Search*, section 2.3, for the step of alpha.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from deap import base

from ..decision import Decision
from ..individual import Individual, IndividualLike, LossFitness
from ..operators import GradientSource, Schedule, initBernoulli
from ..settings import Count
from .base import STRATEGIES
from .tdga_decisions import DecisionTDGA
from .tdga_settings import GradientStep, Selection, Temperature, Variation

__all__ = ["DartsTDGA"]

_VARIATION, _TEMPERATURE, _SELECTION, _STEP = Variation(), Temperature(), Selection(), GradientStep()


@STRATEGIES.register("darts-tdga")
class DartsTDGA(DecisionTDGA):
    """Thermodynamical search of alpha-vectors on a pretrained supernet, each of which takes a gradient step.

    The first population inherits: each choice is drawn by its relaxed weight. Crossover and mutation are gene-wise by
    default, any registered operator can take their place. Genes move between generations, so an architecture may be
    asked for again.

    :param decisions: ``space.decisions``.
    :param population: individuals.
    :param variation: crossover and mutation.
    :param temperature: of the selection; also a schedule or a number, in the energies' unit per nat.
    :param selection: who survives.
    :param gradient: the step down the gradient of alpha; with ``steps`` of 0 none is taken.
    :param alternate: train the weights on the population before each generation.
    :param source: gives the gradients, such as a supernet.
    :param weights: relaxed weights of the pretrained alpha, shape (genes,), the probabilities of the first population;
        every choice is equally likely where None.
    :param train: trains the weights, called with the population; needed by ``alternate``.
    :param rng: source of all random numbers; Python's :mod:`random` when None.
    :param fitness: class of the individuals' fitness.
    :raises ValueError: for steps without a source, ``alternate`` without ``train``, or a setting out of range.
    """

    needs_gradients: ClassVar[bool] = True
    stream: ClassVar[str] = ""

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: Count = 10,
        variation: Variation = _VARIATION,
        temperature: Temperature | Schedule | float = _TEMPERATURE,
        selection: Selection = _SELECTION,
        gradient: GradientStep = _STEP,
        alternate: bool = False,
        source: GradientSource | None = None,
        weights: Sequence[float] | None = None,
        train: Callable[[Sequence[IndividualLike]], object] | None = None,
        rng: random.Random | None = None,
        fitness: type[base.Fitness] = LossFitness,
    ) -> None:
        self._weights = None if weights is None else np.clip(weights, 0.0, 1.0).tolist()
        super().__init__(
            decisions,
            population=population,
            variation=variation,
            temperature=temperature,
            selection=selection,
            gradient=gradient,
            repeat=True,
            source=source,
            rng=rng,
            fitness=fitness,
        )
        if alternate:
            if train is None:
                raise ValueError(
                    "alternate is on and nothing is there to train the weights with; leave it out"
                )
            self.toolbox.register("train", train)
            # Scores of other weights do not compare: the search settles on the best that the last ones know.
            self.recommends = "present"

    def _first(self, scale: float) -> Individual:
        if self._weights is None:
            return super()._first(scale)
        drawn: Individual = initBernoulli(
            Individual, self._weights, scale, self.decisions.slices, self.own_rng
        )
        drawn.fitness = self.fitness()
        return drawn
