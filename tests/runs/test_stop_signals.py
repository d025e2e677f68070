"""Ctrl-C and SIGTERM: the step is finished, everything is saved, and the way back is said."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.runs import Config as Settings
from tdgnas.runs import Experiment, Interrupted
from tdgnas.runs.config import config_text

Config = Callable[..., Settings]
Contents = Callable[[Path], dict[str, bytes]]


@pytest.mark.parametrize(
    ("step", "number"),
    [(1, signal.SIGINT), (2, signal.SIGTERM), (5, signal.SIGINT), (6, signal.SIGTERM)],
)
def test_a_run_that_is_asked_to_stop_goes_on_as_if_it_had_not(
    finished_run: Path,
    tmp_path: Path,
    tiny: Config,
    contents: Contents,
    listener: Any,
    step: int,
    number: signal.Signals,
) -> None:
    """In each phase, and at the last step of one."""
    folder = tmp_path / "a run"
    heard = listener(step, number)
    with pytest.raises(Interrupted, match=f"stopped by {number.name}") as stop:
        Experiment.start(folder, tiny(), heard).execute()
    assert f"tdgnas resume '{folder}'" in str(stop.value)
    assert stop.value.code == 128 + number
    assert heard.steps == step
    assert "finishing this step" in heard.text
    assert signal.getsignal(number) is not None
    heard = listener()
    Experiment.open(folder, heard).execute()
    assert "going on with" in heard.text
    assert contents(folder) == contents(finished_run)


def test_asked_twice_it_stops_at_once(
    tmp_path: Path, tiny: Config, listener: Any, finished_run: Path
) -> None:
    class Impatient(listener):  # type: ignore[misc, valid-type]
        def alert(self, text: str) -> None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Experiment.start(tmp_path / "run", tiny(), Impatient(3)).execute()
    Experiment.open(tmp_path / "run").execute()
    assert (tmp_path / "run" / "history.csv").read_bytes() == (finished_run / "history.csv").read_bytes()


def test_the_command_ends_with_the_status_of_its_signal(tmp_path: Path, tiny: Config) -> None:
    """A real process, as a cluster's scheduler ends it."""
    (tmp_path / "run.toml").write_text(config_text(tiny(retrain={"epochs": 300})))
    command = [sys.executable, "-m", "tdgnas", "search", "--config", "run.toml", "--out", "run"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    patience = time.monotonic() + 1800  # of a machine that is busy
    while not (tmp_path / "run" / "retraining.csv").exists() and process.poll() is None:
        assert time.monotonic() < patience
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=1800)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert "tdgnas resume run" in said
    assert "SIGTERM: finishing this step and saving" in errors
    assert "Traceback" not in said + errors


@pytest.fixture
def in_the_foreground() -> Iterator[None]:
    """Ctrl-C raises, as in a terminal: a process in the background is started with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_foreground")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_before_a_phase_begins_a_signal_ends_the_command_with_a_sentence(
    tmp_path: Path, tiny: Config, monkeypatch: Any, number: signal.Signals, status: int
) -> None:
    folder = tmp_path / "a run"
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(Experiment, "_build", lambda self: signal.raise_signal(number))
        begun = CliRunner().invoke(app, ["search", "--out", str(folder)])
        assert begun.exit_code == status
        assert begun.output == "stopped at once; nothing was begun: the same command begins it\n"
        assert not folder.exists()
        folder.mkdir()
        (folder / "config.toml").write_text(config_text(tiny()))
        resumed = CliRunner().invoke(app, ["resume", str(folder)])
    assert resumed.exit_code == status
    assert f"stopped at once; go on with: tdgnas resume '{folder}'" in resumed.output.replace("\n", "")
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.usefixtures("blank_pictures")
def test_resuming_a_finished_run_prints_the_table_and_changes_nothing(
    finished_run: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    first = CliRunner().invoke(app, ["resume", str(folder)])
    assert first.exit_code == 0, first.output
    assert "darts-tdga" in first.output
    assert (folder / "report.html").exists()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again = CliRunner().invoke(app, ["resume", str(folder)])
    assert again.output == first.output
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_resuming_what_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["resume", str(tmp_path)])
    assert result.exit_code == 1
    assert "has no config.toml, so it is not the folder of a run" in result.output
