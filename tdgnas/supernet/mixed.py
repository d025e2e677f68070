"""The relaxed network of one alpha-vector, computed with as few passes over memory as its meaning allows.

The same values as :class:`RelaxedForward` gives for one row, up to rounding. What is saved: the same operation on the
same value is computed once, whatever number of edges reads it; one ReLU serves all operations that begin with it; the
relaxed weight of an operation that ends in BatchNorm without a scale of its own becomes that scale.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..devices import channels_last
from ..graphs import INPUT, Node, Term, combine
from ..spaces import SearchSpace
from .batchnorm import BatchNormState, NodeBatchNorm
from .relaxation import term_weight


class MixedForward:
    """One pass through the relaxed network, or through one sampled path of it.

    :param space: what can be searched.
    :param ops: the supernet's operations.
    :param state: the supernet's BatchNorm state.
    """

    def __init__(self, space: SearchSpace, ops: nn.ModuleDict, state: BatchNormState) -> None:
        self.space = space
        self.ops = ops
        self.state = state
        self._layers = {name: _flat(op) for name, op in ops.items()}
        self._channels_last = channels_last_is_safe(ops)
        nodes = space.graph.nodes
        uses = Counter(
            (term.source, term.op.name) for node in nodes for term in node.terms if term.op is not None
        )
        self._shared = {key for key, count in uses.items() if count > 1}
        last = {term.source: number for number, node in enumerate(nodes) for term in node.terms}
        self._done: list[list[str]] = [[] for _ in nodes]
        for name, number in last.items():
            self._done[number].append(name)

    def __call__(self, images: Tensor, weights: Tensor, choices: Sequence[int] | None = None) -> Tensor:
        """Return logits of shape (batch, classes).

        :param images: shape (batch, channels, height, width).
        :param weights: relaxed weights, shape (genes,).
        :param choices: compute only the terms of these choices, each times its weight; all terms when None.
        """
        if images.device.type == "cpu" and self._channels_last:
            images = channels_last(images)
        run = _Pass(self, {INPUT: images}, weights, choices)
        for node, done in zip(self.space.graph.nodes, self._done, strict=True):
            run.values[node.name] = run.node(node)
            for name in done:  # what nobody reads any more need not be kept
                run.forget(name)
        return run.values[self.space.graph.output]


def channels_last_is_safe(module: nn.Module) -> bool:
    """Whether a backward pass on the CPU may lay a module's images out with the channels last.

    oneDNN's gradient of a strided 1x1 convolution writes past its workspace in that layout when there are fewer input
    channels than its block holds (https://github.com/uxlfoundation/oneDNN/issues/6035): 8 with AVX2, 16 with AVX-512.
    """
    block = 8 if torch.backends.cpu.get_cpu_capability() == "AVX2" else 16
    return not any(
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (1, 1)
        and layer.stride != (1, 1)
        and layer.in_channels // layer.groups < block
        for layer in module.modules()
    )


@dataclass
class _Pass:
    """What one pass has computed so far."""

    owner: MixedForward
    values: dict[str, Tensor]
    weights: Tensor
    choices: Sequence[int] | None
    outputs: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    rectified: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batch = len(self.values[INPUT])

    def forget(self, name: str) -> None:
        """Drop a value and what was kept of it."""
        del self.values[name]
        self.rectified.pop(name, None)
        for key in [key for key in self.outputs if key[0] == name]:
            del self.outputs[key]

    def node(self, node: Node) -> Tensor:
        """Compute a node."""
        owner = self.owner
        post = None if node.post is None else owner.ops[node.post.name]
        on = [term for term in node.terms if self.choices is None or term.is_on(self.choices)]
        if not on:
            shape = owner.space.graph.profile.shapes[node.name]
            return combine(node, [self.weights.new_zeros((self.batch, *shape))], post)
        terms = [self.term(term) for term in on]
        if node.combine == "sum" and len(terms) > 2:
            total = terms[0] + terms[1]
            for other in terms[2:]:
                total += other  # in place: nobody else has seen the sum yet
            terms = [total]
        return combine(node, terms, post)

    def term(self, term: Term) -> Tensor:
        """Compute a term, times its relaxed weight where decisions switch it."""
        gate = term_weight(self.owner.space.decisions, term, self.weights)
        if term.op is None:
            value = self.values[term.source]
        elif (key := (term.source, term.op.name)) in self.owner._shared:
            if key not in self.outputs:
                self.outputs[key] = self.operation(term.op.name, term.source, None)
            value = self.outputs[key]
        else:
            return self.operation(term.op.name, term.source, gate)
        return value if gate is None else gate * value

    def operation(self, name: str, source: str, gate: Tensor | None) -> Tensor:
        """Apply an operation, times ``gate``."""
        value, layers = self.values[source], self.owner._layers[name]
        if type(layers[0]) is nn.ReLU:
            if source not in self.rectified:
                self.rectified[source] = torch.relu(value)
            value, layers = self.rectified[source], layers[1:]
        by_batch = self.owner.state.policy in ("train", "batch") and self.owner.state.groups == 1
        scaled = (
            gate is not None
            and by_batch
            and isinstance(norm := layers[-1] if layers else None, NodeBatchNorm)
            and not norm.affine
        )
        for layer in layers[:-1] if scaled else layers:
            value = layer(value)
        if gate is None:
            return value
        return self.normalise(layers[-1], value, gate) if scaled else gate * value

    def normalise(self, norm: nn.Module, value: Tensor, gate: Tensor) -> Tensor:
        """BatchNorm by the batch, with the relaxed weight as its scale."""
        assert isinstance(norm, NodeBatchNorm)
        # A real copy per channel: given one value expanded to all, torch computes wrong gradients without a word.
        scale = gate.to(value.dtype).repeat(norm.num_features)
        if self.owner.state.policy == "train":
            return norm.learn(value, scale, None)
        return F.batch_norm(value, None, None, scale, None, True, 0.0, norm.eps)


def _flat(module: nn.Module) -> tuple[nn.Module, ...]:
    if isinstance(module, nn.Sequential):
        return tuple(layer for child in module for layer in _flat(child))
    return (module,)
