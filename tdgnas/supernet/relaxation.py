"""From genes to relaxed weights: sigmoid, hard sigmoid, or a softmax over each target's predecessors."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from ..decision import Decisions
from ..graphs import Term
from ..spaces import SearchSpace

RelaxationName = Literal["sigmoid", "hard-sigmoid", "target-softmax"]
RELAXATIONS: tuple[str, ...] = get_args(RelaxationName)


def term_weight(decisions: Decisions, term: Term, weights: Tensor) -> Tensor | None:
    """Weight of a term, shape (...), out of relaxed weights of shape (..., genes); None of one that is always on.

    The product over its conditions of the sum of the weights of the choices under which each holds.
    """
    found: Tensor | None = None
    for condition in term.conditions:
        start, binary = decisions.slices[condition.decision].start, decisions[condition.decision].binary
        parts = [
            (weights[..., start] if choice else 1 - weights[..., start])
            if binary
            else weights[..., start + choice]
            for choice in condition.choices
        ]
        own = sum(parts[1:], parts[0])
        found = own if found is None else found * own
    return found


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
        self.gates: list[int] = []
        self.targets: dict[str, list[int]] = {}
        by_width: dict[int, list[list[int]]] = {}
        for decision, where in zip(space.decisions, space.slices, strict=True):
            if decision.binary:
                self.gates.append(where.start)
                self.targets.setdefault(decision.group, []).append(where.start)
            else:
                by_width.setdefault(decision.genes, []).append(list(range(where.start, where.stop)))
        self._choices = [torch.tensor(places) for places in by_width.values()]
        if name != "target-softmax":
            self.targets = {}
        elif "" in self.targets:
            raise ValueError(
                f"target-softmax needs gates with a target; {space.name!r} has gates without a group"
            )

    @property
    def by_sign(self) -> bool:
        """Whether a gate's weight is above one half just when its gene is positive."""
        return not self.targets

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
