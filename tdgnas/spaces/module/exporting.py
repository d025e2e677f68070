"""Straight code out of what torch.fx cannot follow: torch.export runs it with tensors that have a shape and no values.

Export looks into everything, and writes down in which mode a layer ran. So choices, and modules without choices, are
called through one operator that it does not look into, and stand in the graph as the modules that they are.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree


@dataclass
class Call:
    """A call of a part: where it is in the model, its arguments, the size of the batch, and what it gave."""

    place: str
    arguments: Any
    batch: int
    result: Any


_calls: list[Call] = []


@torch.library.custom_op("tdgnas::part", mutates_args=(), schema="(Tensor[] tensors, int number) -> Tensor[]")
def _part(tensors: Sequence[Tensor], number: int) -> list[Tensor]:
    raise NotImplementedError("stands for a module in a graph and is never run")


@_part.register_fake
def _(tensors: Sequence[Tensor], number: int) -> list[Tensor]:
    call, samples = _calls[number], tensors[0].shape[0]
    return [
        value.new_empty((len(value) // call.batch * samples, *value.shape[1:]))
        if value.ndim and len(value) % call.batch == 0
        else value.new_empty(value.shape)
        for value in _tensors(call.result)
    ]


def exported(
    module: nn.Module, values: Sequence[Tensor], is_part: Callable[[nn.Module], bool]
) -> fx.GraphModule:
    """Return the lines of a module as a graph for any size of the batch.

    :param module: in evaluation mode.
    :param values: its inputs, the batch in their first dimension.
    :param is_part: which submodules are not looked into.
    :raises Exception: whatever torch.export raises, such as for a branch that depends on a tensor's values.
    """
    found = {name: part for name, part in module.named_modules() if name and is_part(part)}
    parts = {
        name: part for name, part in found.items() if not any(name.startswith(f"{one}.") for one in found)
    }
    _calls.clear()
    with _replaced(parts, _recorded):
        module(*values)
    numbers = iter(range(len(_calls)))
    stand_ins = _replaced(
        parts, lambda place, part: lambda *args, **named: _stand_in(next(numbers), (args, named))
    )
    shapes = (tuple({0: torch.export.Dim("batch")} for _ in values),)
    with stand_ins, _silence():
        program = torch.export.export(_Call(module), (tuple(values),), dynamic_shapes=shapes, strict=False)
    made = _with_modules(module, program.module())
    _calls.clear()
    return made


@contextmanager
def _silence() -> Iterator[None]:
    """Export prints all that it did before it raises."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            yield
    finally:
        logging.disable(before)


class _Call(nn.Module):
    """A module called with positional arguments, whatever it names them."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, values: tuple[Tensor, ...]) -> Any:
        """Call it."""
        return self.module(*values)


def _tensors(values: Any) -> list[Tensor]:
    return [value for value in pytree.tree_leaves(values) if isinstance(value, Tensor)]


def _filled(tree: Any, tensors: Sequence[Any]) -> Any:
    """Return a structure with others in the places of its tensors."""
    left = iter(tensors)
    return pytree.tree_map(lambda value: next(left) if isinstance(value, Tensor) else value, tree)


def _recorded(place: str, part: nn.Module) -> Callable[..., Any]:
    run = part.forward

    def forward(*args: Any, **named: Any) -> Any:
        result = run(*args, **named)
        _calls.append(Call(place, (args, named), len(_tensors((args, named))[0]), result))
        return result

    return forward


def _stand_in(number: int, arguments: Any) -> Any:
    return _filled(_calls[number].result, torch.ops.tdgnas.part(_tensors(arguments), number))


@contextmanager
def _replaced(
    parts: dict[str, nn.Module], forward: Callable[[str, nn.Module], Callable[..., Any]]
) -> Iterator[None]:
    for name, part in parts.items():
        part.forward = forward(name, part)
    try:
        yield
    finally:
        for part in parts.values():
            del part.forward


def _with_modules(module: nn.Module, program: fx.GraphModule) -> fx.GraphModule:
    """Return an exported program with the modules that the calls stand for."""
    graph, held = fx.Graph(), dict[str, Any]()
    copies: dict[fx.Node, Any] = {}
    for node in program.graph.nodes:
        if node.op == "output":
            (results,) = node.args
            graph.output(copies[results[0]] if len(results) == 1 else [copies.get(each) for each in results])
        elif node.op == "get_attr":
            place = node.target.removeprefix("module.")
            held[place] = operator.attrgetter(node.target)(program)
            copies[node] = graph.get_attr(place)
        elif node.target is torch.ops.tdgnas.part.default:
            call = _calls[node.args[1]]
            args, named = _filled(call.arguments, [copies[each] for each in node.args[0]])
            held[call.place] = module.get_submodule(call.place)
            value = graph.call_module(call.place, args, named)
            copies[node] = _taken_apart(graph, value, call.result)
        elif node.target is operator.getitem and isinstance(copies.get(node.args[0]), list):
            copies[node] = copies[node.args[0]][node.args[1]]
        elif node.target != "_guards_fn":  # what export found out about shapes, not a line of the module
            copies[node] = graph.node_copy(node, copies.__getitem__)
    return fx.GraphModule(held, graph)


def _taken_apart(graph: fx.Graph, value: fx.Node, result: Any) -> list[fx.Node]:
    """Return the tensors of a call's result."""
    if isinstance(result, Tensor):
        return [value]
    keys = list(result) if isinstance(result, dict) else range(len(result))
    return [
        graph.call_function(operator.getitem, (value, key)) for key in keys if isinstance(result[key], Tensor)
    ]
