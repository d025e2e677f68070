"""Strategies for genomes of other shapes: neutral drift, trees, tournaments among motifs, cells node by node."""

from __future__ import annotations

import random

import pytest
from deap import gp

from tdgnas.decision import Decision, Decisions
from tdgnas.individual import AccuracyFitness
from tdgnas.spaces import CGP, GeneticCNN, Hierarchical, NASBench201, TreeSpace
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
