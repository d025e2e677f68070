"""Fitness from the shared supernet with frozen weights."""

from __future__ import annotations

import math
import random
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from deap import base

from ..budget import Budget
from ..decision import Decisions, drawn
from ..individual import AccuracyFitness, LossFitness
from ..spaces import Architecture
from ..supernet import (
    Counters,
    EvaluationSet,
    Evaluator,
    PopulationEvaluator,
    RecurrentEvaluator,
    Score,
    SplitEvaluator,
    Supernet,
    evaluation_set,
    relaxed_scores,
)
from ..supernet.evaluation import BatchNormPolicy
from ..tasks import check_targets
from ..workers import Workers

if TYPE_CHECKING:
    from ..data import Data

Mode = Literal["threshold", "sample", "relaxed"]
Genes = Sequence[float]
FloatArray = npt.NDArray[np.float64]


class SupernetFitness:
    """A measure of individuals on held-out images, all with the supernet's shared, frozen weights.

    Callable for one individual; ``batch`` takes a population (``toolbox.register("map", tdgnas.batch_map)``). Every
    individual is scored on the same images in the same order; results are cached by canonical architecture (one network
    under several spellings is one evaluation) and by the version of the weights; evaluation changes no weight and no
    buffer.

    :param supernet: whose weights are shared.
    :param data: held-out images, as a rule ``data.valid``.
    :param size: how many of them (the first ones); all when None.
    :param batch_size: images per forward pass; with the policy ``batch`` also the extent of BatchNorm's statistics.
    :param measure: ``loss`` (to be minimised) or another measure of the data's task, such as ``accuracy``; a value that
        is not finite counts as the task's worst.
    :param mode: ``threshold`` scores the discretised alpha, ``relaxed`` the relaxed network, ``sample`` the mean of
        ``samples`` discrete networks drawn from the relaxed weights, with the same random numbers for everybody.
    :param batchnorm: ``batch``, ``recalibrated`` (needs ``calibration``) or ``running``.
    :param calibration: training images for ``recalibrated``.
    :param calibration_size: how many of them.
    :param samples: discrete networks per individual in the mode ``sample``.
    :param seed: of the random numbers of the mode ``sample``.
    :param evaluator: makes what scores discrete networks, :class:`PopulationEvaluator` or, of recurrent cells,
        :class:`RecurrentEvaluator` when None; ``functools.partial(PopulationEvaluator, cache_bytes=0)`` gives it
        options, :class:`RacingEvaluator` and :class:`CompiledEvaluator` take its place.
    :raises ValueError: for unknown names and impossible sizes.
    """

    def __init__(
        self,
        supernet: Supernet,
        data: Data,
        *,
        size: int | None = None,
        batch_size: int = 500,
        measure: str = "loss",
        mode: Mode = "threshold",
        batchnorm: BatchNormPolicy = "batch",
        calibration: Data | None = None,
        calibration_size: int = 256,
        samples: int = 4,
        seed: int = 0,
        evaluator: Callable[[Supernet, EvaluationSet], Evaluator] | None = None,
    ) -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(get_args(Mode))}")
        self.higher = data.task.measure(measure).higher
        check_targets(data.labels, supernet.space.classes, "the data of a fitness")
        if samples < 1:
            raise ValueError(f"samples is {samples}; at least one discrete network has to be drawn")
        self.supernet = supernet
        self.measure = measure
        self.mode = mode
        self.where: EvaluationSet = evaluation_set(
            data.to(supernet.device),
            size=size,
            batch_size=batch_size,
            policy=batchnorm,
            calibration=None if calibration is None else calibration.to(supernet.device),
            calibration_size=calibration_size,
        )
        usual = PopulationEvaluator if supernet.frame is None else RecurrentEvaluator
        self._make = evaluator or usual
        self.evaluator: Evaluator = self._make(supernet, self.where)
        self._counted = self.evaluator.counters.copy()
        rng = random.Random(seed)
        self._uniform = np.array([[rng.random() for _ in supernet.space.decisions] for _ in range(samples)])
        self._cache: dict[Architecture | bytes, Score] = {}
        self._version = supernet.version

    def __call__(self, individual: Genes) -> tuple[float, ...]:
        """Return the fitness values of one individual."""
        return self.batch([individual])[0]

    def over(self, map: Callable[..., Any]) -> None:
        """From now on let discrete networks be scored by the workers of a map, see :class:`SplitEvaluator`.

        What is known and what was counted stays here, so that budget and cache are those of one process.
        """
        if getattr(self.evaluator, "map", None) is not map:
            counters = self.evaluator.counters
            self.evaluator = SplitEvaluator(self.supernet, self.where, map, self._make)
            self.evaluator.counters = counters

    def batch(
        self, individuals: Sequence[Genes], map: Callable[..., Any] | None = None
    ) -> list[tuple[float, ...]]:
        """Return the fitness values of individuals, in their order; scored :meth:`over` a map, if given."""
        if map is not None:
            self.over(map)
        genes = self.supernet.space.decisions.matrix(individuals)
        if not np.isfinite(genes).all():
            raise ValueError("an individual has NaN or infinite genes; look at the operator that made it")
        self.budget.requests += len(individuals)
        if self.mode == "relaxed":
            return [self._value([score]) for score in self._relaxed(genes)]
        wanted = [self._architectures(row) for row in genes]
        scores = self._discrete([architecture for group in wanted for architecture in group])
        return [self._value([scores[architecture] for architecture in group]) for group in wanted]

    @property
    def fitness_type(self) -> type[base.Fitness]:
        """The class that the individuals' fitness has to have: minimised or maximised, as the measure is."""
        return AccuracyFitness if self.higher else LossFitness

    @property
    def budget(self) -> Budget:
        """The supernet's ledger."""
        return self.supernet.budget

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Return loss and measures of architectures, whatever ``measure`` and ``mode`` are."""
        wanted = [self.supernet.space.canonical(architecture) for architecture in architectures]
        found = self._discrete(wanted)
        return [found[architecture] for architecture in wanted]

    def decode(self, individual: Genes | FloatArray) -> Architecture:
        """Return the architecture of an individual, by the relaxation that it lives under."""
        return self.supernet.decode(individual)

    @property
    def decisions(self) -> Decisions:
        """What is searched; a choice that does not matter is told to be dead."""
        return self.supernet.space.decisions

    @property
    def counters(self) -> Counters:
        """What evaluating discrete networks has cost so far: nodes and multiply-adds, asked for and executed."""
        return self.evaluator.counters

    def cost(self) -> dict[str, int]:
        """Return the counters since the last call, by name; ``evolve`` asks once per generation."""
        since = self.counters.since(self._counted)
        self._counted = self.counters.copy()
        return since.as_dict()

    def release(self) -> None:
        """Free the values that were kept for the next generation, and end workers; scores stay known."""
        cache, workers = getattr(self.evaluator, "cache", None), getattr(self.evaluator, "map", None)
        if cache is not None:
            cache.clear()
        if isinstance(workers, Workers):
            workers.close()

    def state_dict(self) -> dict[str, Any]:
        """Budget and cache, for a run that is resumed with equal weights; empty after the weights have changed."""
        self._fresh()
        known = [
            [
                list(key.choices) if isinstance(key, Architecture) else key.hex(),
                score.loss,
                dict(score.measures),
            ]
            for key, score in self._cache.items()
        ]
        return {"budget": self.budget.state_dict(), "cache": known}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken; the supernet must have the weights that it had then."""
        self.budget.load_state_dict(state["budget"])
        self._version = self.supernet.version
        self._cache = {
            bytes.fromhex(key) if isinstance(key, str) else self.supernet.space.architecture(key): Score(
                loss, measures
            )
            for key, loss, measures in state["cache"]
        }

    def _architectures(self, genes: FloatArray) -> list[Architecture]:
        space = self.supernet.space
        if self.mode == "threshold":
            return [space.canonical(self.decode(genes))]
        weights = self.supernet.relaxed_weights(genes)
        shares = [weights[where].tolist() for where in space.slices]
        return [
            space.canonical(space.architecture([drawn(own, u) for own, u in zip(shares, row, strict=True)]))
            for row in self._uniform
        ]

    def _fresh(self) -> None:
        version = self.supernet.version
        if version != self._version:
            self._cache.clear()
            self._version = version

    def _discrete(self, architectures: Sequence[Architecture]) -> dict[Architecture, Score]:
        self._fresh()
        new = [a for a in dict.fromkeys(architectures) if a not in self._cache]
        known = list((Counter(architectures) - Counter(new)).elements())
        self.evaluator.note(known)
        if new:
            before = self.counters.passes
            self._cache.update(zip(new, self.evaluator.scores(new), strict=True))
            self.budget.count(len(new), self.counters.passes - before)
        return {architecture: self._cache[architecture] for architecture in architectures}

    def _relaxed(self, genes: FloatArray) -> list[Score]:
        self._fresh()
        keys = [row.tobytes() for row in genes]
        new = {key: row for key, row in zip(keys, genes, strict=True) if key not in self._cache}
        if new:
            rows = torch.as_tensor(np.stack(list(new.values())), device=self.supernet.device)
            scores = relaxed_scores(self.supernet, self.where, rows.to(self.supernet.alpha.dtype))
            self._cache.update(zip(new, scores, strict=True))
            self.budget.count(len(new), self.where.passes * len(new))
        return [self._cache[key] for key in keys]

    def _value(self, scores: list[Score]) -> tuple[float]:
        name = self.measure
        values = [score.loss if name == "loss" else score.measures[name] for score in scores]
        value = sum(values) / len(values)
        if not math.isfinite(value):
            worst = self.where.task.worst_of(name)
            warnings.warn(
                f"an individual has the {name} {value}; it counts as {worst:g}. Did the supernet's training diverge?",
                RuntimeWarning,
                stacklevel=3,
            )
            return (worst,)
        return (value,)
