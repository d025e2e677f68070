"""A comparison as a user runs it: cells, resuming, errors, reports, supernets."""

from __future__ import annotations

import csv
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.cli_compare import SUPERNET, TABLE
from tdgnas.runs.comparison import Cell, Plan, Runner, Stopped, parse, write_report
from tdgnas.runs.comparison import run as runs
from tdgnas.runs.comparison.cell import run_cell
from tdgnas.runs.config import ConfigError
from tdgnas.runs.lock import FolderLock
from tdgnas.strategies import STRATEGIES
from tdgnas.training import TrainingDiverged
from tdgnas.workers import WorkerDied


def make_plan(strategies=("random", "aging"), problems=("synthetic",), seeds=(0, 1), **options):
    options = {"limit": 1500, **options} if problems == ("synthetic",) else options
    return Plan([parse(s) for s in strategies], [parse(p) for p in problems], seeds, **options)


def run(plan, out):
    said, done = [], []
    runner = Runner(plan, out, jobs=1)
    runner.run(say=said.append, done=lambda text, count, total: done.append((text, count, total)))
    return runner, said, done


def test_every_strategy_is_in_a_default_comparison():
    named = {parse(text).name for text in SUPERNET}
    assert named >= set(STRATEGIES.names()) - {"tpe"}  # which is optional
    assert "darts" not in TABLE


def test_cells_are_run_once_and_kept(tmp_path):
    runner, said, done = run(make_plan(), tmp_path)
    assert [entry[1:] for entry in done] == [(k, 4) for k in range(1, 5)]
    first = runner.results()
    assert {(r["strategy"], r["seed"]) for r in first} == {
        (s, k) for s in ("random", "aging") for k in (0, 1)
    }
    again, said, done = run(make_plan(), tmp_path)
    assert (said, done) == ([], [])
    assert again.results() == first


def test_more_strategies_and_seeds_run_only_what_is_missing(tmp_path):
    run(make_plan(), tmp_path)
    _, _, done = run(make_plan(("random", "aging", "ga"), seeds=(0, 1, 2)), tmp_path)
    assert len(done) == 9 - 4


def test_a_damaged_cell_is_named_and_run_again(tmp_path):
    runner, _, _ = run(make_plan(), tmp_path)
    before = runner.results()
    path = tmp_path / "synthetic" / "aging" / "1.json"
    path.write_text(path.read_text()[:100])
    (tmp_path / "synthetic" / "random" / "0.json").write_text('{"format": "other"}')
    _, said, done = run(make_plan(), tmp_path)
    assert len(done) == 2
    assert any("1.json is damaged" in text for text in said)
    assert any("no result of this version" in text for text in said)
    assert without_time(Runner(make_plan(), tmp_path).results()) == without_time(before)


def without_time(results):
    return [{key: value for key, value in result.items() if key != "seconds"} for result in results]


@pytest.mark.parametrize(
    "changed",
    [
        {"limit": 1600},
        {"strategies": ("random", "aging=aging:sample=2")},
        {"problems": ("synthetic=synthetic:seed=1",)},
    ],
)
def test_cells_of_other_settings_are_named_and_run_again(tmp_path, changed):
    run(make_plan(), tmp_path)
    options = {"limit": 1500, **changed}
    _, said, done = run(make_plan(**options), tmp_path)
    assert said
    assert all("made with other settings" in text for text in said)
    assert len(done) == len(said)


def test_an_interrupted_comparison_says_what_is_kept_and_goes_on(tmp_path, monkeypatch):
    real, calls = runs.run_cell, []

    def interrupted(cell, problem, folder):
        calls.append(cell)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(cell, problem, folder)

    monkeypatch.setattr(runs, "run_cell", interrupted)
    with pytest.raises(Stopped, match=r"2 of 4 searches are done and kept .* the same command goes on"):
        run(make_plan(), tmp_path)
    _, _, done = run(make_plan(), tmp_path)
    assert len(done) == 2
    assert len(Runner(make_plan(), tmp_path).results()) == 4


def test_several_processes_find_the_same(tmp_path):
    alone, _, _ = run(make_plan(), tmp_path / "one")
    several = Runner(make_plan(), tmp_path / "two", jobs=2)
    several.run()
    assert without_time(several.results()) == without_time(alone.results())


def test_processes_know_what_a_module_of_the_user_registers(tmp_path, monkeypatch):
    code = (
        "from tdgnas.strategies import STRATEGIES, GA\nSTRATEGIES.register('mine')(type('Mine', (GA,), {}))\n"
    )
    (tmp_path / "registers_mine.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(runs, "IMPORTED", ["registers_mine"])
    with runs._pool(1) as pool:
        names = pool.submit(eval, "__import__('tdgnas.strategies').strategies.STRATEGIES.names()").result()
    assert "mine" in names


def test_everybody_gets_the_same_budget(tmp_path):
    names = tuple(name for name in STRATEGIES.names() if name not in ("darts", "tpe"))
    runner, _, _ = run(make_plan(names, seeds=(0,), limit=30, unit="evaluations"), tmp_path)
    for result in runner.results():
        assert result["evaluations"] == 30, result["strategy"]
        assert result["used"] == 30
        assert not result["converged"]


def test_a_result_is_the_final_accuracy_of_what_the_signal_chose(tmp_path):
    runner, _, _ = run(make_plan(), tmp_path)
    problem = runner.plan.made["synthetic"]
    session = problem.open(0, tmp_path)
    for result in runner.results():
        architecture = session.space.architecture(result["choices"])
        assert result["test_accuracy"] == session.evaluate.final(architecture)
        assert result["signal"] == session.evaluate(session.space.encode(architecture))[0]
        assert result["used"] <= 1500


def test_the_report_needs_nothing_else(tmp_path):
    plan = make_plan(("random", "aging", "ga"), seeds=(0, 1, 2))
    runner, _, _ = run(plan, tmp_path)
    write_report(plan, runner.results(), tmp_path, "compare --seeds 3")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"'#][^"']*)""", page)
    assert [link for link in links if not link.startswith("data:")] == []
    assert "@import" not in page
    assert "<script" not in page
    assert page.count("<svg") == 5
    for words in ("compare --seeds 3", "Holm", "critical difference", "measurements are invented", "aging"):
        assert words in page
    with (tmp_path / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert {row["strategy"] for row in rows} == {"random", "aging", "ga"}
    assert all(0.7 < float(row["test_accuracy"]) < 1 for row in rows)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert [len(summary["outcomes"][0][key]) for key in ("summary", "pairs")] == [3, 3]


def test_a_label_cannot_break_the_report(tmp_path):
    with pytest.raises(ValueError, match="no name"):
        make_plan(("<b>=random",))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"strategies": ("agin",)}, "did you mean 'aging'"),
        ({"problems": ("nasbench301",)}, "no problem 'nasbench301'; there are nasbench201, synthetic"),
        ({"problems": ("synthetic:size=3",)}, "its options are repeats and seed"),
        ({"problems": ("vgg-shortcut@digits",)}, "did you mean 'vgg-shortcuts'"),
        ({"problems": ("vgg-shortcuts@digit",)}, "did you mean 'digits'"),
        ({"problems": ("vgg-shortcuts@digits:height=3",)}, "does not take these settings"),
        ({"problems": ("vgg-shortcuts@digits:images=0",)}, "images is 0"),
        ({"problems": ("vgg-shortcuts@digits:evaluations=0",)}, "evaluations is 0"),
        ({"problems": ("vgg-shortcuts@digits:batch_size=many",)}, "batch_size is 'many'"),
        ({"strategies": ("tdga:population=0",)}, "population"),
        ({"strategies": ("ga:indpb=often",)}, "'ga-indpboften': "),
        (
            {"strategies": ("darts:order=3",), "problems": ("digits-vgg-tiny",)},
            "order is 3; it must be 1 (first order)",
        ),
        (
            {"strategies": ("darts:steps=0",), "problems": ("digits-vgg-tiny",)},
            "steps",
        ),
        ({"limit": float("inf")}, "above 0, and finite"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, 1)}, "seeds"),
        ({"limit": -1.0}, "budget is -1"),
        ({"unit": "hours", "limit": 1.0}, "unit is 'hours'"),
        ({"unit": "passes", "limit": 1.0}, "passes no images"),
        ({"strategies": ("darts",)}, "is a table"),
        (
            {"strategies": ("darts",), "problems": ("digits-vgg-tiny",), "unit": "evaluations", "limit": 9},
            "by image passes",
        ),
        ({"problems": ("digits-vgg-tiny",), "unit": "seconds", "limit": 9}, "no simulated seconds"),
        ({"problems": ("digits-vgg-tiny",), "unit": "evaluations"}, "add --budget"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_runs(options, word):
    with pytest.raises(ValueError, match=re.escape(word)):
        make_plan(**options)


def test_a_budget_too_small_for_anything_is_named(tmp_path):
    with pytest.raises(ValueError, match="too small for one evaluation"):
        run(make_plan(limit=1.0), tmp_path)


# the command


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


def test_the_command_says_when_it_invents_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr("tdgnas.runs.comparison.default_problem", lambda: "synthetic")
    result = call("-s", "random", "--seeds", 1, "--budget", 800, "--jobs", 1, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "invented" in result.output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["-s", "tgda", "-p", "synthetic"], "did you mean 'tdga'"),
        (["-s", "random:batch=x", "-p", "synthetic", "--seeds", "1", "--jobs", "1"], "batch is 'x'"),
        (["--seeds", "0", "-p", "synthetic"], "--seeds is 0"),
        (["--jobs", "0", "-p", "synthetic"], "jobs is 0"),
    ],
)
def test_mistakes_are_sentences(tmp_path, arguments, word):
    result = call(*arguments, "--out", tmp_path)
    assert result.exit_code == 1
    assert word in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_damaged_or_missing_table_is_a_sentence(tmp_path, monkeypatch):
    from tdgnas.runs.comparison import problems

    problems._table.cache_clear()
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

    monkeypatch.setattr(runs, "run_cell", stop)
    result = call("-p", "synthetic", "-s", "random", "--seeds", 1, "--jobs", 1, "--out", tmp_path)
    assert result.exit_code == 130
    assert "the same command goes on from there" in " ".join(result.output.split())


def test_sigterm_ends_a_comparison_and_its_processes_with_a_sentence(tmp_path):
    """A real process with two workers, as a cluster's scheduler ends it."""
    arguments = ["-p", "synthetic", "-s", "random", "--seeds", "400", "--budget", "60000", "--jobs", "2"]
    command = [sys.executable, "-m", "tdgnas", "compare", *arguments, "--out", "compared"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    patience = time.monotonic() + 120
    while not list(tmp_path.glob("compared/synthetic/random/*.json")) and process.poll() is None:
        assert time.monotonic() < patience
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    # The pipes close when the workers, which hold them too, have ended.
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert "the same command goes on from there" in " ".join(said.split())
    assert "Traceback" not in said + errors


def test_a_process_that_dies_is_a_sentence_and_what_is_done_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "_search", _die)
    with pytest.raises(WorkerDied, match=r"died without a result .* 0 of 4 searches .* fewer --jobs"):
        Runner(make_plan(), tmp_path, jobs=2).run()


def _die(cell, out):
    os._exit(1)


def test_an_error_of_a_training_comes_back_from_a_process():
    error = pickle.loads(pickle.dumps(TrainingDiverged(3, 7)))
    assert (error.epoch, error.step, str(error)) == (3, 7, str(TrainingDiverged(3, 7)))


def test_one_comparison_at_a_time_in_a_folder(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(ConfigError, match="another process is working in"):
        run(make_plan(), tmp_path)
    lock.release()
    run(make_plan(), tmp_path)


def test_a_fresh_comparison_forgets_what_was_there(tmp_path):
    run(make_plan(), tmp_path)
    done = []
    Runner(make_plan(), tmp_path, jobs=1, fresh=True).run(done=lambda *each: done.append(each))
    assert len(done) == 4


# supernets

TINY = "tiny=vgg-shortcuts@digits:width=0.03125,epochs=1,images=16,evaluations=14,batch_size=8"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    out = tmp_path_factory.mktemp("tiny")
    names = (
        "random",
        "tdga=tdga:population=3,local_search=true",
        "darts=darts:steps=1",
        "nsga2=nsga2:mu=4,lambda_=4",
    )
    plan = make_plan(names, (TINY,), seeds=(0,))
    runner, _, done = run(plan, out)
    return plan, runner, done, out


def test_a_supernet_is_pretrained_once_for_all(tiny):
    plan, runner, done, out = tiny
    assert done[0][0] == "tiny: supernet of seed 0"
    assert len(done) == 5
    assert plan.made["tiny"].prepared(0, out / "tiny")
    prepaid = {result["prepaid"] for result in runner.results()}
    saved = json.loads((out / "tiny" / "supernets" / "0" / "pretraining.json").read_text())
    assert prepaid == {saved["passes"]}
    assert saved["passes"] > 0


def test_strategies_on_a_supernet_use_equal_passes(tiny):
    _, runner, _, _ = tiny
    results = {result["strategy"]: result for result in runner.results()}
    limit = 14 * 16
    assert results["random"]["used"] == limit
    assert results["random"]["evaluations"] == 14
    for result in results.values():
        assert result["used"] <= limit
        assert result["curve"][-1][0] <= result["prepaid"] + limit
    # One step of DARTS: 3 passes for each of 8 validation and 8 training images, and 16 for its evaluation.
    assert results["darts"]["evaluations"] == 1 + (limit - 16) // (2 * 3 * 8 + 16)


def test_results_on_a_supernet_are_test_losses_on_the_shared_weights(tiny):
    plan, runner, _, out = tiny
    session = plan.made["tiny"].open(0, out / "tiny")
    for result in runner.results():
        again = session.final(session.space.architecture(result["choices"]))
        assert again["test_loss"] == result["test_loss"] == result["curve"][-1][2]


def test_a_gradient_search_leaves_the_shared_supernet_alone(tiny):
    plan, _, _, out = tiny
    problem = plan.made["tiny"]
    before = (out / "tiny" / "supernets" / "0" / "supernet.safetensors").read_bytes()
    cell = Cell(parse("darts:steps=1,order=2"), parse(TINY), 0, "passes", 300.0)
    result = run_cell(cell, problem, out / "tiny")
    assert result["evaluations"] >= 2
    assert (out / "tiny" / "supernets" / "0" / "supernet.safetensors").read_bytes() == before


def test_a_supernet_of_other_settings_is_not_reused(tiny):
    _, _, _, out = tiny
    other = make_plan(("random",), (TINY.replace("epochs=1", "epochs=2"),), seeds=(0,)).made["tiny"]
    assert not other.prepared(0, out / "tiny")


def test_choices_can_be_trained_from_scratch(tiny, tmp_path):
    _, _, _, out = tiny
    plan = make_plan(("random",), (TINY + ",retrain=1",), seeds=(0,))
    result = run_cell(next(plan.cells()), plan.made["tiny"], out / "tiny")
    assert result["retrained_accuracy"] == result["curve"][-1][2]
    assert 0 <= result["retrained_accuracy"] <= 1
    assert np.isfinite(result["retrained_loss"])
    assert plan.made["tiny"].metric == "retrained_accuracy"
