"""The search loop: what counts within a budget, and going on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tdgnas.files.checkpoints import load_checkpoint, save_checkpoint
from tdgnas.files.tables import read_events
from tdgnas.fitness import Table, TabularFitness, WithObjectives, synthetic_table
from tdgnas.individual import AccuracyFitness, fitness_of
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment
from tdgnas.runs.progress import Reporter
from tdgnas.runs.search import PATIENCE, Search, Trace
from tdgnas.spaces import NASBench201
from tdgnas.strategies import STRATEGIES, DecisionStrategy, create, pack

SPACE = NASBench201()
TABLE = synthetic_table(SPACE, 0)
#: All that need nothing but decisions.
NAMES = ["aging", "ga", "nsga2", "random", "reinforce-lstm", "reinforce-table", "tdga"]


def make(
    name: str, limit: float, unit: Any = "evaluations", repeats: Any = "free", whole: bool = False
) -> Search:
    evaluate: Any = TabularFitness(SPACE, TABLE, repeats=repeats)
    budget, fitness = evaluate.budget, AccuracyFitness
    if STRATEGIES.get(name).objectives == 2:
        evaluate, fitness = WithObjectives(evaluate, SPACE), fitness_of(1.0, -1.0)
    strategy = create(name, SPACE.decisions, seed=1, fitness=fitness)
    return Search(strategy, evaluate, budget, unit=unit, limit=limit, loci=SPACE.choices, whole=whole)


@pytest.mark.parametrize("name", NAMES)
def test_a_search_that_is_stopped_and_goes_on_equals_one_that_never_was(name: str, tmp_path: Path) -> None:
    whole = make(name, 60).run()
    stopped = make(name, 60)
    for _ in range(2):
        next(stopped)
    again = make(name, 60)
    again.load_state_dict(load_checkpoint(save_checkpoint(stopped.state_dict(), tmp_path / "state")))
    assert again.run() == whole


def test_nothing_beyond_the_limit_counts() -> None:
    trace = make("tdga", 25, repeats="charged").run()
    assert (trace.evaluations, trace.requests, trace.used) == (25, 25, 25.0)
    assert all(cost <= 25 for cost, _, _ in trace.points)


def test_costs_of_a_generation_in_one_call_are_spread_over_it() -> None:
    one, batch = (make("random", 20, repeats="charged", whole=whole).run() for whole in (False, True))
    assert [cost for cost, _, _ in one.points] == [cost for cost, _, _ in batch.points]


def test_generations_are_counted_after_the_first() -> None:
    search = make("tdga", 3, "generations")
    assert [turn.index for turn in search] == [0, 1, 2, 3]
    assert search.trace.used == 3
    assert [cost for cost, _ in search.trace.entropies] == [0, 1, 2, 3]


def test_a_search_that_asks_for_nothing_new_ends() -> None:
    search = make("random", 1e9, "seconds")
    evaluate = search.evaluate
    for row in TABLE.rows:
        evaluate.charge(row)  # everything is paid for
    search.start = search.used
    trace = search.run()
    assert trace.converged
    assert PATIENCE <= trace.requests < 2 * PATIENCE


def test_what_the_ledger_held_before_does_not_shorten_the_search() -> None:
    search = make("aging", 30)
    assert isinstance(search.run(), Trace)
    later = Search(
        create("aging", SPACE.decisions, seed=2, fitness=AccuracyFitness),
        search.evaluate,
        search.budget,
        unit="evaluations",
        limit=10,
    )
    assert later.start == 30
    assert later.run().used == 40


class Cheaper(DecisionStrategy):
    """Tries one network with a ninth of the epochs and with all of them, then another one with a ninth."""

    needs_fidelity = True

    def _generate(self) -> list[Any]:
        found = [self.individual(choices) for choices in ((0,) * 6, (0,) * 6, (3,) * 6)]
        found[0].fidelity = found[2].fidelity = 1 / 9
        return found


def test_a_search_settles_on_what_was_evaluated_in_full() -> None:
    """However good something looks after a few epochs."""
    columns = {
        "val_acc_1": [0.2, 0.9],
        "val_acc_9": [0.5, 0.4],
        "test_acc": [0.6, 0.4],
        "seconds_9": [9.0, 18.0],
    }
    made = {name: np.array(values) for name, values in columns.items()}
    evaluate = TabularFitness(
        SPACE, Table("t", {(0,) * 6: 0, (3,) * 6: 1}, made), "val_acc_9", final="test_acc"
    )
    strategy = Cheaper(SPACE.decisions, fitness=AccuracyFitness)
    trace = Search(strategy, evaluate, evaluate.budget, unit="generations", limit=0).run()
    assert [signal for _, signal, _ in trace.points] == [0.2, 0.5]
    assert strategy.best.fitness.values == (0.5,)
    assert evaluate.budget.seconds == 1 + 9 + 2
    restored = strategy.unpack(pack(strategy.best))
    assert not hasattr(restored, "fidelity")


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        ("digits-vgg-tiny", "the fitness 'supernet' cannot here: .*; what fits"),
        ("digits-scratch", "the fitness 'scratch' cannot here: .* of more than one epoch; what fits"),
        ("synthetic:signal=val_acc_1,cost=seconds_12", "the fitness 'table' cannot here: .*; what fits"),
    ],
)
def test_a_strategy_that_needs_fidelity_is_refused_where_there_is_none(problem, says, tmp_path, monkeypatch):
    monkeypatch.setattr(STRATEGIES.get("random"), "needs_fidelity", True)
    with pytest.raises(ConfigError, match=says):
        Experiment(problem, "random", folder=tmp_path / "run")


def test_controls_of_a_rank_sum_are_shown_and_recorded(tmp_path: Path, tiny: Callable[..., Settings]) -> None:
    shown: list[dict[str, Any]] = []

    class Listener(Reporter):
        def step(self, done: int, numbers: dict[str, Any]) -> None:
            shown.append(numbers)

    controls = {"controls": ["parameters", "naswot"], "references": 3}
    config = tiny(fitness=controls, pretrain={"epochs": 1}, retrain={"epochs": 0}, budget={"limit": 1})
    Experiment.begin(tmp_path / "run", config, Listener()).execute()
    assert {"best", "loss", "parameters", "naswot"} <= set(shown[-1])
    for event in read_events(tmp_path / "run" / "events.jsonl"):
        assert 0 < event["fitness"][0] < 1
        assert {"loss", "accuracy", "parameters", "naswot", "passes"} <= set(event)
    with pytest.raises(ConfigError, match="controls rank networks by full scores"):
        tiny(fitness={**controls, "mode": "relaxed"})
