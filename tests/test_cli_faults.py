"""Faults of the command line that an outside trial found: each is a sentence now."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tdgnas import __version__
from tdgnas.cli import app
from tdgnas.files.toml import shown
from tdgnas.runs import make_config
from tdgnas.settings import listed
from tdgnas.spaces import VGGShortcuts, save_architecture

COMMANDS = sorted(command.callback.__name__ for command in app.registered_commands if command.callback)


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(*arguments: object) -> str:
    """What a refused command says; no traceback."""
    result = invoke(*arguments)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    return " ".join(result.output.split())


def test_there_was_no_version() -> None:
    assert invoke("--version").output == f"tdgnas {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_about_a_dozen_options(command: str) -> None:
    lines = invoke(command, "--help").output.splitlines()
    options = [line for line in lines if line.lstrip("│*").startswith(" --") and "--help" not in line]
    assert len(options) <= 14


def test_all_else_is_listed_with_type_default_and_meaning() -> None:
    for line, option in zip(
        invoke("options").output.splitlines()[1:], listed(make_config({})), strict=True
    ):  # one line each, for grep
        assert line.startswith(option.key)
        assert option.kind in line
        assert shown(option.default) in line
        assert option.meaning
        assert line.rstrip().endswith(option.meaning)
    assert "strategy.temperature.start" in invoke("options", "strategy").output
    assert "strategy.sample" in invoke("options", "strategy", "--strategy", "aging").output
    assert "there is no section 'strateg'" in said("options", "strateg")


def test_the_help_of_export_lost_its_extra_to_the_markup() -> None:
    assert "tdgnas[onnx]" in "".join(invoke("export", "--help").output.split())


def test_an_impossible_place_was_a_bare_errno(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    small = ("-p", "synthetic", "-s", "random", "-b", 5, "--unit", "evaluations", "--out")
    assert f"{file} is a file; choose another --out" in said("search", *small, file)
    text = said("search", *small, file / "run")
    assert str(file) in text
    assert "Not a directory; choose another place" in text
    assert "Errno" not in text


@pytest.mark.parametrize("streams", [">&-", ">&- 2>&-", "| true"])
def test_a_closed_output_was_a_traceback(streams: str) -> None:
    command = f'"{sys.executable}" -m tdgnas operators {streams}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_show_of_a_runs_folder_said_that_there_is_no_file(tmp_path: Path) -> None:
    space = VGGShortcuts(width=1 / 32)
    assert "has no architecture.json" in said("show", tmp_path)
    save_architecture(space, space.sample(random.Random(0)), tmp_path / "architecture.json")
    result = invoke("show", tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "architecture.png").exists()


def test_show_of_what_to_json_wrote_names_what_writes_an_architecture(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(VGGShortcuts(width=1 / 32).sample(random.Random(0)).to_json())
    assert "save_architecture" in said("show", path)


@pytest.mark.parametrize("size", [1e308, 32.0, 3.2e17, 10**30, -32, "32", None])
def test_an_absurd_image_size_was_a_traceback(size: object, tmp_path: Path) -> None:
    space = VGGShortcuts(width=1 / 32)
    path = save_architecture(space, space.sample(random.Random(0)), tmp_path / "architecture.json")
    document = json.loads(path.read_text())
    document["space"]["image_size"] = size
    path.write_text(json.dumps(document))
    assert "image_size" in said("show", path)


def test_two_lines_in_one_setting_dropped_the_second() -> None:
    assert "has several lines" in said("config", "--set", "seed=1\nretrain.epochs=2")


def test_errors_speak_of_options() -> None:
    text = said("search", "--set", "data.name=folder")
    assert "--data-folder" in text
    assert "folder=" not in text
