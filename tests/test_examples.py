"""The examples run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
QUICK = {"vgg_shortcuts.py": ["--quick"], "cells.py": ["--quick"]}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_runs(path: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(path), *QUICK.get(path.name, [])],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("name", ["onemax", "knapsack"])
def test_what_needs_no_network_imports_no_torch(name: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); import {name}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_free_energy_keeps_diversity_where_a_tournament_loses_it() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "onemax.py"], capture_output=True, text=True, check=True
    )
    _, tournament, thermodynamical = done.stdout.splitlines()
    assert float(tournament.split()[-1]) < 1.0
    assert float(thermodynamical.split()[-1]) > 20.0
    assert thermodynamical.split()[1] == "100"
