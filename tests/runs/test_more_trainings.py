"""A finished run whose networks are trained more often than it was begun with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment, Interrupted
from tdgnas.runs.folder import finished
from tdgnas.runs.phases import make_phase

Contents = Callable[[Path], dict[str, bytes]]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., Settings]) -> Path:
    """The run of `finished_run`, begun with two trainings of every network."""
    folder = tmp_path_factory.mktemp("twice") / "run"
    Experiment.start(folder, tiny(retrain={"seeds": 2})).execute()
    return folder


@pytest.fixture
def once(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def test_a_finished_run_goes_on_to_what_it_had_been_with_more(
    once: Path, twice: Path, contents: Contents, tiny: Callable[..., Settings]
) -> None:
    before = json.loads((once / "results.json").read_text())
    run = Experiment.begin(once, tiny(retrain={"seeds": 2}))
    assert not finished(once)
    assert run.execute()
    assert contents(once) == contents(twice)
    results = json.loads((once / "results.json").read_text())
    assert results[: len(before)] == before
    assert [row["seed"] for row in results] == [4] * len(before) + [5] * len(before)
    assert finished(once)
    assert len(json.loads((once / "timings" / "retraining.json").read_text())["seconds"]) == len(results)


def test_one_that_is_stopped_on_the_way_goes_on(
    once: Path, twice: Path, contents: Contents, listener: Any
) -> None:
    run = Experiment.open(once, listener(stop_after=3)).with_trainings(2)
    with pytest.raises(Interrupted):
        run.execute()
    assert not finished(once)
    Experiment.open(once).execute()
    assert contents(once) == contents(twice)


@pytest.mark.parametrize("deadly", [1, 2, 4, 9, 14, 20])
def test_one_that_is_killed_on_the_way_goes_on(
    once: Path,
    twice: Path,
    contents: Contents,
    tiny: Callable[..., Settings],
    work_until_killed: Callable[..., int],
    deadly: int,
) -> None:
    work_until_killed(once, tiny(retrain={"seeds": 2}), deadly)
    Experiment.begin(once, tiny(retrain={"seeds": 2})).execute()
    assert contents(once) == contents(twice)


def test_a_run_in_its_search_may_be_asked_for_more(halfway: Path, twice: Path, contents: Contents) -> None:
    assert Experiment.open(halfway).with_trainings(2).execute()
    assert contents(halfway) == contents(twice)


def test_the_command(once: Path, twice: Path, contents: Contents) -> None:
    runner = CliRunner()
    assert "this run is finished" in runner.invoke(app, ["resume", str(once)]).output
    said = runner.invoke(app, ["resume", str(once), "--trainings", "2"])
    assert said.exit_code == 0, said.output
    assert contents(once) == contents(twice)
    refused = runner.invoke(app, ["resume", str(once), "--trainings", "1"])
    assert refused.exit_code == 1
    assert "2 times already" in " ".join(refused.output.split())


def test_a_run_without_retraining_and_other_changes_are_refused(
    tmp_path: Path, once: Path, tiny: Callable[..., Settings]
) -> None:
    run = Experiment.start(tmp_path / "none", tiny(retrain={"epochs": 0}))
    run.execute()
    with pytest.raises(ConfigError, match="retrains no networks"):
        Experiment.open(tmp_path / "none").with_trainings(2)
    with pytest.raises(ConfigError, match=r"retrain\.epochs was 2 and is 3"):
        Experiment.begin(once, tiny(retrain={"seeds": 2, "epochs": 3}))


def test_results_in_another_order_are_not_taken_for_these(once: Path, tiny: Callable[..., Settings]) -> None:
    run = Experiment.begin(once, tiny(retrain={"seeds": 2}))
    phase = make_phase("retraining", run.context)
    results = json.loads((once / "results.json").read_text())
    phase.load_state_dict({"results": results, "seconds": [0.0] * len(results), "training": None})
    assert phase.done == 2 * len(results)
    results[1] = {**results[0], "seed": 5}
    with pytest.raises(ConfigError, match="earlier version"):
        phase.load_state_dict({"results": results, "seconds": [0.0] * len(results), "training": None})


def test_what_config_toml_asks_for_is_done_or_refused(once: Path, twice: Path) -> None:
    path = once / "config.toml"
    text = path.read_text()
    assert "\nseeds = 1 " in text
    path.write_text(text.replace("\nseeds = 1 ", '\nseeds = "two" '))
    refused = CliRunner().invoke(app, ["resume", str(once)])
    assert refused.exit_code == 1
    assert "retrain.seeds" in refused.output
    path.write_text(text.replace("\nseeds = 1 ", "\nseeds = 2 "))
    assert CliRunner().invoke(app, ["resume", str(once)]).exit_code == 0
    assert json.loads((once / "results.json").read_text()) == json.loads((twice / "results.json").read_text())
