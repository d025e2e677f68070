"""The relaxed forward pass of the supernet, for any number of alpha-vectors at once."""

from __future__ import annotations

from torch import Tensor, nn

from ..graphs import INPUT, Term, combine
from ..spaces import SearchSpace
from .batchnorm import BatchNormState
from .relaxation import term_weight


class RelaxedForward:
    """The relaxed network of every row of a weight matrix, in one pass.

    Values that no gate has touched yet are the same for every row and are computed once; from the first gate on, rows
    are folded into the batch, with BatchNorm statistics of their own.
    """

    def __init__(self, space: SearchSpace, ops: nn.ModuleDict, state: BatchNormState) -> None:
        self.space = space
        self.ops = ops
        self.state = state

    def __call__(self, images: Tensor, weights: Tensor, batch: int | None = None) -> Tensor:
        """Return logits of shape (rows, batch, classes).

        :param images: shape (batch, channels, height, width).
        :param weights: relaxed weights, shape (rows, genes).
        :param batch: images of a row, where every row has its own: ``images`` has (rows * batch, ...).
        """
        rows, batch = weights.shape[0], batch or images.shape[0]
        values = {INPUT: images}
        for node in self.space.graph.nodes:
            terms = [self._term(values[term.source], term, weights, batch) for term in node.terms]
            if node.shape is not None:
                terms = [images.new_zeros((batch, *node.shape))]
            if any(len(value) != len(terms[0]) for value in terms):
                terms = [value if len(value) == rows * batch else _repeat(value, rows) for value in terms]
            post = None if node.post is None else self.ops[node.post.name]
            groups = len(terms[0]) // batch
            with self.state.grouped(groups):
                values[node.name] = combine(node, terms, post)
        logits = values[self.space.graph.output]
        if len(logits) != rows * batch:
            logits = _repeat(logits, rows)
        return logits.reshape(rows, batch, -1)

    def _term(self, value: Tensor, term: Term, weights: Tensor, batch: int) -> Tensor:
        if term.op is not None:
            with self.state.grouped(len(value) // batch):
                value = self.ops[term.op.name](value)
        gate = term_weight(self.space.decisions, term, weights)
        if gate is None:
            return value
        shaped = value.reshape(-1, batch, *value.shape[1:])
        gated = gate.to(value.dtype).reshape(-1, *[1] * (shaped.ndim - 1)) * shaped
        return gated.reshape(-1, *value.shape[1:])


def _repeat(value: Tensor, rows: int) -> Tensor:
    return value.unsqueeze(0).expand(rows, *value.shape).reshape(-1, *value.shape[1:])
