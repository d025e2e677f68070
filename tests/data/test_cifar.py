import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tdgnas.data import DataDamaged, DataNotFound, cifar, load

FILES = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
RECORDS = 20


@pytest.fixture
def small(monkeypatch):
    """CIFAR with 20 images per file."""
    layout = cifar.LAYOUTS["cifar10"]
    short = replace(
        layout, train=dict.fromkeys(layout.train, RECORDS), test=dict.fromkeys(layout.test, RECORDS)
    )
    monkeypatch.setitem(cifar.LAYOUTS, "cifar10", short)


def write(folder: Path, files=FILES, records=RECORDS, label_bytes=1):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(files):
        lines = np.random.default_rng(number).integers(0, 256, (records, label_bytes + 3072), dtype=np.uint8)
        lines[:, :label_bytes] = (np.arange(records) % 10)[:, None]
        lines.tofile(folder / name)
    return folder


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("inner", ["cifar-10-batches-bin", "."])
def test_binary_files_are_read_from_the_folder_or_the_one_inside(tmp_path, inner):
    folder = write(tmp_path / inner)
    data = load("cifar10", folder=tmp_path)
    assert (len(data.train), len(data.valid), len(data.test)) == (50, 50, 20)
    assert data.image_shape == (3, 32, 32)
    assert data.classes[:2] == ("airplane", "automobile")
    assert data.mean == (0.4914, 0.4822, 0.4465)
    assert data.std == (0.2023, 0.1994, 0.2010)
    raw = np.fromfile(folder / "test_batch.bin", dtype=np.uint8).reshape(RECORDS, 3073)
    stored = {(line[0], line[1:].tobytes()) for line in raw}
    read = {
        (int(label), image.numpy().tobytes())
        for image, label in zip(data.test.images, data.test.labels, strict=True)
    }
    assert read == stored


@pytest.mark.usefixtures("small")
def test_a_file_that_is_cut_short_is_named(tmp_path):
    folder = write(tmp_path / "cifar-10-batches-bin")
    path = folder / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataDamaged, match=r"data_batch_3\.bin has 60460 bytes; 20 records"):
        load("cifar10", folder=tmp_path)


@pytest.mark.usefixtures("small")
def test_a_label_outside_0_to_9_is_damage(tmp_path):
    folder = write(tmp_path / "cifar-10-batches-bin")
    path = folder / "test_batch.bin"
    content = bytearray(path.read_bytes())
    content[3073 * 7] = 10
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match=r"record 7 of .*test_batch\.bin has the label 10"):
        load("cifar10", folder=tmp_path)


@pytest.mark.usefixtures("small")
def test_missing_files_among_others_are_named(tmp_path):
    write(tmp_path / "cifar-10-batches-bin", FILES[:-2])
    with pytest.raises(DataNotFound, match=r"data_batch_5\.bin, test_batch\.bin not found"):
        load("cifar10", folder=tmp_path)


def test_cifar100_takes_the_fine_label(tmp_path, monkeypatch):
    layout = cifar.LAYOUTS["cifar100"]
    short = replace(layout, train={"train.bin": 200}, test={"test.bin": 100})
    monkeypatch.setitem(cifar.LAYOUTS, "cifar100", short)
    for name, count in (("train.bin", 200), ("test.bin", 100)):
        lines = np.zeros((count, 3074), dtype=np.uint8)
        lines[:, 0], lines[:, 1] = 19, np.arange(count) % 100
        (tmp_path / "cifar-100-binary").mkdir(exist_ok=True)
        lines.tofile(tmp_path / "cifar-100-binary" / name)
    data = load("cifar100", folder=tmp_path, valid=100)
    assert sorted(data.test.labels.tolist()) == list(range(100))
    assert (len(data.classes), data.classes[0], data.classes[-1]) == (100, "apple", "worm")


def test_the_python_layout_is_read_only_with_the_published_checksums(tmp_path):
    """A pickle that is not the published one is never opened: it could run anything."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    with pytest.raises(DataDamaged, match="checksums are not the published ones"):
        load("cifar10", folder=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_failed_download_says_how_to_get_the_files_by_hand(tmp_path, monkeypatch):
    datasets = sys.modules[cifar.import_torchvision().__name__].datasets

    def no_network(self):
        raise OSError("network is unreachable")

    monkeypatch.setattr(datasets.CIFAR10, "download", no_network)
    with pytest.raises(DataNotFound, match=r"network is unreachable.*cifar-10-binary\.tar\.gz"):
        load("cifar10", folder=tmp_path, download=True)


def test_the_official_files():
    root = Path(os.environ.get("TDGNAS_DATA", ""))
    if not (root / "cifar-10-batches-bin").is_dir():
        pytest.skip("needs the official CIFAR-10 binary files in the folder that TDGNAS_DATA names")
    data = load("cifar10", folder=root)
    assert torch.bincount(data.train.labels).tolist() == [2500] * 10
    assert torch.bincount(data.valid.labels).tolist() == [2500] * 10
    assert torch.bincount(data.test.labels).tolist() == [1000] * 10
    pixels = torch.cat([data.train.images, data.valid.images]).double().mean((0, 2, 3)) / 255
    assert pixels.tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-4)
