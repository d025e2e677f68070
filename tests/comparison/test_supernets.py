"""Comparisons of strategies on a shared supernet: each search in a folder of its own."""

from __future__ import annotations

import json
import multiprocessing
import time

import pytest
from safetensors.torch import load_file

from tdgnas.comparison import Runner
from tdgnas.files.checkpoints import CheckpointFolder
from tdgnas.runs import Experiment, Interrupted
from tdgnas.runs import experiment as experiments
from tdgnas.runs.search_phase import SearchPhase
from tests.comparison.comparing import make_plan, run

TINY = "tiny=vgg-shortcuts@digits:width=0.03125,epochs=1,images=16,evaluations=14,batch_size=8"
STRATEGIES = (
    "random",
    "tdga=darts-tdga:population=3",
    "darts=darts:steps=1",
    "nsga2=nsga2:mu=4,lambda_=4",
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    out = tmp_path_factory.mktemp("tiny")
    plan = make_plan(STRATEGIES, (TINY,), seeds=(0,))
    runner, _, done = run(plan, out)
    return plan, runner, done, out


def donor(plan, out):
    return next(plan.cells()).pretraining.folder(out)


def test_a_supernet_is_pretrained_once_for_all_and_everybody_pays(tiny):
    plan, runner, done, out = tiny
    assert done[0][0] == "tiny: pretraining of seed 0"
    assert len(done) == 5
    weights = (donor(plan, out) / "supernet" / "supernet.safetensors").read_bytes()
    for cell in plan.cells():
        assert (cell.folder(out) / "supernet" / "supernet.safetensors").read_bytes() == weights
    prepaid = {result["prepaid"] for result in runner.results()}
    (passes,) = {result["costs"]["by_cause"]["pretraining"] for result in runner.results()}
    assert prepaid == {passes}
    assert passes > 0


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
    subject = plan.subjects["tiny"]
    problem = subject.kind(subject.config)
    problem.supernet.load_state_dict(load_file(donor(plan, out) / "supernet" / "supernet.safetensors"))
    for result in runner.results():
        again = problem.final(problem.space.architecture(result["choices"]))
        assert again["test_loss"] == result["test_loss"] == result["curve"][-1][2]


def test_search_and_compare_agree_on_a_supernet(tiny, tmp_path):
    plan, _, _, out = tiny
    cell = next(cell for cell in plan.cells() if cell.strategy == "tdga")
    Experiment(cell.config, folder=tmp_path / "run").run()
    for name in ("trace.json", "architecture.json", "history.csv", "events.jsonl", "pretraining.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (cell.folder(out) / name).read_bytes(), name


@pytest.mark.parametrize("strategy", STRATEGIES[1:3])
def test_a_search_that_was_stopped_began_anew(tiny, tmp_path, monkeypatch, strategy):
    """A killed comparison went on with the next cell at best; now it goes on inside the search."""
    real, steps = SearchPhase.step, []

    def step(phase):
        steps.append(phase.search.index)
        if len(steps) == 3:
            raise KeyboardInterrupt  # nothing is saved on the way out
        return real(phase)

    monkeypatch.setattr(experiments, "CHECKPOINT_SHARE", 1e9)  # one after every step
    monkeypatch.setattr(SearchPhase, "step", step)
    plan = make_plan((strategy,), (TINY,), seeds=(0,))
    with pytest.raises(Interrupted):
        run(plan, tmp_path)
    again, said, done = run(plan, tmp_path)
    assert (said, len(done)) == ([], 1)
    assert steps[:4] == [0, 1, 2, 2]
    assert without_time(again.results()) == without_time(
        each for each in tiny[1].results() if each["strategy"] == strategy.partition("=")[0]
    )


def without_time(results):
    return [{k: v for k, v in result.items() if k not in ("seconds", "digest")} for result in results]


def test_a_killed_comparison_goes_on_inside_a_search(tmp_path, monkeypatch):
    """A process of its own, killed; what is found is what an undisturbed one finds."""
    monkeypatch.setattr(experiments, "CHECKPOINT_SHARE", 1e9)  # one after every step
    plan = make_plan(("darts",), (TINY.replace("evaluations=14", "evaluations=50"),), seeds=(0,))
    process = multiprocessing.get_context("fork").Process(target=run, args=(plan, tmp_path / "killed"))
    process.start()
    folder = tmp_path / "killed" / "tiny" / "darts" / "0"
    patience = time.monotonic() + 1800  # of a machine that is busy
    while len(generations(folder)) < 3 and process.is_alive():
        assert time.monotonic() < patience
        time.sleep(0.01)
    process.kill()
    process.join()
    saved = CheckpointFolder(folder / "checkpoints").load()
    assert saved["phase"] == "search"
    assert saved["state"]["search"]["place"][0] > 0
    for out in ("killed", "whole"):
        run(plan, tmp_path / out)
    assert generations(folder) == generations(tmp_path / "whole" / "tiny" / "darts" / "0")


def generations(folder):
    path = folder / "history.csv"
    return path.read_text().splitlines()[1:] if path.exists() else []


def test_an_altered_folder_is_made_again(tmp_path):
    own = make_plan(("random",), (TINY,), seeds=(0,))
    run(own, tmp_path)
    (cell,) = own.cells()
    trace = cell.folder(tmp_path) / "trace.json"
    before = trace.read_bytes()
    trace.write_text(trace.read_text().replace('"evaluations": 14', '"evaluations": 13'))
    cell.path(tmp_path).unlink()
    again, _, done = run(own, tmp_path)
    assert len(done) == 1
    assert trace.read_bytes() == before
    assert again.results()[0]["evaluations"] == 14


def test_a_pretraining_of_other_settings_is_not_shared(tiny):
    plan, _, _, out = tiny
    other = make_plan(("random",), (TINY.replace("epochs=1", "epochs=2"),), seeds=(0,))
    assert donor(other, out) != donor(plan, out)


def test_choices_can_be_trained_from_scratch(tmp_path):
    plan = make_plan(
        ("random",), (TINY + ",retrain=1",), seeds=(0,), settings={"retrain": {"random_draws": 0}}
    )
    runner, _, _ = run(plan, tmp_path)
    (result,) = runner.results()
    (cell,) = plan.cells()
    rows = json.loads((cell.folder(tmp_path) / "results.json").read_text())
    assert result["retrained_accuracy"] == result["curve"][-1][2] == rows[-1]["test_accuracy"]
    assert rows[-1]["row"] == "random"
    assert plan.subjects["tiny"].metric == "retrained_accuracy"
    assert Runner(plan, tmp_path).missing() == []
