"""Drawings of cells and of relaxed weights over time."""

from __future__ import annotations

import numpy as np
import pytest

from tdgnas.pictures import architecture_figure, cell_figure, weights_figure
from tdgnas.pictures.cells import cell_sheet
from tdgnas.pictures.layout import layered
from tdgnas.spaces import DartsCells
from tdgnas.spaces.cells import CellPlan

SPACE = DartsCells(cells=3, channels=2, nodes=2, image_size=8)
PLAN = CellPlan(2, ((("skip_connect", 0), ("max_pool_3x3", 0)), (("none", 1), ("dil_conv_3x3", 2))), (2, 3))


def test_both_cells_are_drawn_with_their_kinds():
    said = [
        text.get_text() for text in architecture_figure(SPACE, SPACE.architecture([3] * 10)).axes[0].texts
    ]
    assert {"normal cell", "reduction cell", "c(k−2)", "c(k−1)", "c(k)"} <= set(said)
    assert said.count(SPACE.decisions[0].choices[3]) == 10


def test_every_edge_is_drawn_once_and_none_is_left_out():
    sheet = cell_sheet("normal", PLAN)
    edges = [(wire.source, wire.target, wire.label) for wire in sheet.wires]
    assert edges == [
        ("c(k−2)", "0", "skip_connect"),
        ("c(k−2)", "0", "max_pool_3x3"),
        ("0", "1", "dil_conv_3x3"),
        ("0", "c(k)", ""),
        ("1", "c(k)", ""),
    ]


def test_cells_run_from_left_to_right():
    sheet = cell_sheet("normal", PLAN)
    layout = layered(sheet.boxes, sheet.wires, sideways=True)
    assert layout.width > layout.height
    for points in layout.wires:
        assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert cell_figure({"normal": PLAN}).axes


def test_weights_over_time():
    history = np.random.default_rng(0).random((5, SPACE.length))
    figure = weights_figure(SPACE.decisions, history)
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title(loc="left") for axes in shown] == [decision.name for decision in SPACE.decisions]
    assert np.array_equal(shown[1].images[0].get_array(), history[:, SPACE.slices[1]].T)
    with pytest.raises(ValueError, match="expected"):
        weights_figure(SPACE.decisions, history[:, :-1])
