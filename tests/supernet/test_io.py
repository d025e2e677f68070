"""Supernets on disk."""

from __future__ import annotations

import pytest
import torch

from tdgnas.supernet import Supernet, load_supernet, save_supernet


def test_a_saved_supernet_is_the_same_supernet(tiny_supernet: Supernet, tmp_path) -> None:
    save_supernet(tiny_supernet, tmp_path / "net")
    loaded = load_supernet(tmp_path / "net", device="cpu")
    assert loaded.space.settings == tiny_supernet.space.settings
    assert all(
        torch.equal(value, loaded.state_dict()[name]) for name, value in tiny_supernet.state_dict().items()
    )


def test_missing_and_damaged_files_are_named(tiny_supernet: Supernet, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no supernet\.json"):
        load_supernet(tmp_path)
    save_supernet(tiny_supernet, tmp_path)
    weights = tmp_path / "supernet.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"supernet\.safetensors is damaged"):
        load_supernet(tmp_path, device="cpu")
    (tmp_path / "supernet.json").write_text("{}")
    with pytest.raises(ValueError, match="not the description of a supernet"):
        load_supernet(tmp_path)
