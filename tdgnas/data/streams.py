"""Data larger than memory: what a torch ``Dataset`` gives, read by workers when it is needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .folder import check_enough, images_below, pixels_of, survey
from .source import Source
from .splits import Splits
from .splitting import check_request, make_splits
from .streamed import Streamed

MOST_VALID = 5_000  # images in memory, unless the caller says otherwise
LOOK = 1_000  # images from which size, mean and deviation are taken


class ImageFiles(Dataset[tuple[Tensor, int]]):
    """Image files, brought to one size and mode when they are read.

    :param listed: paths and labels.
    :param size: (width, height) in pixels.
    :param mode: ``RGB`` or ``L``.
    """

    def __init__(self, listed: Sequence[tuple[Path, int]], size: tuple[int, int], mode: str) -> None:
        # One block of memory, which worker processes share: lists of strings they would copy.
        self.paths = np.array([os.fsencode(path) for path, _ in listed])
        self.targets = torch.tensor([label for _, label in listed], dtype=torch.int64)
        self.size, self.mode = size, mode

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        path, (width, height) = Path(os.fsdecode(self.paths[row])), self.size
        pixels = torch.from_numpy(pixels_of(path, self.size, self.mode))
        return pixels.view(height, width, len(self.mode)).permute(2, 0, 1), int(self.targets[row])


def read_stream(
    folder: str | os.PathLike[str] | None,
    size: int | None = None,
    channels: int | None = None,
    workers: int = 2,
) -> Source:
    """A folder of images as the data set ``folder`` takes it, of which only the validation images are kept in memory.

    ``val`` is the test part where there is no other, as of ImageNet. Size, mean and deviation come from images spread
    over the folder.

    :param folder: holds the class folders, or ``train`` with them inside, and beside it ``test`` and ``valid``.
    :param size: side of the square images, in pixels; the commonest one.
    :param channels: 1 or 3; None takes 3 unless all images are grey.
    :param workers: processes that read ahead.
    :raises DataNotFound: when the folder, or its class folders, are not there.
    :raises DataDamaged: for an empty class, or parts with different classes; when it is read, for what is no image.
    """
    root, classes, files = images_below("stream", folder)
    if "valid" in files and "test" not in files:
        files["test"] = files.pop("valid")
    looked = files["train"][:: -(-len(files["train"]) // LOOK)]
    shape, grey = survey([path for path, _ in looked])
    mode = "L" if (channels == 1 or (channels is None and grey)) else "RGB"
    shape = shape if size is None else (size, size)
    sets = {part: ImageFiles(listed, shape, mode) for part, listed in files.items()}
    if "test" not in sets or "valid" not in sets:
        check_enough(root, classes, sets["train"].targets)
    return source_of("stream", classes, sets, workers)


def stream(
    train: Dataset[Any],
    test: Dataset[Any] | None = None,
    *,
    classes: Sequence[str] | None = None,
    valid: float | None = None,
    seed: int = 0,
    workers: int = 2,
    name: str = "stream",
) -> Splits:
    """Any torch ``Dataset``, divided as :func:`tdgnas.data.load` does, without reading the images for it.

    Targets are those that the data set tells as ``targets``; where it does not, all items are read once for them. A
    transform of its own that draws numbers is as good as :class:`Augment`, but only torch's numbers come from the seed.

    :param train: map-style, see :class:`Streamed`.
    :param test: likewise; a quarter of ``train`` where there is none.
    :param classes: names of the classes; those that the data set has as ``classes``, else numbers.
    :param valid: share or number of the images that validate, which are read once and kept in memory; at most 5,000
        where nothing is said.
    :param seed: decides the split.
    :param workers: processes that read ahead.
    :raises ValueError: when items, counts or shares are impossible.
    """
    check_request(None, None, valid, None, None, seed)
    sets = {"train": train} if test is None else {"train": train, "test": test}
    labels = _targets(train, workers)
    names = classes or getattr(train, "classes", None) or range(int(labels.max()) + 1)
    return make_splits(source_of(name, tuple(map(str, names)), sets, workers), valid=valid, seed=seed)


def source_of(name: str, classes: tuple[str, ...], sets: dict[str, Any], workers: int) -> Source:
    """Return a source whose images are read when they are needed.

    :param sets: data sets by part: ``train``, and where there are such ``valid`` and ``test``.
    """
    # Streamed stands in for a tensor, which mypy need not know.
    parts: Any = {part: (Streamed(each, workers), _targets(each, workers)) for part, each in sets.items()}
    images, labels = parts["train"]
    mean, std = _moments(images)
    return Source(
        name,
        classes,
        images,
        labels,
        valid=parts.get("valid"),
        test=parts.get("test"),
        mean=mean,
        std=std,
        valid_share=min(0.5 if "test" in parts else 1 / 3, MOST_VALID / len(labels)),
    )


def _moments(images: Streamed) -> tuple[tuple[float, ...], tuple[float, ...]]:
    channels = images.shape[1]
    if images.is_floating_point():
        return (0.0,) * channels, (1.0,) * channels
    looked = images[:: -(-len(images) // LOOK)]
    sums = torch.zeros(2, channels, dtype=torch.float64)
    for part in looked.read(torch.split(torch.arange(len(looked)), 50)):
        pixels = part.double() / 255
        sums += torch.stack([pixels.sum((0, 2, 3)), pixels.square().sum((0, 2, 3))])
    mean, square = sums / (looked.shape.numel() / channels)
    deviation = (square - mean.square()).clamp_min(0).sqrt()
    return tuple(mean.tolist()), tuple(deviation.where(deviation > 0, 1.0).tolist())


def _targets(dataset: Any, workers: int) -> Tensor:
    """The targets that a data set tells (``targets``), or those of its items, all of which are read once for that."""
    if hasattr(dataset, "targets"):
        return torch.as_tensor(dataset.targets)
    loader = DataLoader(dataset, 256, num_workers=workers, collate_fn=_second)
    return torch.cat(list(loader))


def _second(items: Sequence[Any]) -> Tensor:
    return torch.stack([torch.as_tensor(target) for _, target in items])
