"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): the official binary files, or torchvision's Python files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ._torchvision import import_torchvision
from .source import DataDamaged, DataNotFound, Source, contents

CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2023, 0.1994, 0.2010)
SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR100_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard
lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark
shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""


@dataclass(frozen=True)
class Layout:
    """How one of the two data sets lies on disk; ``files`` maps a name to its number of images."""

    title: str
    torchvision: str
    binary: str
    python: str
    train: dict[str, int]
    test: dict[str, int]
    label_bytes: int
    classes: tuple[str, ...]

    @property
    def archive(self) -> str:
        """Where its authors publish the binary files."""
        return f"https://www.cs.toronto.edu/~kriz/{self.title.lower()}-binary.tar.gz"


LAYOUTS = {
    "cifar10": Layout(
        title="CIFAR-10",
        torchvision="CIFAR10",
        binary="cifar-10-batches-bin",
        python="cifar-10-batches-py",
        train={f"data_batch_{k}.bin": 10_000 for k in range(1, 6)},
        test={"test_batch.bin": 10_000},
        label_bytes=1,
        classes=tuple(CIFAR10_CLASSES.split()),
    ),
    "cifar100": Layout(
        title="CIFAR-100",
        torchvision="CIFAR100",
        binary="cifar-100-binary",
        python="cifar-100-python",
        train={"train.bin": 50_000},
        test={"test.bin": 10_000},
        label_bytes=2,  # coarse, then fine
        classes=tuple(CIFAR100_CLASSES.split()),
    ),
}


def read_cifar(name: str, root: Path, download: bool = False) -> Source:
    """CIFAR as ``(50000, 3, 32, 32)`` training and ``(10000, 3, 32, 32)`` test images.

    The binary files are looked for in ``root/cifar-10-batches-bin`` (``cifar-100-binary``) and in ``root``
    itself; then torchvision's layout in ``root``, whose files torchvision reads only after it has checked
    each against its published checksum.

    :param name: ``"cifar10"`` or ``"cifar100"``.
    :param root: the data folder.
    :param download: let torchvision download and verify what is missing.
    :raises DataNotFound: when files are missing.
    :raises DataDamaged: when a file has the wrong size, a wrong label, or a wrong checksum.
    """
    layout = LAYOUTS[name]
    for folder in (root / layout.binary, root):
        if any((folder / file).is_file() for file in (*layout.train, *layout.test)):
            train, test = _read_binary(layout, folder)
            break
    else:
        train, test = _read_python(layout, root, download)
    mean, std = (CIFAR10_MEAN, CIFAR10_STD) if name == "cifar10" else (None, None)
    return Source(name, layout.classes, *train, test=test, mean=mean, std=std)


def _read_binary(layout: Layout, folder: Path) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    missing = [file for file in (*layout.train, *layout.test) if not (folder / file).is_file()]
    if missing:
        raise DataNotFound(
            f"{layout.title} is incomplete: {', '.join(missing)} not found; {contents(folder)}. "
            f"Unpack {layout.archive} again"
        )
    train, test = (
        [_read_records(layout, folder / file, count) for file, count in files.items()]
        for files in (layout.train, layout.test)
    )
    return _join(train), _join(test)


def _read_records(layout: Layout, path: Path, count: int) -> tuple[Tensor, Tensor]:
    record = layout.label_bytes + PIXELS
    size = path.stat().st_size
    if size != count * record:
        raise DataDamaged(
            f"{path} has {size} bytes; {count} records of {record} bytes are {count * record}. "
            f"It is cut short or another file: unpack {layout.archive} again"
        )
    records = np.fromfile(path, dtype=np.uint8).reshape(count, record)
    labels = records[:, layout.label_bytes - 1].astype(np.int64)
    wrong = np.flatnonzero(labels >= len(layout.classes))
    if len(wrong):
        raise DataDamaged(
            f"record {wrong[0]} of {path} has the label {labels[wrong[0]]}; "
            f"labels are 0..{len(layout.classes) - 1}. The file is damaged: unpack {layout.archive} again"
        )
    pixels = np.ascontiguousarray(records[:, layout.label_bytes :]).reshape(count, *SHAPE)
    return torch.from_numpy(pixels), torch.from_numpy(labels)


def _join(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    images, labels = zip(*parts, strict=True)
    return torch.cat(images), torch.cat(labels)


def _read_python(
    layout: Layout, root: Path, download: bool
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    python = root / layout.python
    if not download and not python.is_dir():
        raise DataNotFound(_how_to_get(layout, root))
    reader = getattr(import_torchvision().datasets, layout.torchvision)
    try:
        sets = [reader(str(root), train=train, download=download) for train in (True, False)]
    except (RuntimeError, OSError) as error:
        if download:
            message = f"{layout.title} could not be downloaded ({error}). {_how_to_get(layout, root)}"
            raise DataNotFound(message) from error
        raise DataDamaged(
            f"{python} is incomplete or damaged: its checksums are not the published ones; "
            f"{contents(python)}. Remove it and pass download=True"
        ) from error
    train, test = (
        (
            torch.from_numpy(np.ascontiguousarray(part.data.transpose(0, 3, 1, 2))),
            torch.tensor(part.targets, dtype=torch.int64),
        )
        for part in sets
    )
    return train, test


def _how_to_get(layout: Layout, root: Path) -> str:
    first = next(iter(layout.train))
    return (
        f"{layout.title} was not found. Looked for {layout.binary}/ with {first} and the others, and for "
        f"{layout.python}/; {contents(root)}. To get it: pass download=True, or unpack {layout.archive} "
        "there; another place is given by folder=... or the environment variable TDGNAS_DATA"
    )
