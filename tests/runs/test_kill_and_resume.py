"""A run that is killed and resumed, again and again, ends as the one that was never stopped, bit for bit."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tdgnas.runs import Config as Settings
from tdgnas.runs import Experiment, make_config
from tdgnas.runs.build import make_data
from tdgnas.spaces import load_architecture
from tdgnas.strategies import STRATEGIES, wants
from tdgnas.training import evaluate, load_weights

Config = Callable[..., Settings]
Contents = Callable[[Path], dict[str, bytes]]
Work = Callable[..., int]

#: Everything that has a state of its own: weights in the search, feedback, accuracy, the second order, scales.
VARIANT = {
    "pretrain": {"order": 2, "relaxation": "target-softmax", "clip": None},
    "strategy": {
        "alternate": True,
        "temperature": {"schedule": "feedback", "target": 20.0},
        "population": 3,
        "selection": {"replacement": False, "entropy": "distance"},
    },
    "fitness": {"measure": "accuracy", "batchnorm": "recalibrated", "calibration_size": 32},
    "retrain": {"epochs": 1, "augment": {"crop": 2, "flip": True}},
}
RELAXED = {
    "fitness": {"mode": "relaxed"},
    "strategy": {"variation": {"mutate": "flip-gate", "mate": "target"}},
    "shortlist": {"k": 2, "recipe": {"epochs": 1, "batch_size": 32}},
    "retrain": {"epochs": 0},
}


def killed_again_and_again(folder: Path, config: Settings, work: Work, steps: list[int], often: bool) -> int:
    """Let children work on a run and die, each a little later than the one before it started; count the deaths."""
    for deaths, deadly in enumerate(steps):
        code = work(folder, config, deadly, often)
        if code == 0:
            return deaths
        assert code == -signal.SIGKILL
    assert work(folder, config, -1) == 0
    return len(steps)


@pytest.mark.parametrize(
    ("often", "steps"),
    [(True, [1, 3, 5, 6, 2, 7, 9, 8, 4, 11, 10, 12]), (False, [4, 9, 5, 14, 8])],
    ids=["a checkpoint after every step", "checkpoints seldom"],
)
def test_killed_inside_writes(
    finished_run: Path,
    tmp_path: Path,
    tiny: Config,
    contents: Contents,
    work_until_killed: Work,
    often: bool,
    steps: list[int],
) -> None:
    folder = tmp_path / "run"
    deaths = killed_again_and_again(folder, tiny(), work_until_killed, steps, often)
    assert deaths >= 4
    assert contents(folder) == contents(finished_run)
    assert not list(folder.rglob(".*.part*"))


@pytest.mark.parametrize("sections", [VARIANT, RELAXED], ids=["everything with a state", "relaxed"])
def test_variants_killed_inside_writes(
    tmp_path: Path,
    tiny: Config,
    contents: Contents,
    work_until_killed: Work,
    sections: dict[str, dict[str, object]],
) -> None:
    config = tiny(**sections)
    Experiment.start(tmp_path / "whole", config).execute()
    deaths = killed_again_and_again(tmp_path / "run", config, work_until_killed, [5, 9, 12, 10, 8], True)
    assert deaths >= 4
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_strategy_killed_inside_writes(
    name: str, tmp_path: Path, tiny: Config, contents: Contents, work_until_killed: Work
) -> None:
    if name == "optuna" and find_spec("optuna") is None:
        pytest.skip("optuna is not installed")
    if STRATEGIES.get(name).needs_gradients or "train" in wants(name):
        few = {"pretrain": {"epochs": 0}, "retrain": {"epochs": 0}, "budget": {"limit": 3}}
        # The weights of ENAS learn again before the third update.
        own = {"enas": {"updates": 2, "batch": 3, "steps": 2}, "darts": {"steps": 2}}.get(name, {})
        config = tiny(strategy={"name": name, **own}, **few)
    else:
        budget = {"unit": "evaluations", "limit": 30}
        own = {"asha": {"batch": 9}}.get(name, {})
        config = make_config(
            {"problem": "synthetic", "seed": 3, "strategy": {"name": name, **own}, "budget": budget}
        )
    Experiment.start(tmp_path / "whole", config).execute()
    deaths = killed_again_and_again(tmp_path / "run", config, work_until_killed, [7, 11], True)
    assert deaths == 2
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_two_runs_with_one_seed_are_equal(
    finished_run: Path, tmp_path: Path, tiny: Config, contents: Contents
) -> None:
    Experiment.start(tmp_path / "run", tiny()).execute()
    assert contents(tmp_path / "run") == contents(finished_run)


def test_what_a_run_consists_of(finished_run: Path, contents: Contents) -> None:
    names = set(contents(finished_run))
    assert {
        "config.toml",
        "pretraining.csv",
        "history.csv",
        "events.jsonl",
        "retraining.csv",
        "supernet/supernet.safetensors",
        "supernet/supernet.json",
        "architecture.json",
        "results.json",
        "network/model.safetensors",
        "network/card.json",
    } <= names
    assert len(list((finished_run / "checkpoints").iterdir())) == 2


def test_the_winners_weights_score_what_the_table_says(finished_run: Path, tiny: Config) -> None:
    results = json.loads((finished_run / "results.json").read_text())
    card = json.loads((finished_run / "network" / "card.json").read_text())
    space, architecture = load_architecture(finished_run / "architecture.json")
    network = load_weights(space.network(architecture), finished_run / "network")
    config = tiny()
    data = make_data(config.data, config.seed)
    assert evaluate(network, data.test) == card["measures"]["test"]
    assert results[-1]["test_accuracy"] == card["measures"]["test"]["accuracy"]
    assert card["parameters"] == results[-1]["parameters"]
    assert card["macs"] == results[-1]["macs"]
