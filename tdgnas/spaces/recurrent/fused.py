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

    def genes_of(self, decision: str) -> slice: ...

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
    state, gate, new = (part.unflatten(0, (rows, -1)) for part in ops["w0"](value).chunk(3, dim=1))
    states = [_highway(state, gate, new, _functions(space, 0, weights))]
    ends = [weights.new_ones(rows) for _ in space.numbers]
    for node in space.numbers[1:]:
        known = torch.stack(states)
        gate, new = space.products(ops, node, known).chunk(2, dim=-1)
        found = _highway(known, torch.sigmoid(gate), new, _functions(space, node, weights))
        shares = weights[:, space.genes_of(f"from{node}")] if node > 1 else weights.new_ones(rows, 1)
        state = torch.einsum("ri,irbh->rbh", shares, found)
        if space.norm:
            state = ops[f"norm{node}"](state.flatten(0, 1)).view_as(state)
        states.append(state)
        ends = [own * (1 - shares[:, each]) if each < node else own for each, own in enumerate(ends)]
    return space.mean(torch.stack(states), torch.stack(ends)).flatten(0, 1)


def _functions(space: Fusible, node: int, weights: Tensor) -> Tensor:
    """Weights of a node's activations, shape (activations, rows, 1, 1)."""
    if node < space.first:
        own = weights.new_tensor([1.0] + [0.0] * (len(ACTIVATIONS) - 1)).expand(len(weights), -1)
    else:
        own = weights[:, space.genes_of(f"f{node}")]
    return own.t().unsqueeze(-1).unsqueeze(-1)


def _highway(state: Tensor, gate: Tensor, new: Tensor, shares: Tensor) -> Tensor:
    """The weighted sum over the activations of ``s + sigmoid(c) * (f(g) - s)``."""
    past = shares.sum(0) * state
    shared = [share * function(new) for share, function in zip(shares, ACTIVATIONS.values(), strict=True)]
    return past + gate * (torch.stack(shared).sum(0) - past)
