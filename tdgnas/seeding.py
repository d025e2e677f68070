"""One seed for every random generator a run draws from."""

from __future__ import annotations

import random
import sys

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed ``random``, NumPy's global generator and, where it is loaded, torch.

    :param seed: a whole number of at least 0.
    :raises ValueError: for a negative seed.
    """
    if seed < 0:
        raise ValueError(f"the seed is {seed}; it must be a whole number of at least 0")
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)
