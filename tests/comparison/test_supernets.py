"""Comparisons of strategies on a shared supernet."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tdgnas.comparison import Cell, parse
from tdgnas.comparison.cell import run_cell
from tests.comparison.comparing import make_plan, run

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
