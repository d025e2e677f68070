"""A picture of VGG19 with shortcuts: the chain of blocks, stage by stage, and an arc for each shortcut.

Lengths are inches of the picture. Arcs that keep the resolution run above the chain, reductions below it. Arcs whose
spans overlap lie in lanes of their own, shorter ones inside longer ones, so that all 105 can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .picture import BLUE, GREEN, INK, VERMILLION, check_picture_path, new_figure, save_figure, style
from .vgg import STAGES, STRIDES, VGGShortcuts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .architecture import Architecture

# Kind of shortcut: colour, dashes, what it is.
KINDS: dict[str, tuple[str, Any, str]] = {
    "identity": (BLUE, "solid", "identity"),
    "pointwise": (VERMILLION, (0, (5, 2)), "pointwise, 1×1 convolution"),
    "reduction": (GREEN, (0, (7, 1.5, 1.5, 1.5)), "reduction, factorised 1×1 convolutions"),
}
BOX, HALF, GAP, POOL = (
    0.62,
    0.36,
    0.24,
    0.22,
)  # width and half height of a block, room after it, width of a pool
LANE, FIRST = 0.2, 0.3  # distance between lanes, and of the first from the blocks
LABEL = 0.4  # width of a label
MARGIN, HEADER, FOOTER = 0.25, 1.05, 0.95


@dataclass(frozen=True)
class Arc:
    """One shortcut's way in the picture: from ``left`` to ``right``, ``lane`` lanes away from the chain."""

    source: int
    target: int
    left: float
    right: float
    lane: int = 0


def lanes(arcs: Iterable[Arc]) -> list[Arc]:
    """Give each arc the lowest lane in which it overlaps no other, short arcs first, so that arcs nest."""
    taken: list[list[Arc]] = []
    placed = []
    for arc in sorted(arcs, key=lambda arc: (arc.right - arc.left, arc.source)):
        lane = next(
            (n for n, row in enumerate(taken) if not any(_overlap(arc, other) for other in row)), len(taken)
        )
        if lane == len(taken):
            taken.append([])
        placed.append(Arc(arc.source, arc.target, arc.left, arc.right, lane))
        taken[lane].append(placed[-1])
    return placed


def _overlap(one: Arc, other: Arc) -> bool:
    return one.left < other.right + 0.05 and other.left < one.right + 0.05


class _Chain:
    """Where things are along the chain: left edges of blocks, pools, stages, and the points where arcs leave."""

    def __init__(self) -> None:
        x = MARGIN + BOX + GAP
        self.blocks, self.outputs, self.pools = [MARGIN], [MARGIN + BOX + GAP / 2], []
        self.stages: list[tuple[float, float]] = []
        for stage in STAGES:
            start = x - 0.02
            for number in range(len(stage)):
                self.blocks.append(x)
                x += BOX + GAP
                if number == len(stage) - 1:
                    self.pools.append(x - GAP + 0.08)
                    # An arc leaves a stage's last block after the pooling, in the band of the next resolution.
                    end = x - GAP + 0.08 + POOL + 0.06
                    self.stages.append((start, end))
                    x = end + GAP
                    self.outputs.append(end + 0.07)
                else:
                    self.outputs.append(x - GAP + 0.07)
            self.stages[-1] = (start, end)
        self.head = x
        self.width = x + 0.95 + MARGIN
        for number in range(1, 5):  # bands touch
            self.stages[number] = (self.stages[number - 1][1], self.stages[number][1])


def draw_vgg(space: VGGShortcuts, architecture: Architecture, path: Path) -> Path:
    """Draw an architecture of :class:`VGGShortcuts`.

    :param space: the space of the architecture.
    :param architecture: which shortcuts there are.
    :param path: ends in ``.png``, ``.svg`` or ``.pdf``; its folder exists.
    :returns: the path.
    :raises ValueError: for an architecture of another space or an unknown ending.
    :raises FileNotFoundError: when the folder does not exist.
    """
    path = check_picture_path(path)
    pairs = space.shortcuts(architecture)
    chain = _Chain()
    above = lanes(_arcs(space, chain, pairs, reductions=False))
    below = lanes(_arcs(space, chain, pairs, reductions=True))
    up, down = (HALF + FIRST + LANE * len({arc.lane for arc in side}) for side in (above, below))
    with style():
        figure = new_figure(chain.width, HEADER + up + down + FOOTER)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, chain.width), ylim=(-down - FOOTER, up + HEADER))
        axes.set_axis_off()
        _draw_stages(axes, space, chain, up, down)
        _draw_chain(axes, space, chain)
        reductions = [pair for pair in space.candidates if space.kind(*pair) == "reduction"]
        strides = {STRIDES[j - 1] // STRIDES[i] for i, j in reductions}
        for side, sign in ((above, 1), (below, -1)):
            _draw_arcs(axes, space, side, sign, with_stride=sign < 0 and len(strides) > 1)
        _draw_title(axes, space, architecture, len(pairs), chain.width, up)
        _draw_legend(axes, space, pairs, strides, chain.width, -down)
        return save_figure(figure, path)


def _arcs(
    space: VGGShortcuts, chain: _Chain, pairs: Sequence[tuple[int, int]], reductions: bool
) -> list[Arc]:
    """Arcs of one side; into a block the nearest source comes in leftmost, so that its arcs do not cross."""
    side = [pair for pair in pairs if (space.kind(*pair) == "reduction") == reductions]
    arcs = []
    for i, j in side:
        sources = sorted((source for source, target in side if target == j), reverse=True)
        place = (sources.index(i) + 1) / (len(sources) + 1)
        arcs.append(Arc(i, j, chain.outputs[i], chain.blocks[j] + BOX * place))
    return arcs


def _draw_stages(axes: Axes, space: VGGShortcuts, chain: _Chain, up: float, down: float) -> None:
    from matplotlib.patches import Rectangle

    for number, (start, end) in enumerate(chain.stages):
        shade = "#F0F2F5" if number % 2 == 0 else "#FAFAFA"
        axes.add_patch(
            Rectangle(
                (start, -down), end - start, up + down + 0.42, facecolor=shade, edgecolor="none", zorder=0
            )
        )
        side = space.image_shape[1] >> number
        text = f"stage {number + 1}\n{side}×{side}, stride {2**number}"
        axes.text(
            (start + end) / 2,
            up + 0.21,
            text,
            ha="center",
            va="center",
            fontsize=9,
            color=INK,
            linespacing=1.3,
        )


def _draw_chain(axes: Axes, space: VGGShortcuts, chain: _Chain) -> None:
    from matplotlib.patches import FancyBboxPatch, Polygon

    size = space.image_shape[1]

    def box(left: float, width: float, title: str, lines: str, face: str) -> None:
        shape = FancyBboxPatch(
            (left, -HALF), width, 2 * HALF, boxstyle="round,pad=0,rounding_size=0.06", facecolor=face, edgecolor=INK,
            linewidth=1, zorder=4,
        )  # fmt: skip
        axes.add_patch(shape)
        middle = left + width / 2
        axes.text(middle, 0.21, title, ha="center", va="center", fontsize=8.5, weight="bold", zorder=5)
        axes.text(middle, -0.09, lines, ha="center", va="center", fontsize=8.5, linespacing=1.25, zorder=5)

    axes.plot([MARGIN + BOX, chain.head], [0, 0], color=INK, linewidth=1.6, solid_capstyle="butt", zorder=1)
    box(chain.blocks[0], BOX, "image", f"{space.channels[0]} ch\n{size}×{size}", "white")
    for j in range(1, 17):
        _arrow_head(axes, chain.blocks[j], 0, "right", INK, 0.08)
        side = size // STRIDES[j - 1]
        box(chain.blocks[j], BOX, f"block {j}", f"{space.channels[j]} ch\n{side}×{side}", "white")
    for x in chain.pools:
        corners = [(x, HALF), (x, -HALF), (x + POOL, -0.6 * HALF), (x + POOL, 0.6 * HALF)]
        axes.add_patch(Polygon(corners, facecolor="#D9D9D9", edgecolor=INK, linewidth=0.8, zorder=4))
        axes.text(x + POOL / 2, 0, "pool", rotation=90, ha="center", va="center", fontsize=7.5, zorder=5)
    _arrow_head(axes, chain.head, 0, "right", INK, 0.08)
    box(chain.head, 0.95, "head", f"average pool\nlinear, {space.classes}", "white")


def _draw_arcs(axes: Axes, space: VGGShortcuts, arcs: Sequence[Arc], sign: int, with_stride: bool) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    for arc in arcs:
        colour, dashes, _ = KINDS[space.kind(arc.source, arc.target)]
        height = HALF + FIRST + LANE * arc.lane
        bend = 0.12
        points = [
            (arc.left, 0), (arc.left, height - bend), (arc.left, height), (arc.left + bend, height),
            (arc.right - bend, height), (arc.right, height), (arc.right, height - bend), (arc.right, HALF + 0.05),
        ]  # fmt: skip
        codes = [
            Curve.MOVETO,
            Curve.LINETO,
            Curve.CURVE3,
            Curve.CURVE3,
            Curve.LINETO,
            Curve.CURVE3,
            Curve.CURVE3,
        ]
        curve = Curve([(x, sign * y) for x, y in points], [*codes, Curve.LINETO])
        axes.add_patch(
            PathPatch(curve, fill=False, edgecolor=colour, linestyle=dashes, linewidth=1.5, zorder=2)
        )
        _arrow_head(axes, arc.right, sign * HALF, "down" if sign > 0 else "up", colour, 0.07)
        axes.plot([arc.left], [0], marker="o", markersize=4, color=INK, zorder=3)
        text = f"{arc.source}→{arc.target}"
        if with_stride:
            text += f" ÷{STRIDES[arc.target - 1] // STRIDES[arc.source]}"
        axes.text(
            _label_place(arc, arcs, LABEL + 0.2 * with_stride), sign * height, text, ha="center", va="center_baseline",
            fontsize=8, color=colour, zorder=6, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def _label_place(arc: Arc, arcs: Sequence[Arc], width: float) -> float:
    """Nearest place to an arc's middle where its label hides no leg of another arc; the middle if there is none."""
    legs = [x for other in arcs if other.lane > arc.lane for x in (other.left, other.right)]
    middle, room = (arc.left + arc.right) / 2, (arc.right - arc.left - width) / 2 - 0.1
    shifts = [sign * 0.04 * n for n in range(int(max(room, 0) / 0.04) + 1) for sign in (1, -1)]
    free = (s for s in shifts if all(abs(middle + s - x) > width / 2 + 0.02 for x in legs))
    return middle + next(free, 0.0)


def _arrow_head(axes: Axes, x: float, y: float, direction: str, colour: str, size: float) -> None:
    """Draw a filled triangle with its tip at a point."""
    from matplotlib.patches import Polygon

    along = {"right": (1, 0), "down": (0, -1), "up": (0, 1)}[direction]
    across = (along[1], along[0])
    back = (x - along[0] * size * 1.3, y - along[1] * size * 1.3)
    wings = [(back[0] + s * across[0] * size / 2, back[1] + s * across[1] * size / 2) for s in (1, -1)]
    axes.add_patch(Polygon([(x, y), *wings], facecolor=colour, edgecolor="none", zorder=4))


def _draw_title(
    axes: Axes, space: VGGShortcuts, architecture: Architecture, count: int, width: float, up: float
) -> None:
    title = f"VGG19 with {count} of {len(space.candidates)} shortcuts" if count else "VGG19 without shortcuts"
    costs = (
        f"{space.parameters(architecture):,} parameters,  {space.macs(architecture) / 1e6:,.1f} million multiply-adds "
        f"per image,  width {space.settings['width']:g},  {space.classes} classes"
    )
    axes.text(width / 2, up + 0.85, title, ha="center", va="center", fontsize=14, weight="bold")
    axes.text(width / 2, up + 0.58, costs, ha="center", va="center", fontsize=10)


def _draw_legend(
    axes: Axes,
    space: VGGShortcuts,
    pairs: Sequence[tuple[int, int]],
    strides: set[int],
    width: float,
    top: float,
) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for kind, (colour, dashes, text) in KINDS.items():
        there = sum(space.kind(*pair) == kind for pair in pairs)
        candidates = sum(space.kind(*pair) == kind for pair in space.candidates)
        if kind == "reduction":
            text += ", stride 2" if strides <= {2} else ", ÷ stride"
        label = f"{text}: {there} of {candidates}"
        handles.append(Line2D([], [], color=colour, linestyle=dashes, linewidth=1.5, label=label))
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(width / 2, top - 0.08), bbox_transform=axes.transData,
        ncols=len(handles), fontsize=9.5, handlelength=4, borderaxespad=0,
    )  # fmt: skip
    note = (
        "block: 3×3 convolution + BatchNorm, plus the shortcuts that enter it, then ReLU; the last of a stage is pooled"
        " (2×2 maximum).  ch: channels.  Shortcut i→j: from the output of block i into the sum of block j."
    )
    axes.text(width / 2, top - 0.62, note, ha="center", va="center", fontsize=9, color="#555555")
