"""Selections and replacements that keep a population diverse: what each of them promises."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdgnas import Individual, operators
from tdgnas.operators import (
    ShannonEntropy,
    gene_distances,
    population_entropy,
    selBoltzmannTournament,
    selCrowding,
    selEntropyPreserving,
    selRating,
    selRestrictedTournament,
    selSharing,
    selYoungest,
)


def person(loss, *genes):
    made = Individual(genes or [1.0, 1.0])
    made.fitness.values = (loss,)
    return made


def clones_and_a_loner(clones=9, loss=1.0):
    return [person(loss, 1.0, 1.0, 1.0, 1.0) for _ in range(clones)] + [person(loss, -1.0, -1.0, -1.0, -1.0)]


def crowd(size, seed=0, genes=6):
    rng = random.Random(seed)
    return [person(rng.random(), *(rng.choice([-1.0, 1.0]) for _ in range(genes))) for _ in range(size)]


def places(pool, chosen):
    return [next(place for place, one in enumerate(pool) if one is found) for found in chosen]


def test_distances_are_the_share_of_genes_on_the_other_side_of_zero() -> None:
    table = gene_distances([[1.0, 2.0, -1.0, 0.0], [0.5, -2.0, -3.0, -1.0], [-1.0, -1.0, 1.0, 1.0]])
    assert table.tolist() == [[0, 0.25, 1.0], [0.25, 0, 0.75], [1.0, 0.75, 0]]


def test_sharing_gives_a_loner_as_much_as_all_its_clones_rivals_together() -> None:
    pool = clones_and_a_loner()
    picks = selSharing(pool, 1000, radius=0.5, rng=random.Random(0))
    assert 480 <= sum(one is pool[-1] for one in picks) <= 520  # nine clones share one niche
    alone = selSharing(
        pool, 1000, radius=0.5, distances=lambda pool: 1.0 - np.eye(len(pool)), rng=random.Random(0)
    )
    assert 90 <= sum(one is pool[-1] for one in alone) <= 110  # where nobody is near, everybody counts alike


def test_sharing_follows_the_shape_of_its_function() -> None:
    pool = [person(1.0, 1.0, 1.0), person(1.0, 1.0, -1.0), person(2.0, -1.0, -1.0)]  # distances 0.5, 1, 0.5
    share = {}
    for alpha in (1.0, 2.0):
        niches = [1 + 1 - (0.5 / 0.8) ** alpha, 1 + 2 * (1 - (0.5 / 0.8) ** alpha)]
        picks = selSharing(pool, 20_000, radius=0.8, alpha=alpha, rng=random.Random(1))
        share[alpha] = sum(one is pool[0] for one in picks) / sum(one is pool[1] for one in picks)
        assert share[alpha] == pytest.approx(niches[1] / niches[0], rel=0.01)
    assert share[1.0] != pytest.approx(share[2.0], rel=0.01)


def test_a_boltzmann_tournament_accepts_by_the_logistic_of_the_energies() -> None:
    pool = [person(0.0), person(1.0)]
    for temperature in (0.5, 2.0):
        chosen = selBoltzmannTournament(
            pool, 20_000, temperature=temperature, relative=False, rng=random.Random(0)
        )
        better = sum(one is pool[0] for one in chosen) / 20_000
        # Half of the pairs are one individual twice.
        assert better == pytest.approx(0.25 + 0.5 / (1 + np.exp(-1 / temperature)), abs=0.01)
    cold = selBoltzmannTournament(pool, 2000, temperature=0.0, rng=random.Random(0))
    assert sum(one is pool[0] for one in cold) == pytest.approx(1500, abs=60)


def test_a_relative_temperature_does_not_depend_on_the_unit() -> None:
    small, large = crowd(8), crowd(8)
    for one in large:
        one.fitness.values = (1000 * one.fitness.values[0],)
    for select in (selBoltzmannTournament, selRating):
        options = {"rng": random.Random(3)} if select is selBoltzmannTournament else {}
        first = places(small, select(small, 4, temperature=0.7, **options))
        options = {"rng": random.Random(3)} if select is selBoltzmannTournament else {}
        assert places(large, select(large, 4, temperature=0.7, **options)) == first


def test_a_schedule_asks_for_its_generation() -> None:
    schedule = operators.Geometric(1.0, 0.1, ngen=10)
    for select in (selBoltzmannTournament, selRating):
        with pytest.raises(ValueError, match="needs the generation"):
            select(crowd(4), 2, temperature=schedule)
        assert len(select(crowd(4), 2, temperature=schedule, generation=3)) == 2


def test_the_youngest_stay_whatever_they_are_worth() -> None:
    pool = [person(0.0), person(5.0), person(9.0), person(1.0)]
    assert places(pool, selYoungest(pool, 2)) == [2, 3]
    births = {id(one): birth for one, birth in zip(pool, [7, 1, 9, 3], strict=True)}
    chosen = selYoungest(pool, 2, birth=lambda one: births[id(one)])
    assert places(pool, chosen) == [0, 2]


def test_crowding_pairs_each_child_with_the_parent_it_resembles() -> None:
    parents = [person(1.0, 1.0, 1.0, 1.0), person(1.0, -1.0, -1.0, -1.0)]
    children = [person(0.5, -1.0, -1.0, 1.0), person(2.0, 1.0, 1.0, -1.0)]
    survivors = selCrowding(parents + children, 2)
    assert survivors[0] is parents[0]  # its rival, the second child, is worse
    assert survivors[1] is children[0]


def test_crowding_keeps_two_niches_that_a_tournament_loses() -> None:
    rng = random.Random(0)

    def loss(one):
        ones = sum(gene > 0 for gene in one)
        return min(ones, len(one) - ones)  # two optima: all on, all off

    population = [person(0.0, *(rng.choice([-1.0, 1.0]) for _ in range(10))) for _ in range(40)]
    for one in population:
        one.fitness.values = (loss(one),)
    for _ in range(60):
        rng.shuffle(population)
        children = [person(0.0, *one) for one in population]
        for one, two in zip(children[::2], children[1::2], strict=True):
            operators.cxDecision(one, two, slices=[slice(g, g + 1) for g in range(10)], rng=rng)
        for child in children:
            operators.mutFlipGate(child, indpb=0.05, rng=rng)
            child.fitness.values = (loss(child),)
        population = selCrowding(population + children, 40)
    best = [tuple(gene > 0 for gene in one) for one in population if one.fitness.values[0] == 0]
    assert best.count((True,) * 10) >= 5
    assert best.count((False,) * 10) >= 5


@given(st.integers(1, 9), st.integers(0, 12), st.integers(0, 99))
def test_replacements_never_lose_the_best(k, offspring, seed) -> None:
    pool = crowd(k + offspring, seed)
    for select in (selCrowding, selEntropyPreserving, selRating):
        chosen = select(pool, k)
        assert len({id(one) for one in chosen}) == k
        assert min(one.fitness.values[0] for one in chosen) == min(one.fitness.values[0] for one in pool)


def test_what_follows_the_offspring_competes_with_the_worst() -> None:
    parents, elite = crowd(4), person(-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    chosen = selCrowding([*parents, *crowd(4, 1), elite], 4)
    assert any(one is elite for one in chosen)


def test_restricted_tournament_replaces_the_nearest_if_it_is_worse() -> None:
    parents = [person(3.0, 1.0, 1.0, 1.0), person(2.0, -1.0, -1.0, -1.0)]
    near_second = person(1.0, -1.0, -1.0, 1.0)
    assert selRestrictedTournament([*parents, near_second], 2, window=2)[1] is near_second
    worse = person(2.5, -1.0, -1.0, 1.0)
    assert selRestrictedTournament([*parents, worse], 2, window=2) == parents


def test_rating_keeps_levels_apart_and_the_best_always() -> None:
    pool = [person(0.0), *(person(0.05) for _ in range(6)), person(1.0), person(0.6)]
    cold = selRating(pool, 3, temperature=0.0)
    assert [one.fitness.values[0] for one in cold] == [0.0, 0.05, 0.05]
    hot = selRating(pool, 3, temperature=10.0)
    assert sorted(one.fitness.values[0] for one in hot) == [0.0, 0.6, 1.0]


def test_rating_sorts_by_energy_plus_temperature_times_log_share() -> None:
    pool = [person(loss) for loss in (0.0, 0.1, 0.9, 1.0)]  # two levels of two
    components = {1: 0.1 + 0.3 * np.log(0.5), 2: 0.9 + 0.3 * np.log(0.5), 3: 1.0 + 0.3 * np.log(0.5)}
    chosen = selRating(pool, 4, temperature=0.3, levels=2, relative=False)
    assert places(pool, chosen) == [0, *sorted(components, key=components.get)]


def test_preserving_entropy_spends_a_place_where_it_costs_least() -> None:
    twins = [person(2.0, 1.0, 1.0), person(2.0, 1.0, 1.0), person(2.5, -1.0, -1.0)]
    newcomer = person(1.0, 1.0, -1.0)
    chosen = selEntropyPreserving([*twins, newcomer], 3)
    assert chosen[2] is twins[2]  # the worst is the only one of its kind
    assert newcomer in chosen
    assert population_entropy(chosen) == pytest.approx(population_entropy(twins))


def test_preserving_entropy_takes_any_entropy() -> None:
    pool = crowd(9)
    same = selEntropyPreserving(pool, 4, entropy=ShannonEntropy())
    assert [id(one) for one in same] == [id(one) for one in selEntropyPreserving(pool, 4)]


def test_a_failed_evaluation_as_bad_as_a_float_can_be_is_what_goes() -> None:
    """The standard deviation of such energies overflows: every component was NaN and the pool's order decided."""
    pool = [person(sys.float_info.max), *(person(float(loss)) for loss in (3, 2, 1))]
    assert sorted(places(pool, selRating(pool, 3))) == [1, 2, 3]
    picks = selBoltzmannTournament(pool, 400, temperature=0.1, rng=random.Random(0))
    assert 0 < sum(one is pool[0] for one in picks) < 50  # drawn against itself once in sixteen


@pytest.mark.parametrize("select", [selSharing, selYoungest, selCrowding])
def test_half_a_pick_is_refused(select) -> None:
    """Sharing took 2.5 for three."""
    with pytest.raises(TypeError, match="integer"):
        select(crowd(6), 2.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda pool: selSharing([], 1), "no individuals"),
        (lambda pool: selSharing(pool, 2, radius=0.0), "radius"),
        (lambda pool: selSharing(pool, 2, distances=lambda pool: [[1.0]]), "distances must give"),
        (lambda pool: selCrowding(pool, 9), "at most 4"),
        (lambda pool: selRestrictedTournament(pool, 2, window=0), "window"),
        (lambda pool: selRating(pool, 2, levels=0), "levels"),
        (lambda pool: selBoltzmannTournament(pool, 2, temperature=-1.0), "temperature"),
        (lambda pool: selYoungest(pool, -1), "k must be"),
        (lambda pool: selEntropyPreserving([Individual([1.0])], 1), "is invalid"),
    ],
)
def test_a_mistake_is_a_sentence(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call(crowd(4))
