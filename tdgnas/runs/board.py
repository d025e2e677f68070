"""Records for TensorBoard, where it is installed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..files import Json
from .errors import ConfigError


class Board:
    """Writes numbers into a folder that ``tensorboard --logdir`` reads, each phase into a folder of its own.

    A resumed run writes some steps again; what was written of them before is then no longer shown.

    :param folder: where the event files go.
    :raises ConfigError: when TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writers: dict[str, Any] = {}
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            how = '`pip install "tdgnas[tensorboard]"`, or leave tensorboard = false'
            raise ConfigError(f"tensorboard: it is not installed; {how}") from error

    def write(self, phase: str, step: int, numbers: Json) -> None:
        """Write the numbers of one step; what is no finite number is left out."""
        if phase not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[phase] = SummaryWriter(str(self.folder / phase), purge_step=step)
        writer = self._writers[phase]
        for name, value in numbers.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
                writer.add_scalar(name, value, step)
        writer.flush()
