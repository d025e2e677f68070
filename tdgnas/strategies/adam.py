"""Adam on a vector, for strategies that follow a gradient.

Source: Kingma and Ba 2015, *Adam: A Method for Stochastic Optimization*, algorithm 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def adam_step(gradient: Any, moments: Any, taken: int, betas: tuple[float, float]) -> tuple[Any, Any]:
    """Return Adam's direction (to be multiplied by the learning rate) and the new moments, shape (2, genes).

    :param taken: steps so far, this one included.
    """
    first = betas[0] * moments[0] + (1 - betas[0]) * gradient
    second = betas[1] * moments[1] + (1 - betas[1]) * gradient**2
    direction = (first / (1 - betas[0] ** taken)) / (np.sqrt(second / (1 - betas[1] ** taken)) + 1e-8)
    return direction, np.stack([first, second])
