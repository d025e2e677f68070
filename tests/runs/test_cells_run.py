"""A run on a space of cells: its switches against collapse and for memory, its figures, its rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.spaces import load_architecture

TINY = {
    "data.size": 8,
    "data.train": 40,
    "data.valid": 20,
    "space.settings.cells": 2,
    "space.settings.channels": 2,
    "space.settings.nodes": 3,
    "pretrain.epochs": 3,
    "pretrain.computed": "one",
    "pretrain.skip_dropout": 0.3,
    "strategy.population": 4,
    "budget.limit": 1,
    "retrain.epochs": 1,
    "retrain.warmup": 0,
    "retrain.random_draws": 1,
}


def search(out: Path, space: str, **more: object):
    given = {**TINY, **{key.replace("__", "."): value for key, value in more.items()}}
    settings = [
        part for key, value in given.items() if value is not None for part in ("--set", f"{key}={value}")
    ]
    command = ["search", "--set", f"space.name={space}", "--out", str(out), "--device", "cpu", *settings]
    return CliRunner().invoke(app, command)


def test_cells_are_searched_to_the_end(tmp_path: Path) -> None:
    result = search(tmp_path / "run", "one-input-cells")
    assert result.exit_code == 0, result.output
    rows = [row["row"] for row in json.loads((tmp_path / "run" / "results.json").read_text())]
    assert rows == ["random", "DARTS, strongest edges", "darts-tdga"]
    assert (tmp_path / "run" / "figures" / "weights.png").stat().st_size > 1000
    found, _ = load_architecture(tmp_path / "run" / "architecture.json")
    assert found.image_shape == (3, 8, 8)


@pytest.mark.usefixtures("blank_pictures")
def test_a_guard_stops_the_pretraining_and_the_run_goes_on(tmp_path: Path) -> None:
    """Whose only operation beside none is the skip connection: the first epoch has two of them."""
    operations = "['none', 'skip_connect']"
    result = search(
        tmp_path / "run", "darts-cells", space__settings__operations=operations, pretrain__stop_skips=2
    )
    assert result.exit_code == 0, result.output
    assert "stopped after epoch 1, 6 skip connections" in " ".join(result.output.split())
    with (tmp_path / "run" / "pretraining.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 1
    assert (tmp_path / "run" / "results.json").exists()


def test_a_guard_of_cells_is_refused_for_a_space_without_them(tmp_path: Path) -> None:
    command = ["search", "--out", str(tmp_path / "run"), "--set", "pretrain.stop_skips=2", "--device", "cpu"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "counts skip connections of cells" in result.output


@pytest.mark.usefixtures("blank_pictures")
def test_enas_cells_are_searched_in_a_race_and_retrained_in_their_final_form(tmp_path: Path) -> None:
    own = {"layers": 1, "nodes": 2, "channels": 2}
    settings = {f"space.settings.{name}": value for name, value in own.items()}
    unset = {"space.settings.cells": None}
    result = search(
        tmp_path / "run",
        "enas-micro",
        **{**unset, **settings},
        pretrain__skip_dropout=0,
        pretrain__epochs=1,
        fitness__evaluator="racing",
        fitness__batch_size=10,
        retrain__rules='["threshold"]',
        retrain__final="true",
        retrain__final_options="{channels = 4, cells = 3, auxiliary = false}",
    )
    assert result.exit_code == 0, result.output
    rows = [row["row"] for row in json.loads((tmp_path / "run" / "results.json").read_text())]
    assert rows == ["random", "DARTS, threshold", "darts-tdga"]
    assert load_architecture(tmp_path / "run" / "architecture.json")[0].name == "enas-micro"


def test_rules_that_do_not_fit_the_space_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    for rule, said in (("round-k", "counts the gates"), ("round", "there is no discretisation rule 'round'")):
        result = search(tmp_path / rule, "one-input-cells", retrain__rules=f'["{rule}"]')
        assert result.exit_code != 0
        assert said in " ".join(result.output.split())
        assert not (tmp_path / rule / "pretraining.csv").exists()
