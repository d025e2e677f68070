"""A picture of any graph, layer by layer from the input to the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .layout import Box, Layout, Wire, layered
from .style import BLUE, GREY, INK, new_figure, styled, whole_canvas

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN, HEADER, FOOTER, BETWEEN = 0.3, 0.85, 0.65, 0.8
LEAST_WIDTH, LEAST_PANEL = 6.5, 2.6


@dataclass(frozen=True)
class Sheet:
    """One panel of a drawing."""

    title: str
    boxes: list[Box]
    wires: list[Wire]


@styled
def graph_figure(graph: nx.MultiDiGraph[Any], title: str) -> Figure:
    """Draw a graph as :meth:`SearchSpace.graph` makes it.

    Edges are labelled with their operation, or with ``decision=choice`` where a value is passed on. A large graph is
    drawn as groups of nodes, with the inside of groups that occur several times beside it.

    :param graph: acyclic; its first node is the input, its last one the output.
    :param title: above the drawing.
    :raises ValueError: for an empty or cyclic graph.
    """
    from .condense import sheets

    return sheet_figure(sheets(graph), title)


def sheet_figure(sheets: list[Sheet], title: str, *, sideways: bool = False, legend: bool = True) -> Figure:
    """Draw panels: beside each other, or, when they run ``sideways``, below each other."""
    panels = [(sheet, layered(sheet.boxes, sheet.wires, sideways)) for sheet in sheets]
    header, footer = HEADER if title else 0.2, FOOTER if legend else 0.2
    rooms = [(max(layout.width, LEAST_PANEL), layout.height + 0.45 * bool(sideways)) for _, layout in panels]
    between = BETWEEN * (len(panels) - 1)
    if sideways:
        inner, height = max(room[0] for room in rooms), sum(room[1] for room in rooms) + between / 2
    else:
        inner, height = sum(room[0] for room in rooms) + between, max(room[1] for room in rooms)
    width = max(LEAST_WIDTH, inner + 2 * MARGIN)
    figure = new_figure(width, height + header + footer)
    axes = whole_canvas(figure)
    axes.text(width / 2, 0.28, title, ha="center", va="center", fontsize=13, weight="bold")
    left, top = (width - inner) / 2, header
    for (sheet, layout), room in zip(panels, rooms, strict=True):
        if sideways:
            axes.text(MARGIN, top + 0.12, sheet.title, va="center", fontsize=12)
            _draw_sheet(axes, sheet, layout, left, top + 0.45)
            top += room[1] + BETWEEN / 2
        else:
            axes.text(left + room[0] / 2, 0.62, sheet.title, ha="center", va="center", fontsize=9.5)
            _draw_sheet(axes, sheet, layout, left + (room[0] - layout.width) / 2, header)
            left += room[0] + BETWEEN
    if legend:
        _draw_legend(axes, sheets, width / 2, height + header + footer / 2)
    return figure


def arrow(axes: Axes, points: list[tuple[float, float]], colour: str, **line: Any) -> None:
    """Draw a smooth line through points, which ends in a tip that points as its last stretch does."""
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path as Curve

    size = 0.09
    (x, y), (before_x, before_y) = points[-1], points[-2]
    down = abs(y - before_y) >= abs(x - before_x) if len(points) == 2 else points[-2][1] != points[-3][1]
    dx, dy = (0.0, size if y > before_y else -size) if down else (size, 0.0)
    vertices, codes = [points[0]], [Curve.MOVETO]
    for (x0, y0), (x1, y1) in zip(points, [*points[1:-1], (x - dx, y - dy)], strict=False):
        mx, my = (x0 + x1) / 2, (y0 + y1) / 2
        vertices += [(x0, my), (x1, my), (x1, y1)] if down else [(mx, y0), (mx, y1), (x1, y1)]
        codes += [Curve.CURVE4] * 3
    axes.add_patch(PathPatch(Curve(vertices, codes), fill=False, edgecolor=colour, **line))
    tip = [(x, y), (x - dx - dy / 2, y - dy - dx / 2), (x - dx + dy / 2, y - dy + dx / 2)]
    axes.add_patch(Polygon(tip, facecolor=colour, edgecolor="none", zorder=2))


def rounded(axes: Axes, centre: tuple[float, float], size: tuple[float, float], **patch: Any) -> None:
    """Draw a box with round corners."""
    from matplotlib.patches import FancyBboxPatch

    corner = (centre[0] - size[0] / 2, centre[1] - size[1] / 2)
    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=shape, zorder=4, **patch))


def _draw_sheet(axes: Axes, sheet: Sheet, layout: Layout, left: float, top: float) -> None:
    for wire, points, label in zip(sheet.wires, layout.wires, layout.labels, strict=True):
        colour = wire.colour or (GREY if wire.dead else BLUE if wire.chosen else INK)
        moved = [(x + left, y + top) for x, y in points]
        arrow(axes, moved, colour, linewidth=1.2, linestyle="dashed" if wire.dead else "solid", zorder=1)
        if wire.label:
            axes.text(
                label[0] + left, label[1] + top, wire.label, ha="center", va="center_baseline", fontsize=8,
                color=colour, zorder=3, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
    for box in sheet.boxes:
        x, y = layout.boxes[box.name]
        colour, line = (GREY, "dashed") if box.dead else (INK, "solid")
        place = (x + left, y + top)
        rounded(axes, place, box.size, linewidth=1, edgecolor=colour, facecolor=box.face, linestyle=line)
        text = "\n".join(box.lines)
        axes.text(
            *place, text, ha="center", va="center", fontsize=8.5, linespacing=1.25, zorder=5, color=colour
        )


def _draw_legend(axes: Axes, shown: list[Sheet], x: float, y: float) -> None:
    from matplotlib.lines import Line2D

    wires = [wire for sheet in shown for wire in sheet.wires]
    dead = any(wire.dead for wire in wires) or any(box.dead for sheet in shown for box in sheet.boxes)
    kinds = [
        (any(not wire.chosen and not wire.dead for wire in wires), INK, "-", "always there"),
        (any(wire.chosen and not wire.dead for wire in wires), BLUE, "-", "chosen by a decision"),
        (dead, GREY, "--", "not used by the output"),
    ]
    handles = [
        Line2D([], [], color=colour, linestyle=line, linewidth=1.4, label=text)
        for there, colour, line, text in kinds
        if there
    ]
    if handles:
        axes.legend(
            handles=handles, loc="center", bbox_to_anchor=(x, y), bbox_transform=axes.transData, ncols=len(handles),
            handlelength=2.5, borderaxespad=0,
        )  # fmt: skip
