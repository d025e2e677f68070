"""Objectives and limits by configuration: which strategies take them, what is recorded, going on after a stop."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tdgnas.reports import write_report
from tdgnas.reports.run import read_findings
from tdgnas.runs import ConfigError, Experiment, make_config
from tdgnas.runs.errors import RunFailed
from tdgnas.runs.wiring import unfit
from tdgnas.strategies import STRATEGIES


def settings(**sections: Any) -> dict[str, Any]:
    return {"budget": {"unit": "generations", "limit": 3}, **sections}


@pytest.mark.parametrize("strategy", ["nsga2", "tdga"])
def test_a_search_with_three_objectives_records_its_front(strategy: str, tmp_path: Path) -> None:
    document = settings(objectives={"names": "parameters,macs"})
    Experiment("synthetic", strategy, folder=tmp_path / "run", settings=document).run()
    with (tmp_path / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    volumes = [float(row["hypervolume"]) for row in rows]
    assert volumes == sorted(volumes)
    assert volumes[-1] > 0
    assert all(int(row["front"]) > 0 for row in rows)
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert {len(event["fitness"]) for event in events} == {3}
    assert all(event["fitness"][2] == event["macs"] / 1e6 for event in events)
    page = write_report(tmp_path / "run").read_text()
    assert "measured from the worst value of each objective" in page


def test_limits_hold_for_a_strategy_of_one_objective(tmp_path: Path) -> None:
    document = settings(objectives={"limits": {"macs": 4.0}}, budget={"unit": "evaluations", "limit": 40})
    (row,) = Experiment("synthetic", "aging", folder=tmp_path / "run", settings=document).run()
    assert row["macs"] <= 4e6
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    beyond = [event for event in events if event["macs"] > 4e6]
    assert beyond
    assert all(event["fitness"][0] < 0 for event in beyond)
    with (tmp_path / "run" / "history.csv").open() as file:
        (*_, last) = csv.DictReader(file)
    assert int(last["evaluations"]) == len(events) - len(beyond) == 40
    assert "hypervolume" not in last


def test_a_strategy_of_one_objective_is_refused_more(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"'aging' takes no objectives beside the fitness.*has macs; what fits"
    ) as told:
        Experiment("synthetic", "aging", folder=tmp_path, settings=settings(objectives={"names": ["macs"]}))
    fitting = str(told.value).rpartition(": ")[2].split(", ")
    assert fitting == [name for name in ("nsga2", "tdga", "tdga-steady") if name in fitting]
    config = make_config({"problem": "digits-vgg-tiny", "objectives": {"names": ["macs"]}})
    taking = {name for name in STRATEGIES.names() if not unfit(name, config)}
    assert taking == {name for name in STRATEGIES.names() if STRATEGIES.get(name).several}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"names": "macs,weight"}, "objectives.names"),
        ({"names": ["macs", "macs"]}, "named twice"),
        ({"limits": {"macs": 0.0}}, "objectives.limits.macs"),
    ],
)
def test_what_cannot_be_an_objective_is_named(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_config({"problem": "synthetic", "objectives": given})


def test_latency_by_a_table_is_an_objective(tmp_path: Path) -> None:
    table = {
        "stem": 1.0,
        "relu-conv-norm": 2.0,
        "pool": 1.0,
        "residual-reduction": 3.0,
        "norm-relu-head": 0.5,
    }
    path = tmp_path / "table.json"
    path.write_text(json.dumps(table))
    document = settings(objectives={"names": "latency", "latencies": str(path)})
    experiment = Experiment("synthetic", "tdga", folder=tmp_path / "run", settings=document)
    experiment.run()
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    convolutions = [sum(choice in (2, 3) for choice in event["choices"]) for event in events]
    least = min(events, key=lambda event: event["fitness"][1])
    assert min(convolutions) < max(convolutions)
    assert least["fitness"][1] < max(event["fitness"][1] for event in events)
    for text, says in (('{"stem": 1.0}', "has neither the operation"), ("1", "milliseconds by operation")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=f"objectives.latencies: .*{says}"):
            Experiment("synthetic", "tdga", folder=tmp_path / "other", settings=document).run()
    assert not (tmp_path / "other").exists()


def test_what_was_evaluated_beyond_the_budget_was_on_the_front(tmp_path: Path) -> None:
    document = settings(budget={"unit": "evaluations", "limit": 3})
    Experiment("synthetic", "nsga2", folder=tmp_path / "run", settings=document).run()
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [bool(event.get("late")) for event in events] == [False] * 3 + [True] * 17
    counted = [tuple(event["fitness"]) for event in events[:3]]  # accuracy is maximised, parameters minimised
    front = {a for a in counted if not any(b[0] >= a[0] and b[1] <= a[1] and b != a for b in counted)}
    with (tmp_path / "run" / "history.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert int(row["front"]) == len(front)
    assert read_findings(tmp_path / "run").leaders[-1][1]["id"] < 3


def test_a_network_beyond_the_limits_was_a_result(tmp_path: Path) -> None:
    document = settings(objectives={"limits": {"macs": 1e-6}})
    with pytest.raises(
        RunFailed, match=r"within objectives.limits \(macs = 1e-06\); the nearest has macs = "
    ):
        Experiment("synthetic", "random", folder=tmp_path / "run", settings=document).run()
