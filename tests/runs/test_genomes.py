"""Genomes of other shapes: small spaces by one problem, each of whose networks is trained, saved and exported."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tdgnas.runs import ConfigError, Experiment, make_config
from tdgnas.runs.build import make_both
from tdgnas.runs.presets.digits import GENOMES
from tdgnas.spaces import load_architecture, save_architecture
from tdgnas.training import Recipe, Training, evaluate, export_network

DATA = {"name": "digits", "train": 32, "valid": 16, "test": 16}


@pytest.mark.parametrize("genome", [name for name in GENOMES if name != "flat"])
def test_networks_of_every_genome_are_trained_and_exported(genome: str, tmp_path: Path) -> None:
    config = make_config({"problem": f"digits-genomes:genome={genome}", "device": "cpu", "data": DATA})
    data, space = make_both(config)
    architecture = min((space.sample(random.Random(seed)) for seed in range(5)), key=space.parameters)
    training = Training(space.network(architecture), data, Recipe(epochs=1), 0, "cpu")
    (record,) = training
    assert record.valid is not None
    loaded, again = load_architecture(save_architecture(space, architecture, tmp_path / "a.json"))
    assert loaded.describe(again) == space.describe(architecture)
    network = loaded.network(again)
    network.load_state_dict(training.evaluated.state_dict())
    assert evaluate(network, data.test) == evaluate(training.evaluated, data.test)
    assert export_network(network, data.image_shape, tmp_path / "model.pt2") < 1e-4


def test_a_run_keeps_its_trees_as_symbols(tmp_path: Path) -> None:
    settings = {
        "device": "cpu",
        "data": DATA,
        "strategy": {"name": "gp", "population": 2},
        "retrain": {"epochs": 0},
    }
    Experiment("digits-genomes:evaluations=4", settings=settings, folder=tmp_path / "run").run()
    text = (tmp_path / "run" / "architecture.json").read_text()
    assert '"symbol1": "' in text
    space, best = load_architecture(tmp_path / "run" / "architecture.json")
    assert space.from_string(space.describe(best)) == space.canonical(best)


def test_an_unknown_genome_is_named_with_those_there_are() -> None:
    with pytest.raises((ConfigError, ValueError), match="trees, cgp, motifs, flat, bits"):
        make_config({"problem": "digits-genomes:genome=leaves"})
