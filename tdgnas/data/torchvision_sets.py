"""Data sets that torchvision reads: MNIST and its relatives, and SVHN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._torchvision import import_torchvision
from .source import DataDamaged, DataNotFound, Source, contents

TORCHVISION_SETS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST", "svhn": "SVHN"}
MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SVHN_FILES = ("train_32x32.mat", "test_32x32.mat")


def read_torchvision(name: str, root: Path, download: bool = False) -> Source:
    """One of :data:`TORCHVISION_SETS`, with its official training and test parts.

    :param name: a key of that table.
    :param root: the data folder, laid out as torchvision does (``MNIST/raw/...``, ``train_32x32.mat``).
    :param download: let torchvision download what is missing.
    :raises DataNotFound: when files are missing and are not, or cannot be, downloaded.
    :raises DataDamaged: when torchvision cannot read a file that is there.
    """
    reader = TORCHVISION_SETS[name]
    home, files = (root, SVHN_FILES) if name == "svhn" else (root / reader / "raw", MNIST_FILES)
    if not download and not all((home / file).is_file() for file in files):
        raise DataNotFound(
            f"{reader} was not found. Looked for {', '.join(files)} in {home}; {contents(home)}. "
            "To get it: pass download=True, or put torchvision's files there; another place is given by "
            "folder=... or the environment variable TDGNAS_DATA"
        )
    datasets = import_torchvision().datasets
    try:
        train, test = (_part(getattr(datasets, reader), root, part, download) for part in ("train", "test"))
    except OSError as error:
        raise DataNotFound(f"{reader} could not be read or downloaded into {home}: {error}") from error
    except (RuntimeError, AssertionError, ValueError, TypeError, KeyError) as error:
        if not all((home / file).is_file() for file in files):
            raise DataNotFound(f"{reader} could not be downloaded into {home}: {error}") from error
        raise DataDamaged(
            f"{reader} in {home} cannot be read ({type(error).__name__}: {error}). "
            f"Remove {', '.join(files)} there and pass download=True"
        ) from error
    classes = tuple(getattr(getattr(datasets, reader), "classes", map(str, range(10))))
    # Small grey images are brought to the size that networks of this package are made for.
    size, channels = (None, None) if name == "svhn" else (32, 3)
    return Source(name, classes, *train, test=test, size=size, channels=channels)


def _part(reader: Any, root: Path, part: str, download: bool) -> tuple[Tensor, Tensor]:
    if reader.__name__ == "SVHN":
        loaded = reader(str(root), split=part, download=download)
        labels = torch.from_numpy(loaded.labels.astype(np.int64))
        return torch.from_numpy(np.ascontiguousarray(loaded.data)), labels
    loaded = reader(str(root), train=part == "train", download=download)
    return loaded.data.unsqueeze(1), loaded.targets.to(torch.int64)
