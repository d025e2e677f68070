"""A picture of any architecture's graph, layer by layer from the image at the top to the logits at the bottom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .condense import Sheet, sheets
from .layout import Box, Layout, Wire, layered
from .picture import BLUE, GREY, INK, check_picture_path, new_figure, save_figure, style

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

MARGIN, HEADER, FOOTER, BETWEEN = 0.3, 0.85, 0.65, 0.8
LEAST_WIDTH = 6.5


def draw_graph(graph: nx.MultiDiGraph[Any], path: Path, title: str) -> Path:
    """Draw a graph as :meth:`SearchSpace.graph` makes it.

    Edges are labelled with their operation, or with ``decision=choice`` where a value is passed on. A large graph is
    drawn as groups of nodes, with the inside of groups that occur several times beside it.

    :param graph: acyclic; its first node is the image, its last one the output.
    :param path: ends in ``.png``, ``.svg`` or ``.pdf``; its folder exists.
    :param title: above the drawing.
    :returns: the path.
    :raises ValueError: for an empty or cyclic graph, or an unknown ending.
    :raises FileNotFoundError: when the folder does not exist.
    """
    path = check_picture_path(path)
    panels = [(sheet, layered(sheet.boxes, sheet.wires)) for sheet in sheets(graph)]
    inner = sum(max(layout.width, 2.6) for _, layout in panels) + BETWEEN * (len(panels) - 1)
    width = max(LEAST_WIDTH, inner + 2 * MARGIN)
    height = max(layout.height for _, layout in panels) + HEADER + FOOTER
    with style():
        figure = new_figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        axes.text(width / 2, 0.28, title, ha="center", va="center", fontsize=13, weight="bold")
        left = (width - inner) / 2
        for sheet, layout in panels:
            room = max(layout.width, 2.6)
            axes.text(left + room / 2, 0.62, sheet.title, ha="center", va="center", fontsize=9.5)
            _draw_sheet(axes, sheet, layout, left + (room - layout.width) / 2, HEADER)
            left += room + BETWEEN
        _draw_legend(axes, [sheet for sheet, _ in panels], width / 2, height - FOOTER / 2)
        # A picture of more than 30,000 pixels a side is one that viewers refuse.
        return save_figure(figure, path, dpi=min(150.0, 30_000 / max(width, height)))


def _draw_sheet(axes: Axes, sheet: Sheet, layout: Layout, left: float, top: float) -> None:
    for wire, points, label in zip(sheet.wires, layout.wires, layout.labels, strict=True):
        _draw_wire(axes, wire, [(x + left, y + top) for x, y in points], (label[0] + left, label[1] + top))
    for box in sheet.boxes:
        x, y = layout.boxes[box.name]
        _draw_box(axes, box, x + left, y + top)


def _colour(wire: Wire) -> str:
    return GREY if wire.dead else BLUE if wire.chosen else INK


def _draw_wire(axes: Axes, wire: Wire, points: list[tuple[float, float]], label: tuple[float, float]) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Curve

    colour = _colour(wire)
    (x, y), size = points[-1], 0.09
    vertices, codes = [points[0]], [Curve.MOVETO]
    for (x0, y0), (x1, y1) in zip(points, [*points[1:-1], (x, y - size)], strict=False):
        middle = (y0 + y1) / 2
        vertices += [(x0, middle), (x1, middle), (x1, y1)]
        codes += [Curve.CURVE4] * 3
    axes.add_patch(
        PathPatch(
            Curve(vertices, codes), fill=False, edgecolor=colour, linewidth=1.2,
            linestyle="dashed" if wire.dead else "solid", zorder=1,
        )
    )  # fmt: skip
    tip = [(x, y), (x - size / 2, y - size), (x + size / 2, y - size)]
    axes.add_patch(Polygon(tip, facecolor=colour, edgecolor="none", zorder=2))
    if wire.label:
        axes.text(
            *label, wire.label, ha="center", va="center_baseline", fontsize=8, color=colour, zorder=3,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip


def _draw_box(axes: Axes, box: Box, x: float, y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - box.width / 2, y - box.height / 2), box.width, box.height,
            boxstyle="round,pad=0,rounding_size=0.06", linewidth=1, zorder=4, edgecolor=GREY if box.dead else INK,
            facecolor="#E6EDF5" if box.group else "white", linestyle="dashed" if box.dead else "solid",
        )
    )  # fmt: skip
    axes.text(
        x, y, "\n".join(box.lines), ha="center", va="center", fontsize=8.5, linespacing=1.25, zorder=5,
        color=GREY if box.dead else INK,
    )  # fmt: skip


def _draw_legend(axes: Axes, shown: list[Sheet], x: float, y: float) -> None:
    from matplotlib.lines import Line2D

    wires = [wire for sheet in shown for wire in sheet.wires]
    dead = any(wire.dead for wire in wires) or any(box.dead for sheet in shown for box in sheet.boxes)
    kinds: list[tuple[bool, str, Literal["solid", "dashed"], str]] = [
        (any(not wire.chosen and not wire.dead for wire in wires), INK, "solid", "always there"),
        (any(wire.chosen and not wire.dead for wire in wires), BLUE, "solid", "chosen by a decision"),
        (dead, GREY, "dashed", "not used by the output"),
    ]
    handles = [
        Line2D([], [], color=c, linestyle=s, linewidth=1.4, label=text)
        for there, c, s, text in kinds
        if there
    ]
    if handles:
        axes.legend(
            handles=handles, loc="center", bbox_to_anchor=(x, y), bbox_transform=axes.transData, ncols=len(handles),
            fontsize=9, handlelength=2.5, borderaxespad=0,
        )  # fmt: skip
