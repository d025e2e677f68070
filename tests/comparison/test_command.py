"""The command for comparisons: what it prints and writes, and its errors."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.cli.common import stacked
from tdgnas.comparison import run as runs


def call(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_the_command_prints_a_table_and_writes_a_report(tmp_path):
    arguments = [
        "-p",
        "synthetic",
        "-s",
        "random",
        "-s",
        "aging",
        "--seeds",
        2,
        "--budget",
        1500,
        "--jobs",
        1,
    ]
    result = call(*arguments, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "aging" in result.output
    said = "tdgnas compare --strategy random --strategy aging --problem synthetic --seeds 2 --budget 1500.0 "
    assert said in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_numbers_were_cut_in_narrow_terminals(width):
    """At 60 columns they became "92.…"."""
    names = ["random", "a-rather-long-label-of-a-strategy"]
    rows = [("strategy", "mean", "p (Holm)"), *((name, "92.1234567", "1.25e-10") for name in names)]
    lines = list(stacked(rows, width))
    assert " ".join(lines).split().count("92.1234567") == " ".join(lines).split().count("1.25e-10") == 2
    assert width < 55 or len(lines) == 3
    assert width < 45 or max(map(len, lines)) <= width


def test_the_command_says_when_it_invents_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr("tdgnas.comparison.default_problem", lambda: "synthetic")
    result = call("-s", "random", "--seeds", 1, "--budget", 800, "--jobs", 1, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "invented" in result.output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["-s", "tgda", "-p", "synthetic"], "did you mean 'tdga'"),
        (
            ["-s", "random:batch=x", "-p", "synthetic", "--seeds", "1", "--jobs", "1"],
            "input should be a valid integer (given: 'x')",
        ),
        (["--seeds", "0", "-p", "synthetic"], "--seeds is 0"),
        (["--jobs", "0", "-p", "synthetic"], "workers"),
        (["--set", "seed=3", "-p", "synthetic"], "seed would be the same in every search"),
        (["--set", "problem=digits-vgg", "-p", "synthetic"], "problem would be the same in every search"),
        (["--set", "strategy.name=ga", "-p", "synthetic"], "leave it out, and give the strategies"),
        (["--set", "budget.limit=9", "-p", "synthetic", "--budget", "5"], "budget.limit would be the same"),
        (["--set", "map.asynchronous=true", "-p", "synthetic"], "a comparison hands out whole searches"),
    ],
)
def test_mistakes_are_sentences(tmp_path, arguments, word):
    result = call(*arguments, "--out", tmp_path)
    assert result.exit_code == 1
    assert word in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_damaged_or_missing_table_is_a_sentence(tmp_path, monkeypatch):
    from tdgnas.runs import on_table

    on_table._table.cache_clear()
    bad = tmp_path / "bad.csv"
    bad.write_text("arch,val_acc_12,test_acc_200\n|none~0|,1,2\n")
    monkeypatch.setenv("TDGNAS_NB201", str(bad))
    result = call("-p", "nasbench201", "--out", tmp_path)
    assert result.exit_code == 1
    assert "bad.csv, line 2" in " ".join(result.output.split())
    monkeypatch.setattr("tdgnas.fitness.table_files.table_places", lambda: iter([tmp_path / "none.csv"]))
    result = call("-p", "nasbench201", "--out", tmp_path)
    assert result.exit_code == 1
    assert "nats_bench" in result.output


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "search_in_memory", stop)
    result = call("-p", "synthetic", "-s", "random", "--seeds", 1, "--jobs", 1, "--out", tmp_path)
    assert result.exit_code == 130
    assert "the same command goes on from there" in " ".join(result.output.split())


def test_a_folder_of_something_else_was_written_into(tmp_path):
    """With --fresh, what lay there under the name of a problem was deleted."""
    (tmp_path / "synthetic").mkdir()
    result = call("-s", "random", "-p", "synthetic", "--fresh", "--jobs", "1", "--out", tmp_path)
    assert result.exit_code == 1
    assert "is not empty" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["synthetic"]
