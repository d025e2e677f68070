"""Images in memory, and the fixed division of a data set into train, valid and test."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..tasks import CLASSIFICATION, Task, check_targets
from .batches import Batch, Batches, Indices
from .streamed import Streamed
from .tokens import TokenData

IntArray: TypeAlias = "npt.NDArray[np.int64]"


@dataclass(frozen=True, eq=False)
class ImageData:
    """Images and what is to be learned of them, kept whole on one device.

    :param images: ``(N, C, H, W)`` uint8; or inputs of any kind, ``(N, C, ...)`` floating-point, normalised already; or
        a :class:`Streamed` of either.
    :param labels: the targets: class numbers, ``(N,)`` int64, or numbers, ``(N, outputs)`` float32; ``(N,)`` float32 is
        kept as ``(N, 1)``.
    :param mean: per channel, of pixels scaled to 0..1.
    :param std: per channel, likewise; above 0.
    :param task: what is learned.
    :raises ValueError: when the shapes do not fit each other.
    :raises TypeError: when images or labels have another dtype.
    """

    images: Tensor
    labels: Tensor
    mean: tuple[float, ...]
    std: tuple[float, ...]
    task: Task = CLASSIFICATION

    def __post_init__(self) -> None:
        if self.labels.dtype == torch.float32 and self.labels.ndim == 1:
            object.__setattr__(self, "labels", self.labels.unsqueeze(1))
        if self.images.dtype != torch.uint8 and not self.images.is_floating_point():
            raise TypeError(f"images are uint8 or floating-point, not {self.images.dtype}")
        if self.labels.dtype not in (torch.int64, torch.float32):
            raise TypeError(
                f"labels are int64 or, where they are numbers, float32, not {self.labels.dtype}; convert them with "
                ".long() or .float()"
            )
        shape = self.labels.shape if self.labels.dtype == torch.int64 else self.labels.shape[:1]
        fits = self.images.ndim == 4 or (self.images.is_floating_point() and self.images.ndim > 1)
        if not fits or shape != self.images.shape[:1] or self.labels.ndim > 2:
            raise ValueError(
                f"images of shape {tuple(self.images.shape)}, labels of shape {tuple(self.labels.shape)}; "
                "expected (N, C, H, W), of floats (N, C, ...), and (N,), or (N, outputs) where they are float32"
            )
        if not len(self.mean) == len(self.std) == self.images.shape[1]:
            raise ValueError(
                f"{len(self.mean)} means and {len(self.std)} deviations for {self.images.shape[1]} channels; "
                "give one of each per channel"
            )
        if min(self.std, default=1.0) <= 0:
            raise ValueError(f"std is {self.std}; every deviation must be above 0")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Channels, height, width; of inputs of another kind, their own shape."""
        return tuple(self.images.shape[1:])

    @property
    def device(self) -> torch.device:
        """Where the images lie."""
        return self.images.device

    @property
    def targets(self) -> int:
        """Targets of a sample, of which each gives one value of the loss."""
        return 1

    def to(self, device: torch.device | str) -> ImageData:
        """The same data on ``device``; itself when it lies there already."""
        if self.device == torch.device(device):
            return self
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))

    def subset(self, indices: Indices) -> ImageData:
        """The images chosen by a slice, a sequence of indices, or an index or boolean mask tensor."""
        chosen = _index(indices)
        return replace(self, images=self.images[chosen], labels=self.labels[chosen])

    def joined(self, other: ImageData) -> ImageData:
        """These images and, after them, the other ones.

        :raises ValueError: when they differ in shape, dtype or normalisation.
        """
        own, theirs = ((each.image_shape, each.images.dtype, each.mean, each.std) for each in (self, other))
        if own != theirs:
            raise ValueError(
                f"images of {own} and of {theirs} (shape, dtype, mean, deviation) cannot be joined"
            )
        if not isinstance(self.images, Tensor):
            raise ValueError(
                "images that are read from files cannot be joined with others; take a smaller valid=..."
            )
        other = other.to(self.device)
        images, labels = torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels])
        return replace(self, images=images, labels=labels)

    def sample(self, count: int, seed: int = 0) -> ImageData:
        """``count`` images in the class proportions of all, in a mixed order: the same for the same seed."""
        chosen, _ = stratified(strata(self.labels), count, seed)
        return self.subset(torch.from_numpy(chosen))

    def normalised(self, indices: Indices | None = None) -> Tensor:
        """``((pixels / 255) - mean) / std`` of the chosen images (default: all), float32, same device."""
        return self._normalise(self.images if indices is None else self.images[_index(indices)])

    def _normalise(self, images: Tensor) -> Tensor:
        if images.is_floating_point():
            return images.float()
        mean = torch.tensor(self.mean, device=self.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=self.device).view(1, -1, 1, 1)
        return images.float().div_(255).sub_(mean).div_(std)

    def drawn(self, count: int, rng: random.Random | None = None) -> tuple[Tensor, Tensor]:
        """A :meth:`batch` of ``count`` images without replacement, all of them where there are no more.

        Draws from ``rng``, or from Python's :mod:`random`.
        """
        return self.batch((rng or random).sample(range(len(self)), min(count, len(self))))

    def batch(self, indices: Indices) -> tuple[Tensor, Tensor]:
        """Normalised images and targets of the chosen indices."""
        return self.normalised(indices), self.labels[_index(indices)]

    def feed(self, batches: Iterable[Indices]) -> Iterator[tuple[Tensor, Tensor]]:
        """One :meth:`batch` after another; where the images are read from files, workers read ahead."""
        images: object = self.images
        if not isinstance(images, Streamed):
            yield from map(self.batch, batches)
            return
        chosen = list(batches)
        for indices, pixels in zip(chosen, images.read(chosen), strict=True):
            yield self._normalise(pixels), self.labels[_index(indices)]

    def drawn_order(self, batch_size: int, rng: random.Random) -> Tensor:
        """All indices, in an order that ``rng`` draws."""
        order = list(range(len(self)))
        rng.shuffle(order)
        return torch.tensor(order)

    def order(self, batch_size: int, seed: int, least: int = 2) -> list[Tensor]:
        """Indices of the batches of one epoch, in an order that ``seed`` draws.

        :param least: a last batch of fewer images stays out: BatchNorm cannot train on one where a map is one pixel
            wide.
        """
        lone = len(self) > batch_size and 0 < len(self) % batch_size < least
        return list(Batches(self, batch_size, seed=seed, drop_last=lone).epoch())

    def in_order(self, batch_size: int, part: slice, even: bool = False) -> Iterator[Batch]:
        """Batches of a part of the images, in their order.

        :param even: make them equally large, at most ``batch_size``, and none of a single image, which BatchNorm could
            not normalise: with a ``batch_size`` of 2 one may have three.
        """
        start, stop, _ = part.indices(len(self))
        count = min(-(-(stop - start) // batch_size), (stop - start) // 2)
        bounds = [start + round((stop - start) * n / count) for n in range(count + 1)] if even else []
        bounds = bounds or [*range(start, stop, batch_size), stop]
        return self.feed([slice(*pair) for pair in pairwise(bounds)])


#: A part of a data set: images, or the tokens of a text; both are read in the same ways.
Data: TypeAlias = "ImageData | TokenData"


def _index(indices: Indices) -> Tensor | slice:
    if isinstance(indices, (Tensor, slice)):
        return indices
    chosen = torch.as_tensor(indices)
    return chosen if len(chosen) else chosen.long()


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set divided for architecture search.

    Weights learn from ``train``, alpha and fitness from ``valid``; ``test`` is read once, for the report.

    :param name: the data set's name.
    :param classes: names of a network's outputs: label ``k`` means ``classes[k]``; where the targets are numbers, names
        of their columns.
    :param mean: per-channel mean of pixels in 0..1, used by all three parts.
    :param std: per-channel standard deviation, likewise.
    :raises ValueError: when a part has a label that is no class, or targets of another width or that are not finite.
    """

    name: str
    train: Data
    valid: Data
    test: Data
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for part in ("train", "valid", "test"):
            check_targets(getattr(self, part).labels, self.outputs, f"the part {part} of {self.name!r}")

    @property
    def task(self) -> Task:
        """What is learned."""
        return self.train.task

    @property
    def outputs(self) -> int:
        """Number of outputs of a network: the classes, or the width of the targets."""
        return len(self.classes)

    def learning(self, task: Task) -> Splits:
        """The same data for another task, whose loss takes the same targets."""
        parts = {part: replace(getattr(self, part), task=task) for part in ("train", "valid", "test")}
        return replace(self, **parts)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Channels, height, width; of inputs of another kind, their own shape."""
        return self.train.image_shape

    def shortened(self, **sizes: float | None) -> Splits:
        """The same with so many samples of a part, its first ones: a number, or a share below 1; all where None."""
        given = {part: (getattr(self, part), size) for part, size in sizes.items() if size is not None}
        return replace(
            self, **{p: d.subset(slice(0, meant(p, size, len(d)))) for p, (d, size) in given.items()}
        )

    def to(self, device: torch.device | str) -> Splits:
        """All three parts on ``device``."""
        moved = {part: getattr(self, part).to(device) for part in ("train", "valid", "test")}
        return replace(self, **moved)


def meant(part: str, asked: float, available: int) -> int:
    """Images meant by a share (a float between 0 and 1) or a number (an int)."""
    count = round(asked * available) if isinstance(asked, float) else asked
    if not 1 <= count <= available:
        raise ValueError(f"{part} would have {count} images; it needs 1 to {available}, as many as are there")
    return count


def strata(labels: Tensor) -> Tensor:
    """What a split keeps the shares of: the classes; nothing where targets are numbers."""
    return torch.zeros(len(labels)) if labels.is_floating_point() else labels


def stratified(labels: Tensor, count: int, seed: int | Sequence[int]) -> tuple[IntArray, IntArray]:
    """Choose ``count`` positions so that every class keeps its share.

    The quotas are rounded by largest remainder, so they sum to ``count`` exactly. Both results come in a
    mixed order, so that their first positions are a fair sample of all.

    :param labels: ``(N,)`` integer tensor.
    :param count: 0..N.
    :param seed: whole numbers of at least 0; they alone decide (no global generator is read or moved).
    :returns: positions chosen, positions left.
    :raises ValueError: when there are fewer than ``count`` labels.
    """
    classes = labels.cpu().numpy()
    if not 0 <= count <= len(classes):
        raise ValueError(f"{count} images were asked for; there are {len(classes)}")
    # Raw PCG64 output is fixed for good, unlike the methods built on it: the same split on every NumPy.
    keys = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(len(classes))
    order = np.argsort(keys, kind="stable")
    names, sizes = np.unique(classes, return_counts=True)
    exact = sizes * count
    quotas = exact // max(len(classes), 1)
    remainders = exact - quotas * len(classes)
    quotas[np.argsort(-remainders, kind="stable")[: count - quotas.sum()]] += 1
    taken = np.zeros(len(classes), dtype=bool)
    mixed = classes[order]
    for name, quota in zip(names, quotas, strict=True):
        taken[order[np.flatnonzero(mixed == name)[:quota]]] = True
    return order[taken[order]], order[~taken[order]]
