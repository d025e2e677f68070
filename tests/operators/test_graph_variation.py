"""Variation of graphs, and strengths that individuals carry."""

from __future__ import annotations

import copy
import math
import pickle
import random
import statistics

import networkx as nx
import pytest
from deap import base
from hypothesis import given
from hypothesis import strategies as st

from tdgnas import Individual
from tdgnas.operators import (
    cxSubgraph,
    keepValid,
    mutFlipGate,
    mutOperation,
    mutRewire,
    mutSelfAdaptive,
    mutSelfAdaptiveFlip,
)
from tdgnas.spaces import DartsCells, NASBench201, VGGShortcuts

GROUPS = [[0, 1], [2, 3], [4], [5, 6, 7]]


def test_a_subgraph_hangs_together_and_every_size_occurs() -> None:
    sizes = set()
    for seed in range(200):
        one, two = Individual([1.0] * 8), Individual([-1.0] * 8)
        cxSubgraph(one, two, groups=GROUPS, rng=random.Random(seed))
        swapped = [place for place, group in enumerate(GROUPS) if one[group[0]] < 0]
        assert all(
            (one[gene] < 0) == (place in swapped) for place, group in enumerate(GROUPS) for gene in group
        )
        assert swapped == list(range(swapped[0], swapped[-1] + 1))
        assert list(two) == [-gene for gene in one]
        sizes.add(len(swapped))
    assert sizes == {1, 2, 3}


def test_links_say_what_is_next_to_what() -> None:
    star = [(0, 1), (0, 2), (0, 3)]
    for seed in range(100):
        one, two = Individual([1.0] * 8), Individual([-1.0] * 8)
        cxSubgraph(one, two, groups=GROUPS, links=star, rng=random.Random(seed))
        swapped = {place for place, group in enumerate(GROUPS) if one[group[0]] < 0}
        assert len(swapped) == 1 or 0 in swapped
    with pytest.raises(ValueError, match="links must be pairs of groups from 0 to 3"):
        cxSubgraph(one, two, groups=GROUPS, links=[(0, 4)])
    with pytest.raises(ValueError, match="at least two groups"):
        cxSubgraph(one, two, groups=[[0, 1]])


@given(st.integers(0, 500))
def test_rewiring_keeps_the_number_of_connections_of_every_target(seed) -> None:
    rng, space = random.Random(seed), VGGShortcuts(width=1 / 32)
    architecture = space.sample(rng)
    individual = Individual(space.encode(architecture))
    mutRewire(individual, slices=space.slices, groups=space.groups, rng=rng)
    found = space.decode(individual)
    into = {}
    for number, decision in enumerate(space.decisions):
        into.setdefault(decision.group, []).append((architecture.choices[number], found.choices[number]))
    assert all(sum(a for a, _ in pairs) == sum(b for _, b in pairs) for pairs in into.values())
    assert sum(a != b for pairs in into.values() for a, b in pairs) == 2


@given(st.integers(0, 200))
def test_rewiring_cells_keeps_every_nodes_operations(seed) -> None:
    rng, space = random.Random(seed), DartsCells(cells=3, channels=4, image_size=16)
    architecture = space.sample(rng)
    individual = Individual(space.encode(architecture))
    mutRewire(individual, slices=space.slices, groups=space.groups, rng=rng)
    found = space.decode(individual)
    into = {}
    for number, decision in enumerate(space.decisions):
        into.setdefault(decision.group, ([], []))
        into[decision.group][0].append(architecture.choices[number])
        into[decision.group][1].append(found.choices[number])
    assert all(sorted(before) == sorted(after) for before, after in into.values())
    assert found != architecture


def test_rewiring_redraws_where_nothing_can_be_moved() -> None:
    individual = Individual([-1.0, -1.0, -1.0, -1.0])
    mutRewire(individual, slices=[[0], [1], [2], [3]], groups=[[0, 1], [2, 3]], rng=random.Random(0))
    assert sum(gene > 0 for gene in individual) == 1


@given(st.integers(0, 200))
def test_operations_change_and_what_is_kept_is_kept(seed) -> None:
    rng, space = random.Random(seed), NASBench201()
    none = space.decisions[0].choices.index("none")
    architecture = space.sample(rng)
    individual = Individual(space.encode(architecture))
    mutOperation(individual, slices=space.slices, keep=(none,), rng=rng)
    found = space.decode(individual)
    assert [c == none for c in found.choices] == [c == none for c in architecture.choices]
    changed = sum(a != b for a, b in zip(architecture.choices, found.choices, strict=True))
    assert changed == (0 if set(architecture.choices) == {none} else 1)


def test_every_other_operation_can_come() -> None:
    seen = set()
    for seed in range(100):
        individual = Individual([-1.0, 1.0, -1.0, -1.0])
        mutOperation(individual, slices=[slice(0, 4)], keep=(0,), rng=random.Random(seed))
        seen.add(list(individual).index(max(individual)))
    assert seen == {2, 3}


def test_what_is_not_valid_is_drawn_again_and_at_last_undone() -> None:
    space = NASBench201()

    def connected(individual):
        graph = space.graph.networkx(space.decode(individual).choices)
        none = [
            (a, b, key)
            for a, b, key, data in graph.edges(keys=True, data=True)
            if data.get("choice") == "none"
        ]
        graph.remove_edges_from(none)
        return nx.has_path(graph, "input", space.graph.output)

    toolbox = base.Toolbox()
    toolbox.register("mutate", mutOperation, slices=space.slices)
    toolbox.decorate("mutate", keepValid(connected, tries=20))
    random.seed(0)
    individual = Individual(space.encode(space.architecture([1] * 6)))
    for _ in range(60):
        (individual,) = toolbox.mutate(individual)
        assert connected(individual)

    genes = Individual([1.0, 1.0])
    never = keepValid(lambda individual: False, tries=3)(mutFlipGate)
    assert never(genes, indpb=1.0)[0] is genes
    assert list(genes) == [1.0, 1.0]
    with pytest.raises(ValueError, match="tries"):
        keepValid(connected, tries=0)


def test_the_strength_is_part_of_the_individual_and_survives_clone_and_pickle(container) -> None:
    individual = container([0.0] * 5)
    random.seed(1)
    mutSelfAdaptive(individual, sigma=0.3)
    strength = individual.sigma
    assert strength > 0
    assert strength != 0.3
    assert copy.deepcopy(individual).sigma == strength
    assert pickle.loads(pickle.dumps(individual)).sigma == strength
    mutSelfAdaptive(individual, sigma=0.3)
    assert individual.sigma != strength


def test_strength_and_steps_have_the_stated_distribution() -> None:
    rng, logs, steps = random.Random(0), [], []
    for _ in range(4000):
        individual = Individual([0.0] * 8)
        mutSelfAdaptive(individual, sigma=0.5, rng=rng)
        logs.append(math.log(individual.sigma / 0.5))
        steps.append(individual[3] / individual.sigma)
    assert statistics.mean(logs) == pytest.approx(0.0, abs=0.02)
    assert statistics.stdev(logs) == pytest.approx(1 / 4, rel=0.05)  # 1 / sqrt(2 * 8)
    assert statistics.stdev(steps) == pytest.approx(1.0, rel=0.05)


def test_self_adaptation_finds_its_strength() -> None:
    rng = random.Random(2)
    parents = [Individual([rng.uniform(-5, 5) for _ in range(5)]) for _ in range(5)]
    for _ in range(80):
        children = []
        for _ in range(35):
            child = copy.deepcopy(rng.choice(parents))
            mutSelfAdaptive(child, sigma=1.0, tau=0.3, minimum=1e-12, rng=rng)
            children.append(child)
        parents = sorted(children, key=lambda one: sum(g * g for g in one))[:5]
    assert sum(g * g for g in parents[0]) < 1e-4
    assert parents[0].sigma < 0.05


def test_flip_rates_stay_between_one_gene_and_a_half() -> None:
    rng, individual = random.Random(0), Individual([1.0] * 10)
    rates = []
    for _ in range(500):
        mutSelfAdaptiveFlip(individual, gamma=1.0, rng=rng)
        rates.append(individual.rate)
    assert min(rates) == pytest.approx(0.1)
    assert max(rates) == pytest.approx(0.5)
    assert {abs(gene) for gene in individual} == {1.0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: mutSelfAdaptive(one, sigma=0.0), "sigma must lie"),
        (lambda one: mutSelfAdaptive(one, tau=-1.0), "tau"),
        (lambda one: mutSelfAdaptiveFlip(one, rate=2.0), "rate"),
        (lambda one: mutSelfAdaptiveFlip(one, gamma=-1.0), "gamma"),
        (lambda one: mutRewire(one, slices=[[0]], groups=[[0]], scale=0.0), "scale"),
        (lambda one: mutOperation(one, slices=[[7]]), "slices"),
    ],
)
def test_a_mistake_is_a_sentence(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call(Individual([1.0, -1.0]))
