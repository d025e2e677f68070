"""Where the boxes and wires of a layered drawing go, from top to bottom; lengths in inches.

Source: Sugiyama, Tagawa, Toda 1981, *Methods for visual understanding of hierarchical system structures*: ranks, then
an order within each rank that keeps crossings few, then coordinates. Every wire passes at least one rank between its
boxes, where its label has a place of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LINE = 0.17  # height of a line of text
CHARACTER = 0.078  # width of a character
GAP = 0.16  # between neighbours of a rank
RANK = 0.22  # between ranks


@dataclass(frozen=True)
class Box:
    """A box with lines of text; ``dead`` when the output does not depend on it."""

    name: str
    lines: tuple[str, ...]
    dead: bool = False
    group: bool = False

    @property
    def width(self) -> float:
        """Width that holds the text."""
        return max(0.7, CHARACTER * max(map(len, self.lines)) + 0.2)

    @property
    def height(self) -> float:
        """Height that holds the text."""
        return LINE * len(self.lines) + 0.12


@dataclass(frozen=True)
class Wire:
    """An arrow between two boxes; ``chosen`` when a decision switched it on."""

    source: str
    target: str
    label: str = ""
    chosen: bool = False
    dead: bool = False


@dataclass(frozen=True)
class Layout:
    """Centres of the boxes, the points of each wire and the place of its label; y grows downwards from 0."""

    boxes: dict[str, tuple[float, float]]
    wires: list[list[tuple[float, float]]]
    labels: list[tuple[float, float]]
    width: float
    height: float


def layered(boxes: Sequence[Box], wires: Sequence[Wire]) -> Layout:
    """Lay out an acyclic drawing; ``boxes`` come in topological order.

    :param boxes: what is drawn.
    :param wires: from earlier boxes to later ones.
    :returns: the layout; equal input gives an equal one.
    """
    number = {box.name: place for place, box in enumerate(boxes)}
    rank = _ranks(boxes, wires)
    widths, heights = [box.width for box in boxes], [box.height for box in boxes]
    rows: list[list[int]] = [[] for _ in range(max(rank) + 1)]
    for item, row in enumerate(rank):
        rows[row].append(item)
    links: list[tuple[int, int]] = []
    chains: list[list[int]] = []
    label_items = []
    for wire in wires:
        source, target = number[wire.source], number[wire.target]
        chain = [source]
        # A label sits in an odd rank, where there are no boxes, near the middle of its wire.
        label_rank = (rank[source] + rank[target]) // 2 | 1
        for row in range(rank[source] + 1, rank[target]):
            labelled = row == label_rank
            chain.append(len(widths))
            rows[row].append(len(widths))
            widths.append(max(0.08, CHARACTER * len(wire.label)) if labelled else 0.08)
            heights.append(LINE if labelled else 0.0)
            if labelled:
                label_items.append(chain[-1])
        chain.append(target)
        links.extend(pairwise(chain))
        chains.append(chain)
    _reduce_crossings(rows, links)
    x = _coordinates(rows, links, widths)
    y, half, height = _heights(rows, heights)
    left = min(x[item] - widths[item] / 2 for item in range(len(x)))
    places = [(x[item] - left, y[item]) for item in range(len(x))]
    width = max(place[0] + widths[item] / 2 for item, place in enumerate(places))
    return Layout(
        {box.name: places[item] for item, box in enumerate(boxes)},
        [_route(chain, places, heights, half) for chain in chains],
        [places[item] for item in label_items],
        width,
        height,
    )


def _ranks(boxes: Sequence[Box], wires: Sequence[Wire]) -> list[int]:
    """Twice the longest way to each box; a box that reads nothing moves down to just above its first reader."""
    number = {box.name: place for place, box in enumerate(boxes)}
    rank = [0] * len(boxes)
    by_source: dict[str, list[int]] = {box.name: [] for box in boxes}
    for wire in wires:
        by_source[wire.source].append(number[wire.target])
    for box in boxes:
        for target in by_source[box.name]:
            rank[target] = max(rank[target], rank[number[box.name]] + 2)
    fed = {wire.target for wire in wires}
    for box in boxes[1:]:
        if box.name not in fed and by_source[box.name]:
            rank[number[box.name]] = min(rank[target] for target in by_source[box.name]) - 2
    return rank


def _route(
    chain: Sequence[int],
    places: Sequence[tuple[float, float]],
    heights: Sequence[float],
    half: Sequence[float],
) -> list[tuple[float, float]]:
    """Points of a wire, from its box's lower edge to the other's upper edge; it runs straight down through a rank."""
    (x0, y0), (x1, y1) = places[chain[0]], places[chain[-1]]
    between = [
        (places[item][0], places[item][1] + side * half[item]) for item in chain[1:-1] for side in (-1, 1)
    ]
    return [(x0, y0 + heights[chain[0]] / 2), *between, (x1, y1 - heights[chain[-1]] / 2)]


def _reduce_crossings(rows: list[list[int]], links: Sequence[tuple[int, int]], sweeps: int = 12) -> None:
    """Order each row by the mean place of the neighbours above or below, sweep after sweep; keep the best."""
    up: dict[int, list[int]] = {}
    down: dict[int, list[int]] = {}
    for source, target in links:
        up.setdefault(target, []).append(source)
        down.setdefault(source, []).append(target)
    best, fewest = [list(row) for row in rows], _crossings(rows, down)
    for sweep in range(sweeps):
        order, neighbours = (
            (range(1, len(rows)), up) if sweep % 2 == 0 else (range(len(rows) - 2, -1, -1), down)
        )
        for number in order:
            beside = rows[number - 1 if sweep % 2 == 0 else number + 1]
            place = {item: position for position, item in enumerate(beside)}
            own = {item: position for position, item in enumerate(rows[number])}
            key = {
                item: sum(place[n] for n in near) / len(near)
                if (near := neighbours.get(item))
                else float(own[item])
                for item in rows[number]
            }
            rows[number].sort(key=lambda item, key=key: key[item])  # type: ignore[misc]
        crossings = _crossings(rows, down)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _crossings(rows: Sequence[Sequence[int]], down: dict[int, list[int]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        place = {item: position for position, item in enumerate(lower)}
        ends = [end for item in upper for end in sorted(place[target] for target in down.get(item, ()))]
        total += sum(later < end for number, end in enumerate(ends) for later in ends[number + 1 :])
    return total


def _coordinates(
    rows: Sequence[Sequence[int]], links: Sequence[tuple[int, int]], widths: Sequence[float], sweeps: int = 40
) -> list[float]:
    """Pull everything towards its neighbours, as far as the widths within a rank allow."""
    near: dict[int, list[int]] = {}
    for source, target in links:
        near.setdefault(source, []).append(target)
        near.setdefault(target, []).append(source)
    x = [0.0] * len(widths)
    for sweep in range(sweeps):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = [sum(x[n] for n in near[i]) / len(near[i]) if i in near else 0.0 for i in row]
            for item, value in zip(row, _spread(wanted, [widths[item] for item in row]), strict=True):
                x[item] = value
    return x


def _spread(wanted: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Nearest places (least squares) that keep the order and do not overlap: isotonic regression by pooling."""
    offsets = [0.0]
    for one, other in pairwise(widths):
        offsets.append(offsets[-1] + (one + other) / 2 + GAP)
    blocks: list[tuple[float, int]] = []  # sum, count
    for value, offset in zip(wanted, offsets, strict=False):
        total, count = value - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    levels = [total / count for total, count in blocks for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=False)]


def _heights(
    rows: Sequence[Sequence[int]], heights: Sequence[float]
) -> tuple[list[float], list[float], float]:
    """Centre and half height of each item's rank, and the height of all ranks together."""
    y, half = [0.0] * len(heights), [0.0] * len(heights)
    top = 0.0
    for row in rows:
        tall = max((heights[item] for item in row), default=0.0)
        for item in row:
            y[item], half[item] = top + tall / 2, tall / 2
        top += tall + RANK
    return y, half, top - RANK
