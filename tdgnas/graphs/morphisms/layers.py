"""Morphisms that add layers, ways and larger kernels, and the pruning of a layer.

Sources: Chen, Goodfellow, Shlens 2016, *Net2Net*; Wei, Wang, Rui, Chen 2016, *Network Morphism*; Elsken, Metzen, Hutter
2017, *Simple and Efficient Architecture Search for Convolutional Neural Networks*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from ..graph import Graph, needed_only
from ..nodes import INPUT, Node, Term
from ..ops import Op
from .parts import (
    Grown,
    State,
    changed,
    fresh,
    key,
    network,
    new_name,
    node_of,
    op_of,
    parts,
    refuse,
    rereading,
    with_ops,
)

MOST = 7
"""Largest kernel that a morphism makes."""


@lru_cache(maxsize=64)
def _not_negative(graph: Graph) -> dict[str, bool]:
    """Of every value, whether it cannot be below 0, so that another ReLU changes nothing."""

    def after(op: Op | None, before: bool) -> bool:
        if op is None:
            return before
        found = parts(op)
        return found is not None and found.not_negative(before)

    found = {INPUT: False}
    for node in graph.nodes:
        joined = node.combine != "call" and all(after(term.op, found[term.source]) for term in node.terms)
        found[node.name] = after(node.post, joined) if node.combine != "call" else False
    return found


def _values(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Shape of every value."""
    return {INPUT: graph.input_shape, **graph.profile.values}


def _users(graph: Graph, op: Op) -> list[tuple[Node, Term | None]]:
    """Where an operation is used; None for the term where it comes after a node is joined."""
    found: list[tuple[Node, Term | None]] = []
    for node in graph.nodes:
        found += [(node, term) for term in node.terms if term.op == op]
        found += [(node, None)] if node.post == op else []
    return found


def _inserted(graph: Graph, place: int, node: Node, instead_of: str) -> tuple[Node, ...]:
    """Nodes with one more at a place; those after it read it instead of another."""
    return (*graph.nodes[:place], node, *rereading(graph.nodes[place:], instead_of, node.name))


# deeper -----------------------------------------------------------------------------------------------------------


def why_not_deeper(graph: Graph, at: str) -> str:
    """Say why no layer can be put after a node; nothing where one can."""
    place, _ = node_of(graph, at)
    if place + 1 == len(graph.nodes):
        return f"node {at!r} is the output, and there is no place to deepen after it"
    if len(_values(graph)[at]) != 3:
        return f"node {at!r} gives no images, so there is no place for a convolution after it"
    if not _not_negative(graph)[at]:
        return f"node {at!r} can give values below 0, which a layer that ends in a ReLU would cut off"
    return ""


def deepen(graph: Graph, at: str, kernel: int = 3, *, images: Tensor | None = None) -> Grown:
    """Put a convolution, BatchNorm and ReLU after a node: the convolution is the identity, and so is the BatchNorm.

    BatchNorm has weight sqrt(var + eps) and bias mean of its statistics. Without images these are 0 and 1: exact in
    evaluation mode, but training begins with a step, since batches have other statistics.

    :param graph: a fixed graph.
    :param at: name of a node whose values are not below 0, such as after a ReLU.
    :param kernel: height and width of the convolution, odd.
    :param images: shape (batch, ...); what passes there is measured on them, one forward pass.
    :raises ValueError: where there is no place for a layer, or for an even kernel.
    """
    if kernel % 2 == 0 or kernel < 1:
        raise ValueError(f"kernel is {kernel}; it must be odd, so that the identity has a middle")
    refuse(why_not_deeper(graph, at))
    place, _ = node_of(graph, at)
    count, name = _values(graph)[at][0], new_name(graph, "deep")
    op = Op(name, "conv-norm-relu", {"channels_in": count, "channels_out": count, "kernel": kernel})
    made = Graph(_inserted(graph, place + 1, Node(name, (Term(at, op),)), at), graph.input_shape)

    @torch.no_grad()
    def carry(state: Mapping[str, Tensor]) -> State:
        like = next(iter(state.values()))
        own = {name: tensor.to(like.device) for name, tensor in fresh(op).items()}
        torch.nn.init.dirac_(own[key(op, "0", "weight")])
        grown = {**state, **own}
        mean, var = own[key(op, "1", "running_mean")], own[key(op, "1", "running_var")]
        if images is not None:
            seen = _entering(made, grown, name, images)
            mean.copy_(seen.mean((0, 2, 3)))
            var.copy_(seen.var((0, 2, 3), correction=0))
        own[key(op, "1", "weight")].copy_((var + 1e-5).sqrt())
        own[key(op, "1", "bias")].copy_(mean)
        return grown

    return Grown(made, carry)


def _entering(graph: Graph, state: State, op: str, images: Tensor) -> Tensor:
    """What an operation is given, for these images."""
    seen: list[Tensor] = []
    net = network(graph, state).to(images.device).eval()
    net.ops[op].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(images)
    return seen[0]


# larger kernel ----------------------------------------------------------------------------------------------------


def why_no_larger_kernel(graph: Graph, at: str) -> str:
    """Say why the kernel of an operation cannot be larger; nothing where it can."""
    op = op_of(graph, at)
    found, kernel = parts(op), dict(op.settings).get("kernel")
    if found is None or not found.convolves or not isinstance(kernel, (int, tuple)):
        return f"the operation {at!r} is no convolution with a kernel among its settings"
    if max((kernel, kernel) if isinstance(kernel, int) else kernel) + 2 > MOST:
        return f"the kernel of {at!r} is {kernel}, and none is made larger than {MOST}"
    return ""


def enlarge_kernel(graph: Graph, at: str) -> Grown:
    """Make the kernel of a convolution larger by 2 in height and width, with zeros around it.

    :param graph: a fixed graph.
    :param at: name of an operation with one convolution and a setting ``kernel``.
    :raises ValueError: where there is none, or it would be larger than 7.
    """
    refuse(why_no_larger_kernel(graph, at))
    op = op_of(graph, at)
    found, kernel = parts(op), dict(op.settings)["kernel"]
    assert found is not None
    assert found.mixing is not None
    larger = kernel + 2 if isinstance(kernel, int) else tuple(side + 2 for side in kernel)
    weight = key(op, found.layers[found.mixing][0], "weight")

    def carry(state: Mapping[str, Tensor]) -> State:
        return {**state, weight: F.pad(state[weight].detach(), (1, 1, 1, 1))}

    return Grown(Graph(with_ops(graph.nodes, {at: changed(op, kernel=larger)}), graph.input_shape), carry)


# further ways -----------------------------------------------------------------------------------------------------


def why_no_skip(graph: Graph, at: tuple[str, str]) -> str:
    """Say why a source cannot be added to a node; nothing where it can."""
    source, target = at
    place, node = node_of(graph, target)
    why = _why_no_way(graph, source, place, node)
    if why or node.combine != "sum":
        return why or f"node {target!r} does not sum what it reads; concatenate {source!r} to it instead"
    there, here = _values(graph)[source], graph.profile.shapes[target]
    if len(there) != 3 or len(here) != 3 or _stride(there, here) is None:
        return f"what {source!r} gives, {there}, cannot become the sum in {target!r}, {here}: the images do not fit"
    return ""


def _why_no_way(graph: Graph, source: str, place: int, node: Node) -> str:
    if source != INPUT and node_of(graph, source)[0] >= place:
        return f"{source!r} does not come before {node.name!r}"
    if any(term.source == source for term in node.terms):
        return f"node {node.name!r} reads {source!r} already"
    return ""


def _stride(there: tuple[int, ...], here: tuple[int, ...]) -> int | None:
    """By what a 1x1 convolution gets from one size of image to the other."""
    stride = -(-there[1] // here[1])
    return (
        stride
        if all(-(-old // stride) == new for old, new in zip(there[1:], here[1:], strict=True))
        else None
    )


def add_skip(graph: Graph, at: tuple[str, str]) -> Grown:
    """Let a node sum an earlier value too, through a 1x1 convolution whose weights are 0.

    :param graph: a fixed graph.
    :param at: names of the source, ``input`` among them, and of the node that sums.
    :raises ValueError: where the source does not come before, is read there already, the images do not fit, or the node
        does not sum.
    """
    refuse(why_no_skip(graph, at))
    source, (place, node) = at[0], node_of(graph, at[1])
    there, here = _values(graph)[source], graph.profile.shapes[node.name]
    sizes = {"channels_in": there[0], "channels_out": here[0], "stride": _stride(there, here)}
    op = Op(new_name(graph, "skip"), "conv", sizes)
    added = replace(node, terms=(*node.terms, Term(source, op)))
    nodes = (*graph.nodes[:place], added, *graph.nodes[place + 1 :])

    def carry(state: Mapping[str, Tensor]) -> State:
        like = next(iter(state.values()))
        return {
            **state,
            **{name: torch.zeros_like(one, device=like.device) for name, one in fresh(op).items()},
        }

    return Grown(Graph(nodes, graph.input_shape), carry)


def why_no_concat(graph: Graph, at: tuple[str, str]) -> str:
    """Say why a source cannot be concatenated to a node's value; nothing where it can."""
    source, target = at
    place, node = node_of(graph, target)
    if why := _why_no_way(graph, source, place, node):
        return why
    there, here = _values(graph)[source], _values(graph)[target]
    if len(there) != 3 or there[1:] != here[1:]:
        return f"{source!r} gives {there} and {target!r} {here}; only images of one size are concatenated"
    readers = [(one, term) for one in graph.nodes for term in one.terms if term.source == target]
    if not readers:
        return f"node {target!r} is the output, which nobody reads"
    for one, term in readers:
        found = None if term.op is None else parts(term.op)
        if found is None or found.mixing is None or found.norms(after=False):
            return f"node {one.name!r} reads {target!r}, and not by a convolution or linear layer that could take more"
        if term.op is not None and any(
            other is None or other.source != target for _, other in _users(graph, term.op)
        ):
            return f"the operation {term.op.name!r} reads another value as well, which would have to grow with it"
    return ""


def add_concat(graph: Graph, at: tuple[str, str]) -> Grown:
    """Concatenate an earlier value to that of a node: whatever reads it gets more channels, with weights of 0.

    :param graph: a fixed graph.
    :param at: names of the source, ``input`` among them, and of the node.
    :raises ValueError: where the source does not come before, sizes differ, or a reader cannot take more channels.
    """
    refuse(why_no_concat(graph, at))
    source, (place, node) = at[0], node_of(graph, at[1])
    more = _values(graph)[source][0]
    joined = Node(new_name(graph, "joined"), (Term(node.name), Term(source)), combine="concat")
    grown, weights = {}, []
    for one in graph.nodes:
        for term in one.terms:
            if term.source == node.name and term.op is not None and term.op.name not in grown:
                found = parts(term.op)
                assert found is not None
                assert found.mixing is not None
                name = "channels_in" if found.convolves else "channels"
                grown[term.op.name] = changed(term.op, **{name: dict(term.op.settings)[name] + more})
                weights.append(key(term.op, found.layers[found.mixing][0], "weight"))
    rewired = _inserted(graph, place + 1, joined, node.name)

    def carry(state: Mapping[str, Tensor]) -> State:
        made = dict(state)
        for name in weights:
            old = state[name].detach()
            made[name] = torch.cat([old, old.new_zeros(old.shape[0], more, *old.shape[2:])], dim=1)
        return made

    return Grown(Graph(with_ops(rewired, grown), graph.input_shape), carry)


def why_no_branch(graph: Graph, at: str) -> str:
    """Say why an operation cannot be doubled; nothing where it can."""
    op = op_of(graph, at)
    found, users = parts(op), _users(graph, op)
    if found is None or not found.convolves:
        return f"the operation {at!r} is no single convolution, so its output cannot be shared between two"
    if len(users) > 1 or users[0][1] is None or users[0][0].combine != "sum":
        return f"the operation {at!r} is not one summand of one node, where another could be added"
    return "" if _scaled(op, fresh_names(op)) else f"BatchNorm in {at!r} has no weights that could be scaled"


def fresh_names(op: Op) -> list[str]:
    """Names of the tensors of an operation in a network's state."""
    found = parts(op)
    assert found is not None
    return [key(op, layer, name) for layer, module in found.layers for name in module.state_dict()]


def _scaled(op: Op, names: list[str]) -> list[str]:
    """The tensors that an operation's output is proportional to: of its last layer with weights."""
    found = parts(op)
    assert found is not None
    assert found.mixing is not None
    last = (found.norms(after=True) or [found.layers[found.mixing][0]])[-1]
    return [name for tensor in ("weight", "bias") if (name := key(op, last, tensor)) in names]


def branch(graph: Graph, at: str, share: float = 0.25) -> Grown:
    """Double an operation: its copy runs beside it, and the two share the output.

    A convex sum: what comes out is (1 - share) of the old one and share of the new one, whose last weights are scaled.

    :param graph: a fixed graph.
    :param at: name of an operation with one convolution that is a summand of one node.
    :param share: of the new one, between 0 and 1; of equal shares both would learn alike.
    :raises ValueError: where there is no such operation, or for a share out of range.
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; expected a number between 0 and 1")
    refuse(why_no_branch(graph, at))
    op = op_of(graph, at)
    ((node, term),) = _users(graph, op)
    assert term is not None
    twin = replace(op, name=new_name(graph, "branch"))
    place, _ = node_of(graph, node.name)
    both = replace(node, terms=(*node.terms, Term(term.source, twin)))
    nodes = (*graph.nodes[:place], both, *graph.nodes[place + 1 :])
    names, scaled = fresh_names(op), set(_scaled(op, fresh_names(op)))

    def carry(state: Mapping[str, Tensor]) -> State:
        made = dict(state)
        for name in names:
            old, new = state[name].detach(), name.replace(f"ops.{op.name}", f"ops.{twin.name}", 1)
            made[name] = old * (1 - share) if name in scaled else old
            made[new] = old * share if name in scaled else old.clone()
        return made

    return Grown(Graph(nodes, graph.input_shape), carry)


# pruning ----------------------------------------------------------------------------------------------------------


def why_not_removed(graph: Graph, at: str) -> str:
    """Say why a node cannot be left out; nothing where it can."""
    place, node = node_of(graph, at)
    if place + 1 == len(graph.nodes):
        return f"node {at!r} is the output, which has to stay"
    if len(node.terms) != 1 or (node.post is None and node.terms[0].op is None):
        return f"node {at!r} is no layer: it reads {len(node.terms)} values or does nothing"
    there, here = _values(graph)[node.terms[0].source], _values(graph)[at]
    if there != here:
        return f"node {at!r} makes {here} of {there}, so what reads it cannot read its source instead"
    return ""


def remove(graph: Graph, at: str) -> Grown:
    """Leave a layer out: whatever reads it reads its source instead. Not preserving.

    :param graph: a fixed graph.
    :param at: name of a node that reads one value and gives one of the same shape.
    :raises ValueError: where there is none.
    """
    refuse(why_not_removed(graph, at))
    _, node = node_of(graph, at)
    rewired = rereading([one for one in graph.nodes if one.name != at], at, node.terms[0].source)
    made = Graph(needed_only(rewired), graph.input_shape)

    def carry(state: Mapping[str, Tensor]) -> State:
        return {name: tensor for name, tensor in state.items() if name.split(".")[1] in made.ops}

    return Grown(made, carry)
