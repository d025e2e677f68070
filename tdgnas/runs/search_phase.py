"""Second phase: TDGA on the supernet."""

from __future__ import annotations

import time
from typing import Any

from ..algorithms import evolve
from ..files.atomic import write_json
from ..files.tables import Events, Table, read_events
from ..seeding import seed_everything
from ..spaces import Architecture, save_architecture
from ..strategies import TDGA
from .build import make_toolbox
from .guards import guard
from .phase import Context

COLUMNS = (
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
#: What evaluating each generation took; a resumed run computes again what its memory held, so these may differ.
COST_COLUMNS = (
    "gen",
    "requests",
    "evaluations",
    "cache_hits",
    "macs_requested",
    "macs_executed",
    "macs_saved",
    "passes",
)


class SearchPhase:
    """TDGA on the supernet."""

    name = "search"

    def __init__(self, context: Context) -> None:
        self.context = context
        config, space = context.config, context.space
        seed_everything(config.seed)
        population = context.supernet.population(
            config.search.population, scale=config.search.scale, fitness=context.fitness.fitness_type
        )
        self.toolbox = make_toolbox(config, space, context.supernet, context.fitness)
        search = config.search
        names = {
            "select": search.select,
            "mate": search.mate,
            "mutate": search.mutate,
            "local_search": "darts",
        }
        worst = (context.data.task.worst_of(config.fitness.measure),)
        guard(self.toolbox, names, worst, search.on_error, self._note)
        self.strategy = TDGA(
            population,
            self.toolbox,
            cxpb=search.cxpb,
            mutpb=search.mutpb,
            elite=search.elite,
            loci=space.choices,
        )
        self.evolution = evolve(self.strategy, self.toolbox, search.ngen, loci=space.choices)
        self.table = Table(context.folder / "history.csv", COLUMNS)
        self.costs = Table(context.folder / "timings" / "evaluation.csv", COST_COLUMNS)
        self.events = Events(context.folder / "events.jsonl")
        self.known = -1
        self.seconds = 0.0
        self.total = search.ngen + 1
        self._costs: dict[Architecture, dict[str, int]] = {}
        self._seen: set[tuple[int, ...]] = set()

    @property
    def done(self) -> int:
        """Generations done, the initial one included."""
        return self.evolution.generation

    @property
    def alternate(self) -> bool:
        """Whether the weights are trained during the search."""
        return self.context.config.search.weights == "alternate"

    @property
    def best(self) -> Architecture:
        """The best architecture so far; of the last population, where the weights change under the search."""
        individual = self.strategy.best
        if self.alternate:
            individual = max(self.strategy.population, key=lambda each: each.fitness)
        return self.context.space.decode(individual)

    def step(self) -> dict[str, Any]:
        """Do one generation."""
        start = time.perf_counter()
        generation = next(self.evolution)
        budget = self.context.fitness.budget
        leader = self.context.space.decode(max(generation.population, key=lambda each: each.fitness))
        record = {
            **generation.record,
            "gates": sum(map(bool, leader.choices)),
            "evaluations": budget.evaluations,
            "passes": budget.passes,
        }
        self.table.append(record)
        cost = generation.cost
        self.costs.append({"gen": record["gen"], **cost})
        self._write_events(generation.evaluated)
        self.context.plot(self.name, record["gen"], {key: record.get(key) for key in COLUMNS[1:]})
        seconds = time.perf_counter() - start
        self.seconds += seconds
        shown = {key: record.get(key) for key in ("best", "mean", "entropy", "temperature", "distinct")}
        if cost.get("macs_requested"):
            shown["computed %"] = 100 * cost["macs_executed"] / cost["macs_requested"]
        return {**shown, "evaluations/s": record["nevals"] / max(seconds, 1e-9)}

    def _note(self, record: dict[str, Any]) -> None:
        self.context.note({"phase": self.name, "gen": self.evolution.generation, **record})

    def _write_events(self, evaluated: list[Any]) -> None:
        """An event for every individual that has not had one: where it comes from, what it scored, what it cost."""
        if self.alternate:
            self._seen.clear()
        fresh = [each for each in evaluated if each.origin["id"] > self.known]
        architectures = [self.context.space.decode(each) for each in fresh]
        # These scores are in the fitness' cache; only there they cost nothing.
        discrete = self.context.fitness.mode == "threshold"
        scores = self.context.fitness.scores(architectures) if discrete else [None] * len(fresh)
        where = self.context.fitness.where
        events = []
        for individual, architecture, score in zip(fresh, architectures, scores, strict=True):
            event = {
                "gen": self.evolution.generation - 1,
                **individual.origin,
                "choices": list(architecture.choices),
                "fitness": list(individual.fitness.values),
                **self._cost(architecture),
            }
            if score is not None:
                event |= score.measures
                event["passes"] = 0 if architecture.choices in self._seen else where.passes
                self._seen.add(architecture.choices)
            events.append(event)
        self.events.append(events)
        self.known = max([self.known, *(each.origin["id"] for each in evaluated)])

    def _cost(self, architecture: Architecture) -> dict[str, int]:
        if architecture not in self._costs:
            space = self.context.space
            self._costs[architecture] = {
                "parameters": space.parameters(architecture),
                "macs": space.macs(architecture),
            }
        return self._costs[architecture]

    def finish(self) -> None:
        """Write the best architecture; the memory that the search took is given back."""
        self.context.fitness.release()
        space, path = self.context.space, self.context.folder / "architecture.json"
        self.context.keep(save_architecture(space, self.best, path))
        write_json(self.context.folder / "timings" / "search.json", {"seconds": self.seconds})

    def state_dict(self) -> dict[str, Any]:
        """The evolution with its operators, the fitness' cache; the weights too, where they change."""
        state = {"evolution": self.evolution.state_dict(), "known": self.known, "seconds": self.seconds}
        if self.alternate:
            state["supernet"] = dict(self.context.supernet.state_dict())
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the state was taken."""
        # Weights before the cache that depends on them.
        if "supernet" in state:
            self.context.supernet.load_state_dict(state["supernet"])
        self.evolution.load_state_dict(state["evolution"])
        self.known, self.seconds = state["known"], state["seconds"]
        if not self.alternate:
            # The file is already cut back to where the state was taken.
            self._seen = {tuple(event["choices"]) for event in read_events(self.events.file.path)}
