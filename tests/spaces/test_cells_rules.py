"""Discretisation of cells on alphas made by hand: ties, empty edges, cut graphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdgnas.spaces import (
    RULES,
    DartsCells,
    OneInputCells,
    VGGShortcuts,
    per_edge,
    progressive,
    strongest_edges,
    unfed,
)

OPERATIONS = ("none", "max_pool_3x3", "skip_connect", "sep_conv_3x3")
SPACE = DartsCells(
    cells=1, channels=2, nodes=2, operations=OPERATIONS, image_size=8
)  # edges 2<-0 2<-1 3<-0 3<-1 3<-2
CHAIN = OneInputCells(
    cells=1, channels=2, nodes=2, concat=1, operations=OPERATIONS, image_size=8
)  # 1<-0 2<-0 2<-1
NONE, MAX, SKIP, SEP = np.eye(4)


def table(*rows):
    return np.concatenate([np.asarray(row, dtype=float) for row in rows])


def named(space, architecture):
    return [d.choices[c] for d, c in zip(space.decisions, architecture.choices, strict=True)]


def test_per_edge_takes_the_most_likely_none_included():
    weights = table([0.4, 0.3, 0.2, 0.1], MAX, SKIP, [0.1, 0.2, 0.3, 0.4], NONE)
    assert named(SPACE, per_edge(SPACE, weights)) == [
        "none",
        "max_pool_3x3",
        "skip_connect",
        "sep_conv_3x3",
        "none",
    ]


def test_per_edge_takes_the_first_of_equals():
    weights = table(*[[0.1, 0.3, 0.3, 0.3]] * 4, [0.25] * 4)
    assert named(SPACE, per_edge(SPACE, weights)) == ["max_pool_3x3"] * 4 + ["none"]


def test_per_edge_names_what_a_cut_graph_lacks():
    """Node 2 reads only node 1, and nothing leads to node 1."""
    weights = table(NONE, NONE, SEP)
    with pytest.raises(
        ValueError, match=r"cut the graph: nothing reaches c0_1, c0_2, c0, logits.*per-edge-repaired"
    ):
        per_edge(CHAIN, weights)


def test_repair_connects_what_the_output_needs_by_its_strongest_operation():
    weights = table([0.5, 0.1, 0.3, 0.1], NONE, SEP)
    repaired = RULES.get("per-edge-repaired")(CHAIN, weights)
    assert named(CHAIN, repaired) == ["skip_connect", "none", "sep_conv_3x3"]
    assert unfed(CHAIN, repaired) == ()


def test_repair_reaches_back_through_several_cells():
    """Where every edge is none, no cell reads the one before: the first is needed all the same."""
    space = OneInputCells(cells=3, channels=2, image_size=8)
    none = np.zeros((15, 6))
    none[:, 5] = 1.0
    repaired = RULES.get("per-edge-repaired")(space, none.ravel())
    assert unfed(space, repaired) == ("c0_1", "c0_2", "c1_1", "c1_2", "c2_1", "c2_2")
    strong = none.copy()
    strong[2, 0] = 0.5  # 2<-1: an operation of node 2, which the output does not read
    assert named(space, RULES.get("per-edge-repaired")(space, strong.ravel()))[2] == "none"
    strong[5, 1] = 0.4  # 3<-2: the strongest of node 3, which the output reads, so 2 and 1 are wanted as well
    found = named(space, RULES.get("per-edge-repaired")(space, strong.ravel()))
    assert found[5] == "conv_5x5"
    assert found[2] == "conv_3x3"
    assert "none" not in found[:1]


def test_repair_leaves_dead_nodes_alone():
    weights = table(NONE, SEP, NONE)  # node 1 has no input, and nobody reads it
    assert named(CHAIN, RULES.get("per-edge-repaired")(CHAIN, weights)) == ["none", "sep_conv_3x3", "none"]


def test_repair_takes_only_values_that_are_reached():
    """The strongest operation of node 3 comes from node 2; node 2 is repaired first, so it may be taken."""
    weights = table(*[[0.9, 0.05, 0.03, 0.02]] * 4, [0.5, 0.1, 0.0, 0.4])
    found = named(SPACE, RULES.get("per-edge-repaired")(SPACE, weights))
    assert found == ["max_pool_3x3", "none", "none", "none", "sep_conv_3x3"]


def test_a_starved_node_beside_a_fed_one_is_no_cut():
    architecture = per_edge(SPACE, table(NONE, NONE, SEP, NONE, NONE))
    assert unfed(SPACE, architecture) == ("c0_2",)


def test_strongest_edges_keeps_two_per_node_without_none():
    weights = table(
        [0.7, 0.1, 0.1, 0.1],
        [0.9, 0.0, 0.04, 0.06],
        [0.1, 0.2, 0.4, 0.3],
        [0.4, 0.1, 0.2, 0.3],
        [0.0, 0.0, 0.5, 0.5],
    )
    found = named(SPACE, strongest_edges(SPACE, weights))
    assert found == ["max_pool_3x3", "sep_conv_3x3", "skip_connect", "none", "skip_connect"]


def test_strongest_edges_takes_the_first_of_equal_edges_and_operations():
    found = named(SPACE, strongest_edges(SPACE, np.full(20, 0.25)))
    assert found == ["max_pool_3x3", "max_pool_3x3", "max_pool_3x3", "max_pool_3x3", "none"]


def test_strongest_edges_of_a_table_of_nones_is_connected():
    architecture = strongest_edges(SPACE, table(*[NONE] * 5))
    assert "none" not in named(SPACE, architecture)[:4]
    assert unfed(SPACE, architecture) == ()


def test_a_one_input_cell_has_one_parent_per_node():
    found = named(CHAIN, strongest_edges(CHAIN, table(SEP, [0, 0.2, 0, 0], [0, 0, 0, 0.1])))
    assert found == ["sep_conv_3x3", "max_pool_3x3", "none"]
    assert named(CHAIN, strongest_edges(CHAIN, table(SEP, MAX, SKIP), k=2)) == [
        "sep_conv_3x3",
        "max_pool_3x3",
        "skip_connect",
    ]


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(0, 4), min_size=20, max_size=20), drop=st.integers(1, 7))
def test_progressive_pruning_of_constant_weights_is_strongest_edges(values, drop):
    """With many ties; whatever the number dropped in a round."""
    weights = np.array(values, dtype=float)
    assert progressive(SPACE, weights, drop=drop) == strongest_edges(SPACE, weights)


def test_progressive_pruning_follows_weights_that_change():
    favour_max = table(*[[0, 0.5, 0.3, 0.2]] * 5)
    rounds = []

    def refresh(alive):
        rounds.append(int(alive.sum()))
        weights = table(*[[0, 0.1, 0.2, 0.7]] * 5)
        return np.where(alive, weights, 0.0)

    found = named(SPACE, progressive(SPACE, favour_max, drop=5, refresh=refresh))
    assert (
        rounds[0] == 15
    )  # of 20: the weakest, sep_conv_3x3, went from every edge before the weights changed
    assert set(found) == {"skip_connect", "none"}
    assert found.count("skip_connect") == 4


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.integers(0, 3), min_size=20, max_size=20))
def test_every_rule_gives_a_connected_architecture(values):
    weights = np.array(values, dtype=float)
    for name in ("per-edge-repaired", "strongest-edges", "progressive"):
        assert "logits" not in unfed(SPACE, RULES.get(name)(SPACE, weights))


@pytest.mark.parametrize("name", ["per-edge", "per-edge-repaired", "strongest-edges", "progressive"])
def test_rules_say_where_they_do_not_apply(name):
    space = VGGShortcuts()
    with pytest.raises(ValueError, match="Use the rule 'threshold'"):
        RULES.get(name)(space, np.zeros(space.length))
    with pytest.raises(ValueError, match="20 weights"):
        RULES.get(name)(SPACE, np.zeros(3))
    with pytest.raises(ValueError, match="NaN"):
        RULES.get(name)(SPACE, np.full(20, np.nan))


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="k is 0"):
        strongest_edges(SPACE, np.zeros(20), k=0)
    with pytest.raises(ValueError, match="drop is 0"):
        progressive(SPACE, np.zeros(20), drop=0)
