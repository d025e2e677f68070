"""Images that stay where they are until they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .batches import Indices

MOST_BYTES = 16 * 2**30  # of the images that are kept in memory after all


class Streamed:
    """Images of a data set that stay where they are; a tensor of them as far as :class:`ImageData` asks for one.

    Indexing chooses and reads nothing.

    :param dataset: item ``i`` is a pair of an image and its target; images are uint8 tensors of one shape
        (channels, height, width), or PIL images, or floats of any one shape, normalised already.
    :param workers: processes that read ahead; 0 reads in this one.
    :raises ValueError: when the first item is something else.
    """

    def __init__(self, dataset: Dataset[Any], workers: int = 2) -> None:
        self.dataset, self.workers, self.device = dataset, workers, torch.device("cpu")
        self.rows = torch.arange(len(dataset))  # type: ignore[arg-type]
        first = _tensor(dataset[0][0])
        self.image_shape, self.dtype, self.ndim = first.shape, first.dtype, 1 + first.ndim

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> torch.Size:
        """Of all images, as a tensor has it."""
        return torch.Size((len(self), *self.image_shape))

    def __getitem__(self, index: Indices) -> Streamed:
        found = copy(self)
        found.rows = self.rows[index if isinstance(index, slice) else torch.as_tensor(index).cpu()]
        return found

    def is_floating_point(self) -> bool:
        """Whether the images are floats."""
        return self.dtype.is_floating_point

    def to(self, device: torch.device | str) -> Streamed:
        """The same images, given out on another device."""
        found = copy(self)
        found.device = torch.device(device)
        return found

    def read(self, batches: Iterable[Indices]) -> Iterator[Tensor]:
        """Give out one batch after another, in their order, while workers read the next ones."""
        rows = (self.rows[index].tolist() for index in batches)
        pinned = self.device.type == "cuda"
        loader: DataLoader[Any] = DataLoader(
            self.dataset,
            batch_sampler=rows,
            num_workers=self.workers,
            collate_fn=_stacked,
            pin_memory=pinned,
        )
        return (images.to(self.device, non_blocking=pinned) for images in loader)

    def float(self) -> Tensor:
        """Read them, here and now, as floats."""
        items = [_tensor(self.dataset[row][0]) for row in self.rows.tolist()]
        return torch.stack(items).to(self.device).float()

    def loaded(self) -> Tensor:
        """Read them all, and keep them in memory.

        :raises ValueError: when they are too many for it.
        """
        needed = self.shape.numel() * self.dtype.itemsize
        if needed > MOST_BYTES:
            raise ValueError(
                f"{len(self)} validation images take {needed / 2**30:.0f} GiB and are kept in memory, where "
                f"{MOST_BYTES // 2**30} GiB are allowed; give a smaller valid=..."
            )
        images, start = torch.empty(self.shape, dtype=self.dtype), 0
        for part in self.to("cpu").read(torch.split(torch.arange(len(self)), 256)):
            images[start : start + len(part)] = part
            start += len(part)
        return images.to(self.device)


def _tensor(image: Any) -> Tensor:
    if not isinstance(image, Tensor):
        pixels = torch.from_numpy(np.array(image, dtype=np.uint8))
        return pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1)
    if image.dtype != torch.uint8 and not image.is_floating_point():
        raise ValueError(
            f"an image of the data set is a tensor of {image.dtype}; give uint8, floats that are normalised, or a PIL "
            "image"
        )
    return image


def _stacked(items: Sequence[Any]) -> Tensor:
    return torch.stack([_tensor(image) for image, *_ in items])
