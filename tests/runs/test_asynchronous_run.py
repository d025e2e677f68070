"""A run without generations: none lost when it is killed, and refused where it cannot be."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tdgnas.files.tables import read_events, read_table
from tdgnas.runs import Config, ConfigError, Experiment, make_config, on_scratch
from tests.distributed.local import LocalMap

FEW = {"data": {"train": 20, "valid": 20, "test": 20}, "retrain": {"epochs": 0}}


def config(
    strategy: str = "aging", problem: str = "nas-rl-chain:epochs=1,images=20", **sections: Any
) -> Config:
    """A run of eight children, two of them at a time."""
    workers = {"kind": "processes", "workers": 2, "asynchronous": True}
    own = {"population": 4} if strategy == "aging" else {}
    return make_config(
        {
            "problem": problem,
            "strategy": {"name": strategy, **own},
            "map": workers,
            "budget": {"unit": "evaluations", "limit": 8},
            **FEW,
            **sections,
        }
    )


def test_a_run_without_generations_that_is_killed_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work_until_killed: Callable[..., int]
) -> None:
    """Its workers give the newest result first; it is killed in the search, and asks again for what was under way."""
    monkeypatch.setattr(on_scratch, "make_map", lambda _: LocalMap(2))
    assert work_until_killed(tmp_path / "run", config(), 40) == -signal.SIGKILL
    before = read_table(tmp_path / "run" / "children.csv")
    assert 0 < len(before) < 8
    assert work_until_killed(tmp_path / "run", config(), -1) == 0
    children = read_table(tmp_path / "run" / "children.csv")
    assert children[: len(before)] == before
    trained = [row["choices"] for row in children]
    assert len(trained) == len(set(trained)) == 8
    events = read_events(tmp_path / "run" / "events.jsonl")
    assert {" ".join(map(str, event["choices"])) for event in events} == set(trained)
    history = read_table(tmp_path / "run" / "history.csv")
    assert [row["gen"] for row in history] == list(range(len(history)))
    assert history[-1]["evaluations"] == 8


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"strategy": "tdga"}, "'tdga' takes back whole generations; leave it out, or take one of .*aging"),
        ({"problem": "main"}, "problems that train every child by itself, and 'main' does not"),
        ({"budget": {"unit": "generations", "limit": 3}}, "there are no generations then; set budget.unit"),
    ],
)
def test_where_there_have_to_be_generations_it_is_refused(
    changed: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=rf"map\.asynchronous: .*{said}"):
        Experiment(config(**changed), folder=tmp_path)
