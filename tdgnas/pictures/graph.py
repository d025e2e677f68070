"""A picture of any graph, layer by layer from the input to the output."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .condense import sheets
from .layout import Layout, Point, Sheet, layered
from .style import BLUE, GREY, INK, Axes, Figure, new_figure, styled

if TYPE_CHECKING:
    import networkx as nx

MARGIN, HEADER, FOOTER, BETWEEN = 0.3, 0.85, 0.65, 0.8
LEAST_WIDTH, LEAST_PANEL = 6.5, 2.6


@styled
def graph_figure(graph: nx.MultiDiGraph[Any], title: str) -> Figure:
    """Draw a graph as :meth:`tdgnas.graphs.Graph.networkx` makes it.

    Edges are labelled with their operation, or with ``decision=choice`` where a value is passed on. A large graph is
    drawn as groups of nodes, with the inside of groups that occur several times beside it.

    :param graph: acyclic; its first node is the input, its last one the output.
    :param title: above the drawing.
    :raises ValueError: for an empty or cyclic graph.
    """
    return sheet_figure(sheets(graph), title)


def sheet_figure(drawn: list[Sheet], title: str = "", sideways: bool = False) -> Figure:
    """Draw panels beside each other, with a legend; or, when they run ``sideways``, below each other, with none."""
    shown = [sheet._replace(wires=list(sheet.wires)) for sheet in drawn]
    panels = [layered(sheet.boxes, list(sheet.wires), sideways) for sheet in shown]
    # Above and below the panels, between them, for a panel's name, its least width.
    room = (0.2, 0.2, BETWEEN / 2, 0.45, 0.0) if sideways else (HEADER, FOOTER, BETWEEN, 0.0, LEAST_PANEL)
    header, footer, between, name, least = room
    gaps = between * (len(panels) - 1)
    widths = [max(layout.width, least) for layout in panels]
    heights = [layout.height + name for layout in panels]
    inner, height = (max(widths), sum(heights) + gaps) if sideways else (sum(widths) + gaps, max(heights))
    width = max(LEAST_WIDTH, inner + 2 * MARGIN)
    figure = new_figure(width, header + height + footer)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(header + height + footer, 0))
    axes.set_axis_off()
    axes.text(width / 2, 0.28, title, ha="center", va="center", fontsize=13, weight="bold")
    left, top = (width - inner) / 2, header
    for sheet, layout, wide, tall in zip(shown, panels, widths, heights, strict=True):
        if sideways:
            axes.text(MARGIN, top + 0.12, sheet.title, va="center", fontsize=12)
            _draw_sheet(axes, sheet, layout, left, top + name)
            top += tall + between
        else:
            axes.text(left + wide / 2, 0.62, sheet.title, ha="center", va="center")
            _draw_sheet(axes, sheet, layout, left + (wide - layout.width) / 2, top)
            left += wide + between
    if not sideways:
        _draw_legend(axes, shown, width / 2, header + height + footer / 2)
    return figure


def arrow(axes: Axes, points: Sequence[Point], degree: int, colour: str, **line: Any) -> None:
    """Draw a line that ends in a tip, which points as its last stretch does.

    :param points: the first one, then those of each stretch.
    :param degree: of all stretches: 1 is straight, 2 and 3 are Bezier curves with so many points each.
    """
    import numpy as np
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    stretch = (Path.LINETO, Path.CURVE3, Path.CURVE4)[degree - 1]
    codes = np.array([Path.MOVETO, *[stretch] * (len(points) - 1)])
    tip = "-|>,head_length=6.5,head_width=2.6"
    line = {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 1, "capstyle": "butt", **line}
    axes.add_patch(FancyArrowPatch(path=Path(points, codes), arrowstyle=tip, color=colour, **line))


def _smooth(points: Sequence[Point]) -> list[Point]:
    """A smooth line through points, in cubic stretches, that leaves and arrives along the flow."""
    down, found, (x, y) = points[-2][1] != points[-3][1], [points[0]], points[-1]
    before = (x, y - 0.09) if down else (x - 0.09, y)  # from there straight on, as long as the tip is
    for (x0, y0), (x1, y1) in pairwise([*points[:-1], before]):
        mx, my = (x0 + x1) / 2, (y0 + y1) / 2
        found += [(x0, my), (x1, my), (x1, y1)] if down else [(mx, y0), (mx, y1), (x1, y1)]
    return [*found, before, before, points[-1]]


def rounded(axes: Axes, centre: Point, size: Point, **patch: Any) -> None:
    """Draw a box with round corners."""
    from matplotlib.patches import FancyBboxPatch

    corner = (centre[0] - size[0] / 2, centre[1] - size[1] / 2)
    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=shape, zorder=4, **patch))


def _draw_sheet(axes: Axes, sheet: Sheet, layout: Layout, left: float, top: float) -> None:
    middle: dict[str, Any] = {"ha": "center", "va": "center"}
    for wire, points, label in zip(sheet.wires, layout.wires, layout.labels, strict=True):
        colour = wire.colour or (GREY if wire.dead else BLUE if wire.chosen else INK)
        moved = _smooth([(x + left, y + top) for x, y in points])
        arrow(axes, moved, 3, colour, linewidth=1.2, linestyle="dashed" if wire.dead else "solid", zorder=1)
        if wire.label:
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
            place = (label[0] + left, label[1] + top)
            axes.text(*place, wire.label, fontsize=8, color=colour, zorder=3, bbox=ground, **middle)
    for box in sheet.boxes:
        place = (layout.boxes[box.name][0] + left, layout.boxes[box.name][1] + top)
        colour, line = (GREY, "dashed") if box.dead else (INK, "solid")
        rounded(axes, place, box.size, linewidth=1, edgecolor=colour, facecolor=box.face, linestyle=line)
        text = "\n".join(box.lines)
        axes.text(*place, text, fontsize=8.5, linespacing=1.25, zorder=5, color=colour, **middle)


def _draw_legend(axes: Axes, shown: list[Sheet], x: float, y: float) -> None:
    wires = [wire for sheet in shown for wire in sheet.wires]
    dead = any(wire.dead for wire in wires) or any(box.dead for sheet in shown for box in sheet.boxes)
    kinds = [
        (any(not wire.chosen and not wire.dead for wire in wires), INK, "-", "always there"),
        (any(wire.chosen and not wire.dead for wire in wires), BLUE, "-", "chosen by a decision"),
        (dead, GREY, "--", "not used by the output"),
    ]
    for there, colour, line, text in kinds:
        if there:
            axes.plot([], [], color=colour, linestyle=line, linewidth=1.4, label=text)
    axes.legend(loc="center", bbox_to_anchor=(x, y), bbox_transform=axes.transData, ncols=3, handlelength=2.5)
