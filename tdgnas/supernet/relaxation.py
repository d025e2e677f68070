"""From genes to relaxed weights: sigmoid, hard sigmoid, or a softmax over each target's predecessors."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from ..spaces import SearchSpace

RelaxationName = Literal["sigmoid", "hard-sigmoid", "target-softmax"]
RELAXATIONS: tuple[str, ...] = get_args(RelaxationName)


def choice_weight(space: SearchSpace, decision: int, choice: int, weights: Tensor) -> Tensor:
    """Weight of one choice, shape (...), out of relaxed weights of shape (..., genes)."""
    start = space.slices[decision].start
    if not space.decisions[decision].binary:
        return weights[..., start + choice]
    return weights[..., start] if choice else 1 - weights[..., start]


class Relaxation:
    """The map from an alpha-vector to one weight per gene.

    K-way decisions are always relaxed by a softmax over their genes (Liu et al. 2018, eq. 2). Gates follow ``name``:
    ``sigmoid``; ``hard-sigmoid``, clamp(alpha/6 + 1/2, 0, 1), without gradient from 3 on in either direction; or
    ``target-softmax``, a softmax over the gates of one target, times a learned scale of that target.

    :param space: the space whose decisions are relaxed.
    :param name: how gates are relaxed.
    :raises ValueError: for an unknown name, or ``target-softmax`` where gates have no target.
    """

    def __init__(self, space: SearchSpace, name: RelaxationName = "sigmoid") -> None:
        if name not in RELAXATIONS:
            raise ValueError(f"there is no relaxation {name!r}; there are {', '.join(RELAXATIONS)}")
        self.name = name
        self.gates = [w.start for d, w in zip(space.decisions, space.slices, strict=True) if d.binary]
        by_width: dict[int, list[int]] = {}
        for decision, where in zip(space.decisions, space.slices, strict=True):
            if not decision.binary:
                by_width.setdefault(decision.genes, []).append(where.start)
        self._choices = [
            torch.tensor([[start + k for k in range(width)] for start in starts])
            for width, starts in by_width.items()
        ]
        self.targets: dict[str, list[int]] = {}
        if name == "target-softmax":
            for decision, where in zip(space.decisions, space.slices, strict=True):
                if decision.binary:
                    self.targets.setdefault(decision.group, []).append(where.start)
            if "" in self.targets:
                raise ValueError(
                    f"target-softmax needs gates with a target; {space.name!r} has gates without a group"
                )

    def __call__(self, genes: Tensor, scales: Tensor | None = None) -> Tensor:
        """Return weights of the genes' shape (..., genes).

        :param scales: one factor per target, for ``target-softmax``.
        """
        weights = genes
        if self.name == "sigmoid" and self.gates:
            weights = torch.sigmoid(genes)
        elif self.name == "hard-sigmoid" and self.gates:
            weights = torch.clamp(genes / 6 + 0.5, 0.0, 1.0)
        elif self.targets:
            assert scales is not None
            weights = genes.clone()
            for number, members in enumerate(self.targets.values()):
                index = torch.tensor(members, device=genes.device)
                part = torch.softmax(genes[..., index], dim=-1) * scales[number]
                weights = weights.index_copy(-1, index, part)
        for places in self._choices:
            index = places.to(genes.device)
            part = torch.softmax(genes[..., index], dim=-1)
            weights = weights.index_copy(-1, index.flatten(), part.flatten(-2))
        return weights
