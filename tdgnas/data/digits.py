"""scikit-learn's handwritten digits: 1,797 real images of 8x8 pixels, embedded in that package."""

from __future__ import annotations

import numpy as np
import torch

from .source import Source

__all__ = ["read_digits"]


def read_digits() -> Source:
    """The digits as ``(1797, 1, 8, 8)`` uint8; without an official test part; a third of the rest validates.

    Source: the test part of UCI's "Optical Recognition of Handwritten Digits", as shipped by scikit-learn.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # levels 0..16
    images = torch.from_numpy(pixels).unsqueeze(1)
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    classes = tuple(str(name) for name in bunch.target_names)
    return Source("digits", classes, images, labels, valid_share=1 / 3)
