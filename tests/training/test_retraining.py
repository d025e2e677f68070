"""Training to the end: files, card, continuation."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from tdgnas.data import Augment, ImageData, Splits
from tdgnas.spaces import DartsCells
from tdgnas.training import Card, Recipe, load_weights, make_card, retrain

SPACE = DartsCells(cells=3, channels=4, image_size=8, in_channels=1, classes=3)
RECIPE = Recipe(
    epochs=3,
    batch_size=8,
    lr=0.05,
    schedule="cosine",
    clip=5.0,
    aux_weight=0.4,
    ema=0.9,
    augment=Augment(crop=1, flip=True, cutout=2),
)


def data():
    parts = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        images = torch.randint(0, 255, (16, 1, 8, 8), generator=generator, dtype=torch.uint8)
        parts.append(ImageData(images, torch.arange(16) % 3, (0.5,), (0.5,)))
    return Splits("noise", *parts, ("a", "b", "c"), (0.5,), (0.5,))


def network():
    torch.manual_seed(1)
    return SPACE.final_network(SPACE.from_genotype("DARTS_V2"), channels=4, cells=3, drop_path=0.3)


def test_it_writes_the_model_and_its_card(tmp_path):
    card = retrain(
        network(), data(), RECIPE, tmp_path, name="DARTS_V2, tiny", command="tdgnas retrain x.json"
    )
    document = json.loads((tmp_path / "card.json").read_text())
    assert document["measures"] == card.measures
    assert set(card.measures) == {"valid", "test"}
    text = (tmp_path / "card.md").read_text()
    assert text.startswith("# DARTS_V2, tiny\n")
    assert f"{card.parameters:,}" in text
    assert "tdgnas retrain x.json" in text
    fresh = load_weights(network(), tmp_path)
    assert make_card(fresh, (1, 8, 8), name="", classes=()).macs == card.macs


def test_the_auxiliary_head_is_not_counted():
    plans = SPACE.from_genotype("DARTS_V2")
    with_head = SPACE.final_network(plans, channels=4, cells=3)
    without = SPACE.final_network(plans, channels=4, cells=3, auxiliary=False)
    cards = [make_card(made, (1, 8, 8), name="", classes=()) for made in (with_head, without)]
    assert cards[0].parameters == cards[1].parameters == sum(p.numel() for p in without.parameters())
    assert cards[0].macs == cards[1].macs


def test_resumed_equals_uninterrupted(tmp_path):
    """Drop-path, auxiliary head, moving average, augmentation: all are functions of seed and epoch."""
    retrain(network(), data(), RECIPE, tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop(record):
        if record.epoch == 1:
            raise Stop

    with pytest.raises(Stop):
        retrain(network(), data(), RECIPE, tmp_path / "cut", progress=stop)
    retrain(network(), data(), RECIPE, tmp_path / "cut", resume=True)
    first, second = (load_weights(network(), tmp_path / name).state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(tmp_path):
    retrain(network(), data(), RECIPE, tmp_path / "whole")
    retrain(network(), data(), RECIPE, tmp_path / "cut")
    newest = tmp_path / "cut" / "checkpoints" / "checkpoint-00000003.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="checkpoint-00000003"):
        retrain(network(), data(), RECIPE, tmp_path / "cut", resume=True)
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut"))
    assert first == second


def test_an_existing_training_is_not_overwritten(tmp_path):
    retrain(network(), data(), Recipe(epochs=1, batch_size=8, lr=0.01), tmp_path)
    with pytest.raises(FileExistsError, match="resume=True"):
        retrain(network(), data(), RECIPE, tmp_path)


def test_weights_of_another_network_and_damaged_files_are_refused(tmp_path):
    retrain(network(), data(), Recipe(epochs=1, batch_size=8, lr=0.01), tmp_path)
    other = SPACE.final_network(SPACE.from_genotype("DARTS_V2"), channels=8, cells=3)
    with pytest.raises(ValueError, match="another network"):
        load_weights(other, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"short")
    with pytest.raises(ValueError, match="damaged"):
        load_weights(network(), tmp_path)
    with pytest.raises(FileNotFoundError):
        load_weights(network(), tmp_path / "nowhere")


def test_names_of_class_folders_are_no_markup_in_the_card():
    card = Card("<b>net</b>", 1, 1, (1, 2, 2), ("a|b", "<img src=x>", "[c](http://d)", "e\nf"), data="`x`")
    page = card.to_markdown()
    row = next(line for line in page.splitlines() if line.startswith("| classes |"))
    assert row == r"| classes | a\|b, \<img src=x\>, \[c\](http://d), e f |"
    assert page.startswith(r"# \<b\>net\</b\>")


def test_a_final_training_learns_from_validation_images_too(tmp_path):
    """Every image of both parts is seen in an epoch, and none of them is reported as held out."""
    both = RECIPE.model_copy(update={"epochs": 1, "with_valid": True})
    joined = replace(data(), train=data().train.joined(data().valid))
    records = []
    card = retrain(network(), data(), both, tmp_path / "both", progress=records.append)
    assert set(card.measures) == {"test"}
    assert records[0].valid is None
    retrain(network(), joined, RECIPE.model_copy(update={"epochs": 1}), tmp_path / "joined")
    first, second = (load_weights(network(), tmp_path / name).state_dict() for name in ("both", "joined"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_images_that_do_not_fit_are_not_joined():
    train, valid = data().train, data().valid
    assert len(train.joined(valid)) == 32
    with pytest.raises(ValueError, match="cannot be joined"):
        train.joined(replace(valid, mean=(0.4,)))
