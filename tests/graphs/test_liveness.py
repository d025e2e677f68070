"""Which choices matter: against a naive reading of random conditional graphs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tdgnas.decision import Decision, Decisions
from tdgnas.graphs import INPUT, OPS, Condition, Graph, Node, Op, Term, on
from tdgnas.spaces import DartsCells, NASBench201, VGGShortcuts


@OPS.register("tests-affine")
class Affine(nn.Module):
    """a x + b: no two graphs of such operations give the same by accident."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x: Tensor) -> Tensor:
        return self.a * x + self.b


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to five nodes under up to four decisions, terms with up to two conditions; all nodes are read."""
    sizes = draw(st.lists(st.integers(2, 3), min_size=1, max_size=4))
    decisions = [Decision(str(place), tuple("abc"[:size])) for place, size in enumerate(sizes)]
    count = draw(st.integers(1, 4))
    numbers = itertools.count(2)

    def op() -> Op | None:
        number = next(numbers)
        made = Op(f"op{number}", "tests-affine", {"a": number, "b": number * number + 1})
        return draw(st.sampled_from([None, made]))

    def when() -> tuple[Condition, ...]:
        named = draw(st.lists(st.integers(0, len(sizes) - 1), max_size=2, unique=True))
        return tuple(
            on(each, *sorted(draw(st.sets(st.integers(0, sizes[each] - 1), min_size=1)))) for each in named
        )

    names = [f"n{place}" for place in range(count)]
    nodes: list[Node] = []
    for place, name in enumerate(names):
        sources = draw(st.lists(st.sampled_from([INPUT, *names[:place]]), min_size=1, max_size=3))
        terms = tuple(Term(source, op(), when()) for source in sources)
        nodes.append(Node(name, terms, op()))
    read = {term.source for node in nodes for term in node.terms}
    last = [Term(name, op(), when()) for name in names if name not in read]
    head = Op("head", "tests-affine", {"a": 3, "b": 1})
    return Graph([*nodes, Node("out", tuple(last), head)], (1,), decisions)


def naive(graph: Graph, choices: Sequence[int], name: str) -> float:
    """The value of a node, read off its description."""
    if name == INPUT:
        return 2.0
    node = next(node for node in graph.nodes if node.name == name)
    total = sum(
        apply(term.op, naive(graph, choices, term.source)) for term in node.terms if holds(term, choices)
    )
    return apply(node.post, total)


def apply(op: Op | None, value: float) -> float:
    if op is None:
        return value
    return dict(op.settings)["a"] * value + dict(op.settings)["b"]


def holds(term: Term, choices: Sequence[int]) -> bool:
    return all(choices[each.decision] in each.choices for each in term.conditions)


def naive_live(graph: Graph, choices: Sequence[int]) -> list[bool]:
    """By the definition: some node that the output needs has a term that hangs on this decision alone."""
    needed, stack = {"out"}, ["out"]
    while stack:
        node = next((node for node in graph.nodes if node.name == stack[-1]), None)
        stack.pop()
        for term in node.terms if node is not None else ():
            if holds(term, choices) and term.source not in needed:
                needed.add(term.source)
                stack.append(term.source)
    live = [False] * len(choices)
    for node in graph.nodes:
        for term in node.terms if node.name in needed else ():
            for condition in term.conditions:
                others = [each for each in term.conditions if each is not condition]
                if holds(Term(term.source, None, tuple(others)), choices):
                    live[condition.decision] = True
    return live


@settings(max_examples=60)
@given(graphs())
def test_canonical_choices_are_idempotent_and_never_change_what_is_computed(graph: Graph) -> None:
    decisions = Decisions(graph.decisions, live=graph.live)
    for choices in itertools.product(*(range(size) for size in decisions.sizes)):
        canonical = decisions.canonical(choices)
        assert decisions.canonical(canonical) == canonical
        assert naive(graph, canonical, "out") == naive(graph, choices, "out")
        assert graph.steps(canonical) == graph.steps(choices)
        live = naive_live(graph, choices)
        assert graph.live(choices) == live
        assert graph.can_die or all(live)


@settings(max_examples=30)
@given(graphs(), st.integers(0, 2))
def test_networks_of_conditional_and_fixed_graphs_compute_what_the_description_says(
    graph: Graph, choice: int
) -> None:
    choices = [min(choice, len(decision.choices) - 1) for decision in graph.decisions]
    expected = naive(graph, choices, "out")
    for network in (graph.network(choices), graph.fixed(choices).network()):
        assert network(torch.full((1, 1), 2.0, dtype=torch.float64)).item() == expected


def macro() -> Graph:
    """Two layers, each with an operation and the second with a skip: what the skip's layer does is dead if unread."""
    ops = [Op(f"a{k}", "tests-affine", {"a": k, "b": 1}) for k in range(3)]
    head = Op("head", "tests-affine", {"a": 1, "b": 0})
    nodes = [
        Node("side", tuple(Term(INPUT, op, on(0, k)) for k, op in enumerate(ops))),
        Node("out", (Term(INPUT), Term("side", None, on(1))), head),
    ]
    return Graph(nodes, (1,), [Decision("op", ("x", "y", "z")), Decision("skip", ("off", "on"), binary=True)])


def test_three_spellings_of_one_network_are_one() -> None:
    graph = macro()
    decisions = Decisions(graph.decisions, live=graph.live)
    assert {decisions.canonical((k, 0)) for k in range(3)} == {(0, 0)}
    assert {decisions.canonical((k, 1)) for k in range(3)} == {(0, 1), (1, 1), (2, 1)}
    genes = [decisions.genes((k, 0)) for k in range(3)]
    assert decisions.loci(genes).tolist() == [[0, 0]] * 3
    assert decisions.plain().loci(genes).tolist() == [[0, 0], [1, 0], [2, 0]]


def test_only_a_space_whose_choices_can_die_pays_for_looking() -> None:
    assert not VGGShortcuts(width=1 / 32).decisions.conditional
    assert NASBench201().decisions.conditional
    assert DartsCells(cells=3, channels=4).decisions.conditional


def test_an_edge_out_of_a_node_that_nobody_reads_is_dead() -> None:
    space = NASBench201(channels=4, cells_per_stage=1)
    one, two = (
        space.from_string(f"|{op}~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
        for op in ("nor_conv_3x3", "avg_pool_3x3")
    )
    assert space.canonical(one) == space.canonical(two) != two
    assert space.parameters(one) == space.parameters(two)
