"""Descriptions of supernets, and the programs that architectures become."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from tdgnas.graphs import INPUT, OPS, Graph, Interner, Node, Op, Term, on
from tdgnas.spaces import Decision, SearchSpace, VGGShortcuts

RELU = Op("relu", "relu")
OPS.register("tests-flat-head")(lambda: nn.Sequential(nn.Flatten(), nn.Linear(32, 2)))
GATE = Decision("gate", ("off", "on"), binary=True)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "at least one node"),
        ([Node("a", ())], "has no terms"),
        ([Node("a", (Term("b"),)), Node("b", (Term(INPUT),))], "reads 'b', which is not an earlier node"),
        ([Node("a", (Term("c"),))], "reads 'c', but no node is called so"),
        ([Node("a", (Term("a"),))], "a cycle: a reads a"),
        ([Node("a", (Term("b"),)), Node("b", (Term("a"),))], "a cycle: a reads b reads a"),
        ([Node("a", (Term(INPUT),)), Node("a", (Term(INPUT),))], "named twice"),
        ([Node(INPUT, (Term(INPUT),))], "named twice"),
        ([Node("a", (Term(INPUT, RELU, on(3)),))], "names decision 3"),
        ([Node("a", (Term(INPUT, RELU, on(0, 2)),))], "names choice 2"),
        ([Node("a", (Term(INPUT, RELU, (on(0, 0), on(0, 1))),))], "names a decision twice in one term"),
        ([Node("a", (Term(INPUT, RELU, on(0)),), combine="concat")], "must always be on"),
        ([Node("a", (Term(INPUT),)), Node("b", (Term(INPUT, RELU),))], "nothing can read node 'a'"),
        ([Node("a", (Term(INPUT, RELU), Term(INPUT, Op("relu", "stem"))))], "has this name already"),
    ],
)
def test_descriptions_that_cannot_be_computed_are_refused(nodes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Graph(nodes, (1, 4, 4), [GATE])


class Chain(SearchSpace):
    """image -> a (gated twice) -> dead (never read unless on) -> logits."""

    name = "chain"
    side = 2

    def __init__(self) -> None:
        decisions = [Decision("one", ("none", "conv"), True), Decision("two", ("none", "side"), True)]
        nodes = [
            Node("stem", (Term(INPUT, pointwise("stem", 1)),)),
            Node("side", (Term("stem", pointwise("side", 2, self.side)),)),
            Node("a", (Term("stem", pointwise("conv", 2), on(0)), Term("side", None, on(1))), RELU),
            Node("logits", (Term("a", Op("head", "tests-flat-head")),)),
        ]
        super().__init__(decisions, nodes, (1, 4, 4), 2, {})


def pointwise(name: str, channels_in: int, channels_out: int = 2) -> Op:
    return Op(name, "conv", {"channels_in": channels_in, "channels_out": channels_out})


def test_dead_nodes_are_left_out_and_a_node_nobody_feeds_is_zero() -> None:
    space = Chain()
    off = space.graph.steps((0, 0))
    assert [step.op for step in off[1:]] == [None, "head"]
    assert off[1].inputs == ()
    on = space.graph.steps((0, 1))
    assert [step.op for step in on[1:]] == ["stem", "side", None, "head"]
    assert space.parameters(space.architecture([0, 0])) == 66
    assert space.macs(space.architecture([1, 0])) == 2 * 16 + 2 * 2 * 16 + 64
    network = space.network(space.architecture([0, 0]))
    head = network.ops["head"][1]
    expected = head(torch.zeros(3, 32))
    assert torch.equal(network(torch.randn(3, 1, 4, 4)), expected)


def test_equal_values_of_different_architectures_get_one_number() -> None:
    space = VGGShortcuts(width=1 / 32)
    rng = random.Random(0)
    first = space.sample(rng)
    second = space.architecture([*first.choices[:-1], 1 - first.choices[-1]])
    interner = Interner(space.graph.nodes)
    one, own = interner.trace(first.choices)
    alone = len(interner) - 1
    assert len(own) == alone
    assert interner.trace(first.choices)[0] == one
    assert len(interner) - 1 == alone
    two, others = interner.trace(second.choices)
    assert two != one
    # The last candidate ends in block 16: its operation, the join and the head are new, all else is shared.
    assert len(interner) - 1 - alone <= 3
    assert len(others) == len(space.graph.steps(second.choices)) - 1


def test_every_value_comes_after_what_it_reads() -> None:
    space = VGGShortcuts(width=1 / 32)
    rng = random.Random(1)
    interner = Interner(space.graph.nodes)
    for _ in range(10):
        interner.trace(space.sample(rng).choices)[0]
    for number, step in enumerate(interner.steps):
        assert all(read < number for read in step.inputs)


def test_shapes_that_do_not_add_up_are_named() -> None:
    class Crooked(Chain):
        side = 3

    with pytest.raises(ValueError, match="node 'a' sums values of different shapes"):
        _ = Crooked().graph.profile
