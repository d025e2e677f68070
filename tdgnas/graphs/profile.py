"""Shapes, parameters and multiply-adds of a graph, read off its operations without computing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor, nn

from ..devices import own_noise
from .network import combine
from .nodes import INPUT, Node
from .ops import OPS, Maker, Op, make
from .steps import Step


@dataclass
class Profile:
    """What the parts of a graph cost, per sample.

    :param shapes: shape of one sample of each node before its ``post`` operation.
    :param values: shape of one sample of each node.
    :param outputs: shape of one sample of what each operation of a term gives.
    :param parameters: parameters of each operation.
    :param macs: multiply-adds of each operation on one sample; convolutions and linear layers count.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    values: dict[str, tuple[int, ...]] = field(default_factory=dict)
    outputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    macs: dict[str, int] = field(default_factory=dict)

    def step_macs(self, step: Step, nodes: Sequence[Node]) -> int:
        """Multiply-adds of one step on one sample."""
        name = step.operation(nodes)
        return 0 if name is None else self.macs[name]


def run_counted(module: nn.Module, *values: Tensor) -> tuple[Tensor, int]:
    """Run a module; return its output and the multiply-adds of its convolutions and linear layers."""
    total = 0

    def count(part: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(part, nn.Linear):
            total += output.numel() * part.in_features
        elif isinstance(part, (nn.Conv1d, nn.Conv2d)):
            total += output.numel() * part.weight[0].numel()

    counted = [part for part in module.modules() if isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Linear))]
    hooks = [part.register_forward_hook(count) for part in counted]
    try:
        output: Tensor = module(*values)
    finally:
        for hook in hooks:
            hook.remove()
    return output, total


@dataclass(frozen=True)
class _Asked:
    """What an operation costs on values of these shapes and types, whatever it is called: one for every graph."""

    op: Op = field(compare=False)
    maker: Maker
    settings: str
    values: tuple[tuple[tuple[int, ...], torch.dtype], ...]


@lru_cache(maxsize=4096)
def _cost(asked: _Asked) -> tuple[Tensor, int, int]:
    """Return the output on ``meta``, the parameters and the multiply-adds."""
    try:
        output, parameters, macs = _run_on("meta", asked)
    except (RuntimeError, NotImplementedError):  # it looks at values, or torch cannot do this without them
        with own_noise(0):
            output, parameters, macs = _run_on("cpu", asked)
    return output.to("meta"), parameters, macs


@torch.no_grad()
def _run_on(device: str, asked: _Asked) -> tuple[Tensor, int, int]:
    with torch.device(device):
        module = make(asked.op).eval().to(device)
        output, macs = run_counted(
            module, *(torch.zeros(shape, dtype=dtype) for shape, dtype in asked.values)
        )
    return output, sum(p.numel() for p in module.parameters()), macs


def profile(nodes: Sequence[Node], input_shape: tuple[int, ...]) -> Profile:
    """Run one sample through every operation of a graph on torch's ``meta`` device and note shapes and costs.

    An operation that looks at the values of its inputs is run on the CPU, on zeros.

    :raises ValueError: when terms of a node that are summed differ in shape, or an operation has two costs.
    """
    found = Profile()

    def run(op: Op, node: Node, *given: Tensor) -> Tensor:
        asked = _Asked(
            op,
            OPS.get(op.kind),
            repr(op.settings),
            tuple((tuple(value.shape), value.dtype) for value in given),
        )
        # A setting that is more than a value, such as a module, may change and is not to be kept.
        plain = all(
            setting is None or isinstance(setting, (str, int, float))
            for setting in dict(op.settings).values()
        )
        output, parameters, macs = _cost(asked) if plain else _cost.__wrapped__(asked)
        found.parameters[op.name] = parameters
        if found.macs.setdefault(op.name, macs) != macs:
            raise ValueError(
                f"operation {op.name!r} has another cost in node {node.name!r} than before; name it apart"
            )
        return output

    with torch.no_grad():
        values = {INPUT: torch.empty((1, *input_shape), device="meta")}
        for node in nodes:
            terms = [] if node.shape is None else [torch.empty((1, *node.shape), device="meta")]
            for term in node.terms:
                value = values[term.source]
                if term.op is not None:
                    value = run(term.op, node, value)
                    found.outputs.setdefault(term.op.name, tuple(value.shape[1:]))
                terms.append(value)
            shapes = {tuple(value.shape) for value in terms}
            if node.combine == "sum" and len(shapes) > 1:
                raise ValueError(f"node {node.name!r} sums values of different shapes: {sorted(shapes)}")
            joined = combine(node, terms[:1] if node.combine == "sum" else terms, None)
            found.shapes[node.name] = tuple(joined.shape[1:])
            given = terms if node.combine == "call" else [joined]
            values[node.name] = joined if node.post is None else run(node.post, node, *given)
            found.values[node.name] = tuple(values[node.name].shape[1:])
    return found
