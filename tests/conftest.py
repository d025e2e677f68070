"""What many tests use: a tiny VGG space, the digits, a supernet of the two."""

from __future__ import annotations

import pytest
import torch

from tdgnas import data, spaces
from tdgnas.data import Splits
from tdgnas.spaces import VGGShortcuts
from tdgnas.supernet import Supernet


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Splits:
    """The digits, with few training images."""
    return data.load("digits", train=96)


@pytest.fixture(scope="session")
def tiny_space() -> VGGShortcuts:
    """VGG19 at a thirty-second of its width."""
    return spaces.VGGShortcuts(width=1 / 32)


@pytest.fixture
def tiny_supernet(tiny_space: VGGShortcuts, digits: Splits) -> Supernet:
    """A supernet with fresh weights."""
    return Supernet(tiny_space, digits, seed=1, device="cpu")
