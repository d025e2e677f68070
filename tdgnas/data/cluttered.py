"""Cluttered digits: scikit-learn's digits turned, scaled and shifted on a larger image, among pieces of others.

The kind of difficulty is that of the cluttered MNIST of Mnih, Heess, Graves, Kavukcuoglu 2014, *Recurrent Models of
Visual Attention*, section 4.1, with the rotations of Jaderberg et al. 2015, *Spatial Transformer Networks*.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .digits import read_digits
from .source import Source

__all__ = ["read_cluttered_digits"]

SIDE = 32
COPIES = 2  # of every original, each turned, shifted and cluttered anew
PIECES = 3
SEED = 2014


def read_cluttered_digits() -> Source:
    """The 1,797 digits twice, as ``(N, 1, 32, 32)`` uint8; parts are made of different originals.

    A digit is turned by up to 25 degrees, scaled to 14 to 22 pixels and shifted to any place; three pieces of other
    digits, a quarter of one each, are laid over it in the same way, and there is noise. Train has half of the
    originals, validation and test a quarter each. One fixed seed makes the same images every time.
    """
    digits = read_digits()
    generator = torch.Generator().manual_seed(SEED)
    order = torch.randperm(len(digits.labels), generator=generator)
    quarter = len(order) // 4
    parts = []
    for chosen in torch.split(order, [len(order) - 2 * quarter, quarter, quarter]):
        again = chosen.repeat(COPIES)
        parts.append((_cluttered(digits.images[again], generator), digits.labels[again]))
    train, valid, test = parts
    return Source("cluttered-digits", digits.classes, *train, valid=valid, test=test, channels=3)


def _cluttered(digits: Tensor, generator: torch.Generator) -> Tensor:
    """Return images of these digits, shape (N, 1, 8, 8), among pieces of each other."""
    originals = digits.float() / 255
    canvas = _placed(originals, generator)
    for _ in range(PIECES):
        others = originals[torch.randperm(len(originals), generator=generator)]
        corner = torch.randint(0, 5, (2, len(others), 1), generator=generator)
        line = torch.arange(8)
        rows, columns = ((line >= start) & (line < start + 4) for start in corner)
        piece = others * (rows[:, None, :, None] & columns[:, None, None, :])
        canvas = torch.maximum(canvas, _placed(piece, generator))
    canvas = canvas + 0.08 * torch.randn(canvas.shape, generator=generator)
    return canvas.clamp(0, 1).mul(255).round().to(torch.uint8)


def _placed(digits: Tensor, generator: torch.Generator) -> Tensor:
    """Lay digits onto images, turned, scaled and shifted at random."""
    angle, size, *shift = torch.rand(4, len(digits), generator=generator)
    angle = (2 * angle - 1) * math.radians(25)
    scale = SIDE / (14 + 8 * size)  # from places of the image to places of the digit
    free = 1 - 1 / scale
    across, down = ((2 * each - 1) * free for each in shift)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    rows = [
        torch.stack([cosine, -sine, sine * down - cosine * across], dim=1),
        torch.stack([sine, cosine, -sine * across - cosine * down], dim=1),
    ]
    grid = functional.affine_grid(torch.stack(rows, dim=1), [len(digits), 1, SIDE, SIDE], align_corners=False)
    return functional.grid_sample(digits, grid, align_corners=False)
