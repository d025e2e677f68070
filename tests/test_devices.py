"""Devices by name, and randomness of one's own."""

from __future__ import annotations

import pytest
import torch

from tdgnas.devices import own_noise, pick_device
from tdgnas.spaces import VGGShortcuts
from tdgnas.supernet import Supernet


def test_devices_that_are_not_there_are_named() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"there is no device 'gpu'; give cpu, cuda"):
        pick_device("gpu")


def test_noise_is_that_of_its_seed_and_leaves_no_trace() -> None:
    torch.manual_seed(7)
    expected = torch.randn(4)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with own_noise(7):
        assert torch.equal(torch.randn(4), expected)
    assert torch.equal(torch.get_rng_state(), before)


def test_fresh_weights_leave_the_generators_of_gpus_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def seeded(seed: int) -> None:
        raise AssertionError("a GPU's generator was seeded")

    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded)
    with pytest.raises(AssertionError, match="was seeded"):
        torch.manual_seed(0)  # what fresh weights must not be drawn with
    Supernet(VGGShortcuts(width=1 / 32), seed=3, device="cpu")
