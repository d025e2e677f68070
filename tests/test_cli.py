"""The command line as a new user meets it."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.cli.experiments import _document
from tdgnas.runs.config import make_config, read_config
from tdgnas.runs.problems import problem_sections

TINY = [
    part
    for setting in (
        "space.settings.width=0.03125", "data.train=32", "data.valid=32", "pretrain.epochs=1", "strategy.population=4",
        "retrain.epochs=1", "retrain.random_draws=1", "device=cpu",
    )
    for part in ("--set", setting)
]  # fmt: skip


def invoke(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> tuple[Path, str]:
    """The folder of a search, and what the command printed."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    result = invoke("search", "--out", str(folder), "--budget", "2", *TINY)
    assert result.exit_code == 0, result.output
    for word in (
        "pretraining",
        "search",
        "retraining",
        "baseline",
        "random",
        "DARTS, threshold",
        "darts-tdga",
    ):
        assert word in result.output
    return folder, result.output


@pytest.fixture(scope="module")
def run(searched: tuple[Path, str]) -> Path:
    return searched[0]


def test_a_search_leaves_a_folder_with_everything(run: Path) -> None:
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert names >= {
        "config.toml",
        "pretraining.csv",
        "history.csv",
        "events.jsonl",
        "results.json",
        "architecture.json",
        "supernet/supernet.safetensors",
        "figures/architecture.png",
        "figures/architecture.svg",
        "figures/search.png",
    }
    results = json.loads((run / "results.json").read_text())
    assert [r["row"] for r in results] == [
        "baseline",
        "random",
        "DARTS, threshold",
        "DARTS, round-k",
        "darts-tdga",
    ]
    winner, control = results[-1], results[1]
    assert control["gates"] == winner["gates"]
    assert (run / "history.csv").read_text().count("\n") == 4


def test_a_report_of_altered_results_said_nothing(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    text = (copy / "results.json").read_text()
    for altered, code, word in ((f"{text} ", 0, "warning: "), (text[:-9], 1, "results.json cannot be read")):
        (copy / "results.json").write_text(altered)
        result = invoke("report", str(copy))
        assert result.exit_code == code
        assert word in result.output
        assert "results.json is missing or was changed" in result.output


def test_show_prints_and_draws_an_architecture(run: Path, tmp_path: Path) -> None:
    picture = tmp_path / "drawing.svg"
    result = invoke("show", str(run / "architecture.json"), "--draw", str(picture))
    assert result.exit_code == 0, result.output
    assert "parameters" in result.output
    assert picture.read_text().lstrip().startswith("<?xml")


def test_the_last_line_names_what_lies_in_the_folder(searched: tuple[Path, str]) -> None:
    run, output = searched
    last = output.splitlines()[-1]
    assert last.startswith(f"run folder: {run} (")
    named = last.rpartition("(")[2].rstrip(")").split(", ")
    assert "report.html" in named
    assert all((run / name).exists() for name in named)


def test_compare_is_a_command_with_options_of_its_own() -> None:
    assert "compare" in invoke("--help").output
    shown = invoke("compare", "--help")
    assert shown.exit_code == 0
    for word in ("--strategy", "--problem", "--budget"):
        assert word in shown.output
    assert invoke("compare", "--budge", "3").exit_code == 2
    refused = invoke("compare", "--seeds", "0")
    assert refused.exit_code == 1
    assert "--seeds is 0" in refused.output


def test_lists_of_spaces_strategies_and_operators() -> None:
    spaces, operators, strategies = invoke("spaces"), invoke("operators"), invoke("strategies")
    for word in ("tdga", "darts", "random", "reinforce-lstm"):
        assert word in strategies.output
    assert "vgg-shortcuts" in spaces.output
    assert "nasbench201" in spaces.output
    for word in ("thermodynamic", "select", "uniform", "mutFlipGate"):
        assert word in operators.output


def test_a_folder_in_use_and_a_folder_that_is_no_run_are_refused(run: Path, tmp_path: Path) -> None:
    result = invoke("search", "--out", str(run))
    assert result.exit_code == 1
    assert "is not empty" in result.output
    result = invoke("resume", str(tmp_path))
    assert result.exit_code == 1
    assert "no config.toml" in result.output
    result = invoke("show", str(tmp_path / "none.json"))
    assert result.exit_code == 1
    assert "there is no file" in result.output


def test_an_objective_may_be_the_measure_of_the_fitness() -> None:
    made = _document("digits-vgg-tiny", "tdga", None, {"objective": "accuracy,latency"})
    config = make_config(made)
    assert (config.fitness.kind, config.fitness.measure) == ("supernet", "accuracy")
    assert config.objectives.names == ("latency",)
    made = _document("digits-vgg-tiny", "tdga", None, {"objective": "macs"})
    assert make_config(made).fitness.measure == "loss"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["-p", "synthetic", "--set", "problem=demo"], "problem is given twice, by --problem and by --set"),
        (["-s", "tdga", "--set", "strategy.name=ga"], "given twice, by --strategy and by --set"),
        (["-p", "synthetic", "-s", "nsga2", "--objective", "accuracy,macs"], "so leave out 'accuracy'"),
        (
            ["-p", "vgg-shortcuts"],
            "is a space, and a problem says on what data as well: vgg-shortcuts@digits",
        ),
        (["-p", "synthetic", "--unit", "evaluations", "--set", "budget.limt=9"], "did you mean 'limit'"),
        (["--config", "saved.toml", "-p", "nasbench201"], "would hold for 'nasbench201' as well"),
    ],
)
def test_what_is_said_in_two_ways_was_half_ignored(arguments, word, tmp_path: Path, monkeypatch) -> None:
    """A saved configuration of an invented table was searched under the name of the true one."""
    monkeypatch.chdir(tmp_path)
    Path("saved.toml").write_text("problem = 'synthetic'\n[fitness]\nkind = 'table'\ninvented = 0\n")
    result = invoke("search", "--out", "run", *arguments)
    assert result.exit_code == 1
    assert word in result.output
    assert not Path("run").exists()


def test_an_option_called_like_an_argument_of_presets_was_a_traceback() -> None:
    """It is a keyword of the space, which refuses it; behind SPACE@DATA it even took the data's place."""
    for text in ("digits-vgg:data=mnist", "vgg-shortcuts@digits:data=mnist"):
        sections = problem_sections(text)
        assert sections["data"]["name"] == "digits"
        assert sections["space"]["settings"]["data"] == "mnist"


def test_what_does_not_fit_a_terminal_goes_on_under_its_column(capsys, monkeypatch) -> None:
    common = importlib.import_module("tdgnas.cli.common")
    for tty, lines in ((True, ["key  one two", "     three"]), (False, ["key  one two three"])):
        monkeypatch.setattr(common, "console", Console(width=14, soft_wrap=not tty))
        common.say("key  one two three", under=5)
        assert capsys.readouterr().out.splitlines() == lines


def test_a_saved_schedule_kept_the_length_of_the_old_budget(tmp_path: Path) -> None:
    """A longer search with the saved configuration cooled down after the old number of generations."""
    first, longer, own = (str(tmp_path / name) for name in ("first", "longer", "own"))
    begin = ["search", "-p", "synthetic", "-s", "tdga", "--unit", "generations"]
    assert invoke(*begin, "--budget", "2", "--out", first).exit_code == 0
    saved = f"{first}/config.toml"
    assert invoke("search", "--config", saved, "--budget", "4", "--out", longer).exit_code == 0
    assert _generations(longer) == 4
    key = "strategy.temperature.ngen=3"
    assert invoke("search", "--config", saved, "--budget", "4", "--set", key, "--out", own).exit_code == 0
    assert _generations(own) == 3
    assert invoke("search", "--config", f"{own}/config.toml", "--out", first + "2").exit_code == 0
    assert _generations(first + "2") == 3


def _generations(folder: str) -> int:
    found: int = read_config(Path(folder) / "config.toml")["strategy"]["temperature"]["ngen"]
    return found
