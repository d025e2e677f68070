"""What every reader of a data set returns, where it looks, and how it says that something is wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from ..tasks import CLASSIFICATION, Task, check_targets

CHUNK = 4096  # images resized at once: bounds the memory of the floating-point copy
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


class DataNotFound(FileNotFoundError):
    """A data set, or one of its files, is not where it was looked for."""


class DataDamaged(ValueError):
    """A file of a data set does not hold what it should."""


@dataclass(frozen=True, eq=False)
class Source:
    """A data set as read, before it is split.

    :param name: the name it was loaded by.
    :param classes: the class names; label ``k`` means ``classes[k]``. Where targets are
        numbers, names of their columns.
    :param images: the training part, ``(N, C, H, W)`` uint8; or inputs of any kind, ``(N, C, ...)`` float32, which are
        normalised by the training split.
    :param labels: the targets: ``(N,)`` int64, each in ``0..len(classes)-1``, or ``(N, len(classes))`` float32.
    :param valid: a validation part that the data set itself defines.
    :param test: the official test part; None when there is none and one must be held out.
    :param mean: per-channel mean of pixels in 0..1; None to measure it on the training split.
    :param std: per-channel standard deviation, likewise.
    :param valid_share: share of the training part that validates unless the caller says otherwise.
    :param task: what is learned.
    :param size: side that the images are brought to unless the caller says otherwise.
    :param channels: likewise.
    :raises DataDamaged: when images and targets do not fit each other.
    """

    name: str
    classes: tuple[str, ...]
    images: Tensor
    labels: Tensor
    valid: tuple[Tensor, Tensor] | None = None
    test: tuple[Tensor, Tensor] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    valid_share: float = 0.5
    task: Task = CLASSIFICATION
    size: int | None = None
    channels: int | None = None

    def __post_init__(self) -> None:
        if self.labels.is_floating_point() and self.labels.ndim == 1:
            object.__setattr__(self, "labels", self.labels.unsqueeze(1))
        parts = {"training": (self.images, self.labels), "validation": self.valid, "test": self.test}
        for title, part in parts.items():
            if part is not None:
                self._check(title, *part)

    def _check(self, title: str, images: Tensor, labels: Tensor) -> None:
        if len(images) != len(labels) or len(images) == 0:
            raise DataDamaged(
                f"the {title} part of {self.name} has {len(images)} images and {len(labels)} labels; "
                "it needs at least one image and as many labels as images"
            )
        try:
            check_targets(labels, len(self.classes), f"the {title} part of {self.name}")
        except ValueError as error:
            raise DataDamaged(str(error)) from error


def data_root(folder: str | os.PathLike[str] | None) -> Path:
    """The folder that data sets are looked for in: the argument, else $TDGNAS_DATA, else ~/.cache/tdgnas."""
    chosen = os.fspath(folder) if folder is not None else os.environ.get("TDGNAS_DATA") or "~/.cache/tdgnas"
    return Path(chosen).expanduser()


def contents(folder: Path, limit: int = 8) -> str:
    """One phrase on what ``folder`` holds, for error messages."""
    if not folder.exists():
        return f"{folder} does not exist"
    if not folder.is_dir():
        return f"{folder} is a file, not a folder"
    names = sorted(path.name for path in folder.iterdir())
    if not names:
        return f"{folder} is empty"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{folder} holds {', '.join(names[:limit])}{more}"


def fit_images(images: Tensor, size: int | None, channels: int | None) -> Tensor:
    """Images with the wanted side length and number of channels.

    :param images: ``(N, C, H, W)`` uint8 with C 1 or 3.
    :param size: side of the square result, resized bilinearly (antialiased when it shrinks); None keeps H, W.
    :param channels: 3 repeats a grey channel, 1 takes the luma of colours; None keeps C.
    :returns: ``(N, channels, size, size)`` uint8.
    """
    grey = channels == 1 and images.shape[1] == 3
    if (size is None or tuple(images.shape[2:]) == (size, size)) and not grey:
        fitted = images
    else:
        fitted = torch.cat([_fit_chunk(chunk, size, grey) for chunk in torch.split(images, CHUNK)])
    if channels == 3 and fitted.shape[1] == 1:
        fitted = fitted.repeat(1, 3, 1, 1)
    return fitted


def _fit_chunk(images: Tensor, size: int | None, grey: bool) -> Tensor:
    pixels = images.float()
    if grey:
        pixels = (pixels * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    if size is not None:
        shrinks = max(pixels.shape[2:]) > size
        pixels = functional.interpolate(pixels, size=(size, size), mode="bilinear", antialias=shrinks)
    return pixels.round().clamp(0, 255).to(torch.uint8)
