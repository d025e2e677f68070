"""Random changes of training images: drawn per image, made for a whole batch at once, on its device."""

from __future__ import annotations

import torch
from pydantic import Field, StrictBool
from torch import Tensor
from torch.nn import functional

from ..settings import Pixels, Section

Place = tuple[int, int]  # number of the first image in its batch, and size of the batch


def random_crop(
    images: Tensor, padding: int, generator: torch.Generator, place: Place | None = None
) -> Tensor:
    """Shift every image by up to ``padding`` pixels each way; zeros fill the border.

    :param images: ``(N, C, H, W)``, normalised, so that zero is the mean colour.
    :param generator: the random source; it may lie on another device than the images.
    :param place: where the images are a part of a batch: it is drawn for the whole batch, as always.
    """
    count, channels, height, width = images.shape
    first, whole = place or (0, count)
    shift = torch.randint(0, 2 * padding + 1, (2, whole, 1), generator=generator, device=generator.device)
    top, left = shift[:, first : first + count].to(images.device)
    rows = top + torch.arange(height, device=images.device)
    columns = left + torch.arange(width, device=images.device)
    padded = functional.pad(images, (padding,) * 4)
    places = rows[:, :, None] * padded.shape[3] + columns[:, None, :]
    places = places.view(count, 1, -1).expand(-1, channels, -1)
    return padded.flatten(2).gather(2, places).view(images.shape)


def horizontal_flip(images: Tensor, generator: torch.Generator, place: Place | None = None) -> Tensor:
    """Mirror each image left to right with probability one half, drawn from ``generator`` for the whole batch."""
    first, whole = place or (0, len(images))
    heads = torch.rand(whole, 1, 1, 1, generator=generator, device=generator.device) < 0.5
    return torch.where(heads[first : first + len(images)].to(images.device), images.flip(3), images)


def cutout(images: Tensor, length: int, generator: torch.Generator, place: Place | None = None) -> Tensor:
    """Zero a square of side ``length`` around a random pixel of each image; it may reach over the border.

    Source: DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".

    :param images: ``(N, C, H, W)``, normalised.
    :param generator: the random source.
    :param place: as of :func:`random_crop`.
    """
    count, _, height, width = images.shape
    first, whole = place or (0, count)
    drawn = torch.rand(2, whole, 1, generator=generator, device=generator.device)
    centre = drawn[:, first : first + count].to(images.device)
    hidden = []
    for position, extent in zip(centre, (height, width), strict=True):
        first = (position * extent).long() - length // 2
        line = torch.arange(extent, device=images.device)
        hidden.append((line >= first) & (line < first + length))
    square = hidden[0][:, None, :, None] & hidden[1][:, None, None, :]
    return images.masked_fill(square, 0.0)


class Augment(Section):
    """Crop, flip and cut out, in this order; the default changes nothing.

    :raises pydantic.ValidationError: a ValueError, for a negative or fractional number of pixels.
    """

    crop: Pixels = Field(0, description="padding of the random crop in pixels (4 for CIFAR); 0 leaves it out")
    flip: StrictBool = Field(False, description="mirror half of the images")
    cutout: Pixels = Field(
        0, description="side of the square that is zeroed, in pixels (16 for DARTS on CIFAR); 0 leaves it out"
    )

    def __call__(self, images: Tensor, generator: torch.Generator, place: Place | None = None) -> Tensor:
        """``(N, C, H, W)`` normalised images, changed; all randomness comes from ``generator``.

        :param place: as of :func:`random_crop`: a part of a batch changes as it does within the batch.
        :raises ValueError: for inputs that are no images, where something is to be changed.
        """
        if images.ndim != 4 and (self.crop or self.flip or self.cutout):
            raise ValueError(
                f"augment changes images, the inputs have shape {tuple(images.shape[1:])}; leave it out"
            )
        if self.crop:
            images = random_crop(images, self.crop, generator, place)
        if self.flip:
            images = horizontal_flip(images, generator, place)
        if self.cutout:
            images = cutout(images, self.cutout, generator, place)
        return images
