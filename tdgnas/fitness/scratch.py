"""Fitness from training every architecture from scratch.

Source of the reward: Zoph, Le 2017, *Neural Architecture Search with Reinforcement Learning*, section 4.1.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import torch
from deap import base
from torch import Tensor

from ..budget import Budget
from ..data import Splits
from ..devices import one_thread, out_of_memory, own_noise, pick_device
from ..files.tables import Table, read_table
from ..individual import AccuracyFitness, LossFitness, fidelity_of
from ..mapping import finished
from ..settings import check_whole
from ..spaces import Architecture, SearchSpace, space_document
from ..training import Recipe, Training, TrainingDiverged
from .effort import Effort, Scaled, narrower
from .inheritance import Inheritance, Weights
from .zero_cost import SCORES, ZeroCostFitness

Child = tuple[tuple[int, ...], float]
"""What is trained: canonical choices, and a fidelity."""

Outcome = tuple["float | None", str, "Weights | None"]
"""What came of it: the value, or None and a sentence that says why there is none; weights where they are inherited."""


@dataclass(frozen=True, eq=False)
class Trainer:
    """Trains children, each by itself; it can be sent to other processes.

    :param effort: of a whole training.
    :param scaled: what a fidelity is a share of.
    :param measure: ``loss`` or a measure of the task.
    :param last: how many of the last epochs the best value is taken of.
    :param power: that the value is raised to.
    :param seed: of weights and order.
    :param device: where to compute.
    :param keeps: whether the weights are wanted, too.
    :param score: what a fidelity of no epoch is.
    """

    effort: Effort
    scaled: Scaled
    measure: str
    last: int
    power: float
    seed: int
    device: torch.device
    keeps: bool = False
    score: ZeroCostFitness | None = None
    constant: ClassVar[bool] = True  # sent to a worker once
    failed: ClassVar[Outcome] = (None, "its worker died, perhaps because memory was full", None)

    def __call__(self, child: Child, start: Weights | None = None) -> Outcome:
        """Train a child with one thread; neither a divergence nor full memory is an error."""
        try:
            with one_thread():
                if self.score is not None and not child[1]:
                    found = self.score.value(self.effort.space.architecture(child[0]))
                    return found if self.effort.data.task.measure(self.measure).higher else -found, "", None
                training = self.training(*child, start)
                return self.value(training), "", self._kept(training)
        except TrainingDiverged as error:
            return None, str(error), None
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            reason = (str(error) or type(error).__name__).splitlines()[0]
            return None, f"it does not fit in memory ({reason})", None

    def _kept(self, training: Training) -> Weights | None:
        if not self.keeps:
            return None
        return {name: one.detach().cpu().clone() for name, one in training.evaluated.state_dict().items()}

    def training(
        self, choices: tuple[int, ...], fidelity: float, start: Mapping[str, Tensor] | None = None
    ) -> Training:
        """Train a child to the end of its recipe.

        :param start: its first weights; fresh ones when None.
        """
        effort = self.effort.at(self.scaled, fidelity)
        with own_noise(self.seed):
            network = effort.space.network(effort.space.architecture(choices))
        if start is not None:
            network.load_state_dict(start)
        training = Training(network, effort.data, effort.recipe, self.seed, self.device)
        for _ in training:
            pass
        return training

    def value(self, training: Training) -> float:
        """Return the best of the last epochs, raised to the power."""
        task = training.task
        found = [record.valid[self.measure] for record in training.records[-self.last :] if record.valid]
        best = max(found) if task.measure(self.measure).higher else min(found)
        return best if self.power == 1 else math.copysign(abs(best) ** self.power, best)


class TrainingFitness:
    """Loss or a measure on the validation data of the architecture's own network, trained from scratch.

    Every network has the same recipe, initial weights and order of the images of one seed, so that an architecture has
    one value, which is remembered by its canonical form and the fidelity. An individual with a ``fidelity`` below 1 is
    trained with that share of the epochs, the data or the channels, or scored without training where that is less than
    half an epoch and ``fidelities`` names a score. One image costs 3 passes per epoch of training and
    1 per epoch of validation that counts; a narrower network costs as many.

    With ``inherit`` a child of a space that grows begins with the weights of the longest part of its history whose
    weights are at hand, so that its value depends on what was trained before it. Those of the last ``keep`` networks
    that were trained or inherited from are at hand, all that were trained together last, and those of the best one;
    older ones are dropped, and a child whose ancestors are all gone begins with fresh weights. Its new BatchNorms are
    measured on 64 training images, which are paid for.

    A child whose training diverges, or that does not fit in memory, gets the task's worst value, with a warning.

    Callable for one individual; ``batch`` takes a population. Children are trained by ``map``, each with one thread,
    so that values are the same bits whatever the number of processes.

    :param space: what is searched.
    :param data: train and valid of it.
    :param recipe: of every training.
    :param measure: ``loss`` or a measure of the data's task.
    :param last: how many of the last epochs the best value is taken of (5 in the paper).
    :param power: that the value is raised to (3 in the paper).
    :param fidelities: what a fidelity is a share of: ``epochs``, ``data`` or ``width``; or ``naswot``, ``synflow`` or
        ``jacobian``: epochs, and no epoch is that score, turned round where less is better.
    :param inherit: whether a child begins with the weights of an ancestor.
    :param keep: networks whose weights are kept for that.
    :param seed: of weights and order.
    :param device: where to compute; CUDA where there is one, else the CPU.
    :param map: trains several children; one after another here, side by side with ``WorkerMap(4)``, on a cluster
        with ``RayMap()``.
    :raises ValueError: for an unknown measure, numbers out of range, a recipe that learns from the validation data, or
        the fidelity of a width that the space does not have, or a space whose networks have no ancestors.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: Splits,
        recipe: Recipe,
        *,
        measure: str = "loss",
        last: int = 1,
        power: float = 1.0,
        fidelities: Scaled = "epochs",
        inherit: bool = False,
        keep: int = 32,
        seed: int = 0,
        device: str | torch.device | None = None,
        map: Callable[..., Any] = map,
    ) -> None:
        check_whole(last=last, keep=keep)
        if not 0 < power < math.inf:
            raise ValueError(f"power is {power}; it is a number above 0, such as 3 for the cube")
        if recipe.with_valid:
            raise ValueError(
                "the recipe learns from the validation data, by which networks are judged; unset with_valid"
            )
        if fidelities == "width":
            narrower(space, 1.0)
        if inherit and (fidelities not in ("epochs", "data") or not hasattr(space, "inherited")):
            raise ValueError(
                "weights are inherited where networks grow, as in the space 'grown', at one width, and trained; "
                "unset inherit"
            )
        self.space, self.data, self.recipe, self.map = space, data, recipe, map
        self.measure, self.fidelities = measure, fidelities
        self.higher = data.task.measure(measure).higher
        self.worst = data.task.worst_of(measure)
        self.device = pick_device(device)
        effort = Effort(space, data, recipe)
        score = None
        if fidelities in SCORES:
            score = ZeroCostFitness(space, data, score=fidelities, seed=seed, device=self.device)
        self._trainer = Trainer(effort, fidelities, measure, last, power, seed, self.device, inherit, score)
        self.budget = Budget()
        self.inherit = Inheritance(space, data, keep, self.higher) if inherit else None
        self._known: dict[Child, float] = {}  # paid for
        self._trained: dict[Child, float] = {}  # at hand, by this search or before it was killed
        self._written: set[Child] = set()  # in the table before this process
        self._table: Table | None = None

    @property
    def fitness_type(self) -> type[base.Fitness]:
        """The class that the individuals' fitness has to have."""
        return AccuracyFitness if self.higher else LossFitness

    def __call__(self, individual: Sequence[float]) -> tuple[float, ...]:
        """Return the fitness of one individual."""
        return self.batch([individual])[0]

    def batch(
        self, individuals: Sequence[Sequence[float]], map: Callable[..., Any] | None = None
    ) -> list[tuple[float, ...]]:
        """Return the fitness of individuals, in their order; a ``map`` takes the place of the fitness' own."""
        self.map = map or self.map
        children = self.ahead(individuals)
        for child in children:
            self.budget.requests += 1
            if child not in self._known:
                self._known[child] = self._trained[child]
                share = 1 if child[1] == 1 else child[1]  # a count of whole ones stays whole
                self.budget.count(share, self._passes(child), cause="evaluation")
        return [(self._known[child],) for child in children]

    def ahead(self, individuals: Sequence[Sequence[float]]) -> list[Child]:
        """Train what individuals stand for, where that is not at hand; nothing is paid for yet.

        :returns: what each of them stands for.
        """
        children = [self._child(individual) for individual in individuals]
        missing = [child for child in dict.fromkeys(children) if child not in self._trained]
        # All parents are looked for before anything is trained: no child inherits from one of its own generation.
        starts = [None if self.inherit is None else self.inherit.start(child) for child in missing]
        outcomes: dict[int, Outcome] = {}
        for place, outcome in finished(self.map, self._trainer, missing, starts):
            outcomes[place] = outcome
            self._keep(missing[place], outcome)
        if self.inherit is not None and missing:
            self.inherit.take([(child, outcomes[place]) for place, child in enumerate(missing)])
        return children

    def task(self, individual: Sequence[float]) -> tuple[Trainer, Child] | None:
        """Return who trains what an individual stands for, and that; None where it is at hand."""
        child = self._child(individual)
        return None if child in self._trained else (self._trainer, child)

    def keep(self, individual: Sequence[float], outcome: Outcome) -> None:
        """Take what came of a :meth:`task` as known; it is paid for when the individual is evaluated."""
        self._keep(self._child(individual), outcome)

    def _child(self, individual: Sequence[float]) -> Child:
        choices = self.space.decisions.canonical(self.space.decode(individual).choices)
        return choices, self._trainer.effort.share(self.fidelities, fidelity_of(individual))

    def _passes(self, child: Child) -> int:
        effort, score = self._trainer.effort, self._trainer.score
        if score is not None and not child[1]:
            return score.passes
        if self.fidelities != "width":  # as many images, whatever the width
            effort = effort.at(self.fidelities, child[1])
        more = 0 if self.inherit is None else self.inherit.passes.pop(child, 0)
        return effort.passes + min(self._trainer.last, effort.recipe.epochs) * len(self.data.valid) + more

    def train(self, architecture: Architecture) -> Training:
        """Train an architecture's network to the end of the recipe; the budget is not asked.

        :raises TrainingDiverged: when the loss is no longer finite.
        """
        with one_thread():
            return self._trainer.training(self.space.decisions.canonical(architecture.choices), 1.0)

    # what is at hand ---------------------------------------------------------------------------------------------

    def keep_in(self, path: Path) -> None:
        """Write every child into a file as soon as it is trained, and take what the file has as trained.

        Children of other settings may be in it; they are left alone. Where weights are inherited, a value without its
        weights is of no use: what was trained since the last checkpoint is trained again, and not written twice.

        :raises StorageError: when it cannot be written.
        """
        self._table = Table(path, ("settings", "choices", "fidelity", "value", "failure"))
        self._table.cut_to_lines()
        for row in read_table(path):
            if row["settings"] == self._settings:
                child = (tuple(int(one) for one in str(row["choices"]).split()), float(row["fidelity"]))
                self._written.add(child)
                if self.inherit is None:
                    self._trained[child] = self.worst if row["value"] is None else float(row["value"])

    @cached_property
    def _settings(self) -> str:
        """Digest of what a value depends on beside choices and fidelity."""
        trainer, data = self._trainer, self.data
        said = [
            space_document(self.space), self.recipe.model_dump(mode="json"), trainer.scaled, trainer.measure,
            trainer.last, trainer.power, trainer.seed, data.name, data.image_shape, len(data.train), len(data.valid),
            *([] if self.inherit is None else ["inherit", self.inherit.keep]),
        ]  # fmt: skip
        return "s" + sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]

    def _keep(self, child: Child, outcome: Outcome) -> None:
        value, failure, _ = outcome
        self._trained[child] = self.worst if value is None else value
        choices = " ".join(map(str, child[0]))
        if self._table is not None and child not in self._written:
            row = {"choices": choices, "fidelity": child[1], "value": value, "failure": failure or None}
            self._table.append({"settings": self._settings, **row})
        if failure:
            warnings.warn(
                f"the network of choices {choices} gets the worst value, {self.worst:g}: {failure}",
                RuntimeWarning,
                stacklevel=2,
            )

    def state_dict(self) -> dict[str, Any]:
        """The ledger, the values that are known, and the weights that can be inherited."""
        known = [[list(choices), fidelity, value] for (choices, fidelity), value in self._known.items()]
        own = {} if self.inherit is None else {"inherit": self.inherit.state_dict()}
        return {"budget": self.budget.state_dict(), "known": known, **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.budget.load_state_dict(state["budget"])
        self._known = {(tuple(choices), fidelity): value for choices, fidelity, value in state["known"]}
        self._trained |= self._known
        if self.inherit is not None:
            self.inherit.load_state_dict(state["inherit"])
