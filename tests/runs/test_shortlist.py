"""A shortlist: the best of the search are trained shortly, the best of them is what the run found."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdgnas import spaces
from tdgnas.files.tables import read_events
from tdgnas.individual import LossFitness
from tdgnas.reports import write_report
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment, make_config
from tdgnas.runs.phase import Context, choices_text
from tdgnas.runs.shortlist_phase import scored, spread
from tdgnas.spaces import load_architecture


def test_the_best_of_the_shortlist_is_taken_and_paid(tmp_path: Path, tiny: Callable[..., Settings]) -> None:
    folder = tmp_path / "run"
    config = tiny(
        shortlist={"k": 3, "apart": 2, "recipe": {"epochs": 1, "batch_size": 16}},
        retrain={"epochs": 0},
        pretrain={"epochs": 1},
    )
    Experiment.begin(folder, config).execute()
    rows = json.loads((folder / "shortlist.json").read_text())
    losses: dict[str, float] = {}
    for event in read_events(folder / "events.jsonl"):
        text = "".join(map(str, event["choices"]))
        losses[text] = min(event["fitness"][0], losses.get(text, 9e9))
    wanted: list[str] = []
    for text in sorted(losses, key=lambda text: losses[text]):
        if all(_differ(tuple(map(int, text)), tuple(map(int, other))) >= 2 for other in wanted):
            wanted.append(text)
    assert [row["choices"] for row in rows] == wanted[:3]
    best = max(rows, key=lambda row: (row["valid_accuracy"], -row["place"]))
    _, architecture = load_architecture(folder / "architecture.json")
    assert choices_text(architecture) == best["choices"]
    costs = json.loads((folder / "trace.json").read_text())["costs"]
    assert costs["by_cause"]["shortlist"] == 3 * (3 * 32 + 16)
    assert costs["passes"] == sum(costs["by_cause"].values())


def test_what_is_beyond_limits_or_budget_was_on_the_shortlist(tmp_path: Path) -> None:
    problem = SimpleNamespace(fitness=LossFitness, worst=100.0, space=spaces.NASBench201())
    values = [(3.0, {}), (1.0, {"late": True}), (104.0, {}), (2.0, {}), (100.0, {})]
    events = [{"choices": [n] * 6, "fitness": [v], **more} for n, (v, more) in enumerate(values)]
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    found = scored(cast("Context", SimpleNamespace(problem=problem, folder=tmp_path)))
    assert [one.choices[0] for one in found] == [3, 0, 4]


@given(
    st.lists(st.tuples(*[st.integers(0, 4)] * 6), unique=True, max_size=30),
    st.integers(1, 8),
    st.integers(1, 6),
)
def test_no_two_of_a_shortlist_are_nearer_than_apart(
    cells: list[tuple[int, ...]], k: int, apart: int
) -> None:
    space = spaces.NASBench201()
    found = [one.choices for one in spread((space.architecture(cell) for cell in cells), k, apart)]
    assert found[:1] == cells[:1]
    assert all(_differ(one, other) >= apart for one, other in combinations(found, 2))
    if apart == 1:
        assert found == cells[:k]
    left = [cell for cell in cells if cell not in found]
    if len(found) < k:  # nobody was left out but for being near to a better one
        for cell in left:
            better = [one for one in found if cells.index(one) < cells.index(cell)]
            assert any(_differ(cell, one) < apart for one in better)


def _differ(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def test_a_table_has_no_shortlist() -> None:
    with pytest.raises(ConfigError, match="shortlist"):
        make_config({"problem": "synthetic", "shortlist": {"k": 3}})


def test_a_winner_by_training_is_trained_again_with_another_seed(tmp_path: Path) -> None:
    """Its luck with the seed that a search has picked it by is not that of its controls."""
    config = make_config(
        {
            "problem": "demo:images=32,epochs=1,evaluations=2",
            "seed": 6,
            "device": "cpu",
            "data": {"valid": 16, "test": 16},
            "strategy": {"population": 2},
            "retrain": {"random_draws": 1, "seeds": 1},
        }
    )
    Experiment.begin(tmp_path / "run", config).execute()
    rows = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [row["row"] for row in rows] == ["baseline", "random", "tdga"]
    assert {row["seed"] for row in rows} == {7}
    assert abs(rows[1]["parameters"] / rows[2]["parameters"] - 1) <= 0.1  # the control is of its size
    assert (tmp_path / "run" / "network" / "model.safetensors").is_file()
    page = write_report(tmp_path / "run").read_text()
    assert "<h1>nas-rl on digits</h1>" in page  # it was said to be on a table, as all without a supernet
