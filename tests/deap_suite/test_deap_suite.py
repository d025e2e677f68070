"""DEAP's own tests, from its source distribution, beside this package."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Path:
    """The folder of DEAP's tests, of the version that is installed."""
    folder = tmp_path_factory.mktemp("deap")
    wanted = f"deap=={version('deap')}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        wanted,
        "--quiet",
        "--timeout",
        "20",
        "--retries",
        "1",
        "--no-binary",
        ":all:",
        "--no-deps",
    ]
    try:
        done = subprocess.run(
            [*command, "--no-build-isolation", "--dest", str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,  # of a machine that is busy
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the source distribution of {wanted} could not be fetched within ten minutes")
    archives = list(folder.glob("*.tar.gz"))
    if not archives:
        pytest.skip(f"the source distribution of {wanted} could not be fetched: {done.stderr.strip()[-200:]}")
    with tarfile.open(archives[0]) as archive:
        members = [
            member
            for member in archive.getmembers()
            if re.fullmatch(r"[^/]+/tests/test_\w+\.py", member.name)
        ]
        for member in members:
            content = archive.extractfile(member)
            assert content is not None
            (folder / Path(member.name).name).write_bytes(content.read())
    return folder


@pytest.fixture
def run(suite: Path, passes):
    """Runs DEAP's tests with our plug-in for pytest."""
    here = Path(__file__).parent
    return partial(passes, "-p", "deap_suite_plugin", paths=[here, here.parents[1]], cwd=suite)


def test_deaps_tests_pass_with_this_package_imported(run) -> None:
    output = run()
    assert int(re.search(r"(\d+) passed", output).group(1)) >= 40
    assert "failed" not in output
    assert "thermodynamical selections: 0" in output


def test_they_pass_with_thermodynamical_selection_over_pareto_ranks_in_place_of_nsga(run) -> None:
    output = run("-k", "nsga", REPLACE_NSGA="1")
    assert "4 passed" in output
    assert int(re.search(r"thermodynamical selections: (\d+)", output).group(1)) == 400
