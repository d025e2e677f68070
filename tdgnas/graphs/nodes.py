"""How a network, or a whole supernet, is described: nodes, the terms that may feed them, and when a term is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..decision import Decision
from .ops import Op

INPUT = "input"
"""The source of a term that reads the graph's input."""


@dataclass(frozen=True)
class Condition:
    """That a decision takes one of some choices.

    :param decision: index of the decision.
    :param choices: the choices under which the condition holds.
    """

    decision: int
    choices: tuple[int, ...] = (1,)


def on(decision: int, *choices: int) -> Condition:
    """Return the condition that a decision takes one of these choices; choice 1 where none is named.

    >>> on(3), on(0, 2, 4)
    (Condition(decision=3, choices=(1,)), Condition(decision=0, choices=(2, 4)))
    """
    return Condition(decision, choices or (1,))


@dataclass(frozen=True)
class Term:
    """One candidate way into a node: ``op(source)``, on when all its conditions hold.

    :param source: name of an earlier node, or :data:`INPUT`.
    :param op: the operation; None passes the value on.
    :param when: the conditions, or a single one; none for a term that is always on.
    """

    source: str
    op: Op | None = None
    when: tuple[Condition, ...] | Condition = ()

    def __post_init__(self) -> None:
        if isinstance(self.when, Condition):
            object.__setattr__(self, "when", (self.when,))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """``when`` as the tuple that it is kept as."""
        assert not isinstance(self.when, Condition)
        return self.when

    def is_on(self, choices: Sequence[int]) -> bool:
        """Whether all conditions hold under the choices of an architecture."""
        return all(choices[each.decision] in each.choices for each in self.conditions)


@dataclass(frozen=True)
class Node:
    """A value: the terms that are on, summed or concatenated, then ``post``; or ``post`` called with all of them.

    The last node of a graph is its output. A node none of whose terms is on is zero.

    :param name: unique within the graph.
    :param terms: the candidates, in the order in which they are summed.
    :param post: the operation on the combined value; None for nothing.
    :param combine: ``sum``, ``concat`` along the channels, or ``call``, where ``post`` takes the values in their order.
    :param shape: of one sample, only for a node without terms, which is zero (before ``post``).
    """

    name: str
    terms: tuple[Term, ...]
    post: Op | None = None
    combine: Literal["sum", "concat", "call"] = "sum"
    shape: tuple[int, ...] | None = None

    @property
    def ops(self) -> tuple[Op, ...]:
        """All operations that the node may use."""
        found = [term.op for term in self.terms if term.op is not None]
        return tuple(found) if self.post is None else (*found, self.post)


def check_nodes(nodes: Sequence[Node], decisions: Sequence[Decision]) -> None:
    """Check that nodes come after what they read, are read, and that terms name real decisions.

    :raises ValueError: naming the node and what is wrong with it.
    """
    if not nodes:
        raise ValueError("a graph needs at least one node; the last one is the output")
    names = {INPUT, *(node.name for node in nodes)}
    known = {INPUT}
    made: dict[str, Op] = {}
    for node in nodes:
        if node.name in known:
            raise ValueError(
                f"node {node.name!r} is named twice; names are unique and {INPUT!r} is what enters the graph"
            )
        if not node.terms and node.shape is None:
            raise ValueError(f"node {node.name!r} has no terms; give it at least one, or a shape")
        for term in node.terms:
            if term.source not in names:
                raise ValueError(
                    f"node {node.name!r} reads {term.source!r}, but no node is called so; an earlier node is meant"
                )
            if term.source not in known:
                raise ValueError(_too_late(nodes, node.name, term.source))
            _check_conditions(node, term, decisions)
        for op in node.ops:
            if made.setdefault(op.name, op) != op:
                raise ValueError(
                    f"node {node.name!r} has the operation {op}, but {made[op.name]} has this name already; "
                    "equal names share weights, so name it apart"
                )
        known.add(node.name)
    read = {term.source for node in nodes for term in node.terms}
    unread = next((node.name for node in nodes[:-1] if node.name not in read), None)
    if unread is not None:
        raise ValueError(
            f"nothing can read node {unread!r}; the last node is the output, so add a term that reads it, "
            "or take it out"
        )


def _check_conditions(node: Node, term: Term, decisions: Sequence[Decision]) -> None:
    for condition in term.conditions:
        if not 0 <= condition.decision < len(decisions):
            raise ValueError(
                f"node {node.name!r} names decision {condition.decision}; there are {len(decisions)}, counted from 0"
            )
        decision = decisions[condition.decision]
        wrong = [choice for choice in condition.choices if not 0 <= choice < len(decision.choices)]
        if wrong or not condition.choices:
            named = f"choice {wrong[0]}" if wrong else "no choice"
            raise ValueError(
                f"node {node.name!r} names {named} of decision {decision.name!r}, which has {decision.choices!r}"
            )
    if len({condition.decision for condition in term.conditions}) < len(term.conditions):
        raise ValueError(
            f"node {node.name!r} names a decision twice in one term; put its choices into one condition"
        )
    if node.combine != "sum" and term.conditions:
        raise ValueError(f"node {node.name!r} does not sum its terms, so they must always be on")


def _too_late(nodes: Sequence[Node], name: str, source: str) -> str:
    """Say that a node reads a later one: because of a cycle, or of the order alone."""
    import networkx as nx

    reads = nx.DiGraph((node.name, term.source) for node in nodes for term in node.terms)
    if nx.has_path(reads, source, name):
        return f"the nodes form a cycle: {' reads '.join([name, *nx.shortest_path(reads, source, name)])}"
    return f"node {name!r} reads {source!r}, which is not an earlier node; put it before"
