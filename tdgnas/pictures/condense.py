"""Boxes and wires of an architecture's graph; large graphs as groups of nodes, with a detail of those that repeat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import networkx as nx

from .layout import Box, Sheet, Wire

Node = Hashable
if TYPE_CHECKING:
    Graph = nx.MultiDiGraph[Node]

MOST_NODES, MOST_EDGES = 24, 130  # a larger graph is condensed
MOST_GROUPS, MOST_RUNS, MOST_DETAILS, MOST_DETAIL = 40, 16, 4, 24
LONGEST = 26  # characters of a label
GROUP = "#E6EDF5"


def sheets(graph: Graph) -> list[Sheet]:
    """Return the panels that show a graph: all of it, or its groups and the details of those that repeat.

    :param graph: acyclic; the last node that was added is the output.
    :raises ValueError: for an empty or a cyclic graph.
    """
    if not len(graph):
        raise ValueError("there is nothing to draw: the graph has no nodes")
    if not nx.is_directed_acyclic_graph(graph):
        cycle = " -> ".join(str(edge[0]) for edge in nx.find_cycle(graph))
        raise ValueError(f"the graph of an architecture has no cycles, this one has: {cycle}")
    nodes = list(graph)
    order = list(nx.lexicographical_topological_sort(graph, key=nodes.index))
    alive = {nodes[-1]} | nx.ancestors(graph, nodes[-1])
    if len(graph) > MOST_NODES or graph.number_of_edges() > MOST_EDGES:
        return _condensed(graph, order, alive)
    boxes = [Box(str(node), _lines(graph, node), node not in alive) for node in order]
    return [Sheet("", boxes, [_wire(alive, edge) for edge in graph.edges(data=True)])]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2 - 1]}…{text[-(LONGEST // 2) :]}"


def _lines(graph: Graph, node: Node) -> tuple[str, ...]:
    shape, post = graph.nodes[node].get("shape"), graph.nodes[node].get("post")
    lines = (str(node), "×".join(map(str, shape or ())), f"then {post}" if post else "")
    return tuple(_short(line) for line in lines if line)


def _kind(data: Mapping[str, Any]) -> str:
    """What an edge does, wherever it is: the choice that was made there, else the kind of its operation."""
    return str(data.get("choice") or data.get("kind"))


def _wire(alive: set[Node], edge: tuple[Node, Node, Mapping[str, Any]], anywhere: bool = False) -> Wire:
    """A wire called by its operation, else by the decision and choice that switched it on, else not at all."""
    source, target, data = edge
    chosen = data.get("decision") is not None
    label = f"{data['decision']}={data.get('choice')}" if chosen else ""
    label = label if data.get("op") is None else _kind(data) if anywhere else str(data["op"])
    return Wire(str(source), str(target), _short(label), chosen, not {source, target} <= alive)


def _condensed(graph: Graph, order: Sequence[Node], alive: set[Node]) -> list[Sheet]:
    groups = _groups_by_name(graph, order) or _groups_by_order(order)
    signs = [_signature(graph, members) if len(members) > 1 else () for members in groups]
    repeated = [sign for sign, count in Counter(signs).items() if sign and count > 1][:MOST_DETAILS]
    kinds = [chr(ord("A") + repeated.index(sign)) if sign in repeated else "" for sign in signs]
    boxes, owner = [], {}
    for _, run in groupby(range(len(groups)), key=lambda number: kinds[number] or number):
        first, *more = run
        members = [node for number in (first, *more) for node in groups[number]]
        name, kind = _group_name(groups[first]), kinds[first]
        if more:
            lines = [f"{name} … {_group_name(groups[more[-1]])}", f"{1 + len(more)} × {kind}"]
        elif len(members) > 1:
            lines = [
                name,
                f"{len(members)} nodes",
                *([f"as {kind}"] if kind else _operations(graph, members)),
            ]
        else:
            lines = list(_lines(graph, members[0]))
        face = GROUP if len(members) > 1 else "white"
        boxes.append(Box(name, tuple(map(_short, lines)), not alive & set(members), face))
        owner.update(dict.fromkeys(members, name))
    overview = Sheet(
        f"{len(graph)} nodes in {len(boxes)} boxes; ×n: n edges", boxes, _group_wires(graph, owner, alive)
    )
    firsts = {kind: groups[kinds.index(kind)] for kind in dict.fromkeys(filter(None, kinds))}
    return [overview] + [
        _detail(graph, f"{kind}: {_group_name(members)} ({kinds.count(kind)} alike)", members, alive)
        for kind, members in firsts.items()
        if len(members) <= MOST_DETAIL
    ]


def _group_wires(graph: Graph, owner: Mapping[Node, str], alive: set[Node]) -> Iterable[Wire]:
    """One wire between two boxes for all the edges between their nodes."""
    between: dict[tuple[str, str], list[Wire]] = {}
    for edge in graph.edges(data=True):
        ends = owner[edge[0]], owner[edge[1]]
        if ends[0] != ends[1]:
            between.setdefault(ends, []).append(_wire(alive, edge))
    sizes = Counter(owner.values())
    for (source, target), wires in between.items():
        single = sizes[source] == sizes[target] == len(wires) == 1
        label = wires[0].label if single else f"×{len(wires)}" if len(wires) > 1 else ""
        chosen, dead = any(wire.chosen for wire in wires), all(wire.dead for wire in wires)
        yield Wire(source, target, label, chosen, dead)


def _prefix(name: str) -> str:
    """What the names of a group share: all before the first of ``./:``, else all before the last letters and number."""
    first, *more = re.split(r"[./:]", name)
    return first if more else re.sub(r"[^\d]+\d+$", "", first)


def _groups_by_name(graph: Graph, order: Sequence[Node]) -> list[list[Node]]:
    """Nodes whose names begin alike (``cell3.a``, ``cell3.b``; ``s0c1n1``, ``s0c1n2``), if no group needs itself."""
    found: dict[str, list[Node]] = {}
    for node in order:
        found.setdefault(_prefix(str(node)) or str(node), []).append(node)
    groups = list(found.values())
    owner = {node: number for number, members in enumerate(groups) for node in members}
    joined = nx.DiGraph((owner[a], owner[b]) for a, b in graph.edges() if owner[a] != owner[b])
    joined.add_nodes_from(range(len(groups)))
    if not 3 <= len(groups) <= MOST_GROUPS or not nx.is_directed_acyclic_graph(joined):
        return []
    return [groups[number] for number in nx.lexicographical_topological_sort(joined)]


def _groups_by_order(order: Sequence[Node]) -> list[list[Node]]:
    """Runs of nodes in topological order: never a cycle between them; the image and the output stay alone."""
    inner, size = order[1:-1], -(-len(order[1:-1]) // MOST_RUNS)
    runs = [list(inner[start : start + size]) for start in range(0, len(inner), size)]
    return [[order[0]], *runs, [order[-1]]]


def _group_name(members: Sequence[Node]) -> str:
    first, last = str(members[0]), str(members[-1])
    common = _prefix(first)
    if len(members) == 1:
        return first
    return common if common and last.startswith(common) else f"{first} … {last}"


def _operations(graph: Graph, members: Sequence[Node]) -> list[str]:
    counts = Counter(_kind(data) for _, _, data in graph.in_edges(members, data=True))
    lines = [f"{count} × {kind}" for kind, count in counts.most_common(3)]
    return [*lines, f"and {len(counts) - 3} more"] if len(counts) > 3 else lines


def _signature(graph: Graph, members: Sequence[Node]) -> tuple[Any, ...]:
    """Equal for groups with the same operations between the same places; what comes from outside counts from -1."""
    place = {node: number for number, node in enumerate(members)}
    outside: dict[Node, int] = {}
    edges = []
    for target in members:
        for source, _, data in graph.in_edges(target, data=True):
            start = place.get(source) if source in place else -1 - outside.setdefault(source, len(outside))
            edges.append((place[target], start, _kind(data)))
    return (len(members), *sorted(edges))


def _detail(graph: Graph, title: str, members: Sequence[Node], alive: set[Node]) -> Sheet:
    sources = dict.fromkeys(source for source, _ in graph.in_edges(members) if source not in members)
    boxes = [Box(str(source), (f"from {_short(str(source))}",)) for source in sources]
    boxes += [Box(str(node), (_short(str(node)),), node not in alive) for node in members]
    return Sheet(
        title, boxes, [_wire(alive, edge, anywhere=True) for edge in graph.in_edges(members, data=True)]
    )
