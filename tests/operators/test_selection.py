"""selThermodynamic: the published checks, its exact properties, and a naive oracle."""

from __future__ import annotations

import math
import random
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from deap import base
from hypothesis import given, settings
from hypothesis import strategies as st

from tdgnas.operators import (
    population_entropy,
    selThermodynamic,
)
from tdgnas.operators.entropy import entropy_steps


class Maximum(base.Fitness):
    weights = (1.0,)


class Two(base.Fitness):
    weights = (1.0, -1.0)


class Genome(list):
    def __init__(self, genes, *values, fitness=Maximum):
        super().__init__(genes)
        self.fitness = fitness(values)


def pool_of(genotypes, energies):
    return [Genome(genes, -energy) for genes, energy in zip(genotypes, energies, strict=True)]


def positions(pool, k, **keywords):
    """The picks as positions; fails where a pick is no reference into the pool."""
    where = {id(individual): position for position, individual in enumerate(pool)}
    return [where[id(pick)] for pick in selThermodynamic(pool, k, **keywords)]


def oracle(genotypes, energies, k, temperature, replacement=True):
    """The definition pick by pick: exact sums of dg on its grid, every count taken anew from the picks."""
    steps = entropy_steps(k, len(genotypes[0]))
    picks = []
    for _ in range(k):
        scores = {}
        for candidate, genes in enumerate(genotypes):
            if replacement or candidate not in picks:
                counts = [
                    sum(genotypes[pick][locus] == gene for pick in picks) for locus, gene in enumerate(genes)
                ]
                exact = sum((Fraction(steps[count]) for count in counts), Fraction(0))
                scores[candidate] = (energies[candidate] - min(energies)) + temperature * float(exact)
        picks.append(min(scores, key=scores.__getitem__))
    return picks


def test_what_is_beside_the_picks_counts_for_the_entropy_and_is_not_returned():
    rng = random.Random(0)
    for _ in range(20):
        genotypes = [tuple(rng.randrange(3) for _ in range(5)) for _ in range(12)]
        energies = [rng.random() for _ in genotypes]
        beside, pool = genotypes[:4], pool_of(genotypes[4:], energies[4:])
        picks = positions(pool, 3, temperature=0.3, beside=beside, replacement=False)
        chosen = []
        for _ in range(3):  # the definition: F of everything together, after each pick

            def together(place, chosen=tuple(chosen), beside=beside, genotypes=genotypes, energies=energies):
                every = [*beside, *(genotypes[4 + one] for one in (*chosen, place))]
                shares = [
                    [column.count(gene) / len(every) for gene in set(column)]
                    for column in zip(*every, strict=True)
                ]
                entropy = -sum(share * math.log(share) for column in shares for share in column)
                return sum(energies[4 + one] for one in (*chosen, place)) / len(every) - 0.3 * entropy

            chosen.append(min((place for place in range(8) if place not in chosen), key=together))
        assert picks == chosen


def free_energy(genotypes, energies, picks, temperature):
    """F = <E> - T*H, straight from the definition."""
    entropy = 0.0
    for column in zip(*(genotypes[pick] for pick in picks), strict=True):
        shares = [count / len(picks) for count in Counter(column).values()]
        entropy -= sum(share * math.log(share) for share in shares)
    return sum(energies[pick] for pick in picks) / len(picks) - temperature * entropy


@st.composite
def pools(draw, alleles=3, max_size=9, max_loci=6):
    """Genotypes and energies with many ties."""
    loci = draw(st.integers(1, max_loci))
    genotype = st.lists(st.integers(0, alleles - 1), min_size=loci, max_size=loci)
    genotypes = draw(st.lists(genotype, min_size=1, max_size=max_size))
    energy = st.integers(-8, 8).map(lambda eighths: eighths / 4)
    energies = draw(st.lists(energy, min_size=len(genotypes), max_size=len(genotypes)))
    return genotypes, energies


temperatures = st.sampled_from([0.0, 0.1, 0.25, 1.0, 3.0])

# Published checks ---------------------------------------------------------------------------------

EXAMPLE = ["101111", "010100", "010111", "101100", "010110", "100110", "101111", "111100", "111111"]


@pytest.mark.parametrize(("replacement", "expected"), [(True, [8, 1, 0, 8]), (False, [8, 1, 0, 6])])
def test_worked_example(replacement, expected):
    genotypes = [[int(bit) for bit in text] for text in EXAMPLE]
    energies = [-sum(genes) for genes in genotypes]
    assert positions(pool_of(genotypes, energies), 4, replacement=replacement) == expected
    assert oracle(genotypes, energies, 4, 1.0, replacement) == expected


def test_free_energy_of_the_worked_example_after_each_pick():
    pool = pool_of([[int(bit) for bit in text] for text in EXAMPLE], [-text.count("1") for text in EXAMPLE])
    picks = selThermodynamic(pool, 4)
    values = [-sum(map(sum, picks[:size])) / size - population_entropy(picks[:size]) for size in range(1, 5)]
    assert values == pytest.approx([-6, -6.772589, -7.515904, -7.561676], abs=5e-7)


# The oracle ---------------------------------------------------------------------------------------


@given(pools(), temperatures, st.booleans(), st.data())
@settings(max_examples=150, deadline=None)
def test_equals_the_oracle_ties_included(pool, temperature, replacement, data):
    genotypes, energies = pool
    k = data.draw(st.integers(0, 8 if replacement else len(genotypes)))
    picks = positions(pool_of(genotypes, energies), k, temperature=temperature, replacement=replacement)
    assert picks == oracle(genotypes, energies, k, temperature, replacement)


@given(pools(alleles=60, max_size=24, max_loci=3), temperatures)
@settings(max_examples=30, deadline=None)
def test_equals_the_oracle_with_many_alleles(pool, temperature):
    genotypes, energies = pool
    picks = positions(pool_of(genotypes, energies), 6, temperature=temperature)
    assert picks == oracle(genotypes, energies, 6, temperature)


def test_equals_the_oracle_on_permutations():
    rng = random.Random(1)
    genotypes = [rng.sample(range(30), 30) for _ in range(25)]
    energies = [rng.randrange(3) for _ in genotypes]
    assert positions(pool_of(genotypes, energies), 12, temperature=0.1) == oracle(
        genotypes, energies, 12, 0.1
    )


@given(pools(), st.sampled_from([0.3, 1.0, 2.7]))
@settings(max_examples=60, deadline=None)
def test_every_pick_minimises_the_free_energy_of_the_set(pool, temperature):
    genotypes, energies = pool
    picks = positions(pool_of(genotypes, energies), 6, temperature=temperature)
    for size in range(1, 7):
        values = [
            free_energy(genotypes, energies, [*picks[: size - 1], candidate], temperature)
            for candidate in range(len(genotypes))
        ]
        assert values[picks[size - 1]] == pytest.approx(min(values), abs=1e-12)


@pytest.mark.parametrize(("picks", "loci"), [(1, 1), (4, 6), (100, 136), (1000, 1000)])
def test_steps_lie_on_the_grid_and_all_their_sums_are_exact(picks, loci):
    bits = 52 - math.ceil(math.log2(loci * (math.log(picks + 1) + 1)))
    steps = entropy_steps(picks, loci)
    assert len(steps) == picks + 1
    whole = [math.ldexp(step, bits) for step in steps]
    assert all(number == int(number) for number in whole)
    assert loci * max(whole) <= 2**52
    with localcontext() as context:
        context.prec = 40
        for m in {0, 1, picks // 2, picks}:
            exact = (m + 1) * Decimal(m + 1).ln() - (m * Decimal(m).ln() if m else 0)
            assert abs(Decimal(float(steps[m])) - exact) <= Decimal(2) ** -bits


# Properties ---------------------------------------------------------------------------------------


@given(pools(), temperatures, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_of_loci_and_names_of_alleles_do_not_matter(pool, temperature, rng):
    genotypes, energies = pool
    before = positions(pool_of(genotypes, energies), 7, temperature=temperature)
    order = rng.sample(range(len(genotypes[0])), len(genotypes[0]))
    names = [rng.sample([-5, 0, 1, 7, 10**12], 3) for _ in order]
    changed = [[names[locus][genes[locus]] for locus in order] for genes in genotypes]
    assert positions(pool_of(changed, energies), 7, temperature=temperature) == before
    words = [[f"allele {gene}" for gene in genes] for genes in changed]
    assert positions(pool_of(words, energies), 7, temperature=temperature) == before


@given(pools(alleles=2), temperatures)
@settings(max_examples=40, deadline=None)
def test_two_alleles_equal_binary_loci_and_gates(pool, temperature):
    genotypes, energies = pool
    before = positions(pool_of(genotypes, energies), 7, temperature=temperature)
    for off, on in [(False, True), (4, 2), ("a", "b"), (-0.5, 1.5), (0.0, 1e-9)]:
        renamed = [[on if gene else off for gene in genes] for genes in genotypes]
        assert positions(pool_of(renamed, energies), 7, temperature=temperature) == before


@given(pools(), temperatures)
@settings(max_examples=60, deadline=None)
def test_dropping_duplicates_changes_no_picked_genotype(pool, temperature):
    genotypes, energies = pool
    energies = [float(sum(genes)) for genes in genotypes]
    distinct = [list(genes) for genes in dict.fromkeys(map(tuple, genotypes))]
    few = selThermodynamic(pool_of(distinct, [float(sum(g)) for g in distinct]), 8, temperature=temperature)
    many = selThermodynamic(pool_of(genotypes + genotypes, energies * 2), 8, temperature=temperature)
    assert few == many


@given(pools(), temperatures, st.integers(-20, 20), st.sampled_from([0.25, 0.5, 2.0, 1024.0]))
@settings(max_examples=60, deadline=None)
def test_shift_of_energies_and_scale_with_temperature_change_nothing(pool, temperature, shift, scale):
    genotypes, energies = pool
    before = positions(pool_of(genotypes, energies), 7, temperature=temperature)
    shifted = [energy + shift / 4 for energy in energies]
    assert positions(pool_of(genotypes, shifted), 7, temperature=temperature) == before
    scaled = [energy * scale for energy in energies]
    assert positions(pool_of(genotypes, scaled), 7, temperature=temperature * scale) == before


@given(pools(), temperatures, st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_the_elite_is_the_first_pick_and_zero_temperature_copies_it(pool, temperature, k):
    genotypes, energies = pool
    best = energies.index(min(energies))
    individuals = pool_of(genotypes, energies)
    assert positions(individuals, k, temperature=temperature)[0] == best
    assert positions(individuals, k, temperature=0) == [best] * k


def test_zero_temperature_without_replacement_is_the_order_of_energies():
    energies = [3.0, 1.0, 2.0, 1.0]
    assert positions(pool_of([[0], [1], [0], [1]], energies), 4, temperature=0, replacement=False) == [
        1,
        3,
        2,
        0,
    ]


def test_permuting_the_pool_keeps_the_free_energy_at_every_size():
    rng = random.Random(3)
    genotypes = [[rng.randrange(2) for _ in range(10)] for _ in range(30)]
    energies = [rng.random() for _ in genotypes]
    order = rng.sample(range(30), 30)
    first = positions(pool_of(genotypes, energies), 15, temperature=0.3)
    moved = pool_of([genotypes[i] for i in order], [energies[i] for i in order])
    assert [order[pick] for pick in positions(moved, 15, temperature=0.3)] == first
