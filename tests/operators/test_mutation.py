"""Mutations on every type of individual."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdgnas.operators import mutChoice, mutFlipGate, mutTarget

SLICES = [slice(0, 3), slice(3, 4), slice(4, 6)]


def choice(genes):
    return max(range(len(genes)), key=genes.__getitem__)


def test_flipping_negates_and_keeps_the_magnitude(container):
    individual = container([0.5, -2.0, 0.0, -0.0])
    individual.fitness.values = (3.0,)
    (mutated,) = mutFlipGate(individual, indpb=1.0, scale=0.25)
    assert mutated is individual
    assert list(individual) == [-0.5, 2.0, 0.25, 0.25]
    assert individual.fitness.values == (3.0,)
    mutFlipGate(individual, indpb=0.0)
    assert list(individual) == [-0.5, 2.0, 0.25, 0.25]


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=9))
def test_every_flip_changes_the_decision(genes):
    flipped = mutFlipGate(list(genes), indpb=1.0)[0]
    assert all((before > 0) != (after > 0) for before, after in zip(genes, flipped, strict=True))


def test_flips_come_at_their_rate():
    individual = [1.0] * 4000
    mutFlipGate(individual, indpb=0.2, rng=random.Random(1))
    assert 700 < individual.count(-1.0) < 900


def test_target_flips_one_group_whole_or_part_of_it(container):
    groups = [[0, 3], [1, 2], [4]]
    seen, parts = set(), set()
    for seed in range(50):
        individual = container([1.0] * 5)
        assert mutTarget(individual, groups=groups, rng=random.Random(seed))[0] is individual
        seen.add(tuple(gene for gene in range(5) if individual[gene] < 0))
        individual = container([1.0] * 5)
        mutTarget(individual, groups=groups, indpb=0.5, rng=random.Random(seed))
        parts.add(tuple(gene for gene in range(5) if individual[gene] < 0))
    assert seen == set(map(tuple, groups))
    assert parts == {(), (0,), (3,), (0, 3), (1,), (2,), (1, 2), (4,)}


def test_choice_swaps_the_largest_gene_evenly_with_the_others(container):
    seen = Counter()
    for seed in range(300):
        individual = container([0.25, 2.0, -1.0, 0.5, 1.0, 3.0])
        assert mutChoice(individual, slices=SLICES, indpb=1.0, rng=random.Random(seed))[0] is individual
        assert sorted(individual[:3]) == [-1.0, 0.25, 2.0]
        assert list(individual[3:]) == [-0.5, 3.0, 1.0]  # a gate is flipped, two choices change places
        seen[choice(list(individual[:3]))] += 1
    assert set(seen) == {0, 2}
    assert min(seen.values()) > 110


@pytest.mark.parametrize("genes", [[0.0] * 4, [1e-30] * 4, [7.0, 7.0, 1.0, 7.0], [-2.5] * 4, [1e6] * 4])
def test_choice_changes_also_where_genes_are_equal(container, genes):
    seen = Counter()
    for seed in range(150):
        individual = container(genes)
        before = choice(list(individual))
        mutChoice(individual, slices=[slice(0, 4)], indpb=1.0, rng=random.Random(seed))
        after = choice(list(individual))
        assert after != before
        assert sorted(individual) == pytest.approx(sorted(genes), rel=1e-6)
        seen[after] += 1
    assert len(seen) == 3


def test_choice_leaves_other_decisions():
    individual = [0.25, 2.0, -1.0, 0.5, 1.0, 3.0]
    mutChoice(individual, slices=SLICES, indpb=0.0)
    assert individual == [0.25, 2.0, -1.0, 0.5, 1.0, 3.0]
    mutChoice(individual, slices=[[4, 5]], indpb=1.0)
    assert individual == [0.25, 2.0, -1.0, 0.5, 3.0, 1.0]


@pytest.mark.parametrize(
    ("operator", "keywords"),
    [
        (mutFlipGate, {"indpb": 0.5}),
        (mutTarget, {"groups": [[0, 3], [1, 2]], "indpb": 0.5}),
        (mutChoice, {"slices": SLICES, "indpb": 0.5}),
    ],
)
def test_the_seed_decides_and_the_global_generator_is_the_default(operator, keywords):
    outcomes = set()
    for seed in range(20):
        random.seed(seed)
        default = operator([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], **keywords)[0]
        assert default == operator([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], rng=random.Random(seed), **keywords)[0]
        outcomes.add(tuple(default))
    assert len(outcomes) > 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda genes: mutFlipGate(genes, indpb=-0.1), "indpb must be a probability"),
        (lambda genes: mutFlipGate(genes, indpb=0.1, scale=0.0), "scale must be > 0"),
        (lambda genes: mutFlipGate(genes, indpb=0.1, scale=float("inf")), "scale must be > 0 and finite"),
        (lambda genes: mutTarget(genes, groups=[]), "groups is empty"),
        (lambda genes: mutTarget(genes, groups=[[3]]), "from 0 to 2"),
        (lambda genes: mutChoice(genes, slices=[slice(0, 9)], indpb=1.0), "one space"),
        (lambda genes: mutChoice(genes, slices=SLICES[:1], indpb=2), "indpb must be a probability"),
    ],
)
def test_refusals_say_what_was_wrong_and_change_nothing(call, message):
    genes = [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match=message):
        call(genes)
    assert genes == [1.0, 2.0, 3.0]
