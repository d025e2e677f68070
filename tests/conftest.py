"""What many tests use: a tiny VGG space, the digits, a supernet of the two; pip and pytest as other processes."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings

from tdgnas import data, spaces
from tdgnas.data import Splits
from tdgnas.registry import IMPORTED
from tdgnas.spaces import VGGShortcuts
from tdgnas.supernet import Supernet

# The same examples every time, however slow the machine; `make explore` draws others.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("explore", settings.get_profile("fixed"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _no_state_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the user has consented to is neither read nor added to."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session", autouse=True)
def _no_power_cut() -> None:
    """Files need not be on the disk when a test ends; commands that tests run do wait for it."""
    os.fsync = lambda _: None


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are made and written, and nothing is drawn on them: for tests of all else that a run does."""
    monkeypatch.setattr("matplotlib.figure.Figure.draw", lambda *_: None)


@pytest.fixture(autouse=True)
def _no_plugins_of_other_tests() -> Iterator[None]:
    """Forgets the modules of plug-ins that a test imported: a comparison's workers would look for them."""
    before = list(IMPORTED)
    yield
    IMPORTED[:] = before


@pytest.fixture(scope="session")
def golden() -> Callable[[str, str, Any], Any]:
    """Results that were looked at once: ``golden("operators", name, result)`` returns the one in the file of its kind.

    A first result is written there and fails, so that somebody looks at it before it is committed.
    """

    def read(kind: str, name: str, result: Any) -> Any:
        path = Path(__file__).parent / "golden" / f"{kind}.json"
        known = json.loads(path.read_text(encoding="utf-8"))
        if name not in known:
            lines = [
                f"  {json.dumps(key)}: {json.dumps(one)}"
                for key, one in sorted({**known, name: result}.items())
            ]
            path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
            pytest.fail(
                f"the first golden result of {name!r} is now in {path}: {result}. Check it, and commit it"
            )
        return known[name]

    return read


@pytest.fixture(scope="session")
def digits() -> Splits:
    """The digits, with few training images."""
    return data.load("digits", train=96)


@pytest.fixture(scope="session")
def tiny_space() -> VGGShortcuts:
    """VGG19 at a thirty-second of its width."""
    return spaces.VGGShortcuts(width=1 / 32)


@pytest.fixture
def tiny_supernet(tiny_space: VGGShortcuts, digits: Splits) -> Supernet:
    """A supernet with fresh weights."""
    return Supernet(tiny_space, digits, seed=1, device="cpu")


@pytest.fixture(scope="session")
def install() -> Callable[[Path, Path], None]:
    """Installs the package in one folder into another one with pip, without asking any registry."""

    def install(source: Path, site: Path) -> None:
        # Looked for, not imported: setuptools cannot be imported into a process which has looked for pip.
        for needed in ("pip", "setuptools"):
            if importlib.util.find_spec(needed) is None:
                pytest.skip(f"{needed} is missing, so no package can be installed")
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
        command = [sys.executable, "-m", "pip", "install", *options, str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return install


@pytest.fixture(scope="session")
def passes() -> Callable[..., str]:
    """Runs pytest in another process, with folders on its path, and returns what it prints when all tests pass."""

    def passes(*arguments: str, paths: list[Path], cwd: Path | None = None, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), **environment},
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        return done.stdout

    return passes
