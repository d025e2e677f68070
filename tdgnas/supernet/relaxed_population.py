"""Scoring the relaxed networks of many alpha-vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .batchnorm import Statistics
from .evaluation import EvaluationSet, Score

if TYPE_CHECKING:
    from .supernet import Supernet


def relaxed_scores(
    supernet: Supernet, where: EvaluationSet, genes: Tensor, *, rows: int | None = None
) -> list[Score]:
    """Return the score of the relaxed network of each alpha-vector; equal to :func:`evaluate_one` up to rounding.

    :param genes: shape (individuals, genes).
    :param rows: how many share one pass, each with BatchNorm statistics of its own; when None 16 on a GPU and 1 on
        a CPU, where larger batches are slower.
    """
    if len(genes) == 0:
        return []
    rows = rows or (16 if supernet.device.type == "cuda" else 1)
    sums = []
    with torch.inference_mode():
        for part in torch.split(genes, rows):
            sums.append(_sums(supernet, where, part))
        found = torch.cat(sums, dim=1).transpose(0, 1).cpu().tolist()
    return [Score.of(where.task, each, where.images) for each in found]


def _sums(supernet: Supernet, where: EvaluationSet, genes: Tensor) -> Tensor:
    """Sums of loss and measures, shape (1 + measures, rows, batches)."""
    statistics: Statistics = []
    if where.calibration is not None:
        with supernet.frozen("record", statistics):
            supernet.relaxed(where.calibration, genes)
    results = []
    for images, targets in where.batches:
        with supernet.frozen(where.normalising, statistics):
            results.append(where.task.sums(supernet.relaxed(images, genes), targets))
    return torch.stack(results, dim=-1)
