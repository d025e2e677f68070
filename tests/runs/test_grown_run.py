"""Searches of networks that grow: stopped and resumed bit for bit, the winner's weights kept, several objectives."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tdgnas.files.tables import read_table
from tdgnas.fitness.inheritance import Inheritance
from tdgnas.fitness.scratch import Trainer
from tdgnas.graphs import graph_document
from tdgnas.runs import Experiment, RunFailed
from tdgnas.spaces import load_architecture
from tdgnas.spaces.grown import plain
from tdgnas.training import evaluate, load_weights

SMALL = {
    "device": "cpu",
    "data": {"train": 40, "valid": 20, "test": 20},
    "space": {"settings": {"channels": 2, "steps": 6}},
    "fitness": {"recipe": {"epochs": 1, "batch_size": 20}, "keep": 4},
    "retrain": {"epochs": 0},
}


def search(folder: Path, strategy: str, budget: int, **own: object) -> Experiment:
    settings = {**SMALL, "strategy": {"name": strategy, **own}}
    return Experiment("digits-growth", budget=("evaluations", budget), folder=folder, settings=settings)


@pytest.mark.parametrize("strategy", ["nash", "tdga"])
def test_a_growing_population_is_stopped_and_goes_on_bit_for_bit(
    strategy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"children": 3} if strategy == "nash" else {"population": 3}
    search(tmp_path / "whole", strategy, 11, **own).run()
    monkeypatch.setattr("tdgnas.runs.experiment.CHECKPOINT_SHARE", 1e9)  # after every step
    train, trained = Trainer.__call__, []

    def deadly(self: Trainer, *child: object) -> object:
        if len(trained) == 8:  # inside a generation
            raise RuntimeError("the machine goes down")
        trained.append(child)
        return train(self, *child)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "__call__", deadly)
        with pytest.raises(RunFailed, match="goes down"):
            search(tmp_path / "cut", strategy, 11, **own).run()
    assert len(read_table(tmp_path / "cut" / "children.csv")) == 8
    Experiment.open(tmp_path / "cut").execute()
    names = ("history.csv", "events.jsonl", "architecture.json", "trace.json", "children.csv")
    for name in (*names, "grown/model.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    children = read_table(tmp_path / "whole" / "children.csv")
    assert len({row["choices"] for row in children}) == len(children) >= 11
    assert len(list((tmp_path / "cut" / "checkpoints").iterdir())) == 2


def test_the_winner_keeps_what_it_has_learned(tmp_path: Path) -> None:
    experiment = search(tmp_path, "nash", 7, children=3)
    experiment.run()
    space, best = load_architecture(tmp_path / "architecture.json")
    network = load_weights(space.network(best), tmp_path / "grown")
    card = json.loads((tmp_path / "grown" / "card.json").read_text())
    assert evaluate(network, experiment.context.data.valid) == card["measures"]["valid"]
    with (tmp_path / "history.csv").open() as file:
        seen = [float(row["best"]) for row in csv.DictReader(file)]
    assert card["measures"]["valid"]["loss"] == pytest.approx(min(seen))
    assert Experiment.open(tmp_path).context.problem.final(best) == {
        f"test_{name}": value for name, value in evaluate(network, experiment.context.data.test).items()
    }


def test_weights_in_memory_and_on_the_disk_do_not_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kernels grow to 7 and no further: a checkpoint then holds as many tensors of as many numbers as before."""
    monkeypatch.setattr("tdgnas.runs.experiment.CHECKPOINT_SHARE", 1e9)  # after every step
    take, save, held, tensors = Inheritance.take, Experiment._save, [], []

    def taken(self: Inheritance, trained: list[object]) -> None:
        take(self, trained)  # type: ignore[arg-type]
        held.append(len(self.weights))

    def saved(self: Experiment, *phase: object) -> None:
        save(self, *phase)  # type: ignore[arg-type]
        files = sorted((tmp_path / "checkpoints").iterdir())
        assert len(files) <= 2
        tensors.append(sorted(one.numel() for one in load_file(files[-1]).values()))

    monkeypatch.setattr(Inheritance, "take", taken)
    monkeypatch.setattr(Experiment, "_save", saved)
    space = {"settings": {"channels": 4, "steps": 40, "kinds": ["stay", "kernel"]}}
    settings = {**SMALL, "space": space, "strategy": {"name": "nash", "children": 3, "mutations": 2}}
    settings["fitness"] = {**SMALL["fitness"], "keep": 2}  # type: ignore[dict-item]
    Experiment("digits-growth", budget=("evaluations", 34), folder=tmp_path, settings=settings).run()
    assert len(held) == 12
    assert max(held) == 4  # three children and their parent, more than are to be kept
    assert {len(one) for one in tensors[1:12]} == {len(tensors[1])}
    assert max(one[-2] for one in tensors[1:12]) == 4 * 4 * 7 * 7


def test_a_network_of_ones_own_grows_with_parameters_as_a_second_objective(tmp_path: Path) -> None:
    own = {"strategy": {"name": "nsga2", "mu": 4, "lambda_": 4}, "objectives": {"names": ["parameters"]}}
    first = graph_document(plain(3, (1, 8, 8), 10))
    settings = {**SMALL, **own, "space": {"settings": {"start": first, "steps": 6}}}
    Experiment("digits-growth", budget=("evaluations", 8), folder=tmp_path, settings=settings).run()
    begun = Experiment.open(tmp_path).context.problem.space
    assert graph_document(begun.fixed(begun.baseline())) == first
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert all(event["fitness"][1] == event["parameters"] / 1e6 for event in events)
    assert len({event["parameters"] for event in events}) > 1
