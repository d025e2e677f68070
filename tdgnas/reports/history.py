"""What the events of a search say: the best so far, how it changed, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import networkx as nx

Event = Mapping[str, Any]
T = TypeVar("T")


def is_maximised(events: Sequence[Event], history: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the fitness is maximised: whether the energies of the history are fitnesses negated."""
    if not events or not history:
        return False
    values = [event["fitness"][0] for event in events]
    best = min(record["best"] for record in history)
    return bool(abs(best + max(values)) < abs(best - min(values)))


def energy(event: Event, maximised: bool) -> float:
    """Energy of an event: its fitness, negated where that is maximised."""
    return -float(event["fitness"][0]) if maximised else float(event["fitness"][0])


def rank(event: Event, maximised: bool) -> tuple[float, float]:
    """What events are compared by, less is better: what was evaluated with more effort comes first, then the energy."""
    return -float(event.get("fidelity", 1.0)), energy(event, maximised)


def best_by_generation(
    events: Sequence[Event], maximised: bool, fresh: bool = False
) -> list[tuple[int, Event]]:
    """Return every generation with the event of the best individual so far.

    :param fresh: compare within a generation only, for a search that trains the weights meanwhile.
    """
    best: dict[int, Event] = {}
    now: Event | None = None
    for event in events:
        if fresh and event["gen"] not in best:
            now = None
        if now is None or rank(event, maximised) < rank(now, maximised):
            now = event
        best[event["gen"]] = now
    return list(best.items())


def changes_of(leaders: Sequence[tuple[int, Event]]) -> list[tuple[int, Event]]:
    """Return the generations at which the choices of the leader differ from those before."""
    return [next(same) for _, same in groupby(leaders, key=lambda leader: leader[1]["choices"])]


def spread_out(items: Sequence[T], count: int) -> list[T]:
    """Return at most ``count`` of the items, the first and the last among them, evenly spread."""
    if len(items) <= count:
        return list(items)
    return [items[round(place * (len(items) - 1) / (count - 1))] for place in range(count)]


def find(events: Sequence[Event], choices: Sequence[int], maximised: bool) -> Event | None:
    """Return the event of the best individual with these choices, the earliest of equals."""
    same = [event for event in events if event["choices"] == list(choices)]
    return min(same, key=lambda event: rank(event, maximised), default=None)


def family(events: Sequence[Event], identity: int, limit: int = 250) -> nx.DiGraph[int]:
    """Return the ancestors of an individual as a graph with edges from parents to children.

    Nodes carry ``gen``, ``operators`` and ``fitness``.

    :param limit: at most so many individuals, the nearest ones.
    """
    import networkx as nx

    known = {event["id"]: event for event in events}
    descent = nx.DiGraph((child, parent) for child, event in known.items() for parent in event["parents"])
    descent.add_node(identity)
    near = [identity, *(parent for _, parent in nx.bfs_edges(descent, identity))]
    kept = [number for number in near if number in known][:limit]
    graph: nx.DiGraph[int] = nx.DiGraph()
    for number in kept:
        event = known[number]
        graph.add_node(number, gen=event["gen"], operators=event["operators"], fitness=event["fitness"][0])
    graph.add_edges_from(
        (parent, child) for child in kept for parent in known[child]["parents"] if parent in graph
    )
    return graph
