"""Where the boxes and wires of a layered drawing go; lengths in inches.

igraph orders the boxes of each rank by Sugiyama's method (Sugiyama, Tagawa, Toda 1981), so that few wires cross; SciPy
finds the places that keep wires straight and boxes apart. Every wire passes at least one rank between its boxes, where
its label has a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

LINE, CHARACTER = 0.17, 0.078  # height of a line of text, width of a character
GAP, RANK = 0.16, 0.22  # between neighbours of a rank, between ranks

Point = tuple[float, float]
Link = tuple[int, int, float]


class Box(NamedTuple):
    """A box with lines of text; ``dead`` when the output does not depend on it."""

    name: str
    lines: tuple[str, ...]
    dead: bool = False
    face: str = "white"

    @property
    def size(self) -> Point:
        """Width and height that hold the text."""
        return max(0.7, CHARACTER * max(map(len, self.lines)) + 0.2), LINE * len(self.lines) + 0.12


class Wire(NamedTuple):
    """An arrow between two boxes; ``chosen`` when a decision switched it on, which is its colour if it has none."""

    source: str
    target: str
    label: str = ""
    chosen: bool = False
    dead: bool = False
    colour: str = ""


class Sheet(NamedTuple):
    """One panel of a drawing: boxes in topological order, wires from earlier to later ones."""

    title: str
    boxes: Sequence[Box]
    wires: Iterable[Wire]


class Layout(NamedTuple):
    """Centres of the boxes, the points of each wire and the place of its label; y grows downwards from 0."""

    boxes: dict[str, Point]
    wires: list[list[Point]]
    labels: list[Point]
    width: float
    height: float


def layered(boxes: Sequence[Box], wires: Sequence[Wire], sideways: bool = False) -> Layout:
    """Lay out an acyclic drawing, from top to bottom.

    :param boxes: what is drawn, in topological order.
    :param wires: from earlier boxes to later ones.
    :param sideways: from left to right instead.
    :returns: the layout; equal input gives an equal one.
    """
    turn = -1 if sideways else 1
    number = {box.name: place for place, box in enumerate(boxes)}
    pairs = [(number[wire.source], number[wire.target]) for wire in wires]
    ranks = _ranks(len(boxes), pairs)
    sizes = [box.size[::turn] for box in boxes]  # across the flow, along it; then those of the bends of wires
    links: list[Link] = []
    chains, labels = [], []
    for (source, target), wire in zip(pairs, wires, strict=True):
        # A label sits in an odd rank, where there are no boxes, near the middle of its wire.
        between = range(ranks[source] + 1, ranks[target])
        middle = (ranks[source] + ranks[target]) // 2 | 1
        text = (max(0.08, CHARACTER * len(wire.label)), LINE)[::turn]
        chain = [source, *range(len(ranks), len(ranks) + len(between)), target]
        sizes += [text if rank == middle else (0.08, 0.0) for rank in between]
        ranks += between
        labels.append(chain[middle - between.start + 1])
        chains.append(chain)
        # Long wires run straight before short ones, and the trunk before what a decision added to it.
        trunk = 1.0 if wire.chosen else 8.0
        ends = {source, target}
        links += [(a, b, trunk if {a, b} & ends else 4 * trunk) for a, b in pairwise(chain)]
    across = _across(ranks, [size[0] for size in sizes], links)
    thick = dict.fromkeys(sorted(ranks), 0.0)
    for rank, size in zip(ranks, sizes, strict=True):
        thick[rank] = max(thick[rank], size[1])
    start = {rank: sum(thick[other] + RANK for other in thick if other < rank) for rank in thick}
    along = [start[rank] + thick[rank] / 2 for rank in ranks]
    places = [(y, x) if sideways else (x, y) for x, y in zip(across, along, strict=True)]
    routes = []
    for chain in chains:  # from its box's edge to the other's, straight through the ranks between
        points = [(across[n], along[n] + side * thick[ranks[n]] / 2) for n in chain[1:-1] for side in (-1, 1)]
        first, last = chain[0], chain[-1]
        points.insert(0, (across[first], along[first] + sizes[first][1] / 2))
        points.append((across[last], along[last] - sizes[last][1] / 2))
        routes.append([(y, x) if sideways else (x, y) for x, y in points])
    extent = max(x + size[0] / 2 for x, size in zip(across, sizes, strict=True)), sum(thick.values())
    width, height = (extent[0], extent[1] + RANK * (len(thick) - 1))[::turn]
    named = {box.name: places[item] for item, box in enumerate(boxes)}
    return Layout(named, routes, [places[item] for item in labels], width, height)


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Twice the longest way to each box; a box that reads nothing moves to just before its first reader."""
    import networkx as nx

    graph = nx.DiGraph(pairs)
    graph.add_nodes_from(range(count))
    levels = enumerate(nx.topological_generations(graph))
    rank = {member: 2 * level for level, members in levels for member in members}
    for box in range(1, count):
        if not graph.pred[box] and graph.succ[box]:
            rank[box] = min(rank[reader] for reader in graph.succ[box]) - 2
    return [rank[box] for box in range(count)]


def _across(ranks: Sequence[int], sizes: Sequence[float], links: Sequence[Link]) -> list[float]:
    """Places across the flow: igraph's order within each rank, the straightest wires, nothing overlaps.

    A linear programme, as Gansner, Koutsofios, North and Vo have it (1993, *A technique for drawing directed graphs*).
    """
    import numpy as np
    from igraph import Graph
    from scipy import sparse
    from scipy.optimize import linprog

    count = len(ranks)
    drawn = Graph(count, [link[:2] for link in links], directed=True)
    order = [x for x, _ in drawn.layout_sugiyama(layers=ranks, maxiter=300).coords]
    row = sorted(range(count), key=lambda item: (ranks[item], order[item], item))
    apart = [(a, b) for a, b in pairwise(row) if ranks[a] == ranks[b]]
    if not links and not apart:
        return [size / 2 for size in sizes]

    def differences(pairs: Sequence[tuple[int, int]]) -> Any:
        places = (np.repeat(range(len(pairs)), 2), np.array(pairs, dtype=int).ravel())
        return sparse.coo_array((np.tile((1.0, -1.0), len(pairs)), places), (len(pairs), count))

    # The unknowns: the places, then the slants of the links, each at least as large as the difference of its ends.
    slants, own = differences([link[:2] for link in links]), -sparse.eye_array(len(links))
    bounds = sparse.block_array([[slants, own], [-slants, own], [differences(apart), None]])
    least = [-(sizes[a] + sizes[b]) / 2 - GAP for a, b in apart]
    costs = [0.0] * count + [weight for _, _, weight in links]
    found = linprog(costs, bounds.tocsr(), [0.0] * 2 * len(links) + least).x[:count]
    left = min(x - size / 2 for x, size in zip(found, sizes, strict=True))
    return [float(x - left) for x in found]
