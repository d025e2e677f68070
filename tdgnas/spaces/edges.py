"""Discretisation of spaces whose decisions are edges with an operation each, ``none`` among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..decision import Genes
from ..graphs import Node
from .architecture import Architecture
from .discretise import checked_weights
from .rules import RULES
from .space import SearchSpace

Mask = npt.NDArray[np.bool_]


@RULES.register("per-edge")
def per_edge(space: SearchSpace, weights: Genes, repair: bool = False) -> Architecture:
    """Keep the most likely operation of every edge, ``none`` included; the first of equals.

    Where ``none`` wins everywhere on the way, nothing leads from the image to the output: that is refused, or repaired.

    :param repair: give every node that nothing reaches, and that the output needs, its strongest operation other than
        ``none`` from a value that is reached.
    :raises ValueError: when the graph is cut and not to be repaired, naming the nodes that nothing reaches.
    """
    weights, nones = _edges(space, weights)
    choices = [int(weights[where].argmax()) for where in space.slices]
    if repair:
        choices = _repaired(space, weights, choices, nones)
    architecture = space.architecture(choices)
    empty = unfed(space, architecture)
    if space.graph.output in empty:
        raise ValueError(
            f"the most likely operations cut the graph: nothing reaches {', '.join(empty)}. "
            "Use the rule 'per-edge-repaired' or 'strongest-edges'."
        )
    return architecture


@RULES.register("per-edge-repaired")
def per_edge_repaired(space: SearchSpace, weights: Genes) -> Architecture:
    """Keep the most likely operation of every edge, and connect what this leaves without input."""
    return per_edge(space, weights, repair=True)


@RULES.register("strongest-edges")
def strongest_edges(space: SearchSpace, weights: Genes, k: int | None = None) -> Architecture:
    """Keep, for every node, the k edges whose best operation other than ``none`` is strongest; the first of equals.

    Source: Liu, Simonyan, Yang 2018 (DARTS), section 2.4, with k = 2.

    :param k: edges per node; as many as a cell has inputs when None (2 where the space does not say).
    :raises ValueError: when k is below 1.
    """
    weights, nones = _edges(space, weights)
    kept = _edges_kept(space, k)
    choices = list(nones)
    for members in space.decisions.members:
        best = {member: _strongest(weights[space.slices[member]], nones[member]) for member in members}
        strength = [weights[space.slices[member].start + best[member]] for member in members]
        for place in np.argsort(-np.array(strength), kind="stable")[:kept]:
            choices[members[place]] = best[members[place]]
    return space.architecture(choices)


@RULES.register("progressive")
def progressive(
    space: SearchSpace,
    weights: Genes,
    k: int | None = None,
    drop: int = 1,
    refresh: Callable[[Mask], Genes] | None = None,
) -> Architecture:
    """Take away the weakest operations of all edges, round after round, until every node has k edges with one each.

    After each round ``refresh`` may train the weights that are left and say what they are now; without it the weights
    stand still, and the result is that of :func:`strongest_edges`.

    :param k: edges per node; as many as a cell has inputs when None (2 where the space does not say).
    :param drop: operations taken away per round.
    :param refresh: from the genes that are left (True; ``none`` is always left) to new relaxed weights, shape (genes,).
    :raises ValueError: when k or drop is below 1.
    """
    weights, nones = _edges(space, weights)
    kept = _edges_kept(space, k)
    if drop < 1:
        raise ValueError(f"drop is {drop}; at least one operation must go in a round")
    left = [set(range(d.genes)) - {none} for d, none in zip(space.decisions, nones, strict=True)]
    targets = space.decisions.members
    while True:
        removed = 0
        for member, choice in _candidates(space, weights, left):
            if removed < drop and _may_go(member, left, targets, kept):
                left[member].discard(choice)
                removed += 1
        if not removed:
            break
        if refresh is not None:
            alive = np.zeros(space.length, dtype=np.bool_)
            for where, members, none in zip(space.slices, left, nones, strict=True):
                alive[[where.start + choice for choice in {*members, none}]] = True
            weights, _ = _edges(space, refresh(alive))
    return space.architecture([min(own, default=none) for own, none in zip(left, nones, strict=True)])


def unfed(space: SearchSpace, architecture: Architecture) -> tuple[str, ...]:
    """Names of the nodes that nothing from the image reaches, in order; the last node is the output."""
    space.check(architecture)
    return space.graph.unfed(architecture.choices)


def _edges(space: SearchSpace, weights: Genes) -> tuple[Genes, list[int]]:
    """Checked weights, and for each decision the choice that stands for no edge."""
    weights = checked_weights(space, weights)
    for decision in space.decisions:
        if decision.binary or "none" not in decision.choices or not decision.group:
            raise ValueError(
                f"this rule discretises edges with an operation each; decision {decision.name!r} of {space.name!r} "
                "is none (it is binary, or lacks the choice 'none' or a target). Use the rule 'threshold'."
            )
    return weights, [decision.choices.index("none") for decision in space.decisions]


def _edges_kept(space: SearchSpace, k: int | None) -> int:
    kept = int(getattr(space, "inputs", 2)) if k is None else k
    if kept < 1:
        raise ValueError(f"k is {kept}; every node needs at least one edge")
    return kept


def _strongest(weights: Genes, none: int) -> int:
    """The best choice other than none, the first of equals."""
    return int(np.where(np.arange(len(weights)) == none, -np.inf, weights).argmax())


def _candidates(space: SearchSpace, weights: Genes, left: list[set[int]]) -> list[tuple[int, int]]:
    """Decisions and choices that are left, the weakest first."""

    def strength(candidate: tuple[int, int]) -> tuple[float, int, int]:
        member, choice = candidate
        # Of equal weights the later goes first, so that the first of equals stays, as in the other rules.
        return float(weights[space.slices[member].start + choice]), -member, -choice

    return sorted(((member, choice) for member, own in enumerate(left) for choice in own), key=strength)


def _may_go(member: int, left: list[set[int]], targets: list[list[int]], kept: int) -> bool:
    if len(left[member]) != 1:
        return bool(left[member])
    own = next(members for members in targets if member in members)
    return sum(bool(left[other]) for other in own) > kept


def _repaired(space: SearchSpace, weights: Genes, choices: list[int], nones: list[int]) -> list[int]:
    choices, graph = list(choices), space.graph
    ways = {node.name: _ways(space, weights, node, nones) for node in graph.nodes}
    # A node that reads nothing is taken to need what its strongest operation would read.
    strongest = {name: min(own)[3] for name, own in ways.items() if own}
    for node in graph.nodes:
        unfed = graph.unfed(choices)
        if node.name not in unfed or node.name not in graph.needed(choices, strongest):
            continue
        possible = [way for way in ways[node.name] if way[3] not in unfed]
        if possible:
            _, decision, choice, _ = min(possible)
            choices[decision] = choice
    return choices


def _ways(
    space: SearchSpace, weights: Genes, node: Node, nones: list[int]
) -> list[tuple[float, int, int, str]]:
    """What a node could read: minus the weight, decision, choice, source; the strongest is the smallest."""
    return [
        (
            -float(weights[space.slices[condition.decision].start + choice]),
            condition.decision,
            choice,
            term.source,
        )
        for term in node.terms
        for condition in term.conditions
        for choice in condition.choices
        if choice != nones[condition.decision]
    ]
