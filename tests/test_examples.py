"""The examples run as they stand."""

from __future__ import annotations

import contextlib
import io
import runpy
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
QUICK = {"vgg_shortcuts.py": ["--quick"], "cells.py": ["--quick"]}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Runs an example once, in an empty folder, and returns what it prints."""

    @cache
    def run(name: str) -> str:
        path, said = EXAMPLES / name, io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
            patch.chdir(tmp_path_factory.mktemp(path.stem))
            patch.setattr(sys, "argv", [str(path), *QUICK.get(name, [])])
            runpy.run_path(str(path), run_name="__main__")
        return said.getvalue()

    return run


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_runs(name: str, printed: Callable[[str], str]) -> None:
    assert printed(name).strip()


@pytest.mark.parametrize("name", ["onemax", "knapsack"])
def test_what_needs_no_network_imports_no_torch(name: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(EXAMPLES)!r}); import {name}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_free_energy_keeps_diversity_where_a_tournament_loses_it(printed: Callable[[str], str]) -> None:
    _, tournament, thermodynamical = printed("onemax.py").splitlines()
    assert float(tournament.split()[-1]) < 1.0
    assert float(thermodynamical.split()[-1]) > 20.0
    assert thermodynamical.split()[1] == "100"
