"""The order in which a run evaluates populations: configured, or measured at its start and written down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment, build, make_config
from tdgnas.runs.config import read_config
from tdgnas.supernet import Choice

Config = Callable[..., Settings]
SHORT: dict[str, Any] = {"pretrain": {"epochs": 1}, "retrain": {"epochs": 0}}


class Heard:
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: self.said.extend(given if name == "say" else ())


def test_the_fastest_order_is_measured_once_and_written_down(
    tiny: Config, tmp_path: Path, monkeypatch: Any
) -> None:
    asked = []

    def measured(supernet, where, architectures):
        asked.append(architectures)
        return Choice({"order": "folded", "chunk": 3}, {"depth-first": 0.2, "folded 3": 0.1}, True)

    monkeypatch.setattr(build, "fastest", measured)
    config, heard = tiny(fitness={"order": "measured"}, **SHORT), Heard()
    run = Experiment.start(tmp_path / "run", config, heard)
    assert [len(architectures) for architectures in asked] == [config.strategy.population]
    assert heard.said[0].startswith("populations are evaluated folded, the fastest here: depth-first 0.200 s")
    written = make_config(read_config(tmp_path / "run" / "config.toml"))
    assert written == run.config
    assert (written.fitness.order, written.fitness.chunk) == ("folded", 3)
    evaluator = run.context.problem.evaluate.evaluator
    assert (evaluator.order, evaluator.folder.chunk) == ("folded", 3)
    run.execute()
    again = Experiment.begin(tmp_path / "run", config)  # the same configuration: the same run
    assert again.config == run.config
    assert len(asked) == 1


def test_a_real_measurement_gives_an_order_that_a_run_can_have(tiny: Config, tmp_path: Path) -> None:
    result = Experiment.start(tmp_path / "run", tiny(fitness={"order": "measured"})).config.fitness
    assert result.order in ("depth-first", "folded")


def test_orders_agree_in_what_they_find(tiny: Config, tmp_path: Path) -> None:
    for order in ("depth-first", "folded"):
        config = tiny(fitness={"order": order, "measure": "accuracy"}, **SHORT)
        Experiment.start(tmp_path / order, config).execute()
    first, folded = (tmp_path / order / "architecture.json" for order in ("depth-first", "folded"))
    assert first.read_text() == folded.read_text()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["fitness.chunk=4"], "fitness: chunk is 4; it is for the order 'folded', and the order is 'device'"),
        (
            ["fitness.mode=relaxed", "fitness.order=measured"],
            "fitness: order is 'measured'; the mode 'relaxed'",
        ),
        (["fitness.order=fastest"], "fitness.order"),
    ],
)
def test_impossible_orders_are_sentences(given: list[str], sentence: str, tmp_path: Path) -> None:
    options = [part for each in given for part in ("--set", each)]
    result = CliRunner().invoke(app, ["search", "--out", str(tmp_path / "run"), *options])
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert not (tmp_path / "run").exists()


def test_the_order_of_a_run_cannot_be_changed(tiny: Config, tmp_path: Path) -> None:
    Experiment.start(tmp_path / "run", tiny(**SHORT)).execute()
    with pytest.raises(ConfigError, match=r"fitness.order was 'device' and is 'folded'"):
        Experiment.begin(tmp_path / "run", tiny(fitness={"order": "folded"}, **SHORT))
