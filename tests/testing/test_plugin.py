"""The example plug-in, installed as a user would, is listed, checked, searched with; broken ones are reported."""

from __future__ import annotations

import json
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


#: Commands in one process, which takes longer to start than most of them; pictures stay blank.
COMMANDS = """
import json, sys
import matplotlib.figure
from typer.testing import CliRunner
from tdgnas.cli import app

matplotlib.figure.Figure.draw = lambda *_: None
done = [CliRunner().invoke(app, command) for command in json.loads(sys.argv[1])]
print(json.dumps([(one.exit_code, one.stdout, one.stderr) for one in done]))
"""


def tdgnas(site: Path, *commands: str) -> list[tuple[int, str, str]]:
    """Give commands in a process that has a folder on its path; return status, output and errors of each."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(Path(__file__).parents[2])])}
    given = json.dumps([command.split() for command in commands])
    call = [sys.executable, "-c", COMMANDS, given]
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment, cwd=site.parent)
    return [tuple(each) for each in json.loads(done.stdout.splitlines()[-1])]


@pytest.fixture(scope="module")
def said(site: Path) -> list[tuple[int, str, str]]:
    """What the commands say that know the installed plug-in; two of them search."""
    return tdgnas(
        site,
        "operators",
        "spaces",
        "check swap-genes --set pairs=2",
        "search --problem focal-digits:channels=4 --strategy hill-climber --device cpu --out parts",
        "search --problem focal-digits --set strategy.variation.mutate=swap-genes "
        "--set strategy.selection.operator=truncation --device cpu --out operators",
    )


def test_operators_are_listed_with_their_first_sentence_and_origin(said) -> None:
    lines = said[0][1].splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("swap-genes"))
    assert "tdgnas-example (tdgnas_example.operators:mutSwapGenes)" in lines[place]
    assert lines[place + 1].strip() == "Exchange the values of randomly chosen pairs of genes"
    assert "two-layers" in said[1][1]


def test_the_command_finds_it_good(said) -> None:
    status, output, errors = said[2]
    assert status == 0, output + errors
    assert "mutSwapGenes is a good mutation" in output


def test_a_search_uses_an_operation_a_rule_a_task_a_problem_and_a_strategy_by_name(site: Path, said) -> None:
    assert said[3][0] == 0, said[3]
    folder = site.parent / "parts"
    config = (folder / "config.toml").read_text()
    for name in ("focal-digits:channels=4", "two-layers", "focal", "hill-climber"):
        assert f'"{name}"' in config
    assert "two-layers" in (folder / "architecture.json").read_text()
    results = (folder / "results.json").read_text()
    assert "DARTS, cautious" in results
    assert "among_three" in results


def test_a_search_uses_operators_by_name(site: Path, said) -> None:
    assert said[4][0] == 0, said[4]
    config = (site.parent / "operators" / "config.toml").read_text()
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


def test_faulty_plugins_are_reported_and_stop_nothing_but_their_own_use(faulty: Path) -> None:
    listed, chosen, clash = tdgnas(
        faulty, "operators", "search --set strategy.variation.mutate=lost", "check gaussian"
    )
    assert listed[0] == 0
    assert "Do something good" in listed[1]
    assert "flip-gate" in listed[1]
    assert "lost from fake-plugin" in listed[1]
    assert "No module named 'no_such_thing'" in listed[1]
    assert "name it like selMine" in listed[1]
    assert "deap.tools.mutation has it and fake-plugin (fake_plugin:mutGood) wants it" in listed[1]
    assert chosen[0] == 1
    assert "no_such_thing" in chosen[2]
    assert clash[0] == 1
    assert "deap.tools.mutation has it and fake-plugin (fake_plugin:mutGood) wants it" in clash[2]


def test_a_decorated_operator_of_an_imported_module_is_there(tmp_path: Path) -> None:
    code = GOOD.replace("def mutGood", '@OPERATORS.register("mine")\ndef mutGood')
    (tmp_path / "mine.py").write_text("from tdgnas.operators import OPERATORS\n" + code)
    listed, missing = tdgnas(tmp_path, "--import mine operators", "--import yours operators")
    assert "mine  mine:mutGood" in listed[1]
    assert missing[0] == 1
    assert "there is no module 'yours'" in missing[2]
