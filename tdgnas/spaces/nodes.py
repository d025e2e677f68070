"""How a space describes its supernet: nodes, and the terms that may feed them.

A supernet is an ordered directed acyclic graph. Each node combines the terms that are switched on, and each term is
an operation applied to an earlier node. Forward passes (relaxed and discrete), stand-alone networks, graphs, parameter
and multiply-add counts, and the evaluation of whole populations all follow from this description.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .decision import Decision

INPUT = "input"
"""The source of a term that reads the image."""


@dataclass(frozen=True)
class Term:
    """One candidate way into a node: ``op(source)``, on when ``decision`` takes ``choice``.

    :param source: name of an earlier node, or :data:`INPUT` for the image.
    :param op: name of the operation (see :meth:`SearchSpace.operation`); None passes the value on.
    :param decision: index of the decision that switches the term; None when it is always on.
    :param choice: the choice that switches it on.
    """

    source: str
    op: str | None = None
    decision: int | None = None
    choice: int = 1


@dataclass(frozen=True)
class Node:
    """A value of the supernet: the terms that are on, summed or concatenated, then ``post``.

    The last node of a space is its output, the logits. A node none of whose terms is on is zero.

    :param name: unique within the space.
    :param terms: the candidates, in the order in which they are summed.
    :param post: name of an operation on the combined value; None for nothing.
    :param combine: ``sum``, or ``concat`` along the channels.
    """

    name: str
    terms: tuple[Term, ...]
    post: str | None = None
    combine: Literal["sum", "concat"] = "sum"

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of all operations that the node may use."""
        names = [term.op for term in self.terms if term.op is not None]
        return tuple(names) if self.post is None else (*names, self.post)


def check_nodes(nodes: Sequence[Node], decisions: Sequence[Decision]) -> None:
    """Check that nodes come after what they read and that terms name real decisions.

    :raises ValueError: naming the node and what is wrong with it.
    """
    if not nodes:
        raise ValueError("a space needs at least one node; the last one is the output")
    known = {INPUT}
    for node in nodes:
        if node.name in known:
            raise ValueError(
                f"node {node.name!r} is named twice; names are unique and {INPUT!r} is the image"
            )
        if not node.terms:
            raise ValueError(f"node {node.name!r} has no terms; give it at least one")
        for term in node.terms:
            if term.source not in known:
                raise ValueError(f"node {node.name!r} reads {term.source!r}, which is not an earlier node")
            if term.decision is None:
                continue
            if not 0 <= term.decision < len(decisions):
                raise ValueError(
                    f"node {node.name!r} names decision {term.decision}; there are {len(decisions)}, counted from 0"
                )
            if not 0 <= term.choice < len(decisions[term.decision].choices):
                raise ValueError(
                    f"node {node.name!r} names choice {term.choice} of decision "
                    f"{decisions[term.decision].name!r}, which has {decisions[term.decision].choices!r}"
                )
            if node.combine == "concat":
                raise ValueError(f"node {node.name!r} concatenates, so its terms must always be on")
        known.add(node.name)
