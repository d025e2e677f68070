"""Crossovers on every type of individual."""

from __future__ import annotations

import copy
import random

import pytest
from deap import base
from hypothesis import given
from hypothesis import strategies as st

from tdgnas.operators import cxDecision, cxLayerOrder, cxTarget

SLICES = [slice(0, 3), slice(3, 4), slice(4, 6)]
GROUPS = [[0, 5], [1, 2], [3]]
OPERATORS = {
    "cxDecision": (cxDecision, {"slices": SLICES, "indpb": 0.5}, [[0, 1, 2], [3], [4, 5]]),
    "cxTarget": (cxTarget, {"groups": GROUPS}, GROUPS),
    "cxLayerOrder": (cxLayerOrder, {}, [[gene] for gene in range(6)]),
    "cxLayerOrder with groups": (cxLayerOrder, {"groups": GROUPS}, GROUPS),
}


def parents(container):
    first = container([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    second = container([-1.0, -2.0, -3.0, -4.0, -5.0, -6.0])
    first.fitness.values, second.fitness.values = (1.0,), (2.0,)
    return first, second


def swapped(first):
    """The genes that the first child has from the second parent; also checks that nothing got lost."""
    return [gene for gene, value in enumerate(first) if value < 0]


@pytest.mark.parametrize("name", OPERATORS)
def test_groups_are_swapped_whole_and_in_place(container, name):
    operator, keywords, groups = OPERATORS[name]
    seen = set()
    for seed in range(60):
        first, second = parents(container)
        children = operator(first, second, rng=random.Random(seed), **keywords)
        assert children[0] is first
        assert children[1] is second
        assert [abs(gene) for gene in first] == [1, 2, 3, 4, 5, 6]
        assert [-gene for gene in second] == list(
            first
        )  # every pair of genes is still there, once in each child
        genes = set(swapped(first))
        assert all(genes.issuperset(group) or genes.isdisjoint(group) for group in groups)
        seen.add(tuple(sorted(genes)))
        assert first.fitness.values == (1.0,)
        assert second.fitness.values == (2.0,)
    expected = {"cxDecision": 8, "cxTarget": 3, "cxLayerOrder": 5, "cxLayerOrder with groups": 2}
    assert len(seen) == expected[name]


def test_target_swaps_exactly_one_group(container):
    first, second = parents(container)
    cxTarget(first, second, groups=GROUPS, rng=random.Random(0))
    assert swapped(first) in [sorted(group) for group in GROUPS]


def test_layer_order_keeps_what_lies_before_the_cut(container):
    for seed in range(20):
        first, second = parents(container)
        cxLayerOrder(first, second, rng=random.Random(seed))
        genes = swapped(first)
        assert genes == list(range(genes[0], 6))
        assert 1 <= genes[0] <= 5


def test_genes_outside_all_groups_stay():
    for seed in range(10):
        first, second = [1, 2, 3], [4, 5, 6]
        cxDecision(first, second, slices=[[0], [2]], indpb=1.0, rng=random.Random(seed))
        assert (first, second) == ([4, 2, 6], [1, 5, 3])


@pytest.mark.parametrize("name", OPERATORS)
@given(seed=st.integers(0, 2**32))
def test_the_seed_decides_and_the_global_generator_is_the_default(name, seed):
    operator, keywords, _ = OPERATORS[name]
    outcomes = []
    for rng in (random.Random(seed), None):
        first, second = [1, 2, 3, 4, 5, 6], [-1, -2, -3, -4, -5, -6]
        random.seed(seed)
        outcomes.append(operator(first, second, rng=rng, **keywords))
    assert outcomes[0] == outcomes[1]


def test_one_object_twice_stays_as_it_is(container):
    first, _ = parents(container)
    before = list(first)
    cxDecision(first, first, slices=SLICES, indpb=1.0)
    assert list(first) == before


def test_in_a_toolbox_with_clones(container):
    toolbox = base.Toolbox()
    toolbox.register("mate", cxDecision, slices=SLICES, indpb=1.0)
    first, second = parents(container)
    children = toolbox.mate(copy.deepcopy(first), copy.deepcopy(second))
    assert list(children[0]) == list(second)
    assert list(first) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a, b: cxDecision(a, b[:2], slices=SLICES), "one length; got 6 and 2"),
        (lambda a, b: cxDecision(a, b, slices=SLICES, indpb=1.5), "indpb must be a probability"),
        (lambda a, b: cxDecision(a, b, slices=[]), "slices is empty"),
        (lambda a, b: cxDecision(a, b, slices=[slice(4, 8)]), "one space"),
        (lambda a, b: cxTarget(a, b, groups=[[0], []]), r"groups\[1\]"),
        (lambda a, b: cxTarget(a, b, groups=[[0], [6]]), "from 0 to 5"),
        (lambda a, b: cxTarget(a, b, groups=[[0], [-1]]), "from 0 to 5"),
        (lambda a, b: cxTarget(a, b, groups=[[0, 1], [1]]), "a gene twice"),
        (lambda a, b: cxLayerOrder(a, b, groups=[[0, 1]]), "at least two groups"),
    ],
)
def test_refusals_say_what_was_wrong_and_change_nothing(call, message):
    first, second = [1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]
    with pytest.raises(ValueError, match=message):
        call(first, second)
    assert (first, second) == ([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1])
