"""The division of a source into train, valid and test by a fixed rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..settings import check_whole
from .source import Source, fit_images
from .splits import ImageData, Splits, meant, strata, stratified
from .streamed import Streamed

HELD_OUT = 0.25  # share held out for the test when a data set has no official test part
_TEST, _VALID, _TRAIN = range(3)  # independent streams of one seed


def make_splits(
    source: Source,
    *,
    size: int | None = None,
    channels: int | None = None,
    valid: float | None = None,
    train: int | None = None,
    test: float | None = None,
    seed: int = 0,
) -> Splits:
    """Divide ``source`` into train, valid and test, as :func:`tdgnas.data.load` describes.

    :raises ValueError: when a part would be empty, or train would lack a class.
    """
    check_request(size, channels, valid, train, test, seed)
    size = source.size if size is None else size
    channels = source.channels if channels is None else channels
    left = np.arange(len(source.labels))
    if source.test is None:
        count = meant("test", HELD_OUT if test is None else test, len(left))
        chosen, left = stratified(strata(source.labels), count, (seed, _TEST))
        tested = (source.images[chosen], source.labels[chosen])
    else:
        tested = _limit("test", source.test, test, (seed, _TEST))
    if source.valid is None:
        count = meant("valid", source.valid_share if valid is None else valid, len(left))
        picked, rest = stratified(strata(source.labels)[left], count, (seed, _VALID))
        validated = (source.images[left[picked]], source.labels[left[picked]])
        left = left[rest]
    else:
        validated = _limit("valid", source.valid, valid, (seed, _VALID))
    trained = _limit("train", (source.images[left], source.labels[left]), train, (seed, _TRAIN))
    _check_classes(source, trained[1])
    parts = [trained, validated, tested]
    mean, std = source.mean, source.std
    held_out: object = validated[0]
    if isinstance(held_out, Streamed):
        parts[1] = (held_out.loaded(), validated[1])  # read again and again
    elif source.images.is_floating_point():
        mean, std = _moments(trained[0])
        parts = [(_normalised(inputs, mean, std), labels) for inputs, labels in parts]
    else:
        parts = [(fit_images(images, size, channels), labels) for images, labels in parts]
    if mean is None or std is None or len(mean) != parts[0][0].shape[1]:
        mean, std = _moments(parts[0][0])
    made = [ImageData(images, labels, mean, std, source.task) for images, labels in parts]
    return Splits(source.name, made[0], made[1], made[2], source.classes, mean, std)


def check_request(
    size: int | None,
    channels: int | None,
    valid: float | None,
    train: int | None,
    test: float | None,
    seed: int,
) -> None:
    """Refuse what no data set could fulfil, before any file is read.

    :raises ValueError: for a value outside its range.
    :raises TypeError: for a part that is no number.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ValueError(f"size is {size!r}; it must be a whole number of pixels, at least 1")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels is {channels!r}; images have 1 channel (grey) or 3 (colour)")
    check_whole(0, seed=seed)
    for part, asked in (("valid", valid), ("train", train), ("test", test)):
        if asked is None:
            continue
        if isinstance(asked, bool) or not isinstance(asked, (int, float)):
            raise TypeError(f"{part} is {asked!r}; give a number of images or a share between 0 and 1")
        if isinstance(asked, float) and not 0.0 < asked < 1.0:
            raise ValueError(f"{part} is {asked}; a share lies between 0 and 1, a number of images is an int")
        if asked <= 0:
            raise ValueError(f"{part} is {asked}; it needs at least 1 image")


def _limit(
    part: str, data: tuple[Tensor, Tensor], asked: float | None, seed: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    images, labels = data
    count = len(labels) if asked is None else meant(part, asked, len(labels))
    chosen, _ = stratified(strata(labels), count, seed)
    return images[chosen], labels[chosen]


def _check_classes(source: Source, labels: Tensor) -> None:
    if labels.is_floating_point():
        return
    counts = torch.bincount(labels, minlength=len(source.classes)).tolist()
    lacking = [name for name, count in zip(source.classes, counts, strict=True) if count == 0]
    if lacking:
        raise ValueError(
            f"train would have {len(labels)} images and none of {', '.join(lacking[:5])}; every class needs "
            "one: raise train, lower valid or test, or add images"
        )


def _moments(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel; of images from exact integer counts, the same on every machine."""
    levels = np.arange(256) / 255.0
    means, deviations = [], []
    for channel in images.unbind(1):
        if channel.is_floating_point():
            own = channel.double()
            means.append(float(own.mean()))
            deviations.append(float(own.std(correction=0)) or 1.0)
            continue
        shares = torch.bincount(channel.flatten().long(), minlength=256).numpy() / channel.numel()
        mean = float(shares @ levels)
        deviation = float(np.sqrt(shares @ (levels - mean) ** 2))
        means.append(mean)
        deviations.append(deviation if deviation > 0 else 1.0)  # a constant channel stays constant
    return tuple(means), tuple(deviations)


def _normalised(inputs: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    shape = (1, -1, *[1] * (inputs.ndim - 2))
    return (inputs - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
