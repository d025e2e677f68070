"""Folders and files of somebody else on the command line: read without importing, run with consent only."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.runs import ConfigError, Experiment
from tdgnas.trust import UntrustedCode

MODULE = """
from pathlib import Path

Path("imported").touch()


def mutTheirs(individual):
    return (individual,)
"""


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: Any) -> Path:
    """The current folder, with a module that leaves a file when it is imported."""
    (tmp_path / "their_module.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepared(run: Path, folder: Path) -> Path:
    """A copy of a run that names code."""
    path = Path(shutil.copytree(run, folder)) / "config.toml"
    text = path.read_text().replace("imports = []", 'imports = ["their_module"]')
    text = text.replace('mutate = "gaussian"', 'mutate = "their_module:mutTheirs"')
    assert text.count("their_module") == 2
    path.write_text(text)
    return folder


def test_resuming_and_searching_imported_whatever_a_folder_or_file_named(
    halfway: Path, theirs: Path, monkeypatch: Any
) -> None:
    folder = prepared(halfway, theirs / "run")
    for command in (["resume", "run"], ["search", "--config", "run/config.toml", "--out", "other"]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 1
        assert f"their_module from {theirs / 'their_module.py'}" in done.output
        assert f"their_module:mutTheirs from {theirs / 'their_module.py'}" in done.output
        assert "--trust" in done.output
    with pytest.raises(UntrustedCode):
        Experiment.open(folder)
    assert not (theirs / "imported").exists()
    assert not (theirs / "other").exists()
    with pytest.raises(
        ConfigError, match="imports was"
    ):  # it is imported, and then not the run that was stopped
        Experiment.open(folder, trusted=True).execute()
    assert (theirs / "imported").exists()


def test_reading_a_folder_imports_nothing(finished_run: Path, theirs: Path) -> None:
    folder = prepared(finished_run, theirs / "run")
    for command in (["report", "run"], ["show", "run"]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
    assert (folder / "report.html").exists()
    assert not (theirs / "imported").exists()
