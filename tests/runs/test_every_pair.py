"""Every strategy on every problem by one way: a search of a few generations, or a refusal with what fits."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tdgnas.fitness import TableNotFound, find_table
from tdgnas.runs import FITNESSES, PROBLEMS, ConfigError, Experiment, make_config
from tdgnas.runs.problems import problem_sections
from tdgnas.runs.wiring import unfit
from tdgnas.strategies import STRATEGIES, option_names

#: Small values of options that decide how large a generation is.
SMALL = {
    "population": 2,
    "mu": 4,
    "lambda_": 2,
    "children": 2,
    "batch": 2,
    "sample": 2,
    "eta": 2,
    "lowest": 0.5,
    "steps": 1,
    "initial": 2,
    "epochs": 2,
    "mutations": 20,
}
TINY: dict[str, Any] = {
    "device": "cpu",
    "data": {"name": "digits", "train": 16, "valid": 12, "test": 12},
    "pretrain": {"epochs": 0, "hold": 0, "batch_size": 16},
    "fitness": {"size": 8, "batch_size": 8, "gradient_batch": 4},
    "budget": {"unit": "generations", "limit": 1},
    "retrain": {"epochs": 0},
}
#: Of a fitness that has the setting named first: shared weights, training from scratch, a look at fresh weights.
FITNESS: dict[str, dict[str, Any]] = {
    "gradient_batch": TINY["fitness"],
    "recipe": {"recipe": {"epochs": 1}},
    "images": {"images": 4},
}


def tiny(problem: str, strategy: str) -> dict[str, Any]:
    """The smallest settings of a pair."""
    sections = problem_sections(problem)
    used = FITNESSES.get(sections.get("fitness", {}).get("kind", "supernet"))
    document = {name: keys for name, keys in TINY.items() if name not in used.unused and name != "fitness"}
    document = json.loads(json.dumps(document))
    if "data" not in used.unused:
        document["fitness"] = next(
            tiny for name, tiny in FITNESS.items() if name in used.Settings.model_fields
        )
        if "recipe" in document["fitness"] and STRATEGIES.get(strategy).needs_fidelity:
            document["fitness"] = {"recipe": {"epochs": 2}}
        if sections["data"]["name"] == "text":
            document["data"] |= {"name": "text", "segment": 4, "vocabulary": 20}
        elif sections["data"]["name"].startswith("digits"):
            document["data"]["name"] = sections["data"]["name"]
        least = {"width": 0.03125, "channels": 2, "layers": 3, "nodes": 2, "size": 4, "steps": 3}
        known = sections["space"]["settings"]
        if sections["space"]["name"] == "nas-rl":
            document["data"] |= {"size": 8, "channels": 1}
            least["layers"] = [1, 2] if isinstance(known["layers"], list) else 3
        document["space"] = {"settings": {key: value for key, value in least.items() if key in known}}
    small = {key: value for key, value in SMALL.items() if key in option_names(strategy)}
    return {**document, "strategy": {"name": strategy, **small}}


@pytest.fixture(autouse=True)
def _one_picture_of_each_pretraining(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same before every strategy, and takes longer than all else: drawn for one of them."""
    if request.node.callspec.params["strategy"] != "random":
        monkeypatch.setattr("tdgnas.runs.pretrain_phase.weights_figure", lambda *_: None)
        monkeypatch.setattr("tdgnas.runs.pretrain_phase.save", lambda *_: None)


@pytest.mark.parametrize("strategy", STRATEGIES.names())
@pytest.mark.parametrize("problem", PROBLEMS.names())
def test_every_strategy_searches_every_problem_that_it_fits(
    problem: str, strategy: str, tmp_path: Path
) -> None:
    if strategy == "optuna" and find_spec("optuna") is None:
        pytest.skip("optuna is not installed")
    kind = problem_sections(problem).get("fitness", {}).get("kind", "supernet")
    settings = tiny(problem, strategy)
    reason = unfit(strategy, make_config({"problem": problem, **settings}))
    if reason:
        with pytest.raises(ConfigError, match="what fits the problem") as refused:
            Experiment(problem, settings=settings, folder=tmp_path / "run")
        assert reason in str(refused.value)
        assert "random" in str(refused.value)
        assert not (tmp_path / "run").exists()
        return
    try:
        if problem == "nasbench201":
            find_table()
    except TableNotFound:
        pytest.skip("the table of NAS-Bench-201 is not here")
    rows = Experiment(problem, settings=settings, folder=tmp_path / "run").run()
    assert kind != "table" or [row["row"] for row in rows] == [strategy]
    with (tmp_path / "run" / "history.csv").open() as file:
        assert [row["gen"] for row in csv.DictReader(file)] == ["0", "1"]
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert len({event["id"] for event in events}) == len(events) > 0
    assert (tmp_path / "run" / "architecture.json").exists()
