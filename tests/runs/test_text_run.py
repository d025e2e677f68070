"""Recurrent cells on text from search to export: killed and resumed, retrained, shown, exported."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.data import load
from tdgnas.descent import TrainingDiverged
from tdgnas.runs import make_config
from tdgnas.spaces import DartsRnn, save_architecture
from tdgnas.training import Recipe, Training, export_network

PROBLEM = (
    "text-darts:size=4,nodes=2,vocabulary=20,segment=4,windows=8,epochs=1,evaluations=4,retrain=2,"
    "data.train=40,data.valid=20,data.test=20,fitness.gradient_batch=4,pretrain.batch_size=4,retrain.batch_size=4,"
    "retrain.random_draws=0"
)


def test_a_killed_run_on_text_ends_as_one_that_was_not_and_is_shown(
    tmp_path: Path, contents: Any, work_until_killed: Any
) -> None:
    config = make_config(
        {"problem": PROBLEM, "strategy": {"name": "darts-tdga", "population": 3}, "device": "cpu"}
    )
    assert work_until_killed(tmp_path / "whole", config, -1) == 0
    assert work_until_killed(tmp_path / "killed", config, 9, True) == -signal.SIGKILL
    assert work_until_killed(tmp_path / "killed", config, -1) == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    shown = CliRunner().invoke(app, ["show", str(tmp_path / "whole")])
    assert "s2 = s" in shown.output


def test_a_cell_is_retrained_from_the_command_line(tmp_path: Path) -> None:
    options = ["--data", "text", "--epochs", "2", "--set", "network.size=4", "--set", "batch_size=4"]
    options += [f"--set=data.{key}={value}" for key, value in (("train", 30), ("valid", 12), ("test", 12))]
    options += ["--set=data.vocabulary=30", "--set=data.segment=4"]
    space = DartsRnn(nodes=2, size=4, classes=30)
    path = save_architecture(space, space.architecture([1, 6]), tmp_path / "architecture.json")
    said = CliRunner().invoke(app, ["retrain", str(path), "--out", str(tmp_path / "out"), *options])
    assert said.exit_code == 0, said.output
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["task"] == "language"
    assert card["measures"]["test"]["perplexity"] > 1


def test_weights_are_averaged_once_the_validation_loss_stops_falling_and_a_restart_knows_it() -> None:
    data = load("text", vocabulary=20, segment=4, train=24, valid=8, test=8)
    space = DartsRnn(nodes=2, size=4, classes=20)
    recipe = Recipe(epochs=6, batch_size=4, lr=40.0, momentum=0.0, clip=0.25, schedule="constant", warmup=0)

    def training() -> Training:
        torch.manual_seed(0)
        network = space.final_network(space.architecture([1, 6]), size=4)
        return Training(network, data, recipe.model_copy(update={"average_after": 1}), 0, "cpu")

    whole = training()
    found = [next(whole).valid for _ in range(6)]
    assert whole.averaged is not None
    half = training()
    for _ in range(5):
        next(half)
    again = training()
    again.load_state_dict(half.state_dict())
    assert next(again).valid == found[-1]
    with pytest.raises(ValueError, match="average_after"):
        Recipe(average_after=2, ema=0.9)


def test_a_training_that_explodes_says_so() -> None:
    data = load("text", vocabulary=20, segment=4, train=24, valid=8, test=8)
    space = DartsRnn(nodes=2, size=4, classes=20)
    network = space.network(space.architecture([3, 7]))
    recipe = Recipe(epochs=3, batch_size=4, lr=1e30, momentum=0.0, clip=None, warmup=0)
    with pytest.raises(TrainingDiverged, match="training diverged"):
        list(Training(network, data, recipe, 0, "cpu"))


def test_a_sequence_and_a_single_step_are_exported(tmp_path: Path) -> None:
    space = DartsRnn(nodes=2, size=4, classes=30)
    network = space.final_network(space.architecture([1, 6]), size=4)
    for end, (form, examples) in network.forms(3).items():
        export_network(form, (1,), tmp_path / f"model{end}.pt2", examples=examples)
    one, whole = (torch.export.load(tmp_path / f"model{end}.pt2").module() for end in ("-step", ""))
    tokens, state, found = torch.randint(30, (5, 3)), torch.zeros(5, 4), []
    for token in tokens.unbind(1):
        logits, state = one(token, state)
        found.append(logits)
    assert torch.allclose(torch.stack(found, 1).flatten(0, 1), whole(tokens), atol=1e-5)
