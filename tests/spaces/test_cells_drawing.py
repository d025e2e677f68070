"""Drawings of cells and of relaxed weights over time."""

from __future__ import annotations

import numpy as np
import pytest

from tdgnas.spaces import DartsCells
from tdgnas.spaces.cells import CellPlan
from tdgnas.spaces.cells import cell_drawing as drawing

SPACE = DartsCells(cells=3, channels=2, nodes=2, image_size=8)
PLAN = CellPlan(2, ((("skip_connect", 0), ("max_pool_3x3", 0)), (("none", 1), ("dil_conv_3x3", 2))), (2, 3))


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_without_graphviz(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(drawing.shutil, "which", lambda name: None)
    path = SPACE.draw(SPACE.architecture([3] * 10), tmp_path / f"cells{suffix}")
    assert path.stat().st_size > 1000


def test_with_graphviz_where_it_is_installed(tmp_path):
    if drawing.shutil.which("dot") is None:
        pytest.skip("graphviz is not installed")
    path = drawing.draw_genotype("AmoebaNet", tmp_path / "cells.svg", graphviz=True)
    text = path.read_text()
    assert "conv_7x1_1x7" in text
    assert text.index("reduction cell") > 0


def test_graphviz_that_is_missing_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing.shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="graphviz=False"):
        drawing.draw_cells({"normal": PLAN}, tmp_path / "x.png", graphviz=True)
    with pytest.raises(ValueError, match=r"must end in \.png"):
        drawing.draw_cells({"normal": PLAN}, tmp_path / "x.gif")


def test_dot_names_every_edge_once_and_leaves_none_out():
    text = drawing.to_dot({"normal": PLAN})
    assert text.count("->") == 3 + 2
    assert '"normal0" -> "normal2" [label="skip_connect"]' in text
    assert '"normal0" -> "normal2" [label="max_pool_3x3"]' in text
    assert "none" not in text


def test_labels_lie_on_their_arcs():
    start, end = (0.0, 0.0), (2.0, 0.0)
    assert drawing._curve(start, end, 0.0, 0.5) == (1.0, 0.0)
    assert drawing._curve(start, end, 0.5, 0.5) == (1.0, -0.5)
    assert drawing._curve(start, end, 0.5, 1.0) == end


def test_weights_over_time(tmp_path):
    history = np.random.default_rng(0).random((5, SPACE.length))
    path = drawing.draw_weights(SPACE, history, tmp_path / "weights.png")
    assert path.stat().st_size > 5000
    with pytest.raises(ValueError, match="expected"):
        drawing.draw_weights(SPACE, history[:, :-1], tmp_path / "weights.png")
