"""Data that is read while it is needed: the same split and the same images as in memory, and little of it read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

import tdgnas.data.streams as streams
from tdgnas.data import DataDamaged, Streamed, load, stream
from tdgnas.training import Recipe, Training, evaluate


def write(folder, part, count, seed=0):
    rng = np.random.default_rng(seed)
    for name, level in [("bright", 190), ("dark", 60)]:
        place = folder / part / name
        place.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = rng.normal(level, 30, size=(10, 10, 3)).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(place / f"{number:03}.jpg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pictures")
    write(made, ".", 120)
    return made


@pytest.fixture(scope="module")
def data(folder):
    return load("stream", folder=folder, size=8, workers=1)


def test_it_is_the_data_set_folder_read_later(data, folder):
    memory = load("folder", folder=folder, size=8)
    assert (data.classes, data.image_shape) == (memory.classes, memory.image_shape)
    for part in ("train", "valid", "test"):
        own, other = getattr(data, part), getattr(memory, part)
        assert torch.equal(own.labels, other.labels)
        pixels = own.images if part == "valid" else own.images.loaded()
        assert torch.equal(pixels, other.images)
    assert data.mean == pytest.approx(memory.mean, abs=0.02)


def test_a_split_reads_the_validation_images_and_a_few_to_look_at(folder, monkeypatch):
    read = []
    monkeypatch.setattr(streams, "LOOK", 10)
    pixels = streams.pixels_of
    monkeypatch.setattr(streams, "pixels_of", lambda path, *given: read.append(path) or pixels(path, *given))
    found = load("stream", folder=folder, size=8, valid=20, workers=0)
    assert isinstance(found.valid.images, Tensor)
    assert isinstance(found.train.images, Streamed)
    assert len(found.train) == 240 - 60 - 20
    assert len(read) == 1 + 10 + 20
    images, targets = found.train.subset([3, 5]).batch([1])
    assert len(read) == 1 + 10 + 20 + 1
    assert torch.equal(targets, found.train.labels[[5]])
    assert images.shape == (1, 3, 8, 8)


def test_training_is_that_on_the_same_images_in_memory(data):
    memory = replace(data, train=replace(data.train, images=data.train.images.loaded()))
    recipe = Recipe(batch_size=32, epochs=1, augment={"crop": 1, "flip": True})
    rows = []
    for each in (data, memory):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
        training = Training(network, each, recipe, device="cpu")
        rows.append([record.row() for record in training])
        assert evaluate(network, each.test)["accuracy"] > 0.9
    assert rows[0] == rows[1]


def test_validation_images_of_imagenet_are_the_test(tmp_path):
    write(tmp_path, "train", 12)
    write(tmp_path, "val", 4, seed=1)
    found = load("stream", folder=tmp_path, workers=0)
    assert [len(part) for part in (found.train, found.valid, found.test)] == [12, 12, 8]


def test_a_file_that_is_no_image_is_named_when_it_is_read(tmp_path):
    write(tmp_path, ".", 12)
    (tmp_path / "dark" / "007.jpg").write_bytes(b"nothing")
    with pytest.raises(DataDamaged, match=r"dark/007\.jpg cannot be read"):
        load("stream", folder=tmp_path, size=8, workers=0).train.images.loaded()


class Colours(Dataset):
    """PIL images of one colour, whose targets nobody tells."""

    def __len__(self):
        return 30

    def __getitem__(self, row):
        return Image.new("RGB", (6, 6), (8 * row, 0, 0)), row % 3


def test_any_data_set_of_torch_will_do():
    found = stream(Colours(), valid=6, workers=0)
    assert found.classes == ("0", "1", "2")
    for part in (found.train, found.valid, found.test):
        pixels = part.images if isinstance(part.images, Tensor) else part.images.loaded()
        assert torch.equal(pixels[:, 0, 0, 0].long() // 8 % 3, part.labels)
    floats = TensorDataset(torch.randn(40, 5), torch.arange(40) % 2)
    own = stream(floats, floats, classes=("no", "yes"), valid=0.25, workers=0)
    assert (own.image_shape, own.classes, len(own.train), len(own.test)) == ((5,), ("no", "yes"), 30, 40)
    row = own.train.images.rows[3]
    assert torch.equal(own.train.batch([3])[0][0], floats[int(row)][0])


@pytest.mark.parametrize(
    ("images", "given", "sentence"),
    [
        (torch.zeros(20, 3, 4, 4, dtype=torch.int64), {}, "torch.int64; give uint8"),
        (torch.zeros(20, 3, 4, 4), {"valid": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_streamed_is_refused(images, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        stream(TensorDataset(images, torch.arange(20) % 2), workers=0, **given)


def test_what_would_not_fit_into_memory_is_refused(data, monkeypatch):
    monkeypatch.setattr("tdgnas.data.streamed.MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"give a smaller valid"):
        data.test.images.loaded()
    with pytest.raises(ValueError, match="smaller valid"):
        data.train.joined(data.valid)
