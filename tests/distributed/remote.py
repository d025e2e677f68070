"""What actors of Ray compute in tests; it needs neither torch nor ray, so that they start fast."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any


class Deadly:
    """Kills its process on some items."""

    def __call__(self, item: int) -> tuple[int]:
        """Square the item, or die."""
        if item == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return (item * item,)


class Slow:
    """The share of gates that are on, in a while; says in a folder what it is at, and where."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, individual: Any) -> tuple[float]:
        """Evaluate, so that there is time to be killed."""
        sign = self.folder / str(os.getpid())
        sign.write_text(f"{os.environ.get('RAY_RAYLET_PID', '')}\n{list(individual)}")  # its machine first
        time.sleep(0.08)
        sign.unlink()
        return (sum(gene > 0 for gene in individual) / len(individual),)


def process(_: Any) -> int:
    """The process that this is, after a while in which others have time to begin."""
    time.sleep(0.1)
    return os.getpid()
