"""Drawings of architectures: what they say, that nothing overlaps, that equal input gives equal files."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tdgnas import pictures
from tdgnas.pictures import architecture_figure, draw, graph_figure, save
from tdgnas.pictures.condense import sheets
from tdgnas.pictures.layout import GAP, Box, Wire, layered
from tdgnas.pictures.vgg import Arc, lanes
from tdgnas.spaces import NASBench201, OneInputCells, VGGShortcuts

MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture(scope="module")
def space() -> VGGShortcuts:
    return VGGShortcuts(width=0.25)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def extents(figure: Figure) -> list[tuple[str, float, float, float, float]]:
    """Every text of a figure with its left, lower, right and upper edge in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in shown]
    return [(text, box.x0, box.y0, box.x1, box.y1) for text, box in boxes]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    return [
        (one[0], other[0])
        for one, other in combinations(extents(figure), 2)
        if min(one[3], other[3]) - max(one[1], other[1]) > 1
        and min(one[4], other[4]) - max(one[2], other[2]) > 1
    ]


# VGG19 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 12, 61])
def test_vgg_names_every_shortcut_once_and_no_texts_overlap(
    space: VGGShortcuts, tmp_path: Path, count: int, twelve: list[tuple[int, int]]
) -> None:
    pairs = {0: [], 12: twelve, 61: list(space.candidates)}[count]
    figure = architecture_figure(space, space.with_shortcuts(pairs))
    labels = sorted(text for text in texts(figure) if "→" in text and "Shortcut" not in text)
    assert labels == sorted(f"{i}→{j}" for i, j in pairs)
    assert overlapping(figure) == []
    width, height = figure.get_size_inches() * figure.dpi
    for text, left, lower, right, upper in extents(figure):
        assert left >= 0, text
        assert lower >= 0, text
        assert right <= width, text
        assert upper <= height, text


def test_vgg_says_blocks_channels_sizes_strides_and_costs(
    space: VGGShortcuts, tmp_path: Path, twelve: list[tuple[int, int]]
) -> None:
    architecture = space.with_shortcuts(twelve)
    said = texts(architecture_figure(space, architecture))
    assert [text for text in said if text.startswith("block ")] == [f"block {j}" for j in range(1, 17)]
    assert said.count("pool") == 5
    assert "stage 3\n8×8, stride 4" in said
    assert "64 ch\n8×8" in said
    assert "VGG19 with 12 of 61 shortcuts" in said
    costs = next(text for text in said if "parameters" in text)
    assert f"{space.parameters(architecture):,} parameters" in costs
    assert f"{space.macs(architecture) / 1e6:,.1f} million" in costs


def test_vgg_legend_counts_each_kind(
    space: VGGShortcuts, tmp_path: Path, twelve: list[tuple[int, int]]
) -> None:
    legend = architecture_figure(space, space.with_shortcuts(twelve)).axes[0].get_legend()
    assert legend is not None
    assert [text.get_text().rsplit(": ")[1] for text in legend.get_texts()] == [
        "2 of 12",
        "2 of 7",
        "8 of 42",
    ]


def test_vgg_without_the_stride_limit_says_each_stride(tmp_path: Path) -> None:
    space = VGGShortcuts(width=0.125, max_stride=None)
    figure = architecture_figure(space, space.with_shortcuts([(1, 16), (4, 9), (12, 14)]))
    assert {"1→16 ÷16", "4→9 ÷2", "12→14"} <= set(texts(figure))


def test_vgg_refuses_an_architecture_of_another_space(space: VGGShortcuts, tmp_path: Path) -> None:
    other = NASBench201()
    with pytest.raises(ValueError, match="nasbench201"):
        draw(space, other.sample(), tmp_path / "vgg.png")
    assert list(tmp_path.iterdir()) == []


@given(st.sets(st.sampled_from(VGGShortcuts(width=0.125, max_stride=None).candidates)))
@settings(max_examples=50, deadline=None)
def test_arcs_in_one_lane_do_not_overlap_and_longer_ones_lie_outside(pairs: set[tuple[int, int]]) -> None:
    placed = lanes(Arc(i, j, i, j - 0.5) for i, j in pairs)
    assert {(arc.source, arc.target) for arc in placed} == pairs
    for one, other in combinations(placed, 2):
        if one.lane == other.lane:
            assert one.right < other.left or other.right < one.left
        if one.left <= other.left and other.right <= one.right:
            assert other.lane < one.lane


# any graph --------------------------------------------------------------------------------------------------------


def test_small_graph_is_drawn_whole_with_operations_and_decisions() -> None:
    space = NASBench201(cells_per_stage=1)
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"
    graph = space.graph.networkx(space.from_string(cell).choices)
    [sheet] = sheets(graph)
    assert [box.name for box in sheet.boxes] == list(graph)
    assert len(sheet.wires) == graph.number_of_edges()
    labels = {(wire.source, wire.target): wire.label for wire in sheet.wires}
    assert labels["stem", "s0c0n1"] == "s0c0_0-1_nor_conv_3x3"
    assert labels["s0c0n1", "s0c0n2"] == "1-2=skip_connect"
    assert labels["input", "stem"] == "stem"


def test_nodes_that_the_output_does_not_read_are_told_apart() -> None:
    space = NASBench201(cells_per_stage=1)
    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
    [sheet] = sheets(space.graph.networkx(space.from_string(cell).choices))
    assert {box.name for box in sheet.boxes if box.dead} == {"s0c0n2", "s1c0n2", "s2c0n2"}
    assert {wire.target for wire in sheet.wires if wire.dead} == {"s0c0n2", "s1c0n2", "s2c0n2"}


def test_an_output_that_the_image_does_not_reach_is_not_told_apart() -> None:
    """All of such a network was drawn as unused, its output too."""
    space = NASBench201(cells_per_stage=1)
    cell = "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    [sheet] = sheets(space.graph.networkx(space.from_string(cell).choices))
    assert {box.name for box in sheet.boxes if not box.dead} == {"s2c0n3", "logits"}


def test_equal_cells_are_drawn_once_and_counted() -> None:
    space = NASBench201()
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"
    overview, detail = sheets(space.graph.networkx(space.from_string(cell).choices))
    assert [box.lines[0] for box in overview.boxes] == [
        "input", "stem", "s0c0 … s0c4", "reduction1", "s1c0 … s1c4", "reduction2", "s2c0 … s2c4", "logits",
    ]  # fmt: skip
    assert detail.title == "A: s0c0 (15 alike)"
    assert sorted(wire.label for wire in detail.wires) == [
        "0-3=skip_connect", "1-2=skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3",
    ]  # fmt: skip


def big_graph(nodes: int) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_node("input", shape=(3, 32, 32))
    names = ["input", *(f"v{number}" for number in range(nodes))]
    for number in range(1, len(names)):
        graph.add_edge(names[number - 1], names[number], op="conv", decision=None, choice=1)
        graph.add_edge(names[number * 7 // 9], names[number], op=None, decision=f"d{number}", choice=1)
    return graph


def test_hundreds_of_nodes_without_names_in_common_become_few_boxes(tmp_path: Path) -> None:
    graph = big_graph(400)
    overview = sheets(graph)[0]
    assert len(overview.boxes) <= 20
    assert overview.title.startswith("401 nodes")
    assert overview.boxes[0].lines[0] == "input"
    assert overview.boxes[-1].lines[0] == "v399"
    figure = graph_figure(graph, "big")
    assert max(figure.get_size_inches()) < 60
    assert overlapping(figure) == []


def test_generic_drawing_of_all_shortcuts_has_no_overlapping_texts(
    space: VGGShortcuts, tmp_path: Path
) -> None:
    figure = graph_figure(space.graph.networkx([1] * len(space.candidates)), "all")
    assert overlapping(figure) == []
    assert sum(text.startswith("short") for text in texts(figure)) == 49
    assert sum(text.endswith("=identity") for text in texts(figure)) == 12


def test_cycles_and_empty_graphs_are_refused(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph([("a", "b"), ("b", "a")])
    with pytest.raises(ValueError, match="a -> b"):
        graph_figure(graph, "")
    with pytest.raises(ValueError, match="no nodes"):
        graph_figure(nx.MultiDiGraph(), "")


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_boxes_of_a_rank_keep_apart_and_wires_run_downwards(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    boxes = [Box(str(number), ("x" * (number + 1),)) for number in range(count)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
        lambda pair: pair[0] < pair[1]
    )
    edges = data.draw(st.lists(pairs, max_size=12)) if count > 1 else []
    wires = [Wire(str(source), str(target), "label") for source, target in edges]
    layout = layered(boxes, wires)
    assert len(layout.labels) == len(wires)
    for one, other in combinations(boxes, 2):
        (x0, y0), (x1, y1) = layout.boxes[one.name], layout.boxes[other.name]
        if y0 == y1:
            assert abs(x0 - x1) >= (one.size[0] + other.size[0]) / 2 + GAP - 1e-9
    for points in layout.wires:
        assert all(upper[1] <= lower[1] for upper, lower in pairwise(points))
    assert layered(boxes, wires) == layout


# files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", MAGIC)
def test_equal_input_gives_equal_bytes_whatever_the_users_settings(
    space: VGGShortcuts, tmp_path: Path, suffix: str, twelve: list[tuple[int, int]]
) -> None:
    import matplotlib

    architecture = space.with_shortcuts(twelve)
    graph = NASBench201(cells_per_stage=1).graph.networkx([1] * 6)
    first = [
        draw(space, architecture, tmp_path / f"a{suffix}"),
        save(graph_figure(graph, "cell"), tmp_path / f"b{suffix}")[0],
    ]
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "axes.facecolor": "red"}):
        again = [
            draw(space, architecture, tmp_path / f"c{suffix}"),
            save(graph_figure(graph, "cell"), tmp_path / f"d{suffix}")[0],
        ]
        assert matplotlib.rcParams["font.size"] == 20
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.read_bytes().startswith(MAGIC[suffix])
    assert len(list(tmp_path.iterdir())) == 4


def test_a_space_of_ones_own_is_drawn_by_its_class(tmp_path: Path) -> None:
    class Mine(NASBench201):
        """A space with a drawing of its own."""

    class Child(Mine):
        """Drawn as what it is made from."""

    def drawing(space: Mine, architecture: object) -> Figure:
        figure = pictures.new_figure(2, 2)
        figure.text(0, 0, "mine")
        return figure

    pictures.register_drawing(Mine, drawing)
    for space in (Mine(), Child()):
        assert [text.get_text() for text in architecture_figure(space, space.sample()).texts] == ["mine"]
    assert "nasbench201" in texts(architecture_figure(NASBench201(), NASBench201().sample()))
    with pytest.raises(ValueError, match="belongs to"):
        architecture_figure(Child(), OneInputCells().sample())


def test_unknown_endings_and_missing_folders_are_named(space: VGGShortcuts, tmp_path: Path) -> None:
    architecture = space.with_shortcuts([])
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf"):
        draw(space, architecture, tmp_path / "vgg.bmp")
    with pytest.raises(ValueError, match="must end in"):
        draw(space, architecture, tmp_path / "vgg")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        draw(space, architecture, tmp_path / "nowhere" / "vgg.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match="folder"):
        draw(space, architecture, tmp_path / "folder.png")


def test_drawing_needs_neither_pyplot_nor_matplotlib_before_it_is_asked_to(tmp_path: Path) -> None:
    code = (
        "import sys; from tdgnas.spaces import VGGShortcuts; from tdgnas import pictures\n"
        "assert 'matplotlib' not in sys.modules\n"
        "space = VGGShortcuts(width=0.125); pictures.draw(space, space.with_shortcuts([]), sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "vgg.svg")], check=True)
