"""Descriptions of supernets, and the programs that architectures become."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from tdgnas.spaces import INPUT, Decision, Interner, Node, SearchSpace, Term, VGGShortcuts, program
from tdgnas.spaces.nodes import check_nodes

GATE = Decision("gate", ("off", "on"), binary=True)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "at least one node"),
        ([Node("a", ())], "has no terms"),
        ([Node("a", (Term("b"),)), Node("b", (Term(INPUT),))], "reads 'b', which is not an earlier node"),
        ([Node("a", (Term("a"),))], "not an earlier node"),
        ([Node("a", (Term(INPUT),)), Node("a", (Term(INPUT),))], "named twice"),
        ([Node(INPUT, (Term(INPUT),))], "named twice"),
        ([Node("a", (Term(INPUT, "op", decision=3),))], "names decision 3"),
        ([Node("a", (Term(INPUT, "op", decision=0, choice=2),))], "names choice 2"),
        ([Node("a", (Term(INPUT, "op", decision=0),), combine="concat")], "must always be on"),
    ],
)
def test_descriptions_that_cannot_be_computed_are_refused(nodes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_nodes(nodes, [GATE])


class Chain(SearchSpace):
    """image -> a (gated twice) -> dead (never read unless on) -> logits."""

    name = "chain"

    def __init__(self) -> None:
        decisions = [Decision("one", ("none", "conv"), True), Decision("two", ("none", "side"), True)]
        nodes = [
            Node("stem", (Term(INPUT, "stem"),)),
            Node("side", (Term("stem", "side"),)),
            Node("a", (Term("stem", "conv", 0), Term("side", None, 1)), post="relu"),
            Node("logits", (Term("a", "head"),)),
        ]
        super().__init__(decisions, nodes, (1, 4, 4), 2, {})

    def operation(self, name: str) -> nn.Module:
        if name == "head":
            return nn.Sequential(nn.Flatten(), nn.Linear(32, 2))
        return nn.ReLU() if name == "relu" else nn.Conv2d(1 if name == "stem" else 2, 2, 1)


def test_dead_nodes_are_left_out_and_a_node_nobody_feeds_is_zero() -> None:
    space = Chain()
    off = space.program(space.architecture([0, 0]))
    assert [step.op for step in off[1:]] == [None, "head"]
    assert off[1].inputs == ()
    on = space.program(space.architecture([0, 1]))
    assert [step.op for step in on[1:]] == ["stem", "side", None, "head"]
    assert space.parameters(space.architecture([0, 0])) == 66
    assert space.macs(space.architecture([1, 0])) == 2 * 16 + 2 * 2 * 16 + 64
    network = space.network(space.architecture([0, 0]))
    head = network.ops["head"][1]
    expected = head(torch.zeros(3, 32))
    assert torch.equal(network(torch.randn(3, 1, 4, 4)), expected)


def test_equal_values_of_different_architectures_get_one_number_and_requests_count_them_all() -> None:
    space = VGGShortcuts(width=1 / 32)
    rng = random.Random(0)
    first = space.sample(rng)
    second = space.architecture([*first.choices[:-1], 1 - first.choices[-1]])
    interner = Interner(space.nodes)
    one = interner.add(first.choices)
    alone = len(interner) - 1
    assert interner.requests == alone
    assert interner.add(first.choices) == one
    assert len(interner) - 1 == alone
    two = interner.add(second.choices)
    assert two != one
    # The last candidate ends in block 16: its operation, the join and the head are new, all else is shared.
    assert len(interner) - 1 - alone <= 3
    assert interner.requests == alone * 2 + len(program(space.nodes, second.choices)) - 1


def test_every_value_comes_after_what_it_reads() -> None:
    space = VGGShortcuts(width=1 / 32)
    rng = random.Random(1)
    interner = Interner(space.nodes)
    for _ in range(10):
        interner.add(space.sample(rng).choices)
    for number, step in enumerate(interner.steps):
        assert all(read < number for read in step.inputs)


def test_shapes_that_do_not_add_up_are_named() -> None:
    class Crooked(Chain):
        def operation(self, name: str) -> nn.Module:
            return nn.Conv2d(2, 3, 1) if name == "side" else super().operation(name)

    with pytest.raises(ValueError, match="node 'a' sums values of different shapes"):
        _ = Crooked().profile
