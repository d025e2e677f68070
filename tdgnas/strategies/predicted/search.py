"""What searches with a prediction have in common: candidates, a model's memory, and how well it predicted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, ClassVar

import numpy as np
import scipy  # which imports its parts when they are used
from pydantic import Field

from ...decision import Decision
from ...individual import IndividualLike
from ...settings import Count, Share
from ..decisions import DecisionStrategy
from ..unseen import TRIES, Unseen
from .model import Array, Model, spread_ranks

__all__ = ["PredictedSearch"]

Row = tuple[int, ...]
Memory = Annotated[int, Field(strict=True, ge=8)]
#: How many predictions are remembered to tell how good they were.
FORECASTS = 50


class PredictedSearch(DecisionStrategy):
    """A search that predicts how good unseen candidates are and asks for the most promising ones.

    The first generation is random. Then candidates are made anew for each: a member of the population (the best
    evaluated so far) with one decision redrawn, or a random architecture; none that was asked for before. Everything
    is canonical (``Decisions.canonical``), in which a dead decision takes its first choice: to the model, as to the
    memory of what was asked for, the spellings of a network are one. Once nothing unseen is found, random
    architectures are asked for again. What is evaluated may come back in any order and number, so that several
    evaluations can be under way at once.

    The model learns from ranks (:func:`spread_ranks`), of at most ``memory`` architectures: when there are more, the
    best quarter of that number and the newest quarter stay, so that a proposal's cost is bounded.

    An individual that the model proposed carries ``predicted``: mean and standard deviation of its rank, the noise
    included.

    :param decisions: ``space.decisions``.
    :param initial: random architectures to begin with.
    :param population: how many of the best evaluated so far have offspring.
    :param offspring: candidates for each generation.
    :param redraw: probability that a candidate is a member with one decision redrawn; else it is random.
    :param batch: how many are evaluated at once.
    :param memory: most architectures that the model holds.
    :param given: ``rng`` and ``fitness``, see :class:`DecisionStrategy`.
    """

    asynchronous = True
    keeps: ClassVar[tuple[str, ...]] = ("forecasts",)
    records = ("predicted", "uncertainty", "reached", "rank_correlation")
    #: How far ranks are spread.
    reach = 1.73

    def __init__(
        self,
        decisions: Sequence[Decision],
        *,
        initial: Count = 5,
        population: Count = 3,
        offspring: Count = 20,
        redraw: Share = 0.9,
        batch: Count = 1,
        memory: Memory = 2_000,
        **given: Any,
    ) -> None:
        super().__init__(decisions, **given)
        self.unseen: Unseen = Unseen(self.decisions)
        self.initial, self.size, self.offspring = initial, population, offspring
        self.redraw, self.batch, self.memory = redraw, batch, memory
        self.model = self._model()
        self.parents: list[Row] = []  # choices of the population, while candidates are sought
        self.values: list[float] = []  # of the model's architectures; more is better
        self.forecasts: list[list[float]] = []  # mean, deviation with noise, rank reached, value

    @abstractmethod
    def _model(self) -> Model:
        """Make an empty model."""

    @abstractmethod
    def _choose(self, candidates: list[Row], mean: Array, deviation: Array) -> list[Row]:
        """Return those of the candidates to evaluate, at most ``batch``."""

    def targets(self) -> Array:
        """What the model learns from: ranks of the values, more is better."""
        return spread_ranks(self.values, self.reach)

    def _generate(self) -> list[IndividualLike]:
        if not self.values:
            return [self._asked(self.decisions.sample(self.rng)) for _ in range(self.initial)]
        candidates = self._candidates()
        if not candidates:
            return [self._asked(self.decisions.sample(self.rng)) for _ in range(self.batch)]
        mean, deviation = self.model.predict(self.targets(), candidates)
        unsure = np.sqrt(deviation**2 + self.model.noise)
        asked = []
        for choices in self._choose(candidates, mean, deviation):
            individual, place = self._asked(choices), candidates.index(choices)
            individual.predicted = [float(mean[place]), float(unsure[place])]
            asked.append(individual)
        return asked

    def _asked(self, choices: Row) -> Any:
        return self.individual(self.decisions.canonical(self.unseen.new(choices, self.rng)))

    def _candidates(self) -> list[Row]:
        """Return distinct unseen architectures: ``offspring`` of them, or as many as are found."""
        found: dict[Row, None] = {}
        self.parents = [self.decisions.choices(member) for member in self.population]
        for _ in range(TRIES * self.offspring):
            bred = self.rng.random() < self.redraw
            choices = self.decisions.canonical(self._vary() if bred else self.decisions.sample(self.rng))
            if choices not in self.unseen.known:
                found[choices] = None
                if len(found) == self.offspring:
                    break
        return list(found)

    def _vary(self) -> Row:
        """Return choices near those of a member of the population."""
        return self.decisions.neighbour(self.parents[self.rng.randrange(len(self.parents))], self.rng)

    def _survivors(self, pool: list[IndividualLike]) -> list[IndividualLike]:
        """Return the next population out of the last one and what was evaluated, the oldest first."""
        return sorted(pool, key=attrgetter("fitness"), reverse=True)[: self.size]

    def _update(self, individuals: list[IndividualLike]) -> None:
        for individual in individuals:
            self._learn(
                self.decisions.canonical(self.decisions.choices(individual)), individual.fitness.wvalues[0]
            )
        ranks = dict(zip(self.values, self.targets().tolist(), strict=True))
        for individual in individuals:
            predicted, value = getattr(individual, "predicted", None), individual.fitness.wvalues[0]
            if predicted is not None:
                self.forecasts.append([*predicted, ranks[value], value])
        self.forecasts = self.forecasts[-FORECASTS:]
        self.population = self._survivors([*self.population, *individuals])

    def _learn(self, choices: Row, value: float) -> None:
        if len(self.values) == self.memory:
            self._forget()
        self.model.add(choices)
        self.values.append(value)

    def _forget(self) -> None:
        quarter, values = self.memory // 4, np.array(self.values)
        best = np.argsort(-values, kind="stable")[:quarter]
        kept = sorted({*best.tolist(), *range(len(values) - quarter, len(values))})
        self._remember(self.model.choices[kept].tolist(), values[kept].tolist())

    def _remember(self, choices: list[list[int]], values: list[float]) -> None:
        self.model, self.values = self._model(), list(values)
        for row in choices:
            self.model.add(row)

    def record(self) -> dict[str, float]:
        """How good the predictions were.

        Of the last one the rank that was ``predicted``, its standard deviation (``uncertainty``, with the noise) and
        the rank that it ``reached`` when it was evaluated; of the last fifty the ``rank_correlation`` (Spearman) of
        what was predicted with the fitness.
        """
        if not self.forecasts:
            return {}
        mean, _, _, value = np.array(self.forecasts).T
        found = dict(zip(("predicted", "uncertainty", "reached"), self.forecasts[-1], strict=False))
        if len(set(mean)) > 1 and len(set(value)) > 1:
            found["rank_correlation"] = float(scipy.stats.spearmanr(mean, value).statistic)
        return found

    def state_dict(self) -> dict[str, Any]:
        """What every strategy has, and what the model holds; its inner state follows from that."""
        return {**super().state_dict(), "held": [self.model.choices.tolist(), list(self.values)]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        super().load_state_dict(state)
        self._remember(*state["held"])
