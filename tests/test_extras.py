"""Without an optional extra, every command that needs it says which one to install, before it does any work."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
MODULES = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "tensorboard": ("tensorboard", "torch.utils.tensorboard"),
    "optuna": ("optuna",),
    "ray": ("ray",),
}
COMMANDS = {
    "ray": "search --problem digits-nas-rl --map ray --out made",
    "onnx": "export trained --format onnx --out made",
    "tensorboard": "search --set tensorboard=true --out made",
    "optuna": "compare --problem synthetic -s random -s optuna --seeds 1 --budget 10 --unit evaluations --out made",
}
RETRAIN = (
    "retrain DARTS_V2 --out trained --set data.size=8 --set data.train=20 --set data.valid=20 --set network.channels=2 "
    "--set network.cells=2 --epochs 1 --set batch_size=20 --device cpu"
)


@pytest.mark.parametrize("extra", COMMANDS)
def test_a_command_without_its_extra_names_it_and_makes_nothing(extra, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    if extra == "onnx":
        assert CliRunner().invoke(app, shlex.split(RETRAIN)).exit_code == 0
    for module in MODULES[extra]:
        monkeypatch.setitem(sys.modules, module, None)
    done = CliRunner().invoke(app, shlex.split(COMMANDS[extra]))
    assert done.exit_code == 1
    assert f"tdgnas[{extra}]" in done.output.replace("\n", "")
    assert not (tmp_path / "made").exists()


def test_no_extra_is_left_out() -> None:
    section = PYPROJECT.read_text(encoding="utf-8").partition("[project.optional-dependencies]\n")[2]
    extras = re.findall(r"^(\w+) = \[", section.partition("\n[")[0], flags=re.M)
    assert set(extras) - {"dev", "docs"} == set(COMMANDS)
