"""Parts of a comparison: specs, searches within a budget, statistics, curves."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from scipy import stats

from tdgnas.budget import Budget
from tdgnas.comparison import Spec, compare_pairs, effect, parse, rank, summarise
from tdgnas.comparison.curves import band, step_values
from tdgnas.comparison.specs import parse_all
from tdgnas.fitness import TabularFitness, synthetic_table
from tdgnas.individual import AccuracyFitness
from tdgnas.runs.search import Search
from tdgnas.spaces import NASBench201
from tdgnas.strategies import create

SPACE = NASBench201(channels=4, cells_per_stage=1)
TABLE = synthetic_table(SPACE)


# specs


@pytest.mark.parametrize(
    ("text", "expected", "options"),
    [
        ("tdga", Spec("tdga", "tdga"), {}),
        ("tdga:population=5", Spec("tdga-population5", "tdga:population=5"), {"population": 5}),
        (
            "a=tdga:x=false,temperature.start=0.5",
            Spec("a", "tdga:x=false,temperature.start=0.5"),
            {"x": False, "temperature.start": 0.5},
        ),
        ("rl=reinforce:reward=cubed", Spec("rl", "reinforce:reward=cubed"), {"reward": "cubed"}),
        ("v@d:width=0.125", Spec("v@d-width0.125", "v@d:width=0.125"), {"width": 0.125}),
        ("t=table:file=/tmp/a.csv", Spec("t", "table:file=/tmp/a.csv"), {"file": "/tmp/a.csv"}),
        (
            "table:file=/tmp/a.csv",
            Spec("table-file-tmp-a.csv", "table:file=/tmp/a.csv"),
            {"file": "/tmp/a.csv"},
        ),
    ],
)
def test_specs_are_read(text, expected, options):
    assert parse(text) == expected
    assert expected.options == options


@pytest.mark.parametrize(
    "text", ["", "=tdga", "a/b=tdga", "../x", "tdga:population", "tdga:=3", "tdga:a b=3"]
)
def test_specs_of_another_form_are_refused(text):
    with pytest.raises(ValueError, match=r"expected|cannot name a file"):
        parse(text)


def test_two_specs_of_one_label_are_refused():
    with pytest.raises(ValueError, match="two strategies are called 'tdga'"):
        parse_all(["tdga", "tdga=tdga:population=3"], "strategies")
    with pytest.raises(ValueError, match="no strategies"):
        parse_all([], "strategies")


# searches


class Costly:
    """A fitness with a cost per evaluation; values fall with every evaluation."""

    def __init__(self, cost=10):
        self.budget = Budget()
        self.cost = cost

    def __call__(self, individual):
        return self.batch([individual])[0]

    def batch(self, individuals):
        values = []
        for _ in individuals:
            self.budget.count(1, self.cost)
            values.append((-float(self.budget.evaluations),))
        return values


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("name", "limit"), [("random", 95), ("ga", 205), ("aging", 333)])
def test_nothing_beyond_the_budget_counts(name, limit, whole):
    fitness = Costly()
    strategy = create(name, SPACE.decisions, seed=0)
    trace = Search(strategy, fitness, fitness.budget, unit="passes", limit=limit, whole=whole).run()
    assert trace.evaluations == trace.requests == limit // 10
    assert trace.used == limit // 10 * 10
    assert trace.points[-1][:2] == (trace.used, -float(trace.evaluations))
    assert all(cost <= limit for cost, _, _ in trace.points)


def test_what_was_used_before_counts():
    fitness = Costly()
    fitness.budget.count(0, 80)
    strategy = create("random", SPACE.decisions, seed=0, batch=1)
    trace = Search(strategy, fitness, fitness.budget, unit="passes", limit=30).run()
    assert trace.evaluations == 3
    assert trace.points[0][0] == 90


def test_the_choice_is_the_best_or_the_last():
    class Rising(Costly):
        def batch(self, individuals):
            return [(-value,) for (value,) in super().batch(individuals)]

    ends = {}
    for recommends in ("best", "last"):
        fitness = Rising()
        strategy = create("random", SPACE.decisions, seed=0)
        strategy.recommends = recommends
        trace = Search(strategy, fitness, fitness.budget, unit="evaluations", limit=12).run()
        ends[recommends] = (trace.points[-1][1], len(trace.points))
    assert ends == {"best": (1.0, 1), "last": (12.0, 12)}


def test_a_search_that_asks_for_nothing_new_stops():
    fitness = TabularFitness(SPACE, TABLE)
    strategy = create("ga", SPACE.decisions, seed=0, fitness=AccuracyFitness, mutpb=0.0, cxpb=0.0)
    trace = Search(strategy, fitness, fitness.budget, unit="seconds", limit=1e9).run()
    assert trace.converged
    assert trace.evaluations == 15


def test_a_table_search_reports_the_best_it_saw():
    fitness = TabularFitness(SPACE, TABLE)
    strategy = create("aging", SPACE.decisions, seed=3, fitness=AccuracyFitness)
    trace = Search(strategy, fitness, fitness.budget, unit="seconds", limit=5000, loci=SPACE.choices).run()
    cost, signal, genes = trace.points[-1]
    assert fitness(genes) == (signal,)
    assert [point[1] for point in trace.points] == sorted(point[1] for point in trace.points)
    assert cost <= trace.used <= 5000
    assert trace.entropies[0][1] > trace.entropies[-1][1] >= 0


# statistics


def test_pairs_are_corrected_by_holms_definition():
    found = results({"a": 0.0, "b": 0.1, "c": 0.05, "d": 0.3})
    pairs = compare_pairs(found, higher=True, paired=True)
    p, n = [pair.p for pair in pairs], len(pairs)
    order = sorted(range(n), key=p.__getitem__)
    for place, index in enumerate(order):
        expected = max(min(1.0, (n - k) * p[order[k]]) for k in range(place + 1))
        assert pairs[index].holm == pytest.approx(expected)


def test_the_effect_size_is_a_probability_of_being_better():
    assert effect([1, 2, 3], [4, 5], higher=True) == 0.0
    assert effect([1, 2, 3], [4, 5], higher=False) == 1.0
    assert effect([1, 2], [1, 2], higher=True) == 0.5
    assert effect([1, 3], [2], higher=True) == 0.5
    a, b = [0.1, 0.5, 0.7, 0.2], [0.3, 0.4, 0.6]
    u = stats.mannwhitneyu(a, b).statistic
    assert effect(a, b, higher=True) == pytest.approx(u / 12)


def results(shifts, n=12, seed=0):
    rng = random.Random(seed)
    base = [rng.gauss(0, 1) for _ in range(n)]
    return {
        name: {k: base[k] + shift + rng.gauss(0, 0.1) for k in range(n)} for name, shift in shifts.items()
    }


def test_paired_seeds_are_tested_by_signed_ranks():
    found = results({"a": 0.0, "b": 0.3, "c": 0.0})
    pairs = {(p.first, p.second): p for p in compare_pairs(found, higher=True, paired=True)}
    assert set(pairs) == {("a", "b"), ("a", "c"), ("b", "c")}
    expected = stats.wilcoxon(list(found["a"].values()), list(found["b"].values())).pvalue
    assert pairs["a", "b"].test == "wilcoxon"
    assert pairs["a", "b"].p == pytest.approx(expected)
    assert pairs["a", "b"].holm < 0.01 < pairs["a", "c"].holm
    assert pairs["a", "b"].difference == pytest.approx(-0.3, abs=0.15)


def test_unpaired_results_are_tested_by_mann_and_whitney():
    found = results({"a": 0.0, "b": 5.0})
    (pair,) = compare_pairs(found, higher=False, paired=False)
    values = [list(found[name].values()) for name in "ab"]
    assert pair.p == pytest.approx(stats.mannwhitneyu(*values).pvalue)
    assert (pair.test, pair.a12) == ("mann-whitney", 1.0)


def test_equal_or_single_results_differ_in_nothing():
    same = {"a": {0: 1.0, 1: 2.0}, "b": {0: 1.0, 1: 2.0}}
    assert [pair.p for pair in compare_pairs(same, higher=True, paired=True)] == [1.0]
    single = {"a": {0: 1.0}, "b": {0: 2.0}}
    for paired in (False, True):
        (pair,) = compare_pairs(single, higher=True, paired=paired)
        assert (pair.p, pair.a12) == (1.0, 0.0)
    assert math.isnan(summarise(single, higher=True)[0].std)


def test_summaries_come_best_first_by_the_direction():
    found = {"a": {0: 1.0, 1: 3.0}, "b": {0: 5.0, 1: 7.0}}
    best, other = summarise(found, higher=True)
    assert (best.strategy, best.n, best.mean, best.median, best.best) == ("b", 2, 6.0, 6.0, 7.0)
    assert best.std == pytest.approx(math.sqrt(2))
    low = summarise(found, higher=False)
    assert [row.strategy for row in low] == ["a", "b"]
    assert low[0].best == 1.0
    assert other.best == 3.0


def test_the_critical_difference_is_demsars():
    """Demsar 2006, section 3.2.2: four classifiers on 14 data sets, CD = 1.25 at 5 %."""
    found = results({"a": 0.0, "b": 1.0, "c": 2.0, "d": 3.0}, n=14)
    ranks = rank(found, higher=False)
    assert ranks.critical == pytest.approx(1.25, abs=0.005)
    assert list(ranks.mean) == list("abcd")
    assert ranks.mean["a"] < 1.3
    assert ranks.friedman < 1e-6
    assert rank(found, higher=True).mean["d"] < 1.3


def test_ranks_need_two_strategies_and_two_seeds():
    assert rank({"a": {0: 1.0, 1: 2.0}}, higher=True) is None
    assert rank({"a": {0: 1.0}, "b": {0: 2.0}}, higher=True) is None
    tied = rank({name: {0: 1.0, 1: 1.0} for name in "abc"}, higher=True)
    assert set(tied.mean.values()) == {2.0}
    assert math.isnan(tied.friedman)


def test_what_nemenyi_tells_apart_differs_by_the_critical_difference():
    ranks = rank(results({"a": 0.0, "b": 0.02, "c": 0.1, "d": 3.0}), higher=False)
    for first, second in itertools.combinations(ranks.mean, 2):
        apart = abs(ranks.mean[first] - ranks.mean[second]) > ranks.critical
        assert (ranks.nemenyi[first][second] < 0.05) == apart
    assert {ranks.nemenyi["a"]["b"] < 0.05, ranks.nemenyi["a"]["d"] < 0.05} == {False, True}


# curves


def test_a_curve_holds_its_value_until_the_next_point():
    grid = np.array([0.0, 1.0, 1.5, 2.0, 9.0])
    values = step_values([(1.0, 5.0), (2.0, 7.0)], grid)
    assert math.isnan(values[0])
    assert values[1:].tolist() == [5.0, 5.0, 7.0, 7.0]


def test_a_band_is_students_interval_of_the_mean():
    grid = np.array([0.0, 1.0, 2.0])
    found = band([[(1.0, 1.0)], [(1.0, 2.0)], [(2.0, 6.0)]], grid)
    assert math.isnan(found.mean[0])
    assert found.mean[1:].tolist() == [1.5, 3.0]
    low, high = stats.t.interval(0.95, 2, loc=3.0, scale=stats.sem([1.0, 2.0, 6.0]))
    assert (found.low[2], found.high[2]) == (pytest.approx(low), pytest.approx(high))
    alone = band([[(0.0, 4.0)]], grid)
    assert alone.low.tolist() == alone.high.tolist() == [4.0, 4.0, 4.0]
