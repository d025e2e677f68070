"""Searches over several fidelities: sizes of rungs, who is promoted, what it costs."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tdgnas.decision import Decision, Decisions
from tdgnas.fitness import TabularFitness, synthetic_table
from tdgnas.individual import AccuracyFitness, fidelity_of
from tdgnas.runs.search import Search
from tdgnas.spaces import NASBench201
from tdgnas.strategies import STRATEGIES, create, halving, hyperband, ladder, log_density

NAMES = ["asha", "bohb", "hyperband", "successive-halving", "tdga-racing"]
SPACE = NASBench201()
TABLE = synthetic_table(SPACE)
SIZES = (2, 4, 3)
DECISIONS = Decisions(Decision(f"d{k}", tuple(map(str, range(size)))) for k, size in enumerate(SIZES))


def test_all_of_them_say_that_they_need_a_fidelity():
    assert [name for name in STRATEGIES.names() if STRATEGIES.get(name).needs_fidelity] == NAMES


def test_hyperbands_brackets_are_the_published_ones():
    """R = 81, eta = 3, as algorithm 1 gives them."""
    sizes = [[rung.size for rung in bracket] for bracket in hyperband(3, 1 / 81)]
    assert sizes == [[81, 27, 9, 3, 1], [34, 11, 3, 1], [15, 5, 1], [8, 2], [5]]
    efforts = [[round(81 * rung.fidelity) for rung in bracket] for bracket in hyperband(3, 1 / 81)]
    assert efforts == [[1, 3, 9, 27, 81], [3, 9, 27, 81], [9, 27, 81], [27, 81], [81]]


def test_the_ladder_ends_at_the_full_effort_and_not_below_the_least():
    assert ladder(3, 1 / 9) == [1 / 9, 1 / 3, 1.0]
    assert ladder(3, 0.12) == [1 / 3, 1.0]
    assert ladder(2, 1.0) == [1.0]
    assert halving(2, ladder(3, 1 / 9), 3) == [(2, 1 / 9), (1, 1 / 3), (1, 1.0)]


def climbed(name, generations=40, **options):
    """What was asked for: (choices, fidelity, value) by generation; later epochs rank architectures anew."""
    strategy = create(name, DECISIONS, seed=3, **options)
    asked = []
    for _ in range(generations):
        found = []
        for one in strategy.generate():
            choices, fidelity = DECISIONS.choices(one), fidelity_of(one)
            one.fitness.values = (random.Random(f"{choices} {fidelity}").random(),)
            found.append((one, (choices, fidelity, one.fitness.values[0])))
        strategy.update([one for one, _ in found])
        asked.append([row for _, row in found])
    return strategy, asked


@pytest.mark.parametrize(
    ("name", "options"), [("successive-halving", {"population": 9}), ("hyperband", {}), ("bohb", {})]
)
def test_the_best_of_a_rung_go_on_and_no_others(name, options):
    strategy, asked = climbed(name, 6, **options)
    turns = iter(asked)
    brackets = strategy.brackets * 6
    for bracket in brackets:
        rung = next(turns, None)
        if rung is None:
            break
        assert [(len(rung), rung[0][1])] == [tuple(bracket[0])]
        for size, fidelity in bracket[1:]:
            best = {choices for choices, _, _ in sorted(rung, key=lambda row: row[2])[:size]}
            rung = next(turns, None)
            if rung is None:
                break
            assert {choices for choices, _, _ in rung} == best
            assert {own for _, own, _ in rung} == {fidelity}


def naive_asha(history, eta, fidelities):
    """Algorithm 2 from all that was evaluated: the job that comes next, None for a new architecture."""
    for level in reversed(range(len(fidelities) - 1)):
        rung = [row for row in history if row[1] == fidelities[level]]
        above = {choices for choices, own, _ in history if own == fidelities[level + 1]}
        top = sorted(rung, key=lambda row: row[2])[: len(rung) // eta]
        for choices, _, _ in top:
            if choices not in above:
                return choices, fidelities[level + 1]
    return None


@pytest.mark.parametrize(("eta", "lowest"), [(3, 1 / 9), (2, 1 / 8)])
def test_asha_promotes_as_its_published_rule(eta, lowest):
    strategy, asked = climbed("asha", 24, eta=eta, lowest=lowest)
    history = []
    for ((choices, fidelity, value),) in asked:
        wanted = naive_asha(history, eta, strategy.fidelities)
        if wanted is None:
            assert fidelity == strategy.fidelities[0]
            assert choices not in {row[0] for row in history}
        else:
            assert (choices, fidelity) == wanted
        history.append((choices, fidelity, value))
    assert {fidelity for _, fidelity, _ in history} == set(strategy.fidelities)


def test_asha_takes_results_back_in_any_order():
    strategy = create("asha", DECISIONS, seed=0, batch=4)
    under_way = [one for _ in range(3) for one in strategy.generate()]
    assert len({DECISIONS.choices(one) for one in under_way}) == 12
    for value, one in enumerate(reversed(under_way)):
        one.fitness.values = (float(value),)
        strategy.update([one])
    promoted = strategy.generate()
    assert [DECISIONS.choices(one) for one in promoted] == [
        DECISIONS.choices(one) for one in under_way[:-5:-1]
    ]
    assert {one.fidelity for one in promoted} == {1 / 3}


@pytest.mark.parametrize("name", NAMES)
def test_the_ledger_counts_what_was_spent(name):
    """A ninth of the epochs costs a ninth of the seconds and of an evaluation."""
    fitness = TabularFitness(SPACE, TABLE, signal="val_acc_12")
    strategy = create(name, SPACE.decisions, seed=0, fitness=AccuracyFitness, lowest=1 / 3)
    search = Search(strategy, fitness, fitness.budget, unit="generations", limit=1)
    spent = [0.0, 0.0]
    for turn in search:
        for one in turn.evaluated:
            share = {1 / 3: 4 / 12, 1.0: 1.0}[one.fidelity]
            spent[0] += share
            spent[1] += share * TABLE.columns["seconds_12"][TABLE.rows[SPACE.decisions.choices(one)]]
    assert [fitness.budget.evaluations, fitness.budget.seconds] == pytest.approx(spent)


def test_a_budget_of_whole_evaluations_is_used_up_by_parts_of_them():
    fitness = TabularFitness(SPACE, TABLE, signal="val_acc_12")
    strategy = create(
        "successive-halving", SPACE.decisions, seed=0, fitness=AccuracyFitness, lowest=1 / 3, population=9
    )
    trace = Search(strategy, fitness, fitness.budget, unit="evaluations", limit=12).run()
    assert trace.evaluations == 24  # nine at a third and three in full cost six
    assert trace.used == pytest.approx(12)


def test_the_density_is_that_of_a_kernel_over_choices():
    rng = random.Random(0)
    known = np.array([[rng.randrange(size) for size in SIZES] for _ in range(5)])
    every = np.array([(a, b, c) for a in range(2) for b in range(4) for c in range(3)])
    for width in (0.2, 0.7, 1.0):
        density = np.exp(log_density(every, known, SIZES, width))
        assert density.sum() == pytest.approx(1)
        naive = [
            np.mean(
                [
                    np.prod([(1 - width) * (a == b) + width / n for a, b, n in zip(x, y, SIZES, strict=True)])
                    for y in known
                ]
            )
            for x in every
        ]
        assert density == pytest.approx(naive)
    assert np.ptp(density) == pytest.approx(0)


def test_bohb_learns_from_the_highest_fidelity_that_has_enough():
    strategy = create("bohb", DECISIONS, seed=0, uniform=0.0, draws=200)
    strategy.seen[0] = [([0, 0, 0], 1.0)] * 3 + [([1, 3, 2], 0.0)] * 3
    assert strategy.propose() == (0, 0, 0)
    strategy.seen[1] = [([1, 1, 1], 1.0)] * 2 + [([0, 0, 0], 0.0)] * 3
    assert strategy.propose() == (0, 0, 0)
    strategy.seen[1].append(([1, 1, 1], 0.9))
    assert strategy.propose()[:1] == (1,)


def test_a_hot_race_promotes_what_differs_from_the_parents():
    def promoted(temperature):
        strategy = create("tdga-racing", DECISIONS, seed=0, temperature=temperature)
        strategy.parents = [strategy.individual((0, 0, 0)) for _ in range(3)]
        rung = [strategy.individual(choices) for choices in ((0, 0, 0), (0, 0, 1), (1, 2, 2))]
        for value, one in enumerate(rung):
            one.fitness.values = (float(value),)
        return [DECISIONS.choices(one) for one in strategy.promoted(rung, 1)]

    assert promoted(0.0) == [(0, 0, 0)]
    assert promoted(100.0) == [(1, 2, 2)]


def test_parents_were_evaluated_in_full():
    strategy, asked = climbed("tdga-racing", 9, population=9, parents=2)
    full = {choices for rung in asked for choices, fidelity, _ in rung if fidelity == 1}
    assert len(full) == 3
    assert {DECISIONS.choices(one) for one in strategy.parents} < full
