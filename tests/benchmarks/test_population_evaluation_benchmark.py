"""The scripts that time population evaluation run, and count what they say."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a script as its command line does."""

    def run(script: str, *arguments: object) -> None:
        monkeypatch.syspath_prepend(str(BENCHMARKS))
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(str(BENCHMARKS / script), run_name="__main__")

    return run


def test_counts_fall_as_individuals_become_alike(run: Callable[..., None], tmp_path: Path) -> None:
    out, rows = tmp_path / "out.md", tmp_path / "out.json"
    options = ("--quick", "--sections", "populations", "--max-stride", 2)
    run("population_evaluation.py", *options, "--out", out, "--json", rows)
    populations = json.loads(rows.read_text())["populations"]
    left = [row["multiply-adds left %"] for row in populations if row["channels last"]]
    assert 100 > left[0] > left[1] > left[2] > 0
    assert "multiply-adds left %" in out.read_text()


def test_the_script_for_a_gpu_can_be_tried_without_one(run: Callable[..., None], tmp_path: Path) -> None:
    run("gpu.py", "--device", "cpu", "--quick", "--out", tmp_path / "gpu.md")
    text = (tmp_path / "gpu.md").read_text()
    for part in ("One generation", "folded, bfloat16", "Searches", "Profile"):
        assert part in text


def test_without_a_gpu_it_says_so(run: Callable[..., None], tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(SystemExit, match="there is no GPU that torch can use here"):
        run("gpu.py", "--out", tmp_path / "gpu.md")
    assert not (tmp_path / "gpu.md").exists()
