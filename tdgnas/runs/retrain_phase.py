"""Last phase: every row of the final table, trained from scratch with the same recipe.

Where it is asked for, the winner is fine-tuned from the shared weights, beside controls that get as many passes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from ..devices import own_noise
from ..files import Json, State
from ..files.atomic import write_json
from ..files.tables import Table
from ..seeding import seed_everything
from ..spaces import RULES, Architecture, save_architecture, space_document
from ..training import NetworkPlan, Recipe, Training, TrainingDiverged, evaluate, save_model, training_card
from .errors import ConfigError
from .phase import Context, choices_text, result_row
from .settings import Config

FINE_TUNED = ", fine-tuned"
"""What follows the strategy's name in the row of its winner that goes on with the shared weights."""


@dataclass(frozen=True)
class Candidate:
    """One network to be retrained; with ``shared`` from the supernet's weights, otherwise from fresh ones."""

    row: str
    architecture: Architecture
    recipe: Recipe
    shared: bool = False
    seed: int = 0


def candidates(context: Context, best: Architecture) -> list[Candidate]:
    """Return what is retrained beside the search's winner: baseline, random controls, DARTS alone by its rules."""
    config, space = context.config, context.problem.space
    supernet, rng = context.problem.supernet, random.Random(config.seed)
    weights = None if supernet is None else supernet.relaxed_weights()
    settings = config.retrain
    controls = space.controls(best, weights, rng, settings.random_draws, settings.rules)
    rows = [Candidate(row, each, settings.recipe) for row, each in controls]
    if settings.fine_tune.epochs:
        rows += fine_tuned(context, best, dict(reversed(controls)))
    rows.append(Candidate(config.strategy.name, best, settings.recipe))
    first = first_seed(context)
    # One training of every row before the next of any: more of them only follow on what is done.
    return [replace(each, seed=first + n) for n in range(settings.seeds) for each in rows]


def more_trainings(now: Config, before: Json) -> bool:
    """Whether a configuration asks for more trainings of each network than another one, given as a document."""
    asked, done = now.retrain, before["retrain"]
    return bool(asked and done and asked.seeds > done["seeds"])


def reopened(folder: Path, state: State) -> State:
    """Return the state of a finished run as it was after its last training, so that more may follow."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    timings = folder / "timings" / "retraining.json"
    known = json.loads(timings.read_text(encoding="utf-8"))["seconds"] if timings.exists() else []
    seconds = known if len(known) == len(results) else [0.0] * len(results)
    return {
        **state,
        "phase": RetrainPhase.name,
        "state": {"results": results, "seconds": seconds, "training": None},
        # It is written anew at the end.
        "products": {name: digest for name, digest in state["products"].items() if name != "results.json"},
    }


def fine_tuned(context: Context, best: Architecture, controls: Mapping[str, Architecture]) -> list[Candidate]:
    """Return the winner, to be fine-tuned from the shared weights, and baseline and a random control before it, to be
    trained from scratch for as many passes as supernet, search and fine-tuning took together.
    """
    settings, sizes = context.config.retrain, (len(context.data.train), len(context.data.valid))
    trace = json.loads((context.folder / "trace.json").read_text(encoding="utf-8"))
    spent = trace["costs"]["passes"] + settings.fine_tuning.passes(*sizes)
    longer = settings.recipe.over(max(1, round(spent / settings.recipe.over(1).passes(*sizes))))
    rows = [
        Candidate(f"{row}, {longer.epochs} epochs", controls[row], longer)
        for row in ("baseline", "random")
        if row in controls
    ]
    return [
        *rows,
        Candidate(f"{context.config.strategy.name}{FINE_TUNED}", best, settings.fine_tuning, shared=True),
    ]


def first_seed(context: Context) -> int:
    """The seed of the first training: another one than a search has picked its winner by, whose luck does not count."""
    short = context.config.shortlist
    picked = context.problem.trains or (short is not None and short.k > 0)
    return context.config.seed + picked


def check_retraining(context: Context) -> None:
    """Check, before anything is trained, that there can be a retraining as the configuration describes it.

    :raises ConfigError: when the recipe is impossible, or the space has no such final form.
    """
    settings, space = context.config.retrain, context.problem.space
    # Weights that no rule can find fault with: nothing is cut.
    weights = np.array(
        [name != "none" for decision in space.decisions for name in decision.choices[-decision.genes :]]
    )
    for rule in settings.rules:
        try:
            RULES.get(rule)(space, 0.5 * weights)
        except ValueError as error:
            raise ConfigError(f"retrain.rules: {error}") from error
    if settings.fine_tune.epochs and context.problem.supernet is None:
        raise ConfigError(
            "retrain.fine_tune goes on with the shared weights of a supernet, and this problem has none; leave it out"
        )
    if settings.final and not space.final_options:
        raise ConfigError(
            f"retrain.final: the space {space.name!r} has no final form; its networks are retrained as they are, "
            "leave it out"
        )
    if settings.final:
        phase = RetrainPhase(context, space.sample(random.Random(0)))
        with own_noise(0):
            phase._network(phase.best)


class RetrainPhase:
    """Every row of the final table, trained from scratch with the same recipe; the test set is read once for each."""

    name = "retraining"

    def __init__(self, context: Context, best: Architecture) -> None:
        self.context = context
        self.best = best
        seed_everything(context.config.seed)
        self.candidates = candidates(context, best) if context.config.retrain.epochs else []
        self.task = context.problem.task
        means = [f"{part}_{name}" for part in ("train", "valid") for name in self.task.names]
        columns = ("network", "row", "seed", "epoch", *means)
        self.table = Table(context.folder / "retraining.csv", columns)
        self.results: list[Json] = []
        self.seconds: list[float] = []
        self.total = sum(candidate.recipe.epochs for candidate in self.candidates)
        self.training: Training | None = None

    @property
    def done(self) -> int:
        """Epochs trained over all rows."""
        finished = self.candidates[: len(self.results)]
        present = 0 if self.training is None else self.training.epoch
        return sum(candidate.recipe.epochs for candidate in finished) + present

    def step(self) -> Json:
        """Train one epoch of the present row."""
        candidate = self.candidates[len(self.results)]
        finished = [replace(each, row=candidate.row) for each in self.candidates[: len(self.results)]]
        if candidate in finished:
            # One architecture, recipe and seed give one result: there is nothing to train again.
            known = finished.index(candidate)
            self.seconds.append(self.seconds[known])
            self.results.append({**self.results[known], "row": candidate.row})
            return {"row": candidate.row, "test": self.results[known][f"test_{self.task.headline}"]}
        if self.training is None:
            self.training = self._start(candidate)
        try:
            record = next(self.training).row()
        except TrainingDiverged as error:
            if self.context.config.retrain.on_error == "stop":
                raise
            return self._skip(candidate, error)
        place = {"network": len(self.results), "row": candidate.row, "seed": candidate.seed}
        self.table.append({**place, **record})
        self.context.plot(f"{self.name}/{place['network']:02d} {candidate.row}", int(record["epoch"]), record)
        if self.training.epoch == candidate.recipe.epochs:
            self._complete(candidate, self.training)
        return {
            "row": candidate.row,
            **{key: record[key] for key in ("train_loss", f"valid_{self.task.headline}")},
        }

    def _start(self, candidate: Candidate) -> Training:
        with own_noise(candidate.seed):
            if candidate.shared:
                network: nn.Module = self.context.supernet.network(candidate.architecture)
            else:
                network = self._network(candidate.architecture)
        return Training(
            network, self.context.data, candidate.recipe, candidate.seed, self.context.problem.device
        )

    def _network(self, architecture: Architecture) -> nn.Module:
        """The architecture's own network, or its final form, with fresh weights."""
        problem = self.context.problem
        if not self.context.config.retrain.final:
            return problem.space.network(architecture)
        return self._plan(architecture).network(self.context.data.image_shape, self.context.data.outputs)

    def _plan(self, architecture: Architecture) -> NetworkPlan:
        space = self.context.problem.space
        options = {**space.final_options, **self.context.config.retrain.final_options}
        return NetworkPlan((space, architecture), options)

    def _skip(self, candidate: Candidate, error: TrainingDiverged) -> Json:
        what = f"{candidate.row} (seed {candidate.seed}): {error}"
        self.context.note({"phase": self.name, "error": str(error), "sentence": f"training of {what}"})
        self._append(candidate, None, None, str(error))
        return {"row": candidate.row}

    def _complete(self, candidate: Candidate, training: Training) -> None:
        test = evaluate(training.evaluated, self.context.data.test.to(training.device))
        self._append(candidate, training.records[-1].valid, test)
        winner = Candidate(self.context.config.strategy.name, self.best, self.context.config.retrain.recipe)
        if replace(winner, row=candidate.row, seed=first_seed(self.context)) == candidate:
            self._save(training, {"valid": training.records[-1].valid or {}, "test": test})

    def _append(
        self,
        candidate: Candidate,
        valid: dict[str, float] | None,
        test: dict[str, float] | None,
        error: str = "",
    ) -> None:
        headline = self.task.headline
        result = {
            **result_row(self.context.problem.space, candidate.architecture, candidate.row, candidate.seed),
            f"valid_{headline}": valid and valid[headline],
            f"test_{headline}": test and test[headline],
        }
        self.results.append({**result, "error": error} if error else result)
        records = [] if self.training is None else self.training.records
        self.seconds.append(sum(record.seconds for record in records))
        self.training = None

    def _save(self, training: Training, measures: dict[str, dict[str, float]]) -> None:
        folder, data = self.context.folder / "network", self.context.data
        card = training_card(
            training,
            data,
            name=f"{self.context.problem.space.name} found by {self.context.config.strategy.name} on {data.name}",
            measures=measures,
            architecture=self._made_of(),
        )
        save_model(training.evaluated, card, folder)
        for name in ("model.safetensors", "card.json", "card.md"):
            self.context.keep(folder / name)

    def _made_of(self) -> Json:
        if self.context.config.retrain.final:
            return self._plan(self.best).to_dict()
        return {"space": space_document(self.context.problem.space), "choices": choices_text(self.best)}

    def finish(self) -> None:
        """Write the result table, with each network's architecture."""
        folder, space = self.context.folder, self.context.problem.space
        self.context.keep(write_json(folder / "results.json", self.results))
        write_json(folder / "timings" / "retraining.json", {"seconds": self.seconds})
        for number, candidate in enumerate(self.candidates):
            path = folder / "architectures" / f"{number:02d}-{file_name(candidate.row)}.json"
            self.context.keep(save_architecture(space, candidate.architecture, path))

    def state_dict(self) -> State:
        """Finished rows, and the training of the present one."""
        training = None if self.training is None else self.training.state_dict()
        return {"results": list(self.results), "seconds": list(self.seconds), "training": training}

    def load_state_dict(self, state: State) -> None:
        """Go on where the state was taken."""
        self.results, self.seconds = state["results"], state["seconds"]
        done = [(each["row"], each["seed"]) for each in self.results]
        if done != [(each.row, each.seed) for each in self.candidates[: len(done)]]:
            raise ConfigError(
                f"{self.context.folder} was retrained by an earlier version, network by network, where the trainings "
                "now come round by round; go on with the version that config.toml names, or take another folder"
            )
        if state["training"] is not None:
            self.training = self._start(self.candidates[len(self.results)])
            self.training.load_state_dict(state["training"])


def file_name(row: str) -> str:
    """A row's name as part of a file's."""
    return "-".join("".join(c if c.isalnum() else " " for c in row.lower()).split())
