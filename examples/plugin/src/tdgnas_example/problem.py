"""A problem: sections of a configuration under a name."""

from __future__ import annotations

from typing import Any


def focal_digits(channels: int = 8) -> dict[str, Any]:
    """Handwritten digits with the focal loss, two layers of gated convolutions, in seconds.

    :param channels: of both layers.
    """
    return {
        "space": {"name": "two-layers", "settings": {"channels": channels}},
        "data": {"name": "digits", "task": "focal", "train": 128, "valid": 128, "test": 64},
        "pretrain": {"epochs": 2},
        "fitness": {"measure": "among_three"},
        "budget": {"unit": "generations", "limit": 3},
        "retrain": {"epochs": 1},
    }
