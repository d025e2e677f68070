"""The phase that searches: any strategy within the budget, recorded by generation and by individual."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from ..files import Json, State
from ..files.atomic import write_json
from ..files.tables import Events, Table, read_events
from ..fitness.objectives import WORST
from ..mapping import layers
from ..operators import population_entropy
from ..seeding import seed_everything
from ..spaces import Architecture, save_architecture
from .errors import RunFailed
from .front import COLUMNS as FRONT
from .front import Front
from .guards import EvaluationGuard, guard
from .phase import Context
from .search import Turn
from .wiring import make_search, make_strategy, names_of, search_record

COLUMNS = (
    "gen", "nevals", "best", "mean", "entropy", "temperature", "distinct", "gates", "evaluations", "passes",
    "simulated_seconds", "pretraining", "gradients", "weights",
)  # fmt: skip
#: What evaluating each generation took; a resumed run computes again what its memory held, so these may differ.
COST_COLUMNS = (
    "gen", "requests", "evaluations", "cache_hits", "macs_requested", "macs_executed", "macs_saved", "passes",
    "macs_repeated",
)  # fmt: skip


class SearchPhase:
    """A strategy on a problem until its budget is used up."""

    name = "search"

    def __init__(self, context: Context) -> None:
        self.context = context
        config, problem = context.config, context.problem
        seed_everything(config.seed)
        self.strategy, evaluate = make_strategy(config, problem)
        further = getattr(evaluate, "names", ())
        self.front = Front() if further else None
        worst = (problem.worst, *(WORST for _ in further))
        evaluate = EvaluationGuard(evaluate, worst, config.on_error, self._note)
        toolbox = getattr(self.strategy, "toolbox", None)
        if toolbox is not None:
            guard(toolbox, names_of(config.strategy.model_dump()), config.on_error, self._note)
        self.search = make_search(config, problem, self.strategy, evaluate)
        problem.begin()
        problem.keep_in(context.folder)
        self.table = Table(
            context.folder / "history.csv", (*COLUMNS, *self.strategy.records, *(FRONT if further else ()))
        )
        self.costs = Table(context.folder / "timings" / "evaluation.csv", COST_COLUMNS)
        self.events = Events(context.folder / "events.jsonl")
        self.known = -1
        self.seconds = 0.0
        self._size = cache(self._measure)
        self._seen: set[tuple[int, ...]] = set()

    @property
    def total(self) -> int:
        """Generations in all, or budget; what has been done where the search ended early."""
        search = self.search
        if search.unit == "generations":
            return int(search.limit) + 1
        return self.done if search.done else max(int(np.ceil(search.limit - search.start)), self.done + 1)

    @property
    def done(self) -> int:
        """Generations done, the initial one included; or budget used."""
        search = self.search
        if search.unit == "generations":
            return search.index
        return int(min(search.used, search.limit) - search.start)

    @property
    def best(self) -> Architecture:
        """What the search has settled on so far."""
        return self.context.problem.decode(self.search.trace.points[-1][2])

    def step(self) -> Json:
        """Do one generation."""
        start = time.perf_counter()
        turn = next(self.search)
        if not self.search.trace.points:
            config = self.context.config
            raise RunFailed(
                f"the budget of {config.budget.limit:g} {config.budget.unit} is too small for one evaluation of "
                f"{config.problem!r}; begin anew with a larger one, in another folder"
            )
        record = self._record(turn)
        if self.front is not None:
            late = set(map(id, turn.late))
            self.front.add(one for one in turn.evaluated if id(one) not in late)
            record |= self.front.record()
        self.table.append(record)
        cost = self._cost()
        self.costs.append({"gen": record["gen"], **cost})
        self._write_events(turn)
        self.context.plot(self.name, record["gen"], {key: record.get(key) for key in COLUMNS[1:]})
        seconds = time.perf_counter() - start
        self.seconds += seconds
        leader = max(turn.population, key=lambda individual: individual.fitness)
        shown = {key: record.get(key) for key in ("best", "mean", "entropy", "temperature", "distinct")}
        shown |= self.context.problem.beside(self.context.problem.decode(leader))
        if cost.get("macs_requested"):
            shown["computed %"] = 100 * cost["macs_executed"] / cost["macs_requested"]
        return {**shown, "evaluations/s": record["nevals"] / max(seconds, 1e-9)}

    def _record(self, turn: Turn) -> Json:
        problem, population = self.context.problem, turn.population
        energies = [-individual.fitness.wvalues[0] for individual in population]
        best = max(population, key=lambda individual: individual.fitness)
        leader = problem.decode(best)
        budget = problem.budget
        causes = getattr(budget, "by_cause", {})
        return {
            "gen": turn.index,
            "nevals": len(turn.fresh),
            "best": min(energies),
            "mean": float(np.mean(energies)),
            "entropy": population_entropy(population, problem.decisions.loci),
            "distinct": len({tuple(individual) for individual in population}),
            **self.strategy.record(),
            "gates": sum(map(bool, leader.choices)),
            "evaluations": budget.evaluations,
            "passes": budget.passes,
            "simulated_seconds": budget.seconds,
            **{cause: causes.get(cause, 0) for cause in ("pretraining", "gradients", "weights")},
        }

    def _cost(self) -> dict[str, int]:
        counting = (layer.cost for layer in layers(self.search.evaluate) if hasattr(layer, "cost"))
        return dict(next(counting, dict)())

    def _note(self, record: Json) -> None:
        self.context.note({"phase": self.name, "gen": self.search.index, **record})

    def _write_events(self, turn: Turn) -> None:
        """An event for every individual that has not had one: where it comes from, what it scored, what it cost."""
        problem = self.context.problem
        if problem.learned:
            self._seen.clear()
        fresh, late = self._fresh(turn), set(map(id, turn.late))
        architectures = [problem.decode(individual) for individual, _ in fresh]
        measured = problem.measured(architectures)
        events = []
        for (individual, origin), architecture, extra in zip(fresh, architectures, measured, strict=True):
            event = {
                "gen": turn.index,
                **origin,
                "choices": list(architecture.choices),
                "fitness": list(individual.fitness.values),
                **({"fidelity": individual.fidelity} if hasattr(individual, "fidelity") else {}),
                **({"late": True} if id(individual) in late else {}),
                **self._size(architecture),
                **extra,
            }
            if "passes" in extra and architecture.choices in self._seen:
                event["passes"] = 0
            self._seen.add(architecture.choices)
            events.append(event)
        self.events.append(events)

    def _fresh(self, turn: Turn) -> list[tuple[Any, Json]]:
        """Individuals that have no event yet, with their origin; a number where a strategy keeps none."""
        if any(hasattr(individual, "origin") for individual in turn.evaluated):
            fresh = [(each, each.origin) for each in turn.evaluated if each.origin["id"] > self.known]
            self.known = max([self.known, *(each.origin["id"] for each in turn.evaluated)])
            return fresh
        first, self.known = self.known + 1, self.known + len(turn.fresh)
        unknown: Json = {"parents": [], "operators": []}
        return [(each, {"id": first + place, **unknown}) for place, each in enumerate(turn.fresh)]

    def _measure(self, architecture: Architecture) -> dict[str, int]:
        space = self.context.problem.space
        return {"parameters": space.parameters(architecture), "macs": space.macs(architecture)}

    def finish(self) -> None:
        """Write the best architecture and how the search came to it; the memory that it took is given back.

        :raises RunFailed: when no network within the limits was found.
        """
        self._check_limits()
        for file in self.context.problem.keep_winner(self.best):
            self.context.keep(file)
        self.context.problem.release()
        space, path = self.context.problem.space, self.context.folder / "architecture.json"
        self.context.keep(save_architecture(space, self.best, path))
        record = search_record(self.search, self.context.problem)
        self.context.keep(write_json(self.context.folder / "trace.json", record))
        write_json(self.context.folder / "timings" / "search.json", {"seconds": self.seconds})

    def _check_limits(self) -> None:
        limited: Any = next((one for one in layers(self.search.evaluate) if hasattr(one, "excess")), None)
        measured = {} if limited is None else limited.measured(self.search.trace.points[-1][2])
        if measured and limited.excess(measured):
            has, most = (
                ", ".join(f"{name} = {values[name]:g}" for name in limited.limits)
                for values in (measured, limited.limits)
            )
            raise RunFailed(
                f"no network that was looked at is within objectives.limits ({most}); the nearest has {has}. "
                "Begin anew with wider limits, a smaller space, or a larger budget"
            )

    def state_dict(self) -> State:
        """The search, what changes in the problem, and what has been recorded."""
        return {
            "problem": self.context.problem.state_dict(),
            "search": self.search.state_dict(),
            "known": self.known,
            "front": None if self.front is None else self.front.state_dict(),
            "seconds": self.seconds,
        }

    def load_state_dict(self, state: State) -> None:
        """Go on where the state was taken."""
        # Weights before the cache that depends on them.
        self.context.problem.load_state_dict(state["problem"])
        self.search.load_state_dict(state["search"])
        self.known, self.seconds = state["known"], state["seconds"]
        if self.front is not None:
            self.front.load_state_dict(state["front"])
        if not self.context.problem.learned:
            # The file is already cut back to where the state was taken.
            self._seen = {tuple(event["choices"]) for event in read_events(self.events.path)}
