import numpy as np
import pytest
import torch

from tdgnas.data import DataDamaged, DataNotFound, load
from tdgnas.data.torchvision_sets import MNIST_FILES, TORCHVISION_SETS


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.tobytes())


def write_mnist(root, name="MNIST"):
    raw = root / name / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 60), ("t10k", 20)):
        images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    return raw


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_mnist_like_sets_become_3x32x32(tmp_path, name):
    write_mnist(tmp_path, TORCHVISION_SETS[name])
    data = load(name, folder=tmp_path)
    assert data.image_shape == (3, 32, 32)
    assert (len(data.train), len(data.valid), len(data.test), len(data.classes)) == (30, 30, 20, 10)
    assert torch.bincount(data.valid.labels).tolist() == [3] * 10


def test_mnist_at_its_own_size(tmp_path):
    raw = write_mnist(tmp_path)
    data = load("mnist", folder=tmp_path, size=28, channels=1)
    stored = np.frombuffer((raw / "t10k-images-idx3-ubyte").read_bytes()[16:], dtype=np.uint8)
    assert sorted(data.test.images.flatten().tolist()) == sorted(stored.tolist())


@pytest.mark.parametrize("damage", [b"", b"text, no images"])
def test_a_damaged_file_is_said_to_be_damaged(tmp_path, damage):
    raw = write_mnist(tmp_path)
    (raw / MNIST_FILES[0]).write_bytes(damage)
    with pytest.raises(DataDamaged, match=r"MNIST in .*raw cannot be read"):
        load("mnist", folder=tmp_path)


def test_a_file_that_is_cut_short_is_said_to_be_damaged(tmp_path):
    raw = write_mnist(tmp_path)
    path = raw / MNIST_FILES[0]
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataDamaged, match="MNIST"):
        load("mnist", folder=tmp_path)


def test_one_missing_file_means_not_found(tmp_path):
    raw = write_mnist(tmp_path)
    (raw / MNIST_FILES[3]).unlink()
    with pytest.raises(DataNotFound, match="t10k-labels-idx1-ubyte in"):
        load("mnist", folder=tmp_path)


def test_svhn_files_with_other_content_are_damaged(tmp_path):
    for name in ("train_32x32.mat", "test_32x32.mat"):
        (tmp_path / name).write_bytes(b"no matrix")
    with pytest.raises(DataDamaged, match="SVHN"):
        load("svhn", folder=tmp_path)
