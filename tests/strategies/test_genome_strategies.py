"""Strategies for genomes of other shapes: neutral drift, trees, tournaments among motifs, cells node by node."""

from __future__ import annotations

import random
from math import prod

import pytest
from deap import gp

from tdgnas.decision import Decision, Decisions
from tdgnas.individual import AccuracyFitness
from tdgnas.spaces import (
    CGP,
    DartsCells,
    EnasMicro,
    GeneticCNN,
    GrownSpace,
    Hierarchical,
    NASBench201,
    TreeSpace,
)
from tdgnas.strategies import create

GRID = CGP(rows=2, columns=4, kernels=(1, 3), filters=(2, 3), most=4, image_size=4)
TREES = TreeSpace(size=9, kernels=(3,), filters=(2,), most=4, image_size=4)


def turn(strategy, score):
    """One generation; returns what was asked for."""
    asked = strategy.generate()
    for one in asked:
        one.fitness.values = (float(score(one)),)
    strategy.update(asked)
    return asked


def test_neutral_drift_changes_what_does_not_matter_and_keeps_the_network() -> None:
    strategy = create("one-plus-lambda", GRID.decisions, seed=1, indpb=0.3, fitness=AccuracyFitness)
    turn(strategy, lambda _: 1.0)
    networks, spellings = set(), set()
    for _ in range(12):
        parent = strategy.population[0]
        networks.add(GRID.canonical(GRID.decode(parent)))
        spellings.add(GRID.decode(parent))
        children = turn(strategy, lambda _: 0.0)
        assert all(GRID.canonical(GRID.decode(child)) not in networks for child in children)
    assert len(networks) == 1
    assert len(spellings) > 6
    assert strategy.population[0].fitness.values == (1.0,)


def test_a_child_that_is_as_good_replaces_the_parent() -> None:
    strategy = create("one-plus-lambda", GRID.decisions, seed=1, fitness=AccuracyFitness)
    turn(strategy, lambda _: 1.0)
    children = turn(strategy, lambda _: 1.0)
    assert strategy.population[0] in children


def test_trees_are_varied_by_the_operators_of_deap(monkeypatch) -> None:
    seen = []
    for name in ("cxOnePoint", "mutUniform"):
        stock = getattr(gp, name)
        monkeypatch.setattr(
            gp, name, lambda *trees, stock=stock, name=name, **own: seen.append(name) or stock(*trees, **own)
        )
    options = {"population": 6, "mutpb": 0.6, "height": 4, "grammar": TREES.grammar}
    strategy = create("gp", TREES.decisions, seed=0, fitness=AccuracyFitness, **options)
    for _ in range(8):
        for one in turn(strategy, lambda one: len(TREES.to_string(TREES.decode(one)))):
            tree = TREES.grammar.tree(TREES.decode(one).choices)
            assert TREES.grammar.length(tree) <= 9
            assert TREES.decode(tree) == TREES.canonical(TREES.decode(one))
    assert {"cxOnePoint", "mutUniform"} <= set(seen)
    assert len(TREES.to_string(TREES.decode(strategy.best))) > 60


def test_first_motifs_are_mutated_chains_and_nobody_leaves() -> None:
    space = Hierarchical(levels=((2, 3), (1, 3)), channels=2)
    start = space.encode(space.start)
    options = {"population": 4, "start": start, "fitness": AccuracyFitness}
    plain = create("tournament", space.decisions, seed=0, mutations=0, repeat=True, **options)
    assert {space.decode(one) for one in plain.generate()} == {space.start}
    strategy = create("tournament", space.decisions, seed=0, mutations=50, share=0.5, **options)
    assert len({space.decode(one) for one in turn(strategy, sum)}) == 4
    for _ in range(5):
        turn(strategy, sum)
    assert len(strategy.population) == 9


@pytest.mark.parametrize(
    ("space", "held"),
    [(NASBench201(), "skip_connect"), (GeneticCNN(stages=(2, 3), channels=2), "off")],
    ids=lambda one: getattr(one, "name", one),
)
def test_later_nodes_are_held_where_they_let_the_earlier_ones_matter(space, held: str) -> None:
    strategy = create("pnas", space.decisions, seed=0, batch=3, population=3, trees=2)
    nodes = space.decisions.members
    for number in range(len(nodes)):
        for one in turn(strategy, lambda _: random.Random(0).random()):
            choices = space.decisions.choices(one)
            later = {place for places in nodes[number + 1 :] for place in places}
            assert {space.decisions[place].choices[choices[place]] for place in later} <= {held}


@pytest.mark.parametrize(
    ("space", "ways"),
    [
        (DartsCells(channels=2, cells=2), [64, 512, 4096, 32768] * 2),
        (EnasMicro(nodes=3), [(2 * 5) ** 2, (3 * 5) ** 2, (4 * 5) ** 2] * 2),
        (NASBench201(), [5, 25, 125]),
        (GeneticCNN(channels=2), [2**3, 2**6, 2**10]),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_cells_grow_node_by_node(space, ways: list[int]) -> None:
    """A block of the paper is all that enters one node; other spaces go by the groups that they have."""
    strategy = create(
        "pnas", space.decisions, seed=0, initial=4, batch=3, population=2, offspring=100, trees=1
    )
    decisions, open_ = strategy.decisions, set()
    assert [prod(decisions.sizes[place] for place in places) for places in decisions.members] == ways
    assert [place for places in decisions.members for place in places] == list(range(len(decisions)))
    assert len(strategy._candidates()) == ways[0]
    for places in decisions.members:
        rows = [
            decisions.choices(one) for one in turn(strategy, lambda one: random.Random(repr(one)).random())
        ]
        open_.update(places)
        assert {k for row in rows for k, choice in enumerate(row) if choice != strategy.held[k]} <= open_
        assert len({tuple(row[place] for place in places) for row in rows}) > 1


def test_the_last_child_of_nash_is_its_parent_that_learns_on() -> None:
    """As in algorithm 1 of the paper; so that what is found is never trained less than its parent."""
    space = GrownSpace(channels=2, steps=12, places=4, in_channels=1, image_size=8)
    strategy = create("nash", space.decisions, seed=0, children=3, mutations=2)
    parent, draw = (), random.Random(0)
    for _ in range(3):
        asked = [
            space.growth.moves(space.decode(one).choices) for one in turn(strategy, lambda _: draw.random())
        ]
        if strategy.generation > 1:
            assert asked[-1] == (*parent, (space.growth.kinds.index("stay"), 0))
            assert [len(one) - len(parent) for one in asked] == [2, 2, 1]
        parent = space.growth.moves(space.decode(strategy.population[0]).choices)


def test_motifs_that_nothing_uses_are_passed_over_and_one_group_is_refused() -> None:
    space = Hierarchical(levels=[[3, 3], [1, 3]], channels=2)
    strategy = create("pnas", space.decisions, seed=0, initial=4, batch=3, population=2, trees=1)
    nodes = []
    for _ in range(6):
        assert (
            len({space.decisions.canonical(space.decisions.choices(one)) for one in turn(strategy, sum)}) >= 3
        )
        nodes.append(strategy.node)
    assert nodes[:2] == [1, 4]  # motif 2.1, then the cell, of which all edges held motif 2.1
    with pytest.raises(ValueError, match="all 55 of this space are one group"):
        create("pnas", Hierarchical(levels=[[1, 11]]).decisions)


def test_the_beam_finds_the_best_of_nodes_that_add_up() -> None:
    """4^6 architectures, three nodes of two decisions; the forest ranks 16 expansions of each of the beam."""
    decisions = Decisions(
        [Decision(f"{node}{n}", ("a", "b", "c", "d"), group=f"node{node}") for node in range(3) for n in "xy"]
    )
    strategy = create(
        "pnas", decisions, seed=0, initial=16, population=4, batch=8, trees=5, fitness=AccuracyFitness
    )
    asked = [one for _ in range(3) for one in turn(strategy, lambda one: sum(decisions.choices(one)))]
    assert len(asked) == 32
    assert strategy.best.fitness.values[0] >= 14
    for _ in range(4):  # the best are expanded anew, nobody is asked for twice
        asked += turn(strategy, lambda one: sum(decisions.choices(one)))
    assert len({decisions.choices(one) for one in asked}) == len(asked)
    assert strategy.best.fitness.values[0] == 18
