"""Fixed graphs as JSON values, so that a network that grew is saved without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .graph import Graph
from .nodes import Node, Term
from .ops import Op

FORMAT = "tdgnas-graph/1"


def graph_document(graph: Graph) -> dict[str, Any]:
    """Return a fixed graph whose operations have plain settings as JSON values, for :func:`graph_of`.

    :raises ValueError: for a conditional graph.
    """
    if graph.decisions:
        raise ValueError("a conditional graph has no text form of its own; take graph.fixed(choices)")
    # What is not there is left out: TOML has no word for nothing.
    nodes = [asdict(node, dict_factory=_said) for node in graph.nodes]
    return {"format": FORMAT, "input_shape": list(graph.input_shape), "nodes": nodes}


def graph_of(document: Mapping[str, Any]) -> Graph:
    """Make the graph that :func:`graph_document` describes.

    :raises ValueError: when it describes none.
    """
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"the format is {document['format']!r}; this version reads {FORMAT!r}")
        nodes = []
        for node in document["nodes"]:
            terms = tuple(Term(term["source"], _op(term.get("op"))) for term in node.get("terms", ()))
            own = {"terms": terms, "post": _op(node.get("post")), "shape": _hashable(node.get("shape"))}
            nodes.append(Node(**{**node, **own}))
        return Graph(nodes, tuple(document["input_shape"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"this is no graph, or a damaged one: {type(error).__name__}: {error}") from error


def _said(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value not in (None, ())}


def _op(given: Any) -> Op | None:
    if given is None:
        return None
    return Op(
        given["name"], given["kind"], {name: _hashable(value) for name, value in given.get("settings", ())}
    )


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value
