"""The winner is fine-tuned from the shared weights, beside controls that are trained for as many passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tdgnas.files.tables import read_table
from tdgnas.reports import read_rows
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment, make_config
from tdgnas.runs.phases import RetrainPhase
from tdgnas.supernet import load_supernet

FINE_TUNE = {"epochs": 1, "lr": 0.01}


def test_rows_are_trained_for_as_many_passes(
    tmp_path: Path, tiny: Callable[..., Settings], contents: Callable[[Path], dict[str, bytes]]
) -> None:
    retrain = {"epochs": 2, "random_draws": 2, "rules": ["threshold"], "fine_tune": FINE_TUNE}
    small = {"pretrain": {"epochs": 1}, "strategy": {"population": 2}, "budget": {"limit": 1}}
    config = tiny(retrain=retrain, **small)
    run = Experiment.start(tmp_path / "run", config)
    run.execute()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    spent = json.loads((tmp_path / "run" / "trace.json").read_text())["costs"]["passes"]
    epochs = round((spent + 3 * 32 + 16) / (3 * 32 + 16))
    assert [row["row"] for row in results] == [
        "baseline", "random", "random", "DARTS, threshold", f"baseline, {epochs} epochs", f"random, {epochs} epochs",
        "darts-tdga, fine-tuned", "darts-tdga",
    ]  # fmt: skip
    assert results[5]["choices"] == results[1]["choices"]  # the first of the draws
    assert results[6]["choices"] == results[7]["choices"]
    table = read_table(tmp_path / "run" / "retraining.csv")
    trained = [sum(int(row["network"]) == number for row in table) for number in range(8)]
    assert trained == [2, 2, 2, 2, epochs, epochs, 1, 2]
    *_, tuned, fresh = read_rows(tmp_path / "run")
    assert tuned.search_seconds == fresh.search_seconds > 0

    # Begun anew from its folder, the phase starts where the supernet's weights are, bit for bit.
    again = Experiment.open(tmp_path / "run")
    again._restore(run.checkpoints.load(), len(again.phases) - 1)
    phase = RetrainPhase(again.context, run.context.problem.space.architecture(_choices(results[7])))
    tuned_start = phase._start(phase.candidates[6])
    shared = load_supernet(tmp_path / "run" / "supernet")
    network = shared.network(phase.best)
    for name, value in tuned_start.network.state_dict().items():
        torch.testing.assert_close(value, network.state_dict()[name], rtol=0, atol=0)


def test_weights_that_a_search_has_changed_are_kept_and_go_on(tmp_path: Path) -> None:
    config = make_config(
        {
            "problem": "digits-enas-macro:layers=2,channels=4,epochs=1,retrain=1",
            "seed": 1,
            "device": "cpu",
            "data": {"train": 32, "valid": 16, "test": 16},
            "strategy": {"name": "enas"},
            "fitness": {"size": 16},
            "budget": {"unit": "generations", "limit": 1},
            "retrain": {"random_draws": 0, "fine_tune": FINE_TUNE},
        }
    )
    run = Experiment.start(tmp_path / "run", config)
    run.execute(until="retraining")
    trained = {name: value.clone() for name, value in run.context.supernet.state_dict().items()}
    resumed = Experiment.open(tmp_path / "run")
    resumed.execute()
    for name, value in resumed.context.supernet.state_dict().items():
        torch.testing.assert_close(value, trained[name], rtol=0, atol=0)
    before = load_supernet(tmp_path / "run" / "supernet").state_dict()
    assert any(not torch.equal(before[name], value) for name, value in trained.items())


def test_what_has_no_shared_weights_cannot_be_fine_tuned(tiny: Callable[..., Settings]) -> None:
    with pytest.raises(ConfigError, match=r"min_lr \(0\.02\) is larger than fine_tune\.lr"):
        tiny(retrain={"min_lr": 0.02, "fine_tune": FINE_TUNE})
    assert tiny(retrain={"min_lr": 0.02}).retrain.min_lr == 0.02  # whose rate is nobody's concern without it
    with pytest.raises(ConfigError, match=r"retrain\.fine_tune.*has none"):
        Experiment("demo:images=32", settings={"retrain": {"fine_tune": FINE_TUNE}})


def _choices(row: dict[str, str]) -> list[int]:
    return [int(choice) for choice in row["choices"]]
