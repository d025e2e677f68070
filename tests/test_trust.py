"""Code that a folder of somebody else names: listed, and imported with consent only."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tdgnas.registry import import_plugin, resolve
from tdgnas.trust import UntrustedCode, check_trust, named_code, origins, remember


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a module that says when it is imported, and a run that names it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    package = tmp_path / "here" / "their_package"
    package.mkdir(parents=True)
    for name in ("__init__", "code"):
        (package / f"{name}.py").write_text("raise SystemExit('this was imported')")
    (tmp_path / "here" / "run").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path / "here"


CODE = ["their_package", "their_package.code:mutTheirs"]


def test_a_folder_of_somebody_else_imported_and_ran_code_without_a_word(here):
    with pytest.raises(UntrustedCode, match="--trust") as error:
        check_trust(here / "run", CODE)
    for name, file in zip(CODE, ("__init__.py", "code.py"), strict=True):
        assert f"{name} from {here / 'their_package' / file}" in str(error.value)
    assert "their_package" not in sys.modules


def test_consent_is_remembered_for_the_place_the_code_and_its_origin(here):
    check_trust(here / "run", CODE, trusted=True)
    check_trust(here / "run", CODE)
    check_trust(Path("run"), reversed(CODE))
    with pytest.raises(UntrustedCode):
        check_trust(here / "run", [*CODE, "os:system"])
    other = Path(shutil.copytree(here, here.parent / "other"))
    with pytest.raises(UntrustedCode):
        check_trust(other / "run", CODE)
    (here / "their_package").rename(here / "their_package_")
    shutil.copy(other / "their_package" / "code.py", here / "their_package.py")
    with pytest.raises(UntrustedCode, match=r"their_package\.py"):
        check_trust(here / "run", CODE)


def test_a_run_that_was_begun_here_needs_no_consent(here):
    remember(here / "run", CODE)
    remember(here / "run", CODE)
    check_trust(here / "run", CODE)
    assert len((here.parent / "state" / "tdgnas" / "trusted").read_text().split()) == 1


@pytest.mark.parametrize("state", ["file/below", "relative"])
def test_where_nothing_can_be_kept_consent_is_asked_again(here, monkeypatch, state):
    (here / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(here / state) if "/" in state else state)
    monkeypatch.setenv("HOME", str(here / "file"))
    check_trust(here / "run", CODE, trusted=True)
    with pytest.raises(UntrustedCode):
        check_trust(here / "run", CODE)


def test_what_names_no_code_needs_no_consent(here):
    document = {"data": {"folder": "C:/images", "name": "nobody:knows"}, "search": {"mutate": "gaussian"}}
    check_trust(here / "run", named_code(document))
    check_trust(
        here / "run", named_code({"problem": "table:space=nasbench201,file=a.csv", "device": "cuda:1"})
    )


def test_all_that_a_configuration_names_of_code_is_found():
    document = {
        "imports": ["one", "two.three"],
        "search": {"mutate": "four:mutA", "lists": [{"x": "os:path.join"}]},
    }
    assert named_code(document) == ["one", "two.three", "four:mutA", "os:path.join"]
    assert named_code({"imports": "one"}) == ["one"]


@pytest.mark.parametrize(
    "name", ["os", "os.path", "sys", "deap.tools", "deap.nothing", "xml.etree.ElementTree"]
)
def test_whatever_can_be_imported_has_an_origin(name):
    assert origins([name, f"{name}:anything"]).keys() == {name, f"{name}:anything"}


def test_a_text_that_names_no_object_imports_nothing(here):
    for text in (
        "their_package:a=b",
        "their_package:",
        "their_package: code",
        "their_package:a,b",
        "their_package",
    ):
        with pytest.raises(ValueError, match="names no object"):
            resolve(text)


def test_the_current_folder_shadowed_installed_packages(here):
    (here / "networkx.py").write_text("raise SystemExit('shadowed')")
    (here / "plain_here.py").write_text("import networkx\nvalue = networkx.DiGraph")
    code = "import sys; sys.path.remove(''); from tdgnas.registry import resolve; resolve('plain_here:value')"
    subprocess.run([sys.executable, "-c", code], cwd=here, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "tdgnas", "--import", "plain_here", "operators"],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sys.path[:] = [path for path in sys.path if path not in ("", str(here))]
    assert import_plugin("plain_here").value.__module__.startswith("networkx.")
    assert sys.path[-1] == str(here)
    del sys.modules["plain_here"]
