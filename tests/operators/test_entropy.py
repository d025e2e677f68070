"""Entropies: published values, definitions written out, and fast states against the slow one."""

from __future__ import annotations

import array
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdgnas.operators import (
    Entropy,
    LogDetEntropy,
    MeanDistanceEntropy,
    ShannonEntropy,
    VarianceEntropy,
    population_entropy,
)

FORMS = [
    ShannonEntropy(),
    ShannonEntropy(active=[0, 2]),
    MeanDistanceEntropy(),
    MeanDistanceEntropy(active=[True, False, True, True, True, False]),
    VarianceEntropy(),
    VarianceEntropy(active=[1, 5]),
    LogDetEntropy(),
    LogDetEntropy(eps=0.1, active=[0, 3]),
    LogDetEntropy(groups=[[0, 1, 2], [3], [5, 4]]),
    LogDetEntropy(groups=[[0, 1, 2], [3], [5, 4]], active=[True, False, True]),
]


def bits(*texts):
    return [[int(bit) for bit in text] for text in texts]


@st.composite
def pools(draw):
    """Real-valued pools with duplicates and equal genes."""
    gene = st.sampled_from([-1.5, -0.25, 0.0, 0.5, 1.0]) | st.floats(-2, 2, width=32)
    pool = draw(st.lists(st.lists(gene, min_size=6, max_size=6), min_size=1, max_size=6))
    return pool + draw(st.lists(st.sampled_from(pool), max_size=3))


def test_published_values():
    assert population_entropy(bits("000", "111")) == pytest.approx(2.0794415, abs=5e-8)
    assert population_entropy(bits("000", "111", "100")) == pytest.approx(1.9095425, abs=5e-8)


def test_no_diversity_has_entropy_zero_and_full_diversity_ln_of_the_alleles_per_locus():
    assert population_entropy(bits("0101") * 5) == 0.0
    assert math.copysign(1, population_entropy(bits("0101"))) == 1
    assert population_entropy([[value] * 3 for value in range(7)]) == pytest.approx(3 * math.log(7))


def test_loci_of_a_decision_with_several_genes_are_its_choices():
    def choices(population):
        return np.array([[int(np.argmax(genes[:3])), int(genes[3] > 0)] for genes in population])

    population = [[0.1, 0.9, 0.2, 1.0], [0.3, 0.8, 0.7, -1.0]]
    assert population_entropy(population, loci=choices) == pytest.approx(math.log(2))
    assert population_entropy(population) == pytest.approx(math.log(2))
    population[1][0] = -0.1  # another sign, the same choice
    assert population_entropy(population, loci=choices) == pytest.approx(math.log(2))
    assert population_entropy(population) == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize(
    ("population", "distinct"),
    [
        ([[True, "a"], [False, "a"]], 1),
        ([[1, 0.5], [2, 0.7]], 1),  # an integer is an allele, a float a gate
        ([[1, 0.5], [2, -0.7]], 2),
        ([(10**30, None), (10**30 + 1, None)], 1),
        ([np.array([3, 5], dtype=np.uint64), np.array([2**64 - 1, 5], dtype=np.uint64)], 1),
        ([np.array([0.1, -0.1], dtype=np.float32), np.array([0.2, 0.1], dtype=np.float32)], 1),
        ([array.array("f", [0.0, 1.0]), array.array("f", [-0.0, 2.0])], 0),
        (["01", "11"], 1),
        ([[(0, 1), (2, 3)], [(0, 1), (3, 2)]], 1),
    ],
)
def test_alleles_of_every_kind_of_gene(population, distinct):
    assert population_entropy(population) == pytest.approx(distinct * math.log(2))


@pytest.mark.parametrize("entropy", FORMS, ids=repr)
@given(pool=pools(), data=st.data())
@settings(max_examples=25, deadline=None)
def test_fast_state_orders_candidates_as_the_definition_does(entropy, pool, data):
    fast, slow = entropy.start(pool, 6), Entropy.start(entropy, pool, 6)
    for _ in range(6):
        # Terms common to all candidates may be left out, so differences are compared.
        expected, gains = slow.gains(), fast.gains()
        assert gains.shape == (len(pool),)
        np.testing.assert_allclose(gains - gains[0], expected - expected[0], rtol=1e-7, atol=2e-6)
        pick = data.draw(st.integers(0, len(pool) - 1))
        fast.add(pick)
        slow.add(pick)


@pytest.mark.parametrize("entropy", FORMS, ids=repr)
def test_equal_genotypes_gain_exactly_the_same(entropy):
    rng = random.Random(4)
    pool = [[rng.gauss(0, 1) for _ in range(6)] for _ in range(5)] * 2
    state = entropy.start(pool, 4)
    for pick in (3, 8, 3, 0):
        gains = state.gains()
        assert gains[:5].tolist() == gains[5:].tolist()
        state.add(pick)


GENES = [[0.5, -1.0], [1.5, 2.0], [1.0, 0.5]]


def test_mean_distance_is_its_formula():
    mean = [1.0, 0.5]
    distances = [math.sqrt(((a - mean[0]) ** 2 + (b - mean[1]) ** 2) / 2) for a, b in GENES]
    assert MeanDistanceEntropy().value(GENES) == pytest.approx(sum(distances))
    assert MeanDistanceEntropy().value(GENES[:1] * 9) == 0


def test_variance_is_its_formula():
    assert VarianceEntropy().value(GENES) == pytest.approx((0.25 + 0.25) / 3 + (2.25 + 2.25) / 3)


@pytest.mark.parametrize("groups", [None, [[0, 1]]])
def test_log_determinant_is_its_formula(groups):
    expected = 0.0
    for group in groups or [[0], [1]]:
        genes = np.array(GENES)[:, group]
        expected += np.linalg.slogdet(genes @ genes.T + 1e-3 * np.eye(3))[1] / 3
    assert LogDetEntropy(groups=groups).value(GENES) == pytest.approx(expected, rel=1e-9)


def test_inactive_genes_do_not_count():
    population = [[1.0, 5.0], [1.0, -3.0]]
    assert VarianceEntropy(active=[True, False]).value(population) == 0
    assert MeanDistanceEntropy(active=[0]).value(population) == 0
    assert ShannonEntropy(active=[0]).value(population) == 0
    assert LogDetEntropy(active=[0]).value(population) == LogDetEntropy().value([[1.0], [1.0]])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: population_entropy([]), ValueError, "empty"),
        (lambda: population_entropy([[], []]), ValueError, "no genes"),
        (lambda: ShannonEntropy(active=[False, False]).value([[1, 2]]), ValueError, "at least one"),
        (lambda: population_entropy([[1, 2], [1]]), ValueError, "individual 1 has 1 genes"),
        (lambda: population_entropy([{1, 2}]), TypeError, "set"),
        (lambda: population_entropy([[[1]], [[1, 2]]]), TypeError, "cannot be told apart"),
        (lambda: population_entropy([], loci=lambda pool: pool), ValueError, "empty"),
        (lambda: population_entropy([[0.5]], loci=lambda pool: np.array(pool)), ValueError, "integers"),
        (lambda: VarianceEntropy().value([[0.0], [math.nan]]), ValueError, "individual 1 holds NaN"),
        (lambda: LogDetEntropy().value([[math.inf]]), ValueError, "individual 0 holds NaN or infinity"),
        (lambda: MeanDistanceEntropy().value([["a"]]), TypeError, "numbers"),
        (lambda: LogDetEntropy(eps=0), ValueError, "eps"),
        (lambda: LogDetEntropy(groups=[[0, 3]]).value([[1.0]]), ValueError, "from 0 to 0"),
        (lambda: VarianceEntropy(active=[3]).value([[1.0, 2.0]]), ValueError, "indices from 0 to 1"),
    ],
)
def test_refusals_say_what_was_wrong(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_entropy_without_value_cannot_be_made():
    with pytest.raises(TypeError, match="value"):
        type("Nothing", (Entropy,), {})()
