"""The best of a search are trained shortly from scratch, and the best of these is taken."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from operator import ne

from ..devices import own_noise
from ..files import Json, State
from ..files.atomic import write_json
from ..files.tables import read_events
from ..seeding import seed_everything
from ..spaces import Architecture, save_architecture
from ..training import Training, TrainingDiverged
from .phase import Context, choices_text


class ShortlistPhase:
    """Every network of the shortlist by the same short recipe; its validation measure decides, and all of it is paid.

    What a search saw, such as the loss on shared weights, orders the best networks hardly; a short training does.
    """

    name = "shortlist"

    def __init__(self, context: Context, best: Architecture) -> None:
        self.context, self.settings = context, context.config.shortlist
        seed_everything(context.config.seed)
        self.candidates = spread(scored(context), self.settings.k, self.settings.apart) or [best]
        self.measure = context.problem.task.headline
        self.values: list[float] = []

    @property
    def total(self) -> int:
        """Networks to train."""
        return len(self.candidates)

    @property
    def done(self) -> int:
        """Networks trained."""
        return len(self.values)

    def step(self) -> Json:
        """Train one network."""
        config, problem, data = self.context.config, self.context.problem, self.context.data
        architecture, recipe = self.candidates[len(self.values)], self.settings.recipe
        with own_noise(config.seed):
            network = problem.space.network(architecture)
        training = Training(network, data, recipe, config.seed, problem.device)
        try:
            for _ in training:
                pass
            value = (training.records[-1].valid or {})[self.measure]
        except TrainingDiverged as error:
            value = problem.task.worst_of(self.measure)
            self.context.note({"phase": self.name, "error": str(error), "sentence": f"shortlist: {error}"})
        problem.budget.count(1, recipe.passes(len(data.train), len(data.valid)), cause=self.name)
        self.values.append(value)
        return {"network": choices_text(architecture), f"valid_{self.measure}": value}

    @property
    def winner(self) -> int:
        """Place of the best network so far; the earlier one of equals, which the search liked more."""
        sign = 1 if self.context.problem.task.measure(self.measure).higher else -1
        return max(range(len(self.values)), key=lambda place: (sign * self.values[place], -place))

    def finish(self) -> None:
        """Write what each network came to, and the winner as the run's architecture."""
        folder, space = self.context.folder, self.context.problem.space
        rows = [
            {"place": place, "choices": choices_text(one), f"valid_{self.measure}": value}
            for place, (one, value) in enumerate(zip(self.candidates, self.values, strict=True))
        ]
        self.context.keep(write_json(folder / "shortlist.json", rows))
        trace = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
        trace["costs"] = asdict(self.context.problem.budget)
        self.context.keep(write_json(folder / "trace.json", trace))
        self.context.keep(
            save_architecture(space, self.candidates[self.winner], folder / "architecture.json")
        )

    def state_dict(self) -> State:
        """What was measured, and the ledger."""
        return {"values": list(self.values), "budget": self.context.problem.budget.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Go on where the state was taken."""
        self.values = list(state["values"])
        self.context.problem.budget.load_state_dict(state["budget"])


def scored(context: Context) -> list[Architecture]:
    """Return the distinct networks that a search has evaluated in full, within limits and budget, best first."""
    problem = context.problem
    weights = problem.fitness.weights
    known: dict[Architecture, float] = {}
    for event in read_events(context.folder / "events.jsonl"):
        if event.get("fidelity", 1.0) < 1.0 or event.get("late"):
            continue
        architecture = problem.space.canonical(problem.space.architecture(event["choices"]))
        value = weights[0] * event["fitness"][0]
        if value < weights[0] * problem.worst:
            continue  # beyond the limits
        known[architecture] = max(value, known.get(architecture, value))
    return sorted(known, key=lambda one: -known[one])


def spread(ordered: Iterable[Architecture], k: int, apart: int) -> list[Architecture]:
    """Return the first k, or fewer, of which any two differ in at least so many decisions.

    >>> from tdgnas.spaces import NASBench201
    >>> cells = [NASBench201().architecture(choices) for choices in ([3] * 6, [3] * 5 + [1], [1] * 2 + [3] * 4)]
    >>> [one.choices for one in spread(cells, 2, apart=2)]
    [(3, 3, 3, 3, 3, 3), (1, 1, 3, 3, 3, 3)]
    """
    kept: list[Architecture] = []
    for one in ordered:
        if len(kept) == k:
            break
        if all(sum(map(ne, one.choices, other.choices)) >= apart for other in kept):
            kept.append(one)
    return kept
