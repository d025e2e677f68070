"""The example plug-in, installed as a user would, is listed, checked, searched with; broken ones are reported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"


@pytest.fixture(scope="module")
def site(tmp_path_factory, install) -> Path:
    """A folder with the installed plug-in."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(PLUGIN, folder / "source")  # setuptools writes beside the sources
    install(source, folder / "site")
    return folder / "site"


def tdgnas(site: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(Path(__file__).parents[2])])}
    return subprocess.run(
        [sys.executable, "-m", "tdgnas", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=cwd or site.parent,
    )


def test_operators_are_listed_with_their_first_sentence_and_origin(site: Path) -> None:
    lines = tdgnas(site, "operators").stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("swap-genes"))
    assert "tdgnas-example (tdgnas_example.operators:mutSwapGenes)" in lines[place]
    assert lines[place + 1].strip() == "Exchange the values of randomly chosen pairs of genes"
    assert "two-layers" in tdgnas(site, "spaces").stdout


def test_the_command_finds_it_good(site: Path) -> None:
    done = tdgnas(site, "check", "swap-genes", "--set", "pairs=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mutSwapGenes is a good mutation" in done.stdout


def test_a_search_uses_an_operation_a_rule_a_task_a_problem_and_a_strategy_by_name(
    site: Path, tmp_path: Path
) -> None:
    arguments = ["--problem", "focal-digits:channels=4", "--strategy", "hill-climber", "--device", "cpu"]
    done = tdgnas(site, "search", *arguments, "--out", str(tmp_path / "run"))
    assert done.returncode == 0, done.stdout + done.stderr
    config = (tmp_path / "run" / "config.toml").read_text()
    for name in ("focal-digits:channels=4", "two-layers", "focal", "hill-climber"):
        assert f'"{name}"' in config
    assert "two-layers" in (tmp_path / "run" / "architecture.json").read_text()
    results = (tmp_path / "run" / "results.json").read_text()
    assert "DARTS, cautious" in results
    assert "among_three" in results


def test_a_search_uses_operators_by_name(site: Path, tmp_path: Path) -> None:
    chosen = ["strategy.variation.mutate=swap-genes", "strategy.selection.operator=truncation"]
    arguments = [part for one in chosen for part in ("--set", one)]
    done = tdgnas(
        site, "search", "-p", "focal-digits", *arguments, "--device", "cpu", "--out", str(tmp_path / "run")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    config = (tmp_path / "run" / "config.toml").read_text()
    assert '"swap-genes"' in config
    assert '"truncation"' in config


def test_its_own_tests_pass(site: Path, passes) -> None:
    output = passes(str(site.parent / "source" / "tests"), paths=[site, Path(__file__).parents[2]])
    assert "passed" in output
    assert "skipped" not in output


def fake_plugin(folder: Path, entries: str, code: str) -> Path:
    """Lay out a package as pip does, without pip."""
    info = folder / "fake_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tdgnas.operators]\n{entries}\n")
    (folder / "fake_plugin.py").write_text(code)
    return folder


GOOD = """
def mutGood(individual):
    \"\"\"Do something good. And more.\"\"\"
    individual[0] += 1
    return (individual,)


def good(individual):
    return mutGood(individual)
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Path:
    """A package with a good operator, one that does not import, a taken name and one without a prefix."""
    entries = """
    good = fake_plugin:mutGood
    lost = fake_plugin_lost:mutGood
    gaussian = fake_plugin:mutGood
    unnamed = fake_plugin:good
    """
    site = fake_plugin(tmp_path_factory.mktemp("faulty"), textwrap.dedent(entries), GOOD)
    (site / "fake_plugin_lost.py").write_text("import no_such_thing\n")
    return site


def test_faulty_plugins_are_reported_and_stop_nothing(faulty: Path) -> None:
    listed = tdgnas(faulty, "operators")
    assert listed.returncode == 0
    assert "Do something good" in listed.stdout
    assert "flip-gate" in listed.stdout
    assert "lost from fake-plugin" in listed.stdout
    assert "No module named 'no_such_thing'" in listed.stdout
    assert "name it like selMine" in listed.stdout
    assert "deap.tools.mutation has it and fake-plugin (fake_plugin:mutGood) wants it" in listed.stdout


def test_asking_for_a_faulty_plugin_says_what_is_wrong_with_it(faulty: Path) -> None:
    chosen = tdgnas(faulty, "search", "--set", "strategy.variation.mutate=lost")
    assert chosen.returncode == 1
    assert "no_such_thing" in chosen.stderr
    clash = tdgnas(faulty, "check", "gaussian")
    assert clash.returncode == 1
    assert "deap.tools.mutation has it and fake-plugin (fake_plugin:mutGood) wants it" in clash.stderr


def test_a_decorated_operator_of_an_imported_module_is_there(tmp_path: Path) -> None:
    code = GOOD.replace("def mutGood", '@OPERATORS.register("mine")\ndef mutGood')
    (tmp_path / "mine.py").write_text("from tdgnas.operators import OPERATORS\n" + code)
    listed = tdgnas(tmp_path, "--import", "mine", "operators", cwd=tmp_path)
    assert "mine  mine:mutGood" in listed.stdout
    missing = tdgnas(tmp_path, "--import", "yours", "operators", cwd=tmp_path)
    assert missing.returncode == 1
    assert "there is no module 'yours'" in missing.stderr
