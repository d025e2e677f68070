"""scikit-learn's handwritten digits: 1,797 real images of 8x8 pixels, embedded in that package."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch

from ..tasks import MULTI_LABEL, REGRESSION
from .source import Source


def read_digits() -> Source:
    """The digits as ``(1797, 1, 8, 8)`` uint8; without an official test part; a third of the rest validates.

    Source: the test part of UCI's "Optical Recognition of Handwritten Digits", as shipped by scikit-learn.
    """
    bunch = _bunch()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # levels 0..16
    images = torch.from_numpy(pixels).unsqueeze(1)
    labels = torch.from_numpy(bunch.target.astype(np.int64))
    classes = tuple(str(name) for name in bunch.target_names)
    return Source("digits", classes, images, labels, valid_share=1 / 3, size=32, channels=3)


@cache
def _bunch() -> Any:
    """What scikit-learn reads from text; what is made of it is new at every call."""
    from sklearn.datasets import load_digits

    return load_digits()


def read_digits_ink() -> Source:
    """The digits with the share of ink in each, 0 to 1, as what is learned (regression)."""
    digits = read_digits()
    ink = digits.images.float().mean((1, 2, 3)).div(255).unsqueeze(1)
    return replace(digits, name="digits-ink", classes=("ink",), labels=ink, task=REGRESSION)


def read_digits_parts() -> Source:
    """The digits with three labels at once: is it odd, is it above four, has it a closed loop (multi-label)."""
    digits = read_digits()
    loops = torch.tensor([0, 6, 8, 9])
    parts = [digits.labels % 2 == 1, digits.labels > 4, torch.isin(digits.labels, loops)]
    labels = torch.stack(parts, dim=1).float()
    classes = ("odd", "above four", "closed loop")
    return replace(digits, name="digits-parts", classes=classes, labels=labels, task=MULTI_LABEL)
