"""Parts of a user's module as operations."""

from __future__ import annotations

from collections.abc import Hashable
from copy import deepcopy
from dataclasses import dataclass, field

from torch import fx, nn

from ...graphs import OPS, Op


@dataclass(frozen=True)
class Held:
    """A module inside an operation's settings.

    :param origin: what it was taken from; modules of equal origin under one name are equal operations.
    :param module: what is copied when the operation is made.
    :param own_weights: whether copies keep the module's weights; layers draw fresh ones otherwise.
    """

    origin: Hashable
    module: nn.Module = field(compare=False)
    own_weights: bool = True


@OPS.register("held")
def held(module: Held) -> nn.Module:
    """A copy of a part of a user's module; what :func:`tdgnas.spaces.from_module` makes operations of."""
    made = deepcopy(module.module)
    if not module.own_weights:
        for layer in made.modules():
            # torch's attention and transformers have it with an underscore
            reset = getattr(layer, "reset_parameters", getattr(layer, "_reset_parameters", None))
            if callable(reset):
                reset()
    return made


def operation(place: str, held: Held) -> Op:
    """Return the operation that a module at a place in the model is."""
    return Op(place.replace(".", "/"), "held", {"module": held})


def piece(root: nn.Module, body: list[fx.Node], inputs: list[fx.Node], clone: bool = False) -> nn.Module:
    """Return some nodes of a traced module, the last of which is the value, as a module of these inputs.

    :param clone: whether it works on copies of them, since it changes them in place.
    """
    graph = fx.Graph()
    copies = {node: graph.placeholder(node.name) for node in inputs}
    if clone:
        copies = {node: graph.call_method("clone", (copy,)) for node, copy in copies.items()}
    for node in body:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[body[-1]])
    return fx.GraphModule(root, graph)
