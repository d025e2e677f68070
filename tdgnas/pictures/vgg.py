"""A picture of VGG19 with shortcuts: the chain of blocks, stage by stage, and an arc for each shortcut.

Lengths are inches of the picture. Arcs that keep the resolution run above the chain, reductions below it. Arcs whose
spans overlap lie in lanes of their own, shorter ones inside longer ones, so that all 105 can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .graph import arrow, rounded
from .style import BLUE, GREEN, INK, VERMILLION, Axes, Figure, new_figure, styled

if TYPE_CHECKING:
    from ..spaces import Architecture, VGGShortcuts

# Kind of shortcut: colour, dashes, what it is.
KINDS: dict[str, tuple[str, Any, str]] = {
    "identity": (BLUE, "solid", "identity"),
    "pointwise": (VERMILLION, (0, (5, 2)), "pointwise, 1×1 convolution"),
    "reduction": (GREEN, (0, (7, 1.5, 1.5, 1.5)), "reduction, factorised 1×1 convolutions"),
}
NOTE = (
    "block: 3×3 convolution + BatchNorm, plus the shortcuts that enter it, then ReLU; the last of a stage is pooled"
    " (2×2 maximum).  ch: channels.  Shortcut i→j: from the output of block i into the sum of block j."
)
# A block: width, half height, room after it; width of a pool; distance between lanes, of the first from the blocks.
BOX, HALF, GAP, POOL, LANE, FIRST = 0.62, 0.36, 0.24, 0.22, 0.2, 0.3
LABEL, HEAD, MARGIN, HEADER, FOOTER = 0.4, 0.95, 0.25, 1.05, 0.95
CENTRE: dict[str, Any] = {"ha": "center", "va": "center"}


class Arc(NamedTuple):
    """One shortcut's way in the picture: from ``left`` to ``right``, ``lane`` lanes away from the chain."""

    source: int
    target: int
    left: float
    right: float
    lane: int = 0

    def overlaps(self, other: Arc) -> bool:
        """Whether the two cannot lie in one lane."""
        return self.left < other.right + 0.05 and other.left < self.right + 0.05


def lanes(arcs: Iterable[Arc]) -> list[Arc]:
    """Give each arc the lowest lane in which it overlaps no other, short arcs first, so that arcs nest."""
    taken: list[list[Arc]] = []
    for arc in sorted(arcs, key=lambda arc: (arc.right - arc.left, arc.source)):
        lane = next((n for n, row in enumerate(taken) if not any(map(arc.overlaps, row))), len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append(arc._replace(lane=lane))
    return [arc for row in taken for arc in row]


class _Chain:
    """Where things are along the chain: left edges of blocks, pools, stages, and the points where arcs leave."""

    def __init__(self, strides: Sequence[int]) -> None:
        self.blocks, self.outputs = [MARGIN], [MARGIN + BOX + GAP / 2]
        self.pools: list[float] = []
        self.stages: list[tuple[float, float]] = []
        x = start = MARGIN + BOX + GAP
        for block in range(1, len(strides)):
            self.blocks.append(x)
            x += BOX + GAP
            if strides[block] == strides[block - 1]:
                self.outputs.append(x - GAP + 0.07)
                continue
            self.pools.append(x - GAP + 0.08)
            # An arc leaves a stage's last block after the pooling, in the band of the next resolution.
            end = self.pools[-1] + POOL + 0.06
            self.stages.append((start, end))
            self.outputs.append(end + 0.07)
            start, x = end, end + GAP
        self.head, self.width = x, x + HEAD + MARGIN


@styled
def vgg_figure(space: VGGShortcuts, architecture: Architecture) -> Figure:
    """Draw an architecture of :class:`VGGShortcuts`.

    :param architecture: which shortcuts there are.
    :raises ValueError: for an architecture of another space.
    """
    from ..spaces.vgg import STRIDES

    pairs, every = space.shortcuts(architecture), space.candidates
    chain = _Chain(STRIDES)
    above, below = (lanes(_arcs(space, chain, pairs, reductions)) for reductions in (False, True))
    up, down = (HALF + FIRST + LANE * len({arc.lane for arc in side}) for side in (above, below))
    figure = new_figure(chain.width, HEADER + up + down + FOOTER)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, chain.width), ylim=(-down - FOOTER, up + HEADER))
    axes.set_axis_off()
    _draw_chain(axes, space, chain, STRIDES, up, down)
    strides = {(i, j): STRIDES[j - 1] // STRIDES[i] for i, j in every}
    several = len(set(strides.values()) - {1}) > 1
    for side, sign in ((above, 1), (below, -1)):
        for arc in side:
            divided = f" ÷{strides[arc.source, arc.target]}" if several and sign < 0 else ""
            place = _label_place(arc, side, LABEL + 0.2 * bool(divided))
            label = f"{arc.source}→{arc.target}{divided}"
            _draw_arc(axes, arc, KINDS[space.kind(arc.source, arc.target)], sign, label, place)
    for kind, (colour, dashes, text) in KINDS.items():
        there, all_there = (sum(space.kind(*pair) == kind for pair in some) for some in (pairs, every))
        text += f", {'÷ stride' if several else 'stride 2'}" if kind == "reduction" else ""
        axes.plot(
            [], [], color=colour, linestyle=dashes, linewidth=1.5, label=f"{text}: {there} of {all_there}"
        )
    middle = chain.width / 2
    title = f"VGG19 with {len(pairs)} of {len(every)} shortcuts" if pairs else "VGG19 without shortcuts"
    costs = (
        f"{space.parameters(architecture):,} parameters,  {space.macs(architecture) / 1e6:,.1f} million multiply-adds "
        f"per image,  width {space.settings['width']:g},  {space.classes} classes"
    )
    axes.text(middle, up + 0.85, title, fontsize=14, weight="bold", **CENTRE)
    axes.text(middle, up + 0.58, costs, fontsize=10, **CENTRE)
    axes.text(middle, -down - 0.62, NOTE, fontsize=9, color="#555555", **CENTRE)
    look: dict[str, Any] = {"fontsize": 9.5, "handlelength": 4, "borderaxespad": 0, "ncols": len(KINDS)}
    below_all = (middle, -down - 0.08)
    axes.legend(loc="upper center", bbox_to_anchor=below_all, bbox_transform=axes.transData, **look)
    return figure


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


def _draw_chain(
    axes: Axes, space: VGGShortcuts, chain: _Chain, strides: Sequence[int], up: float, down: float
) -> None:
    from matplotlib.patches import Polygon, Rectangle

    size = space.image_shape[1]
    for number, (start, end) in enumerate(chain.stages):
        shade = "#F0F2F5" if number % 2 == 0 else "#FAFAFA"
        axes.add_patch(Rectangle((start, -down), end - start, up + down + 0.42, facecolor=shade, zorder=0))
        text = f"stage {number + 1}\n{size >> number}×{size >> number}, stride {2**number}"
        axes.text((start + end) / 2, up + 0.21, text, fontsize=9, linespacing=1.3, **CENTRE)
    axes.plot([MARGIN + BOX, chain.head], [0, 0], color=INK, solid_capstyle="butt", zorder=1)
    texts = [("image", f"{space.channels[0]} ch\n{size}×{size}")]
    for block in range(1, len(chain.blocks)):
        side = size // strides[block - 1]
        texts.append((f"block {block}", f"{space.channels[block]} ch\n{side}×{side}"))
    texts.append(("head", f"average pool\nlinear, {space.classes}"))
    for left, (title, lines) in zip([*chain.blocks, chain.head], texts, strict=True):
        width = HEAD if title == "head" else BOX
        middle = left + width / 2
        rounded(axes, (middle, 0), (width, 2 * HALF), facecolor="white", edgecolor=INK, linewidth=1)
        axes.text(middle, 0.21, title, fontsize=8.5, weight="bold", zorder=5, **CENTRE)
        axes.text(middle, -0.09, lines, fontsize=8.5, linespacing=1.25, zorder=5, **CENTRE)
        if title != "image":
            arrow(axes, [(left - GAP / 2, 0), (left, 0)], 1, INK, zorder=4)
    for x in chain.pools:
        corners = [(x, HALF), (x, -HALF), (x + POOL, -0.6 * HALF), (x + POOL, 0.6 * HALF)]
        axes.add_patch(Polygon(corners, facecolor="#D9D9D9", edgecolor=INK, linewidth=0.8, zorder=4))
        axes.text(x + POOL / 2, 0, "pool", rotation=90, fontsize=7.5, zorder=5, **CENTRE)


def _draw_arc(axes: Axes, arc: Arc, kind: tuple[str, Any, str], sign: int, label: str, place: float) -> None:
    colour, dashes, _ = kind
    height, bend = HALF + FIRST + LANE * arc.lane, 0.12
    low, high, start, end = height - bend, height, arc.left, arc.right
    points = [
        (start, 0), (start, low / 2), (start, low), (start, high), (start + bend, high), ((start + end) / 2, high),
        (end - bend, high), (end, high), (end, low), (end, (low + HALF) / 2), (end, HALF),
    ]  # fmt: skip
    arrow(axes, [(x, sign * y) for x, y in points], 2, colour, linestyle=dashes, linewidth=1.5, zorder=2)
    axes.plot([arc.left], [0], marker="o", markersize=4, color=INK, zorder=3)
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    axes.text(place, sign * height, label, fontsize=8, color=colour, zorder=6, bbox=ground, **CENTRE)


def _label_place(arc: Arc, arcs: Sequence[Arc], width: float) -> float:
    """Nearest place to an arc's middle where its label hides no leg of another arc; the middle if there is none."""
    legs = [x for other in arcs if other.lane > arc.lane for x in (other.left, other.right)]
    middle, room = (arc.left + arc.right) / 2, (arc.right - arc.left - width) / 2 - 0.1
    shifts = [sign * 0.04 * n for n in range(int(max(room, 0) / 0.04) + 1) for sign in (1, -1)]
    free = (s for s in shifts if all(abs(middle + s - x) > width / 2 + 0.02 for x in legs))
    return middle + next(free, 0.0)
