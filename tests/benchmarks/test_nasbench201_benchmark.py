"""The benchmark of NAS-Bench-201, on an invented table in place of the real one."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tdgnas.fitness import save_table, synthetic_table
from tdgnas.spaces import NASBench201

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    space = NASBench201()
    return save_table(space, synthetic_table(space), tmp_path_factory.mktemp("table") / "t.csv.gz")


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def benchmark_module(table, monkeypatch):
    monkeypatch.setenv("TDGNAS_NB201", str(table))
    return load("nasbench201")


@pytest.mark.parametrize("options", [{}, {"settings": "enas-macro", "batch": 5, "controller.shared": False}])
@pytest.mark.parametrize("repeats", ["charged", "free"])
def test_controllers_that_advance_together_search_as_single_ones(benchmark_module, options, repeats):
    seeds = [3, 4, 5]
    together = benchmark_module.run_controllers(options, seeds, 4000.0, repeats)
    alone = benchmark_module.run_searches("reinforce-lstm", options, seeds, 4000.0, repeats)
    assert together == alone
    assert len({signal for signal, *_ in together}) > 1


def run(module, *arguments):
    app = typer.Typer()
    app.command()(module.main)
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_it_prints_every_strategy_and_compares_with_what_was_published(benchmark_module, tmp_path):
    few = ["--runs", 3, "--budget", 1500, "--jobs", 1]
    written = [
        "--out",
        tmp_path / "table.md",
        "--figure",
        tmp_path / "anytime.svg",
        "--keep",
        tmp_path / "runs",
    ]
    result = run(benchmark_module, *few, *written)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "anytime.svg").exists()
    lines = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    left_out = 0 if importlib.util.find_spec("optuna") else 2
    assert len(lines) == 2 + len(benchmark_module.STRATEGIES) - left_out
    assert result.output.count("left out, the strategy 'optuna' needs optuna") == left_out
    assert re.search(r"aging \| .*93\.92 ± 0\.30 \| (yes|NO)", "\n".join(lines))


def test_a_strategy_whose_package_is_absent_is_left_out_with_a_word_unless_it_is_asked_for(
    benchmark_module, monkeypatch
):
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.setattr(benchmark_module, "STRATEGIES", ["random", "optuna-tpe=optuna"])
    few = ["--runs", 2, "--budget", 1500, "--jobs", 1]
    result = run(benchmark_module, *few)
    assert result.exit_code == 0, result.output
    assert "optuna-tpe: left out, the strategy 'optuna' needs optuna" in result.output
    assert "random: 2 runs" in result.output
    result = run(benchmark_module, *few, "--strategy", "random", "--strategy", "optuna")
    assert result.exit_code == 1
    assert "needs optuna" in result.output
    assert "random: 2 runs" not in result.output  # said before work is lost


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--strategy", "agin"], "did you mean 'aging'"),
        (["--runs", "0"], "--runs is 0"),
        (["--repeats", "sometimes", "--runs", "1"], "sometimes"),
    ],
)
def test_mistakes_are_sentences(benchmark_module, arguments, word):
    result = run(benchmark_module, *arguments, "--jobs", 1)
    assert result.exit_code == 1
    assert word in " ".join(result.output.split())


def test_what_is_kept_is_not_run_again_unless_something_else_is_asked_for(
    benchmark_module, tmp_path, monkeypatch
):
    arguments = ["--strategy", "random", "--budget", 1500, "--jobs", 1, "--keep", tmp_path]
    assert run(benchmark_module, *arguments, "--runs", 2).exit_code == 0
    [first] = [json.loads(path.read_text(encoding="utf-8"))["runs"] for path in tmp_path.iterdir()]
    asked, real = [], benchmark_module.run_all
    monkeypatch.setattr(
        benchmark_module,
        "run_all",
        lambda text, seeds, **rest: asked.extend(seeds) or real(text, seeds, **rest),
    )
    assert run(benchmark_module, *arguments, "--runs", 2).exit_code == 0
    assert asked == []
    assert run(benchmark_module, *arguments, "--runs", 3).exit_code == 0
    assert asked == [2]
    [kept] = [json.loads(path.read_text(encoding="utf-8"))["runs"] for path in tmp_path.iterdir()]
    assert kept[:2] == first
    assert len(kept) == 3


def test_evaluations_are_a_budget_too_and_told_on_the_way(benchmark_module, tmp_path):
    arguments = ["--strategy", "random", "--runs", 2, "--budget", 60, "--unit", "evaluations", "--jobs", 1]
    result = run(benchmark_module, *arguments, "--out", tmp_path / "table.md")
    assert result.exit_code == 0, result.output
    assert "| at 50 |" in (tmp_path / "table.md").read_text(encoding="utf-8")


def test_rankings_of_the_table_have_scores_and_controls(table, monkeypatch, tmp_path):
    module = load("ranking")
    monkeypatch.setenv("TDGNAS_NB201", str(table))
    result = CliRunner().invoke(module.app, ["table"])
    assert result.exit_code == 1  # an invented table has no one-shot accuracies
    assert "no column 'oneshot_acc'" in " ".join(result.output.split())


def test_a_ranking_knows_a_perfect_and_a_reversed_score(tmp_path, capsys):
    import numpy as np

    module = load("ranking")
    truth = np.array([1.0, 5.0, 3.0, 4.0])
    module.ranking({"same": truth, "reversed": -truth}, truth, "title", "points", tmp_path / "r.md")
    same, reversed_ = (tmp_path / "r.md").read_text(encoding="utf-8").splitlines()[4:6]
    assert same == "| same | 1.000 | 1.000 | 0.00 |"
    assert reversed_ == "| reversed | -1.000 | -1.000 | 4.00 |"


def test_the_cost_of_a_proposal_is_told_for_every_number_of_evaluations():
    app = typer.Typer()
    app.command()(load("proposal_cost").main)
    result = CliRunner().invoke(app, ["10", "20", "--repeats", "2", "--decisions", "4"])
    assert result.exit_code == 0, result.output
    assert re.search(r"\| 10 \| \d+\.\d \|\n\| 20 \| ", result.output)


def test_landscapes_have_one_height_for_an_architecture_and_a_row_for_each_size(capsys):
    module = load("landscapes")
    heights = [module.landscape(6, 3, 2, seed=4)([0, 1, 2, 0, 1, choice]) for choice in (0, 0, 1)]
    assert heights[0] == heights[1] != heights[2]
    module.main(["random", "short=aging:population=3"], seeds=1, evaluations=5)
    assert capsys.readouterr().out.count("\n") == 2 + len(module.SIZES)


def test_tuning_reads_no_test_accuracy(table, monkeypatch):
    monkeypatch.setenv("TDGNAS_NB201", str(table))
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "nasbench201", raising=False)
    module = load("nasbench201_tuning")
    monkeypatch.setattr("tdgnas.fitness.TabularFitness.final", None)
    mean, error = module.judge("tdga", {"population": 4, "temperature.start": 0.1, "fall": 0.1}, 3, 1500.0)
    assert 70 < mean < 100
    assert error > 0
    monkeypatch.delitem(sys.modules, "nasbench201", raising=False)
