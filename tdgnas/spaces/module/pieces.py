"""Parts of a user's module as operations."""

from __future__ import annotations

from copy import deepcopy

from torch import fx, nn

from ...graphs import OPS, Op


class Held:
    """A module inside an operation's settings; equal to itself only.

    :param module: what is copied when the operation is made.
    :param own_weights: whether copies keep the module's weights; layers draw fresh ones otherwise.
    """

    def __init__(self, module: nn.Module, own_weights: bool) -> None:
        self.module, self.own_weights = module, own_weights

    def __repr__(self) -> str:
        return type(self.module).__name__


@OPS.register("held")
def held(module: Held) -> nn.Module:
    """A copy of a part of a user's module; what :func:`tdgnas.spaces.from_module` makes operations of."""
    made = deepcopy(module.module)
    if not module.own_weights:
        for layer in made.modules():
            if callable(reset := getattr(layer, "reset_parameters", None)):
                reset()
    return made


def operation(place: str, module: nn.Module, own_weights: bool) -> Op:
    """Return the operation that a module at a place in the model is."""
    return Op(place.replace(".", "/"), "held", {"module": Held(module, own_weights)})


def piece(root: nn.Module, body: list[fx.Node], inputs: list[fx.Node]) -> nn.Module:
    """Return some nodes of a traced module, the last of which is the value, as a module of these inputs."""
    graph = fx.Graph()
    copies = {node: graph.placeholder(node.name) for node in inputs}
    for node in body:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[body[-1]])
    return fx.GraphModule(root, graph)
