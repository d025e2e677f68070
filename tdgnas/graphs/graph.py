"""A graph of operations: what a supernet is, what one architecture is, and everything that follows from either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..decision import Decision
from .network import GraphNetwork
from .nodes import INPUT, Node, Term, check_nodes
from .ops import Op
from .profile import Profile, profile
from .steps import Interner, Step
from .wiring import Wiring

if TYPE_CHECKING:
    import networkx as nx


class Graph:
    """Nodes over operations; conditional where terms hang on decisions, else fixed.

    Of a conditional graph, every method below takes the choices of an architecture; a fixed one needs none.

    :param nodes: each after what it reads; the last one is the output.
    :param input_shape: of one sample of what enters the graph, such as (channels, height, width).
    :param decisions: what the terms' conditions name.
    :raises ValueError: for nodes that do not fit together: a cycle, an unknown source, decision or choice, a node that
        nothing can read, one name for two operations.

    :ivar ops: the operations by name, in the order of the nodes.

    >>> graph = Graph([Node("out", (Term(INPUT, Op("head", "head", {"channels": 3, "classes": 2})),))], (3, 8, 8))
    >>> graph.parameters(), tuple(graph.steps()[1])
    (8, ('head', -1, (0,)))
    """

    def __init__(
        self, nodes: Sequence[Node], input_shape: tuple[int, ...], decisions: Sequence[Decision] = ()
    ) -> None:
        self.nodes = tuple(nodes)
        self.input_shape = tuple(input_shape)
        self.decisions = tuple(decisions)
        check_nodes(self.nodes, self.decisions)
        self.ops: dict[str, Op] = {op.name: op for node in self.nodes for op in node.ops}
        self._wiring = Wiring(self.nodes)

    @property
    def output(self) -> str:
        """Name of the output."""
        return self.nodes[-1].name

    @cached_property
    def profile(self) -> Profile:
        """Shapes and costs of the graph's parts."""
        return profile(self.nodes, self.input_shape)

    # what a choice can change ------------------------------------------------------------------------------------

    @cached_property
    def can_die(self) -> bool:
        """Whether there are choices under which a decision does not matter."""
        sizes = [len(decision.choices) for decision in self.decisions]
        return len(self._wiring.always_live(sizes)) < len(sizes)

    def live(self, choices: Sequence[int]) -> list[bool]:
        """Tell which decisions matter under these choices.

        A decision is live when some node that the output needs has a term with that decision among its conditions
        whose other conditions all hold.
        """
        return self._wiring.live(choices)

    def unfed(self, choices: Sequence[int] = ()) -> tuple[str, ...]:
        """Names of the nodes that nothing from the input reaches, in order; the last node is the output."""
        reached = self._wiring.reached(choices)
        return tuple(node.name for node, own in zip(self.nodes, reached, strict=True) if not own)

    def needed(self, choices: Sequence[int] = (), empty: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """Names of the nodes that the output needs, in order.

        :param empty: of nodes by name, the source that each is taken to read when none of its terms is on.
        """
        terms = self._wiring.needed(choices, empty)
        return tuple(node.name for node, own in zip(self.nodes, terms, strict=True) if own is not None)

    # what follows ------------------------------------------------------------------------------------------------

    def steps(self, choices: Sequence[int] = ()) -> list[Step]:
        """Return the steps of one architecture, in order; step 0 is the input and the last one the output.

        Nodes that the output does not need are left out.

        :raises ValueError: when the output only passes another node on.
        """
        interner = Interner(self.nodes)
        if interner.trace(choices)[0] != len(interner.steps) - 1:
            raise ValueError("the last node only passes another one on; give it an operation")
        return interner.steps

    def network(self, choices: Sequence[int] = ()) -> GraphNetwork:
        """Return the stand-alone network of an architecture, with fresh weights."""
        return GraphNetwork(self.nodes, self.steps(choices), self.ops, self.profile.shapes)

    def parameters(self, choices: Sequence[int] = ()) -> int:
        """Number of parameters of the stand-alone network."""
        used = {step.operation(self.nodes) for step in self.steps(choices)[1:]}
        return sum(self.profile.parameters[name] for name in used if name is not None)

    def macs(self, choices: Sequence[int] = ()) -> int:
        """Multiply-adds of one forward pass on one sample (convolutions and linear layers)."""
        return sum(self.profile.step_macs(step, self.nodes) for step in self.steps(choices)[1:])

    def fixed(self, choices: Sequence[int]) -> Graph:
        """Return the graph of one architecture: what its output needs, without decisions."""
        needed = set(self.needed(choices))
        nodes = []
        for node in self.nodes:
            if node.name in needed:
                terms = tuple(Term(term.source, term.op) for term in node.terms if term.is_on(choices))
                shape = None if terms else self.profile.shapes[node.name]
                nodes.append(Node(node.name, terms, node.post, node.combine, shape))
        return Graph(nodes, self.input_shape)

    def networkx(self, choices: Sequence[int] = ()) -> nx.MultiDiGraph[str]:
        """Return an architecture for :mod:`networkx`: nodes by name with ``shape`` and ``post``, edges with ``op`` (a
        name), ``kind`` (of the operation), ``decision`` and ``choice``.

        Edges that decisions switched on carry these by name, the last condition's; others None.
        """
        import networkx as nx

        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        graph.add_node(INPUT, shape=self.input_shape)
        for node in self.nodes:
            post = None if node.post is None else node.post.name
            graph.add_node(node.name, shape=self.profile.values[node.name], post=post)
            for term in node.terms:
                if term.is_on(choices):
                    op, kind = (None, "identity") if term.op is None else (term.op.name, term.op.kind)
                    decision = choice = None
                    if term.conditions:
                        made = self.decisions[term.conditions[-1].decision]
                        decision, choice = made.name, made.choices[choices[term.conditions[-1].decision]]
                    graph.add_edge(term.source, node.name, op=op, kind=kind, decision=decision, choice=choice)
        return graph


def needed_only(nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes of a fixed graph that its output, the last one, needs."""
    terms = Wiring(nodes).needed(())
    return [node for node, own in zip(nodes, terms, strict=True) if own is not None]
