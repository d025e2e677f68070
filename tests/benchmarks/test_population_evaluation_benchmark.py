"""The scripts that time population evaluation run, and count what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_counts_fall_as_individuals_become_alike(tmp_path: Path) -> None:
    out, rows = tmp_path / "out.md", tmp_path / "out.json"
    options = ("--quick", "--sections", "populations", "--max-stride", 2)
    done = run("population_evaluation.py", *options, "--out", out, "--json", rows)
    assert done.returncode == 0, done.stderr
    populations = json.loads(rows.read_text())["populations"]
    left = [row["multiply-adds left %"] for row in populations if row["channels last"]]
    assert 100 > left[0] > left[1] > left[2] > 0
    assert "multiply-adds left %" in out.read_text()


def test_the_script_for_a_gpu_can_be_tried_without_one(tmp_path: Path) -> None:
    done = run("gpu.py", "--device", "cpu", "--quick", "--out", tmp_path / "gpu.md")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "gpu.md").read_text()
    for part in ("One generation", "folded, bfloat16", "Searches", "Profile"):
        assert part in text


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    done = run("gpu.py", "--out", tmp_path / "gpu.md")
    assert done.returncode == 1
    assert "there is no GPU that torch can use here" in done.stderr
    assert not (tmp_path / "gpu.md").exists()
