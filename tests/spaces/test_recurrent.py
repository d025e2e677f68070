"""Recurrent cells: the published counts, the equations written out again, and the authors' notation."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import torch
from torch import Tensor

from tdgnas.data import TokenData
from tdgnas.pictures import architecture_figure
from tdgnas.spaces import DartsRnn, EnasRnn, NasRLRnn, PairSpace
from tdgnas.spaces.recurrent import RecurrentNetwork

V1 = "(relu 0) (relu 1) (tanh 2) (relu 3) (relu 4) (identity 1) (relu 5) (relu 1)"
FUNCTIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": lambda value: value,
}


def test_the_published_counts() -> None:
    space = DartsRnn()
    assert math.prod(space.decisions.sizes) == 2_642_411_520
    assert space.length == 36 * 4
    assert EnasRnn().published_size == pytest.approx(8.04e15, rel=1e-3)
    with torch.device("meta"):
        network = space.final_network(space.from_string("DARTS_V1"), size=850)
    assert sum(parameter.numel() for parameter in network.parameters()) == 22_960_000


def looped(
    network: RecurrentNetwork, pairs: tuple[tuple[str, int], ...], tokens: Tensor, pairwise: bool
) -> Tensor:
    """The cell's equations, token by token and stream by stream, with the network's weights."""
    weights = dict(network.named_parameters())
    table, bias = weights["frame.embedding.weight"], weights["frame.decoder.bias"]
    read = {source for _, source in pairs[1:]}
    ends = [node for node in range(len(pairs)) if node not in read] if pairwise else range(1, len(pairs))
    found = []
    for stream in tokens:
        h = torch.zeros(table.shape[1], dtype=table.dtype)
        for token in stream:
            c, g = (weights["ops.w0.linear.weight"] @ torch.cat([table[token], h])).chunk(2)
            states = [h + torch.sigmoid(c) * (FUNCTIONS[pairs[0][0]](g) - h)]
            for node, (name, source) in enumerate(pairs[1:], start=1):
                key = f"w{node}_{source}" if pairwise else f"w{node}"
                c, g = (weights[f"ops.{key}.linear.weight"] @ states[source]).chunk(2)
                states.append(states[source] + torch.sigmoid(c) * (FUNCTIONS[name](g) - states[source]))
            h = sum(states[node] for node in ends) / len(ends)
            found.append(table @ h + bias)
    return torch.stack(found)


@pytest.mark.parametrize("kind", [DartsRnn, EnasRnn])
def test_a_cell_equals_its_equations(kind: type[PairSpace]) -> None:
    space = kind(nodes=5, size=4, norm=False, classes=7)
    architecture = space.sample(random.Random(3))
    plain = {"embedding_dropout": 0.0, "state_dropout": 0.0, "output_dropout": 0.0, "word_dropout": 0.0}
    tokens = torch.randint(7, (2, 6), generator=torch.Generator().manual_seed(0))
    for network in (space.network(architecture), space.final_network(architecture, size=4, **plain)):
        network = network.double()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        own, again = network(tokens), looped(network, space.pairs(architecture), tokens, kind is EnasRnn)
        assert torch.allclose(own, again, atol=1e-12)
        slopes = [
            torch.autograd.grad(each.square().sum(), list(network.parameters())) for each in (own, again)
        ]
        for one, two in zip(*slopes, strict=True):
            assert torch.allclose(one, two, atol=1e-10)


def test_segments_and_single_steps_give_what_the_whole_text_gives() -> None:
    space = DartsRnn(nodes=2, size=4, norm=False, classes=9)
    network = space.network(space.sample(random.Random(0)))
    data = TokenData(torch.randint(9, (23,), generator=torch.Generator().manual_seed(0)), segment=4)
    whole, carried = (
        network(data.tokens[:-1].unsqueeze(0)),
        [network(part) for part, _ in data.in_order(1, slice(None))],
    )
    assert torch.allclose(whole, torch.cat(carried), atol=1e-6)
    state, found = torch.zeros(1, 4), []
    for token in data.tokens[:-1]:
        logits, state = network.step(token.unsqueeze(0), state)
        found.append(logits)
    assert torch.allclose(whole, torch.cat(found), atol=1e-6)


def test_notation_goes_to_and_fro() -> None:
    space, small = DartsRnn(size=8), EnasRnn(nodes=4, size=8)
    for name in ("DARTS_V1", "DARTS_V2"):
        architecture = space.from_string(name)
        assert space.from_string(space.to_string(architecture)) == architecture
    assert space.describe(space.from_string("DARTS_V1")) == V1
    sampled = small.sample(random.Random(1))
    assert small.from_string(small.to_string(sampled)) == sampled
    lines = space.equations(space.from_string("DARTS_V1")).splitlines()
    assert lines[6] == "s6 = s1 + sigmoid(c6) * (g6 - s1),  [c6 g6] = s1 W6"
    assert lines[-1] == "h = (s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8) / 8"
    assert architecture_figure(small, sampled).axes


def test_the_published_cell_of_ENAS() -> None:
    """As numbers in ``scripts/ptb_final.sh`` of its code; DARTS' code has the same cell, its nodes in another order."""
    space = EnasRnn(size=8)
    published = space.from_string("ENAS")
    assert space.to_string(published) == "0 0 0 1 1 2 1 2 0 2 0 5 1 1 0 6 1 8 1 8 1 8 1"
    assert space.from_string(space.to_string(published)) == published
    assert space.ends(published) == (3, 4, 7, 9, 10, 11)
    of_darts = (
        "tanh 0, tanh 0, tanh 1, relu 1, tanh 3, tanh 3, relu 3, relu 4, relu 7, relu 8, relu 8, relu 8"
    )
    other = tuple((name, int(source)) for name, source in map(str.split, of_darts.split(", ")))
    assert tree_of(other) == tree_of(space.pairs(published))
    assert EnasRnn(nodes=3, size=4).pairs(EnasRnn(nodes=3, size=4).from_string("3 0 2 1 1")) == (
        ("sigmoid", 0), ("identity", 0), ("relu", 1),
    )  # fmt: skip


def tree_of(pairs: tuple[tuple[str, int], ...], node: int = 0) -> Any:
    """What a node does, and the same of all that read it, whatever their numbers."""
    readers = [n for n, (_, source) in enumerate(pairs) if n and source == node]
    return pairs[node][0], sorted((tree_of(pairs, each) for each in readers), key=repr)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tanh tanh", "this is no recurrent cell"),
        ("[('tanh', 0)]", "has 1 pairs; the space has 2"),
        ("[('tanh', 0), ('swish', 0)]", "node 2 is .*'swish'"),
        ("[('tanh', 0), ('tanh', 2)]", "node 2 reads 2; it can read 0 to 1"),
    ],
)
def test_notation_of_no_cell_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DartsRnn(nodes=2, size=4).from_string(text)
    with pytest.raises(ValueError, match="such as 0 0 1 1 2"):
        EnasRnn(nodes=2, size=4).from_string("0 0")


def test_dropout_has_one_mask_for_a_segment_and_penalties_are_told() -> None:
    space = DartsRnn(nodes=2, size=30, classes=9)
    options = {"size": 30, "activation_penalty": 1.0, "change_penalty": 1.0}
    network = space.final_network(space.sample(random.Random(0)), **options).train()
    tokens = torch.zeros((1, 6), dtype=torch.int64)
    embedded = network.frame.embed(tokens)
    assert torch.equal(embedded[0], embedded[5])
    assert (embedded == 0).any()
    network(tokens)
    assert network.penalty is not None
    assert network.penalty.requires_grad
    with pytest.raises(ValueError, match="no option 'cells'"):
        space.final_network(space.sample(), cells=3)


def test_the_worked_example_of_a_tree_equals_its_equations() -> None:
    """Zoph, Le 2017, section 3.4: base 2, forward and gradient in double precision."""
    space = NasRLRnn(base=2, size=3, classes=5)
    architecture = space.from_string("add tanh | mul relu | mul sigmoid | add relu 0 1")
    assert space.to_string(architecture) == "add tanh | mul relu | mul sigmoid | add relu 0 1"
    assert space.equations(architecture).splitlines() == [
        "p0 = W1 x + W2 h", "a0 = tanh(p0)", "a0' = relu(a0 + c)", "p1 = (W3 x) * (W4 h)", "a1 = relu(p1)",
        "p2 = a0' * a1", "a2 = sigmoid(p2)", "h = a2", "c = p1",
    ]  # fmt: skip
    network = space.network(architecture).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    weights = dict(network.named_parameters())
    w1, w2, w3, w4 = (
        weights[f"ops.leaf{leaf}.{part}.weight"] for leaf in (0, 1) for part in ("token", "state")
    )
    tokens = torch.randint(5, (1, 6), generator=torch.Generator().manual_seed(0))
    h, c, found = torch.zeros(3).double(), torch.zeros(3).double(), []
    for token in tokens[0]:
        x = weights["frame.embedding.weight"][token]
        before = (w3 @ x) * (w4 @ h)
        a0, a1 = torch.tanh(w1 @ x + w2 @ h), torch.relu(before)
        h, c = torch.sigmoid(torch.relu(a0 + c) * a1), before
        found.append(weights["frame.embedding.weight"] @ h + weights["frame.decoder.bias"])
    again, own = torch.stack(found), network(tokens)
    assert torch.allclose(own, again, atol=1e-12, rtol=0)
    slopes = [torch.autograd.grad(each.square().sum(), list(network.parameters())) for each in (own, again)]
    for one, two in zip(*slopes, strict=True):
        assert torch.allclose(one, two, atol=1e-12, rtol=1e-12)


def test_a_tree_is_drawn_with_its_leaves_and_its_memory() -> None:
    space = NasRLRnn(base=2, size=4)
    drawn = architecture_figure(space, space.from_string("add tanh | mul relu | mul sigmoid | add relu 0 1"))
    told = sorted(text.get_text() for text in drawn.axes[0].texts if text.get_text())
    leaves = ["h(t−1)", "h(t−1)", "x(t)", "x(t)"]
    nodes = ["add\ntanh", "multiply\nrelu", "multiply\nsigmoid", "add\nrelu"]
    assert told == sorted([*leaves, *nodes, "c(t−1)", "c(t)", "before relu", "h(t)", "recurrent cell"])


def test_trees_are_as_many_as_the_paper_says() -> None:
    space = NasRLRnn(size=4)
    assert math.prod(space.decisions.sizes) == space.count == 8**16 * 15**2
    assert 6e16 < space.count < 6.5e16
    assert not space.shares_weights
    with pytest.raises(ValueError, match="base is 3"):
        NasRLRnn(base=3)
    with pytest.raises(ValueError, match="has 34 words"):
        space.from_string("add tanh")
