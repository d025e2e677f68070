"""The phases of a search run, each a sequence of steps with a state that can be saved between any two."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ..algorithms import evolve
from ..data import Splits
from ..fitness import SupernetFitness
from ..seeding import seed_everything
from ..spaces import RULES, Architecture, SearchSpace, save_architecture
from ..strategies import TDGA
from ..strategies.base import pack_random, unpack_random
from ..supernet import Pretraining, Supernet, save_supernet
from ..training import Training, evaluate
from .build import fitness_class, make_recipe, make_toolbox
from .config import RunConfig
from .files import write_json
from .records import Events, Table

PRETRAINING = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "gates", "passes")
HISTORY = (
    "gen",
    "nevals",
    "best",
    "mean",
    "entropy",
    "temperature",
    "distinct",
    "gates",
    "evaluations",
    "passes",
)


@dataclass
class Context:
    """What the phases of one run share."""

    config: RunConfig
    folder: Path
    space: SearchSpace
    data: Splits
    supernet: Supernet
    fitness: SupernetFitness


class Phase(Protocol):
    """A phase of a run."""

    name: str

    @property
    def total(self) -> int:
        """Steps in all."""

    @property
    def done(self) -> int:
        """Steps done."""

    def step(self) -> dict[str, Any]:
        """Do one step; return numbers worth showing."""

    def finish(self) -> None:
        """Write what the phase has found."""

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""


class PretrainPhase:
    """Weights and alpha of the supernet, by DARTS."""

    name = "pretraining"

    def __init__(self, context: Context) -> None:
        self.context = context
        settings = context.config.pretrain.model_dump(exclude={"relaxation", "imagenet"})
        self.pretraining = Pretraining(context.supernet, seed=context.config.seed, **settings)
        self.table = Table(context.folder / "pretraining.csv", PRETRAINING)
        self.seconds = 0.0
        self.total = context.config.pretrain.epochs

    @property
    def done(self) -> int:
        """Epochs trained."""
        return self.pretraining.epoch

    def step(self) -> dict[str, Any]:
        """Train one epoch."""
        record = asdict(next(self.pretraining))
        self.seconds += record.pop("seconds")
        self.table.append(record)
        return {key: record[key] for key in ("train_loss", "valid_loss", "valid_accuracy", "gates")}

    def finish(self) -> None:
        """Save the supernet."""
        save_supernet(self.context.supernet, self.context.folder / "supernet")
        write_json(self.context.folder / "timings" / "pretraining.json", {"seconds": self.seconds})

    def state_dict(self) -> dict[str, Any]:
        """Supernet, optimisers, random state."""
        supernet = self.context.supernet.state_dict()
        return {
            "supernet": dict(supernet),
            "pretraining": self.pretraining.state_dict(),
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken."""
        self.context.supernet.load_state_dict(state["supernet"])
        self.pretraining.load_state_dict(state["pretraining"])
        self.seconds = state["seconds"]


class SearchPhase:
    """TDGA on the supernet."""

    name = "search"

    def __init__(self, context: Context) -> None:
        self.context = context
        config, space = context.config, context.space
        seed_everything(config.seed)
        population = context.supernet.population(
            config.search.population, scale=config.search.scale, fitness=fitness_class(config)
        )
        self.toolbox = make_toolbox(config, space, context.supernet, context.fitness)
        self.strategy = TDGA(
            population,
            self.toolbox,
            cxpb=config.search.cxpb,
            mutpb=config.search.mutpb,
            elite=config.search.elite,
            loci=space.choices,
        )
        self.evolution = evolve(self.strategy, self.toolbox, config.search.ngen, loci=space.choices)
        self.table = Table(context.folder / "history.csv", HISTORY)
        self.events = Events(context.folder / "events.jsonl")
        self.known = -1
        self.seconds = 0.0
        self.total = config.search.ngen + 1

    @property
    def done(self) -> int:
        """Generations done, the initial one included."""
        return self.evolution.generation

    @property
    def best(self) -> Architecture:
        """The best architecture so far; of the last population, where the weights change under the search."""
        individual: Any = self.strategy.best
        if self.context.config.search.weights == "alternate":
            individual = max(self.strategy.population, key=_fitness)
        return self.context.space.decode(individual)

    def step(self) -> dict[str, Any]:
        """Do one generation."""
        start = time.perf_counter()
        generation = next(self.evolution)
        budget = self.context.fitness.budget
        leader = self.context.space.decode(max(generation.population, key=_fitness))
        record = {
            **generation.record,
            "gates": sum(map(bool, leader.choices)),
            "evaluations": budget.evaluations,
            "passes": budget.passes,
        }
        self.table.append(record)
        self.events.append(
            [self._event(each) for each in generation.evaluated if each.origin["id"] > self.known]
        )
        self.known = max(self.known, *(each.origin["id"] for each in generation.evaluated))
        seconds = time.perf_counter() - start
        self.seconds += seconds
        shown = {key: record.get(key) for key in ("best", "mean", "entropy", "temperature", "distinct")}
        return {**shown, "evaluations/s": record["nevals"] / max(seconds, 1e-9)}

    def _event(self, individual: Any) -> dict[str, Any]:
        choices = self.context.space.decode(individual).choices
        return {
            "gen": self.evolution.generation - 1,
            **individual.origin,
            "choices": list(choices),
            "fitness": list(individual.fitness.values),
        }

    def finish(self) -> None:
        """Write the best architecture."""
        save_architecture(self.context.space, self.best, self.context.folder / "architecture.json")
        write_json(self.context.folder / "timings" / "search.json", {"seconds": self.seconds})

    def state_dict(self) -> dict[str, Any]:
        """Strategy, fitness' cache, random state; the weights too, where they change."""
        state = {
            "generation": self.evolution.generation,
            "strategy": self.strategy.state_dict(),
            "fitness": self.context.fitness.state_dict(),
            "random": pack_random(random._inst),
            "known": self.known,
            "seconds": self.seconds,
        }
        if self.context.config.search.weights == "alternate":
            state["supernet"] = dict(self.context.supernet.state_dict())
            state["train"] = self.toolbox.train.func.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken."""
        if "supernet" in state:
            self.context.supernet.load_state_dict(state["supernet"])
            self.toolbox.train.func.load_state_dict(state["train"])
        self.evolution.generation = state["generation"]
        self.strategy.load_state_dict(state["strategy"])
        self.context.fitness.load_state_dict(state["fitness"])
        unpack_random(random._inst, state["random"])
        self.known, self.seconds = state["known"], state["seconds"]


@dataclass(frozen=True)
class Candidate:
    """One network to be retrained."""

    row: str
    architecture: Architecture
    seed: int


def candidates(context: Context, best: Architecture) -> list[Candidate]:
    """Return what is retrained beside the search's winner: baseline, random controls, DARTS alone by its rules."""
    config, space = context.config, context.space
    rows: list[tuple[str, Architecture]] = []
    baseline = space.baseline()
    if baseline is not None:
        rows.append(("baseline", baseline))
    rng = random.Random(config.seed)
    rows += [("random", space.sample_like(best, rng)) for _ in range(config.retrain.random_draws)]
    weights = context.supernet.relaxed_weights()
    rows.append(("DARTS, threshold", RULES["threshold"](space, weights)))
    if all(decision.binary and decision.group for decision in space.decisions):
        rows.append(("DARTS, round-k", RULES["round-k"](space, weights)))
    rows.append(("TDGA", best))
    return [Candidate(row, each, config.seed + n) for row, each in rows for n in range(config.retrain.seeds)]


class RetrainPhase:
    """Every row of the final table, trained from scratch with the same recipe; the test set is read once for each."""

    name = "retraining"

    def __init__(self, context: Context, best: Architecture) -> None:
        self.context = context
        self.candidates = candidates(context, best)
        self.recipe = make_recipe(context.config.retrain)
        self.results: list[dict[str, Any]] = []
        self.seconds: list[float] = []
        self.total = len(self.candidates) * self.recipe.epochs
        self.training: Training | None = None

    @property
    def done(self) -> int:
        """Epochs trained over all rows."""
        return len(self.results) * self.recipe.epochs + (0 if self.training is None else self.training.epoch)

    def step(self) -> dict[str, Any]:
        """Train one epoch of the present row."""
        candidate = self.candidates[len(self.results)]
        known = next((r for r in self.results if _same(r, candidate)), None)
        if known is not None:
            # One architecture, recipe and seed give one result: there is nothing to train again.
            self.results.append({**known, "row": candidate.row})
            self.seconds.append(self.seconds[self.results.index(known)])
            return {"row": candidate.row, "test": known["test_accuracy"]}
        if self.training is None:
            self.training = self._start(candidate)
        record = next(self.training)
        if self.training.epoch == self.recipe.epochs:
            self._complete(candidate, self.training)
            self.training = None
        return {
            "row": candidate.row,
            "train_loss": record.train_loss,
            "valid_accuracy": record.valid_accuracy,
        }

    def _start(self, candidate: Candidate) -> Training:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(candidate.seed)
            network = self.context.space.network(candidate.architecture)
        return Training(network, self.context.data, self.recipe, candidate.seed, self.context.supernet.device)

    def _complete(self, candidate: Candidate, training: Training) -> None:
        space, architecture = self.context.space, candidate.architecture
        _, test = evaluate(training.network, self.context.data.test.to(training.device))
        self.results.append(
            {
                "row": candidate.row,
                "seed": candidate.seed,
                "choices": "".join(map(str, architecture.choices)),
                "gates": sum(map(bool, architecture.choices)),
                "valid_accuracy": training.records[-1].valid_accuracy,
                "test_accuracy": test,
                "parameters": space.parameters(architecture),
                "macs": space.macs(architecture),
            }
        )
        self.seconds.append(sum(record.seconds for record in training.records))

    def finish(self) -> None:
        """Write the result table, with each network's architecture."""
        folder = self.context.folder
        write_json(folder / "results.json", self.results)
        write_json(folder / "timings" / "retraining.json", {"seconds": self.seconds})
        (folder / "architectures").mkdir(exist_ok=True)
        for number, candidate in enumerate(self.candidates):
            name = "".join(c if c.isalnum() else "-" for c in candidate.row.lower()).replace("--", "-")
            path = folder / "architectures" / f"{number:02d}-{name}.json"
            save_architecture(self.context.space, candidate.architecture, path)

    def state_dict(self) -> dict[str, Any]:
        """Finished rows, and the training of the present one."""
        training = None if self.training is None else self.training.state_dict()
        return {"results": self.results, "seconds": self.seconds, "training": training}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken."""
        self.results, self.seconds = state["results"], state["seconds"]
        if state["training"] is not None:
            self.training = self._start(self.candidates[len(self.results)])
            self.training.load_state_dict(state["training"])


def _fitness(individual: Any) -> Any:
    return individual.fitness


def _same(result: dict[str, Any], candidate: Candidate) -> bool:
    choices = "".join(map(str, candidate.architecture.choices))
    return bool(result["choices"] == choices and result["seed"] == candidate.seed)


def phase_names() -> Sequence[str]:
    """Names of the phases, in order."""
    return (PretrainPhase.name, SearchPhase.name, RetrainPhase.name)
