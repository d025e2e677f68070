"""The stand-alone network of one architecture: a plain module, ready to train or to export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from .nodes import Node
from .ops import Op, make
from .steps import Step


def combine(node: Node, inputs: Sequence[Tensor], post: nn.Module | None) -> Tensor:
    """Join the inputs of a node: sum (in order) or concatenation, then its ``post`` operation; or call that."""
    if node.combine == "call":
        return cast(Tensor, inputs[0] if post is None else post(*inputs))
    if node.combine == "concat":
        value = torch.cat(list(inputs), dim=1)
    else:
        value = inputs[0]
        for other in inputs[1:]:
            value = value + other
    return value if post is None else cast(Tensor, post(value))


def run_steps(
    steps: Sequence[Step],
    nodes: Sequence[Node],
    ops: Mapping[str, nn.Module] | nn.ModuleDict,
    shapes: Mapping[str, tuple[int, ...]],
    images: Tensor,
) -> Tensor:
    """Run the steps of one architecture; gates that are off are skipped, not multiplied by zero.

    :param shapes: per node the shape of one sample, for nodes that nothing feeds: they are zero.
    """
    values = [images]
    for step in steps[1:]:
        if step.op is not None:
            values.append(ops[step.op](values[step.inputs[0]]))
            continue
        node = nodes[step.node]
        inputs = [values[number] for number in step.inputs]
        if not inputs:
            inputs = [images.new_zeros((images.shape[0], *shapes[node.name]))]
        values.append(combine(node, inputs, None if node.post is None else ops[node.post.name]))
    return values[-1]


class GraphNetwork(nn.Module):
    """The network of one architecture; its operations carry the names they have in the graph.

    :param nodes: of the graph.
    :param steps: that compute the architecture.
    :param ops: the operations by name.
    :param shapes: per node the shape of one sample, for nodes that nothing feeds.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        steps: Sequence[Step],
        ops: Mapping[str, Op],
        shapes: Mapping[str, tuple[int, ...]],
    ) -> None:
        super().__init__()
        self.nodes = tuple(nodes)
        self.steps = tuple(steps)
        self.shapes = dict(shapes)
        names = dict.fromkeys(step.operation(self.nodes) for step in self.steps[1:])
        self.ops = nn.ModuleDict({name: make(ops[name]) for name in names if name is not None})

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the output, such as logits of shape (batch, classes), of a batch of inputs."""
        return run_steps(self.steps, self.nodes, self.ops, self.shapes, inputs)
