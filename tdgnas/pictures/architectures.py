"""The picture of an architecture: the drawing that its kind of space has, else its graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cells import cell_figure, recurrent_figure, tree_figure
from .graph import graph_figure
from .style import Figure, check_path, save
from .vgg import vgg_figure

if TYPE_CHECKING:
    from ..spaces import Architecture, SearchSpace


def _cells(space: Any, architecture: Architecture) -> Figure:
    return cell_figure({kind: space.plan(architecture, kind) for kind in space.kinds})


def _recurrent(space: Any, architecture: Architecture) -> Figure:
    return recurrent_figure(space.pairs(architecture), space.ends(architecture))


def _tree(space: Any, architecture: Architecture) -> Figure:
    pairs, into, source = space.chosen(architecture)
    return tree_figure(pairs, space.children, into, source)


# The class that a space is, or is made from, by the name of its module and its own; spaces need not know of pictures.
_DRAWINGS: dict[str, Callable[[Any, Architecture], Figure]] = {
    "VGGShortcuts": vgg_figure,
    "CellSpace": _cells,
    "EnasMicro": _cells,
    "PairSpace": _recurrent,
    "NasRLRnn": _tree,
}


def register_drawing(space: type[SearchSpace], drawing: Callable[[Any, Architecture], Figure]) -> None:
    """Draw the architectures of a space, and of spaces made from it, by a function of your own.

    :param space: the class.
    :param drawing: takes the space and an architecture, returns a figure; see :func:`new_figure` and :func:`styled`.
    """
    _DRAWINGS[space.__name__] = drawing


def architecture_figure(space: SearchSpace, architecture: Architecture) -> Figure:
    """Draw an architecture.

    :raises ValueError: for an architecture of another space.
    """
    graph, choices = space.drawn_from(architecture)
    own = (_DRAWINGS[kind.__name__] for kind in type(space).__mro__ if kind.__name__ in _DRAWINGS)
    drawing = next(own, None)
    if drawing is not None:
        return drawing(space, architecture)
    return graph_figure(graph.networkx(choices), space.name)


def draw(space: SearchSpace, architecture: Architecture, *paths: str | Path) -> Path:
    """Draw an architecture into files; see :func:`save` for what it raises.

    :param paths: each ends in ``.png``, ``.svg`` or ``.pdf``; its folder exists.
    :returns: the first path.
    """
    for path in paths:
        check_path(path)
    return save(architecture_figure(space, architecture), *paths)[0]
