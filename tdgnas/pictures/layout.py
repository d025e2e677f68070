"""Where the boxes and wires of a layered drawing go; lengths in inches.

igraph orders the boxes of each rank by Sugiyama's method (Sugiyama, Tagawa, Toda 1981), so that few wires cross; SciPy
finds the places that keep wires straight and boxes apart. Every wire passes at least one rank between its boxes, where
its label has a place of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

LINE = 0.17  # height of a line of text
CHARACTER = 0.078  # width of a character
GAP = 0.16  # between neighbours of a rank
RANK = 0.22  # between ranks

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box with lines of text; ``dead`` when the output does not depend on it."""

    name: str
    lines: tuple[str, ...]
    dead: bool = False
    face: str = "white"

    @property
    def size(self) -> Point:
        """Width and height that hold the text."""
        return max(0.7, CHARACTER * max(map(len, self.lines)) + 0.2), LINE * len(self.lines) + 0.12


@dataclass(frozen=True)
class Wire:
    """An arrow between two boxes; ``chosen`` when a decision switched it on, which is its colour if it has none."""

    source: str
    target: str
    label: str = ""
    chosen: bool = False
    dead: bool = False
    colour: str = ""


@dataclass(frozen=True)
class Layout:
    """Centres of the boxes, the points of each wire and the place of its label; y grows downwards from 0."""

    boxes: dict[str, Point]
    wires: list[list[Point]]
    labels: list[Point]
    width: float
    height: float


@dataclass
class _Items:
    """What takes a place: boxes, and the bends and labels of wires. Sizes across the ranks and along the flow."""

    ranks: list[int]
    across: list[float]
    along: list[float]
    links: list[tuple[int, int, float]] = field(default_factory=list)

    def add(self, rank: int, across: float, along: float) -> int:
        self.ranks.append(rank)
        self.across.append(across)
        self.along.append(along)
        return len(self.ranks) - 1


def layered(boxes: Sequence[Box], wires: Sequence[Wire], sideways: bool = False) -> Layout:
    """Lay out an acyclic drawing, from top to bottom.

    :param boxes: what is drawn, in topological order.
    :param wires: from earlier boxes to later ones.
    :param sideways: from left to right instead.
    :returns: the layout; equal input gives an equal one.
    """
    number = {box.name: place for place, box in enumerate(boxes)}
    pairs = [(number[wire.source], number[wire.target]) for wire in wires]
    turn = -1 if sideways else 1
    sizes = [box.size[::turn] for box in boxes]
    items = _Items(_ranks(len(boxes), pairs), [size[0] for size in sizes], [size[1] for size in sizes])
    chains, labels = [], []
    for (source, target), wire in zip(pairs, wires, strict=True):
        # A label sits in an odd rank, where there are no boxes, near the middle of its wire.
        middle = (items.ranks[source] + items.ranks[target]) // 2 | 1
        text = (max(0.08, CHARACTER * len(wire.label)), LINE)[::turn]
        chain = [
            items.add(rank, *(text if rank == middle else (0.08, 0.0)))
            for rank in range(items.ranks[source] + 1, items.ranks[target])
        ]
        labels.append(chain[middle - items.ranks[source] - 1])
        chains.append([source, *chain, target])
        # Long wires run straight before short ones, and the trunk before what a decision added to it.
        ends, trunk = {source, target}, 1.0 if wire.chosen else 8.0
        items.links += [(a, b, trunk if {a, b} & ends else 4 * trunk) for a, b in pairwise(chains[-1])]
    across = _across(items)
    along, half, length = _along(items)
    places = [(x, y)[::turn] for x, y in zip(across, along, strict=True)]
    breadth = float(max(x + size / 2 for x, size in zip(across, items.across, strict=True)))
    routes = [
        [point[::turn] for point in _route(chain, across, along, half, items.along)] for chain in chains
    ]
    return Layout(
        {box.name: places[item] for item, box in enumerate(boxes)},
        routes,
        [places[item] for item in labels],
        *(breadth, length)[::turn],
    )


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Twice the longest way to each box; a box that reads nothing moves to just before its first reader."""
    import networkx as nx

    graph = nx.DiGraph(pairs)
    graph.add_nodes_from(range(count))
    rank = [0] * count
    for level, members in enumerate(nx.topological_generations(graph)):
        for member in members:
            rank[member] = 2 * level
    for box in range(1, count):
        if not graph.pred[box] and graph.succ[box]:
            rank[box] = min(rank[reader] for reader in graph.succ[box]) - 2
    return rank


def _across(items: _Items) -> list[float]:
    """Places across the flow: igraph's order within each rank, the straightest wires, nothing overlaps.

    A linear programme, as Gansner, Koutsofios, North and Vo have it (1993, *A technique for drawing directed graphs*).
    """
    from igraph import Graph
    from scipy.optimize import linprog
    from scipy.sparse import coo_matrix

    count, links = len(items.ranks), items.links
    drawn = Graph(count, [link[:2] for link in links], directed=True)
    order = [x for x, _ in drawn.layout_sugiyama(layers=items.ranks, maxiter=300).coords]
    row = sorted(range(count), key=lambda item: (items.ranks[item], order[item], item))
    apart = [(a, b) for a, b in pairwise(row) if items.ranks[a] == items.ranks[b]]
    # The unknowns: the places, then the slants of the links, each at least as large as the difference of its ends.
    lines = [((a, 1.0), (b, -1.0), -(items.across[a] + items.across[b]) / 2 - GAP) for a, b in apart]
    for number, (a, b, _) in enumerate(links, start=count):
        lines += [((a, sign), (b, -sign), (number, -1.0), 0.0) for sign in (1.0, -1.0)]
    cells = [(line, column, value) for line, (*parts, _) in enumerate(lines) for column, value in parts]
    if not cells:
        return [size / 2 for size in items.across]
    at, column, value = zip(*cells, strict=True)
    total = count + len(links)
    found = linprog(
        [0.0] * count + [weight for _, _, weight in links],
        coo_matrix((value, (at, column)), (len(lines), total)).tocsr(),
        [line[-1] for line in lines],
    )
    left = min(x - size / 2 for x, size in zip(found.x, items.across, strict=False))
    return [float(x - left) for x in found.x[:count]]


def _along(items: _Items) -> tuple[list[float], list[float], float]:
    """Centre and half size of each item's rank along the flow, and the length of all ranks together."""
    size: dict[int, float] = dict.fromkeys(sorted(items.ranks), 0.0)
    for rank, along in zip(items.ranks, items.along, strict=True):
        size[rank] = max(size[rank], along)
    start, top = {}, 0.0
    for rank, tall in size.items():
        start[rank] = top
        top += tall + RANK
    centre = [start[rank] + size[rank] / 2 for rank in items.ranks]
    return centre, [size[rank] / 2 for rank in items.ranks], top - RANK


def _route(
    chain: Sequence[int],
    across: Sequence[float],
    along: Sequence[float],
    half: Sequence[float],
    sizes: Sequence[float],
) -> list[Point]:
    """Points of a wire, from its box's edge to the other's; it runs straight through a rank."""
    first, last = chain[0], chain[-1]
    between = [(across[item], along[item] + side * half[item]) for item in chain[1:-1] for side in (-1, 1)]
    start, end = along[first] + sizes[first] / 2, along[last] - sizes[last] / 2
    return [(across[first], start), *between, (across[last], end)]
