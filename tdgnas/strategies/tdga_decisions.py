"""TDGA made ready for the decisions of a space, with operators that fit them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

from deap import base

from ..decision import Decision, Decisions
from ..individual import Individual, LossFitness
from ..mapping import batch_map
from ..operators import (
    Geometric,
    GradientSource,
    Schedule,
    ShannonEntropy,
    cxDecision,
    lsDARTS,
    mutChoice,
    selThermodynamic,
)
from ..seeding import own_state, set_own_state
from .base import STRATEGIES
from .checks import check_counts, check_rates
from .decisions import drawing_from
from .tdga import TDGA


@STRATEGIES.register("tdga")
class DecisionTDGA(TDGA):
    """TDGA that crosses and redraws whole decisions, with the entropy of the choices.

    The temperature is relative to the spread of the pool's energies, so that losses and accuracies in any
    unit need no other settings. Its defaults were tuned on NAS-Bench-201's validation signal, see
    ``benchmarks/nasbench201.py``.

    :param decisions: ``space.decisions``.
    :param population: individuals kept, N.
    :param cxpb: probability that a pair is crossed.
    :param mutpb: probability that an individual is mutated.
    :param indpb: probability that the mutation redraws a decision; 1 / decisions when None.
    :param temperature: a number or a schedule; by default it falls geometrically, 0.1 to 0.01 in ``ngen``
        generations.
    :param relative: whether the temperature is in units of the energies' standard deviation in the pool.
    :param replacement: whether an individual can be selected several times.
    :param ngen: generations of the default schedule.
    :param elite: how many of the best are kept out of mutation's reach.
    :param source: gives gradients of alpha, such as a supernet; individuals then take ``lr`` steps down them.
    :param lr: step of the local search.
    :param rng: source of all random numbers; Python's :mod:`random` when None.
    :param fitness: class of the individuals' fitness.
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        population: int = 10,
        cxpb: float = 0.8,
        mutpb: float = 0.2,
        indpb: float | None = None,
        temperature: float | Schedule | None = None,
        relative: bool = True,
        replacement: bool = True,
        ngen: int = 20,
        elite: int = 1,
        source: GradientSource | None = None,
        lr: float = 1e-2,
        rng: random.Random | None = None,
        fitness: type[base.Fitness] = LossFitness,
    ) -> None:
        check_counts(population=population, ngen=ngen)
        self.decisions = Decisions.of(decisions)
        self.fitness = fitness
        self.own_rng = rng or cast(random.Random, random)
        slices = self.decisions.slices
        redrawn = 1 / len(slices) if indpb is None else indpb
        check_rates(indpb=redrawn)
        toolbox = base.Toolbox()
        toolbox.register("mate", cxDecision, slices=slices)
        toolbox.register("mutate", mutChoice, slices=slices, indpb=redrawn)
        toolbox.register(
            "select",
            selThermodynamic,
            temperature=Geometric(0.1, 0.01, ngen=ngen) if temperature is None else temperature,
            entropy=ShannonEntropy(self.decisions.loci),
            relative=relative,
            replacement=replacement,
        )
        if source is not None:
            toolbox.register("map", batch_map)
            toolbox.register("local_search", lsDARTS, supernet=source, lr=lr)
        drawn = [self.decisions.sample(self.own_rng) for _ in range(population)]
        first = [Individual(self.decisions.genes(choices), fitness()) for choices in drawn]
        super().__init__(first, toolbox, cxpb=cxpb, mutpb=mutpb, elite=elite, loci=self.decisions.loci)

    def _generate(self) -> list[Any]:
        with drawing_from(self.own_rng):
            return super()._generate()

    def state_dict(self) -> dict[str, Any]:
        """What TDGA has, and the random generator where it is this strategy's own."""
        return {**super().state_dict(), "random": own_state(self.own_rng)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict({**state, "random": None})
        set_own_state(self.own_rng, state["random"])
