import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from tdgnas.data import DataDamaged, DataNotFound, load


def paint(path, colour=(200, 0, 0), size=(6, 6), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


@pytest.fixture
def animals(tmp_path):
    for label, name in enumerate(("cat", "dog")):
        for number in range(8):
            paint(tmp_path / name / f"{number}.png", (10 * number, 100 * label, 0))
    return tmp_path


def test_class_folders_become_classes(animals):
    data = load("folder", folder=animals)
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(data.valid), len(data.test)) == (8, 4, 4)
    assert data.image_shape == (3, 6, 6)
    for part in (data.train, data.valid, data.test):
        assert torch.equal(part.images[:, 1, 0, 0] == 100, part.labels == 1)


def test_a_text_file_as_an_image_is_named(animals):
    (animals / "cat" / "notes.png").write_text("not an image")
    with pytest.raises(DataDamaged, match=r"cat.notes\.png cannot be read as an image"):
        load("folder", folder=animals)


def test_an_image_that_is_cut_short_is_named(tmp_path, animals):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = animals / "dog" / "short.png"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataDamaged, match=r"dog.short\.png cannot be read as an image"):
        load("folder", folder=animals)


def test_an_empty_class_folder_is_named(animals):
    (animals / "fox").mkdir()
    with pytest.raises(DataDamaged, match="fox has no images"):
        load("folder", folder=animals)


def test_hidden_files_are_passed_over_and_deeper_folders_are_not(animals):
    (animals / "cat" / ".DS_Store").write_bytes(b"x")
    (animals / "cat" / "Thumbs.db").write_bytes(b"x")
    paint(animals / "cat" / "2024" / "deep.png")
    data = load("folder", folder=animals)
    assert len(data.train) + len(data.valid) + len(data.test) == 17


def test_mixed_sizes_take_the_commonest_or_the_size_asked_for(animals):
    paint(animals / "cat" / "wide.png", size=(30, 10))
    assert load("folder", folder=animals).image_shape == (3, 6, 6)
    assert load("folder", folder=animals, size=12).image_shape == (3, 12, 12)


def test_grey_images_keep_one_channel_unless_colour_is_among_them(tmp_path):
    for name in ("a", "b"):
        for number in range(4):
            paint(tmp_path / name / f"{number}.png", 50, mode="L")
    assert load("folder", folder=tmp_path).image_shape == (1, 6, 6)
    assert load("folder", folder=tmp_path, channels=3).image_shape == (3, 6, 6)
    paint(tmp_path / "a" / "colour.png")
    assert load("folder", folder=tmp_path).image_shape == (3, 6, 6)


@pytest.mark.parametrize(
    ("mode", "colour", "pixel"),
    [
        ("L", 90, [90, 90, 90]),
        ("1", 1, [255, 255, 255]),
        ("RGBA", (0, 0, 0, 0), [255, 255, 255]),
        ("RGBA", (10, 20, 30, 255), [10, 20, 30]),
        ("LA", (40, 255), [40, 40, 40]),
        ("I;16", 0x8000, [128, 128, 128]),
    ],
)
def test_other_kinds_of_images_are_converted(tmp_path, mode, colour, pixel):
    for name in ("a", "b"):
        for number in range(3):
            paint(tmp_path / name / f"{number}.png", colour, mode=mode)
    data = load("folder", folder=tmp_path, channels=3)
    assert data.train.images[0, :, 0, 0].tolist() == pixel


def test_train_and_test_folders_are_kept_as_they_are(tmp_path):
    for part, colour in (("train", 10), ("test", 20), ("val", 30)):
        for name in ("a", "b"):
            for number in range(3):
                paint(tmp_path / part / name / f"{number}.png", colour, mode="L")
    data = load("folder", folder=tmp_path)
    assert [part.images.unique().tolist() for part in (data.train, data.valid, data.test)] == [
        [10],
        [30],
        [20],
    ]
    assert [len(part) for part in (data.train, data.valid, data.test)] == [6, 6, 6]


def test_parts_with_other_classes_are_refused(tmp_path):
    for path in ("train/a", "train/b", "test/a", "test/c"):
        paint(tmp_path / path / "0.png")
    with pytest.raises(DataDamaged, match="different classes: b, c"):
        load("folder", folder=tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    for name in ("plane", "train"):
        for number in range(4):
            paint(tmp_path / name / f"{number}.png")
    assert load("folder", folder=tmp_path).classes == ("plane", "train")


def test_too_few_images_of_a_class_are_refused(tmp_path):
    for name, count in (("a", 5), ("b", 2)):
        for number in range(count):
            paint(tmp_path / name / f"{number}.png")
    with pytest.raises(DataDamaged, match=r"b \(2\)"):
        load("folder", folder=tmp_path)


def test_images_without_class_folders_are_refused(tmp_path):
    paint(tmp_path / "0.png")
    with pytest.raises(DataNotFound, match="0 class folders"):
        load("folder", folder=tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    with pytest.raises(DataNotFound, match="is a file, not a folder"):
        load("folder", folder=paint(tmp_path / "0.png"))


def claim(path, width, height):
    """A picture of a few bytes that says that it has so many pixels."""
    paint(path, size=(4, 4), mode="L", colour=0)
    raw = bytearray(path.read_bytes())
    raw[16:24] = struct.pack(">II", width, height)
    raw[29:33] = struct.pack(">I", zlib.crc32(bytes(raw[12:29])))
    path.write_bytes(bytes(raw))


def test_a_tiny_file_that_decodes_to_gigapixels_is_refused_before_it_is_decoded(animals):
    claim(animals / "cat" / "bomb.png", 9_200, 9_200)
    with pytest.raises(DataDamaged, match=r"bomb\.png .*9200 x 9200 pixels; up to 80,000,000 are read"):
        load("folder", folder=animals, size=8)


def test_many_of_them_are_refused_before_memory_is_taken(tmp_path):
    for name in ("cat", "dog"):
        for number in range(50):
            claim(tmp_path / name / f"{number}.png", 8_000, 8_000)
    with pytest.raises(DataDamaged, match=r"100 images .* 8000 x 8000 pixels take 18 GiB"):
        load("folder", folder=tmp_path, channels=3)
