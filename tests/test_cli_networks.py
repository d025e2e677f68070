"""`tdgnas retrain` and `tdgnas export` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import tdgnas.training.retraining as retraining
from tdgnas.cli import app
from tdgnas.spaces import DartsCells, VGGShortcuts, save_architecture
from tdgnas.training import NetworkPlan, load_network


def settings(*assignments: str) -> list[str]:
    return [part for each in assignments for part in ("--set", each)]


SMALL = [*settings("data.size=8", "data.train=40", "data.valid=20"), "--device", "cpu"]
CELLS = [*SMALL, *settings("network.channels=2", "network.cells=2", "batch_size=20"), "--epochs", "2"]


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("retrain") / "net"
    result = invoke("retrain", "DARTS_V2", "--out", folder, *CELLS, *settings("ema=0.9", "clip=1.0"))
    assert result.exit_code == 0, result.output
    assert "epoch 2/2" in result.output
    return folder


def card_of(folder: Path) -> dict:
    return json.loads((folder / "card.json").read_text())


def test_a_published_genotype_is_trained_and_its_card_says_how(trained: Path) -> None:
    card = card_of(trained)
    assert set(card["measures"]) == {"valid", "test"}
    assert card["recipe"]["ema"] == 0.9
    assert card["recipe"]["clip"] == 1.0
    # The published crop of 4 and cutout of 16 belong to 32 pixels; digits are not mirrored.
    assert card["recipe"]["augment"] == {"crop": 1, "flip": False, "cutout": 4}
    assert card["command"].startswith("tdgnas retrain DARTS_V2 --out ")
    assert "--set clip=1.0" in card["command"]
    assert "--resume" not in card["command"]


def test_the_network_is_made_again_from_the_folder(trained: Path) -> None:
    network, card = load_network(trained)
    assert not network.training
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 10)
    assert (
        sum(p.numel() for n, p in network.named_parameters() if not n.startswith("auxiliary"))
        == (card["parameters"])
    )


def test_export_writes_a_file_that_agrees(trained: Path, tmp_path: Path) -> None:
    result = invoke("export", trained, "--out", tmp_path / "net.pt2")
    assert result.exit_code == 0, result.output
    network, _ = load_network(trained)
    images = torch.randn(5, 3, 8, 8)
    with torch.no_grad():
        found = torch.export.load(tmp_path / "net.pt2").module()(images)
        assert torch.allclose(found, network(images), atol=1e-5)


def test_export_to_onnx_without_the_extra_names_what_to_install(trained: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = invoke("export", trained, "--format", "onnx")
    assert result.exit_code == 1
    assert "tdgnas[onnx]" in result.output
    assert not (trained / "model.onnx").exists()


def test_export_refuses_what_it_cannot_write(trained: Path, tmp_path: Path) -> None:
    assert "torch, onnx" in invoke("export", trained, "--format", "tflite").output
    assert "card.json" in invoke("export", tmp_path).output
    (tmp_path / "card.json").write_text("{}")
    assert "no card" in invoke("export", tmp_path).output


def test_a_stopped_training_goes_on_and_ends_as_if_never_stopped(
    trained: Path, tmp_path: Path, monkeypatch
) -> None:
    folder = tmp_path / "net"
    options = ["DARTS_V2", "--out", folder, *CELLS, *settings("ema=0.9", "clip=1.0")]
    with monkeypatch.context() as patch:
        step = retraining.Training.__next__

        def stopped(training):
            if training.epoch == 1:
                raise KeyboardInterrupt
            return step(training)

        patch.setattr(retraining.Training, "__next__", stopped)
        result = invoke("retrain", *options)
    assert result.exit_code == 130
    assert "--resume" in result.output
    again = invoke("retrain", *options)
    assert again.exit_code == 1
    assert "--resume" in again.output
    result = invoke("retrain", *options, "--resume")
    assert result.exit_code == 0, result.output
    assert (folder / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()


def test_a_training_of_other_settings_is_not_resumed(trained: Path) -> None:
    result = invoke("retrain", "DARTS_V2", "--out", trained, *CELLS, "--set", "ema=0.5", "--resume")
    assert result.exit_code == 1
    assert "ema 0.9 there, 0.5 here" in result.output


def test_with_validation_images_nothing_is_reported_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    result = invoke("retrain", "DARTS_V2", "--out", folder, *CELLS, "--with-valid")
    assert result.exit_code == 0, result.output
    assert "valid " not in result.output
    card = card_of(folder)
    assert set(card["measures"]) == {"test"}
    assert card["recipe"]["with_valid"] is True


def test_an_architecture_file_of_any_space_is_trained_and_exported(tmp_path: Path) -> None:
    space = VGGShortcuts(width=0.03125)
    architecture = space.architecture([1, *[0] * 60])
    save_architecture(space, architecture, tmp_path / "a.json")
    small = [*settings("data.train=20", "data.valid=10"), "--device", "cpu", "--epochs", "1"]
    result = invoke("retrain", tmp_path / "a.json", "--out", tmp_path / "net", *small)
    assert result.exit_code == 0, result.output
    assert card_of(tmp_path / "net")["parameters"] == space.parameters(architecture)
    assert invoke("export", tmp_path / "net").exit_code == 0
    refused = invoke(
        "retrain", tmp_path / "a.json", "--out", tmp_path / "other", *small, "--set", "network.cells=3"
    )
    assert "network.cells is for networks with a final form" in refused.output
    refused = invoke(
        "retrain", tmp_path / "a.json", "--out", tmp_path / "other", *small, "--set", "data.size=16"
    )
    assert "takes images of shape (3, 32, 32)" in refused.output


def test_the_data_of_the_run_is_taken(tmp_path: Path) -> None:
    space = DartsCells(cells=2, channels=2, image_size=8)
    save_architecture(space, space.from_genotype("DARTS_V1"), tmp_path / "architecture.json")
    (tmp_path / "config.toml").write_text(
        "seed = 3\n[data]\nname = 'digits'\nsize = 8\ntrain = 40\nvalid = 20\n"
    )
    result = invoke(
        "retrain", tmp_path / "architecture.json", "--out", tmp_path / "net", *CELLS[-8:], "--device", "cpu"
    )
    assert result.exit_code == 0, result.output
    assert "40 training, 20 validation" in result.output
    assert card_of(tmp_path / "net")["image_shape"] == [3, 8, 8]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["DARTS_V9"], "no published genotype"),
        (["nowhere/architecture.json"], "there is no file"),
        (["Genotype(normal=["], "expected Genotype(normal="),
        (["DARTS_V2", "--set", "speed=3"], "speed: there is no such key; there are epochs"),
        (
            ["DARTS_V2", "--set", "augment.crop=-1"],
            "augment.crop: input should be greater than or equal to 0",
        ),
        (["DARTS_V2", "--set", "ema=2"], "ema: input should be less than 1"),
        (["DARTS_V2", "--resume"], "no training in"),
        (["DARTS_V2", "--data", "digitz"], "did you mean"),
        (["DARTS_V2", "--set", "network.channels=3"], "channels"),
        (["DARTS_V2", "--set", "network.chanels=3"], "there is no network.chanels; there are channels"),
    ],
)
def test_a_mistake_is_said_in_a_sentence_before_any_training(arguments, sentence, tmp_path: Path) -> None:
    result = invoke("retrain", "--out", tmp_path / "net", *SMALL, *arguments)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert not (tmp_path / "net").exists()


def test_a_genotype_from_a_file_of_text(tmp_path: Path) -> None:
    path = tmp_path / "found.txt"
    path.write_text(NetworkPlan.read("DARTS_V1").source.to_text())
    assert NetworkPlan.read(path).source == NetworkPlan.read("DARTS_V1").source
    plan = NetworkPlan.read(path, channels=2, cells=3, auxiliary=False, drop_path=0.0)
    assert NetworkPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_a_plan_of_an_architecture_survives_its_card() -> None:
    space = DartsCells(cells=2, channels=2, image_size=8)
    plan = NetworkPlan((space, space.from_genotype("DARTS_V2")), {"channels": 2, "cells": 2})
    again = NetworkPlan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again.source[1] == plan.source[1]
    assert again.source[0].settings == space.settings
