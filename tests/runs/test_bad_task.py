"""A task that cannot be learned is refused before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tdgnas.runs import ConfigError, Experiment
from tdgnas.tasks import TASKS, Task


@pytest.mark.parametrize(
    ("loss", "sentence"),
    [
        (
            lambda outputs, targets: outputs.mean(1) * torch.nan,
            "is nan on the first batch; do its targets fit it?",
        ),
        (lambda outputs, targets: outputs.mean(), "expected one value per sample"),
    ],
)
def test_a_loss_that_is_not_finite_on_the_first_batch_is_named(
    loss: Any, sentence: str, tmp_path: Path
) -> None:
    TASKS.register("odd")(Task("odd", loss))
    try:
        settings = {"data": {"task": "odd", "train": 16, "valid": 16, "test": 16}, "device": "cpu"}
        with pytest.raises(ConfigError, match="task 'odd'") as refused:
            Experiment("digits-vgg-tiny:images=16", "random", folder=tmp_path / "run", settings=settings)
        assert sentence in str(refused.value)
        assert not (tmp_path / "run").exists()
    finally:
        TASKS._entries.pop("odd", None)
