"""Boxes and wires of an architecture's graph; large graphs as groups of nodes, with a detail of those that repeat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .graph import Sheet
from .layout import Box, Wire

if TYPE_CHECKING:
    import networkx as nx

MOST_NODES, MOST_EDGES = 24, 130  # a larger graph is condensed
MOST_GROUPS, MOST_RUNS, MOST_DETAILS, MOST_DETAIL = 40, 16, 4, 24
LONGEST = 26  # characters of a label
GROUP = "#E6EDF5"


def sheets(graph: nx.MultiDiGraph[Any]) -> list[Sheet]:
    """Return the panels that show a graph: all of it, or its groups and the details of those that repeat.

    :param graph: acyclic; the last node that was added is the output.
    :raises ValueError: for an empty or a cyclic graph.
    """
    import networkx as nx

    if not len(graph):
        raise ValueError("there is nothing to draw: the graph has no nodes")
    if not nx.is_directed_acyclic_graph(graph):
        cycle = " -> ".join(str(edge[0]) for edge in nx.find_cycle(graph))
        raise ValueError(f"the graph of an architecture has no cycles, this one has: {cycle}")
    place = {node: number for number, node in enumerate(graph)}
    order = list(nx.lexicographical_topological_sort(graph, key=place.__getitem__))
    alive = _alive(graph)
    if len(graph) <= MOST_NODES and graph.number_of_edges() <= MOST_EDGES:
        boxes = [Box(str(n), _lines(graph, n), n not in alive) for n in order]
        return [Sheet("", boxes, _wires(graph, order, alive))]
    return _condensed(graph, order, alive)


def op_kind(op: str | None) -> str:
    """Return an operation's name without the place where it is used.

    >>> op_kind("s0c1_0-3_nor_conv_3x3"), op_kind("c3_pre0"), op_kind("short4_11")
    ('nor_conv_3x3', 'pre', 'short')
    """
    if op is None:
        return "pass on"
    tokens = re.split(r"[_./:]", op)
    if all(re.search(r"\d", token) for token in tokens):
        stems = [re.sub(r"[\d-]+$", "", token) for token in tokens]
        return next((stem for stem in reversed(stems) if stem), op)
    first = next(number for number, token in enumerate(tokens) if not re.search(r"\d", token))
    return "_".join(tokens[first:])


def _alive(graph: nx.MultiDiGraph[Any]) -> set[Any]:
    """Nodes on a way from the image (the first node) to the output (the last)."""
    import networkx as nx

    nodes = list(graph)
    return (nx.descendants(graph, nodes[0]) | {nodes[0]}) & (nx.ancestors(graph, nodes[-1]) | {nodes[-1]})


def _lines(graph: nx.MultiDiGraph[Any], node: Any) -> tuple[str, ...]:
    data = graph.nodes[node]
    shape, post = data.get("shape"), data.get("post")
    size = "×".join(map(str, shape)) if shape else ""
    return tuple(_short(line) for line in (str(node), size, f"then {post}" if post else "") if line)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2 - 1]}…{text[-(LONGEST // 2) :]}"


def edge_label(data: dict[str, Any]) -> str:
    """Return what an edge is called: its operation, else the decision and choice that switched it on, else nothing."""
    if data.get("op") is not None:
        return _short(str(data["op"]))
    choice = data.get("choice_name", data.get("choice"))
    return "" if data.get("decision") is None else _short(f"{data['decision']}={choice}")


def _wires(graph: nx.MultiDiGraph[Any], nodes: Iterable[Any], alive: set[Any]) -> list[Wire]:
    inside = set(nodes)
    return [
        Wire(
            str(source), str(target), edge_label(data), data.get("decision") is not None,
            source not in alive or target not in alive,
        )
        for source, target, data in graph.edges(data=True)
        if source in inside and target in inside
    ]  # fmt: skip


# groups ----------------------------------------------------------------------------------------------------------


def _condensed(graph: nx.MultiDiGraph[Any], order: Sequence[Any], alive: set[Any]) -> list[Sheet]:
    groups = _groups_by_name(graph, order) or _groups_by_order(order)
    kinds = _kinds(graph, groups)
    details = []
    for letter in dict.fromkeys(kind for kind in kinds if kind):
        members = groups[kinds.index(letter)]
        if len(members) <= MOST_DETAIL:
            title = f"{letter}: {_group_name(members)} ({kinds.count(letter)} alike)"
            details.append(_detail(graph, title, members, alive))
    runs = [list(run) for _, run in groupby(range(len(groups)), key=lambda n: kinds[n] or str(n))]
    boxes, merged = [], []
    for run in runs:
        members = [node for number in run for node in groups[number]]
        name = _group_name(groups[run[0]])
        if len(run) > 1:
            lines: tuple[str, ...] = (
                f"{name} … {_group_name(groups[run[-1]])}",
                f"{len(run)} × {kinds[run[0]]}",
            )
        elif len(members) == 1:
            lines = _lines(graph, members[0])
        else:
            what = [f"as {kinds[run[0]]}"] if kinds[run[0]] else _operations(graph, members)
            lines = (name, f"{len(members)} nodes", *what)
        boxes.append(
            Box(
                name,
                tuple(map(_short, lines)),
                not alive & set(members),
                GROUP if len(members) > 1 else "white",
            )
        )
        merged.append(members)
    wires = _group_wires(graph, merged, [box.name for box in boxes], alive)
    return [Sheet(f"{len(graph)} nodes in {len(merged)} boxes; ×n: n edges", boxes, wires), *details]


def _kinds(graph: nx.MultiDiGraph[Any], groups: Sequence[Sequence[Any]]) -> list[str]:
    """A letter for groups that are built alike, the empty string for a group like no other."""
    signs = [_signature(graph, members) if len(members) > 1 else None for members in groups]
    repeated = [sign for sign, count in Counter(signs).items() if sign is not None and count > 1]
    letters = {sign: chr(ord("A") + number) for number, sign in enumerate(repeated[:MOST_DETAILS])}
    return ["" if sign is None else letters.get(sign, "") for sign in signs]


def _group_wires(
    graph: nx.MultiDiGraph[Any],
    groups: Sequence[Sequence[Any]],
    names: Sequence[str],
    alive: set[Any],
) -> list[Wire]:
    owner = {node: number for number, members in enumerate(groups) for node in members}
    between: dict[tuple[int, int], list[tuple[str, bool, bool]]] = {}
    for source, target, data in graph.edges(data=True):
        one, other = owner[source], owner[target]
        if one != other:
            dead = source not in alive or target not in alive
            edge = (edge_label(data), data.get("decision") is not None, dead)
            between.setdefault((one, other), []).append(edge)
    wires = []
    for (one, other), edges in sorted(between.items()):
        single = len(groups[one]) == len(groups[other]) == 1 and len(edges) == 1
        label = edges[0][0] if single else (f"×{len(edges)}" if len(edges) > 1 else "")
        chosen, dead = any(edge[1] for edge in edges), all(edge[2] for edge in edges)
        wires.append(Wire(names[one], names[other], label, chosen, dead))
    return wires


def _groups_by_name(graph: nx.MultiDiGraph[Any], order: Sequence[Any]) -> list[list[Any]]:
    """Nodes whose names begin alike (``cell3.a``, ``cell3.b``; ``s0c1n1``, ``s0c1n2``), if no group needs itself."""
    import networkx as nx

    found: dict[str, list[Any]] = {}
    for node in order:
        name = str(node)
        prefix = re.split(r"[./:]", name)[0]
        prefix = re.sub(r"[^\d]+\d+$", "", name) if prefix == name else prefix
        found.setdefault(prefix or name, []).append(node)
    owner = {node: number for number, members in enumerate(found.values()) for node in members}
    joined = nx.DiGraph((owner[a], owner[b]) for a, b in graph.edges() if owner[a] != owner[b])
    joined.add_nodes_from(range(len(found)))
    if len(found) > MOST_GROUPS or len(found) < 3 or not nx.is_directed_acyclic_graph(joined):
        return []
    groups = list(found.values())
    return [groups[number] for number in nx.lexicographical_topological_sort(joined)]


def _groups_by_order(order: Sequence[Any]) -> list[list[Any]]:
    """Runs of nodes in topological order: never a cycle between them; the image and the output stay alone."""
    inner = order[1:-1]
    size = -(-len(inner) // MOST_RUNS)
    runs = [list(inner[start : start + size]) for start in range(0, len(inner), size)]
    return [[order[0]], *runs, [order[-1]]]


def _group_name(members: Sequence[Any]) -> str:
    if len(members) == 1:
        return str(members[0])
    first, last = str(members[0]), str(members[-1])
    common = re.sub(r"[^\d]+$", "", re.match(r"[^./:]*", first).group()) if "." in first else ""  # type: ignore[union-attr]
    common = common or re.sub(r"[^\d]+\d+$", "", first)
    return common if common and last.startswith(common) else f"{first} … {last}"


def _operations(graph: nx.MultiDiGraph[Any], members: Sequence[Any]) -> list[str]:
    counts = Counter(op_kind(data.get("op")) for _, _, data in graph.in_edges(members, data=True))
    lines = [f"{count} × {kind}" for kind, count in counts.most_common(3)]
    return [*lines, f"and {len(counts) - 3} more"] if len(counts) > 3 else lines


def _signature(graph: nx.MultiDiGraph[Any], members: Sequence[Any]) -> tuple[Any, ...]:
    """Equal for groups with the same operations between the same places."""
    place: dict[Any, int] = {node: number for number, node in enumerate(members)}
    edges = []
    for target in members:
        for source, _, data in sorted(
            graph.in_edges(target, data=True), key=lambda edge: place.get(edge[0], -1)
        ):
            start = place[source] if source in place else f"in{place.setdefault(('in', source), -len(place))}"
            edges.append((str(start), place[target], op_kind(data.get("op"))))
    return (len(members), *edges)


def _detail(graph: nx.MultiDiGraph[Any], title: str, members: Sequence[Any], alive: set[Any]) -> Sheet:
    inside = set(members)
    sources = dict.fromkeys(source for source, _ in graph.in_edges(members) if source not in inside)
    boxes = [Box(str(source), (f"from {_short(str(source))}",)) for source in sources]
    boxes += [Box(str(node), (_short(str(node)),), node not in alive) for node in members]
    wires = []
    for source, target, data in graph.in_edges(members, data=True):
        label = edge_label({**data, "op": None if data.get("op") is None else op_kind(data["op"])})
        dead = source not in alive or target not in alive
        wires.append(Wire(str(source), str(target), label, data.get("decision") is not None, dead))
    return Sheet(title, boxes, wires)
