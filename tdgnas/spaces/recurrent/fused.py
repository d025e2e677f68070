"""The relaxed cell with all that a node may read in one product, instead of term by term."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .operations import ACTIVATIONS


class Fusible(Protocol):
    """What is asked of a space, see :class:`PairSpace`."""

    numbers: range
    first: int
    norm: bool

    def table(self, node: int, weights: Tensor) -> Tensor: ...

    def products(self, ops: Any, node: int, known: Tensor) -> Tensor: ...

    def mean(self, states: Tensor, ends: Tensor) -> Tensor: ...


def fused(
    space: Fusible, ops: Mapping[str, nn.Module] | nn.ModuleDict, value: Tensor, weights: Tensor
) -> Tensor:
    """Return the new states of relaxed cells: what the space's graph gives term by term, up to rounding.

    :param ops: the graph's operations.
    :param value: token and state of each stream, shape (rows * streams, 2 * size).
    :param weights: relaxed weights, shape (rows, genes).
    :returns: shape (rows * streams, size).
    """
    rows = len(weights)
    certain = weights.new_tensor([1.0] + [0.0] * (len(ACTIVATIONS) - 1)).view(-1, 1, 1).expand(-1, 1, rows)
    known, gate, new = (part.unflatten(0, (1, rows, -1)) for part in ops["w0"](value).chunk(3, dim=1))
    states: list[Tensor] = []
    ends = [weights.new_ones(rows) for _ in space.numbers]
    for node in space.numbers:
        if node:
            known = torch.stack(states)
            gate, new = space.products(ops, node, known).chunk(2, dim=-1)
            gate = torch.sigmoid(gate)
        table = certain if node < space.first else space.table(node, weights)
        state = _highways(known, gate, new, table.unsqueeze(-1).unsqueeze(-1))
        if space.norm:
            state = ops[f"norm{node}"](state.flatten(0, 1)).view_as(state)
        states.append(state)
        shares = table.sum(0)
        ends = [own * (1 - shares[each]) if each < node else own for each, own in enumerate(ends)]
    return space.mean(torch.stack(states), torch.stack(ends)).flatten(0, 1)


def _highways(known: Tensor, gate: Tensor, new: Tensor, table: Tensor) -> Tensor:
    """The sum over functions f and sources s of ``s + gate * (f(new) - s)``, each by its weight in the table.

    :param table: shape (functions, sources, rows, 1, 1).
    """
    past = table.sum(0) * known
    shared = [share * function(new) for share, function in zip(table, ACTIVATIONS.values(), strict=True)]
    return (past + gate * (torch.stack(shared).sum(0) - past)).sum(0)
