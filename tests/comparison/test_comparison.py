"""A comparison as a user runs it: cells, resuming, budgets, reports."""

from __future__ import annotations

import csv
import json
import re
from importlib.util import find_spec
from typing import Literal

import pytest

from tdgnas.budget import Budget
from tdgnas.comparison import Runner, outcomes
from tdgnas.comparison import run as runs
from tdgnas.comparison.cell import sealed
from tdgnas.fitness import save_table, synthetic_table
from tdgnas.individual import LossFitness
from tdgnas.processes import WorkerMap
from tdgnas.registry import IMPORTED, Entry
from tdgnas.reports import write_comparison
from tdgnas.runs import Experiment, Interrupted
from tdgnas.runs.on_table import OnTable
from tdgnas.runs.problem import FITNESSES, Problem
from tdgnas.runs.problems import PROBLEMS
from tdgnas.runs.settings import Section
from tdgnas.spaces import NASBench201
from tdgnas.strategies import STRATEGIES
from tests.comparison.comparing import make_plan, run


def test_the_default_comparison_left_out_optuna_and_plugins(monkeypatch):
    """Its help said "all that fit", its list was fixed."""
    monkeypatch.setitem(STRATEGIES._entries, "mine", Entry("mine", STRATEGIES.get("random"), "a plug-in"))
    installed = {name for name in STRATEGIES.names() if name != "optuna" or find_spec("optuna")}
    followers = {"darts", "darts-tdga"}
    climbers = {name for name in STRATEGIES.names() if STRATEGIES.get(name).needs_fidelity}
    table = {spec.label for spec in make_plan(None).strategies}
    assert table == installed - followers
    tiny = make_plan(None, ("digits-vgg-tiny:width=0.03125",)).strategies
    assert {spec.label for spec in tiny} == installed - climbers


def test_a_strategy_with_two_objectives_was_refused_for_its_name(tmp_path, monkeypatch):
    class TwoWays(STRATEGIES.get("nsga2")):
        """Something else."""

    monkeypatch.setitem(STRATEGIES._entries, "two-ways", Entry("two-ways", TwoWays, "a plug-in"))
    runner, _, _ = run(make_plan(("two-ways", "nsga2"), seeds=(0,)), tmp_path)
    mine, nsga2 = runner.results()
    assert mine["choices"] == nsga2["choices"]


class Ones(Problem):
    """The number of decisions that are not 0, to be minimised; nothing is known beside it."""

    class Settings(Section):
        kind: Literal["ones"] = "ones"

    unused = ("data", "pretrain", "retrain")
    fitness = LossFitness

    def __init__(self, config):
        self.space = NASBench201()

        def evaluate(individual):
            evaluate.budget.count(1)
            return (float(sum(map(bool, self.space.decode(individual).choices))),)

        evaluate.budget = Budget()
        self.evaluate = evaluate


def test_a_fitness_of_a_user_without_a_final_measure_is_compared_by_its_signal(tmp_path, monkeypatch):
    monkeypatch.setitem(FITNESSES._entries, "ones", Entry("ones", Ones, "a plug-in"))
    sections = {"fitness": {"kind": "ones"}, "budget": {"unit": "evaluations", "limit": 40}}
    monkeypatch.setitem(PROBLEMS._entries, "few", Entry("few", lambda: sections, "a plug-in"))
    plan = make_plan(("random", "local-search"), ("few",))
    runner, _, _ = run(plan, tmp_path)
    assert [plan.subjects["few"].metric, plan.subjects["few"].higher] == ["signal", False]
    (outcome,) = outcomes(plan, runner.results())
    assert outcome.summary[0].strategy == "local-search"
    assert Runner(plan, tmp_path).missing() == []


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
    return [
        {key: value for key, value in result.items() if key not in ("seconds", "digest")}
        for result in results
    ]


@pytest.mark.parametrize("sign", [False, True])
def test_a_cell_with_an_accuracy_of_150_percent_was_shown_as_best(tmp_path, sign):
    runner, _, _ = run(make_plan(), tmp_path)
    before = without_time(runner.results())
    path = tmp_path / "synthetic" / "aging" / "1.json"
    result = json.loads(path.read_text()) | {"test_accuracy": 1.5}
    path.write_text(json.dumps(sealed(result) if sign else result))
    again, said, done = run(make_plan(), tmp_path)
    assert len(done) == len(said) == 1
    assert ("test_accuracy 1.5, which cannot be" if sign else "was changed after it was written") in said[0]
    assert without_time(again.results()) == before


def test_cells_of_another_table_are_run_again(tmp_path):
    """A file of the same name and number of rows can hold other numbers."""
    space = NASBench201()
    for seed in (0, 1):
        save_table(space, synthetic_table(space, seed), tmp_path / "table.csv")
        plan = make_plan(("random",), (f"t=table:file={tmp_path / 'table.csv'}",), seeds=(0,), limit=1500)
        _, said, _ = run(plan, tmp_path / "out")
        assert len(said) == seed


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
    real, calls = runs.search_in_memory, []

    def interrupted(cell):
        calls.append(cell)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(cell)

    monkeypatch.setattr(runs, "search_in_memory", interrupted)
    with pytest.raises(Interrupted, match=r"2 of 4 searches are done and kept .* the same command goes on"):
        run(make_plan(), tmp_path)
    _, _, done = run(make_plan(), tmp_path)
    assert len(done) == 2
    assert len(Runner(make_plan(), tmp_path).results()) == 4


def test_several_processes_find_the_same(tmp_path):
    alone, _, _ = run(make_plan(), tmp_path / "one")
    several = Runner(make_plan(), tmp_path / "two", map=WorkerMap(2))
    several.run()
    assert without_time(several.results()) == without_time(alone.results())


def test_processes_know_what_a_module_of_the_user_registers(tmp_path, monkeypatch):
    code = (
        "from tdgnas.strategies import STRATEGIES, GA\nSTRATEGIES.register('mine')(type('Mine', (GA,), {}))\n"
    )
    (tmp_path / "registers_mine.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    IMPORTED.append("registers_mine")
    with WorkerMap(1) as workers:
        (names,) = workers(eval, ["__import__('tdgnas.strategies').strategies.STRATEGIES.names()"])
    assert "mine" in names


def test_everybody_gets_the_same_budget(tmp_path):
    runner, _, _ = run(make_plan(None, seeds=(0,), limit=30, unit="evaluations"), tmp_path)
    for result in runner.results():
        if STRATEGIES.get(result["strategy"]).needs_fidelity:  # parts of evaluations
            assert result["evaluations"] > 30
            assert 29 < result["used"] <= 30 + 1e-9
        else:
            assert result["evaluations"] == 30, result["strategy"]
            assert result["used"] == 30
        assert not result["converged"]


def test_a_result_is_the_final_accuracy_of_what_the_signal_chose(tmp_path):
    runner, _, _ = run(make_plan(), tmp_path)
    problem = OnTable(runner.plan.subjects["synthetic"].config)
    for result in runner.results():
        architecture = problem.space.architecture(result["choices"])
        assert result["test_accuracy"] == problem.evaluate.final(architecture)
        assert result["signal"] == problem.evaluate(problem.space.encode(architecture))[0]
        assert result["used"] <= 1500


@pytest.mark.parametrize("strategy", ["aging", "nsga2", "reinforce-lstm", "tdga:population=6"])
def test_search_and_compare_agree_on_the_same_cell(tmp_path, strategy):
    runner, _, _ = run(make_plan((strategy,), seeds=(3,)), tmp_path)
    (result,) = runner.results()
    settings = {"seed": 3, "budget": {"limit": 1500}}
    (row,) = Experiment("synthetic", strategy, folder=tmp_path / "run", settings=settings).run()
    trace = json.loads((tmp_path / "run" / "trace.json").read_text())
    assert row["test_accuracy"] == result["test_accuracy"]
    assert trace["entropies"] == result["entropy"]
    assert [point[:2] for point in trace["points"]] == [point[:2] for point in result["curve"]]


def test_the_report_needs_nothing_else(tmp_path):
    plan = make_plan(("random", "aging", "ga"), seeds=(0, 1, 2))
    runner, _, _ = run(plan, tmp_path)
    write_comparison(plan, runner.results(), tmp_path, "compare --seeds 3")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"'#][^"']*)""", page)
    assert [link for link in links if not link.startswith("data:")] == []
    assert "@import" not in page
    assert "<script" not in page
    assert page.count("data:image/svg+xml") == 5
    assert "Space nasbench201, fitness table; by default but for fitness.invented 0." in page
    assert page.count('<div class="scroll">') == 5 + 3  # pictures and tables
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
    with pytest.raises(ValueError, match="cannot name a file"):
        make_plan(("<b>=random",))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"strategies": ("agin",)}, "did you mean 'aging'"),
        ({"problems": ("nasbench301",)}, "did you mean 'nasbench201'"),
        ({"problems": ("synthetic:size=3",)}, "does not take these settings"),
        ({"problems": ("vgg-shortcut@digits",)}, "did you mean 'vgg-shortcuts'"),
        ({"problems": ("vgg-shortcuts@digit",)}, "did you mean 'digits'"),
        ({"problems": ("vgg-shortcuts@digits:height=3",)}, "does not take these settings"),
        ({"problems": ("vgg-shortcuts@digits:images=0",)}, "images is 0"),
        ({"problems": ("vgg-shortcuts@digits:evaluations=0",)}, "evaluations is 0"),
        (
            {"problems": ("vgg-shortcuts@digits:batch_size=many",)},
            "gradient_batch: input should be a valid integer",
        ),
        ({"strategies": ("tdga:population=0",)}, "population"),
        ({"strategies": ("ga:indpb=often",)}, "'ga-indpboften': "),
        (
            {"strategies": ("darts:order=3",), "problems": ("digits-vgg-tiny",)},
            "gradient_order: input should be 1 or 2",
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
        ({"unit": "passes", "limit": 1.0}, "has no passes; it counts generations, evaluations, seconds"),
        (
            {"strategies": ("darts",)},
            "'darts' follows gradients of alpha, and the fitness 'table' has none; what fits",
        ),
        (
            {"strategies": ("darts",), "problems": ("digits-vgg-tiny",), "unit": "evaluations", "limit": 9},
            "by image passes",
        ),
        ({"problems": ("digits-vgg-tiny",), "unit": "seconds", "limit": 9}, "has no seconds"),
        ({"problems": ("digits-vgg-tiny",), "unit": "evaluations"}, "needs its size"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_runs(options, word):
    with pytest.raises(ValueError, match=re.escape(word)):
        make_plan(**options)


def test_a_budget_too_small_for_anything_is_named(tmp_path):
    with pytest.raises(ValueError, match="too small for one evaluation"):
        run(make_plan(limit=1.0), tmp_path)
