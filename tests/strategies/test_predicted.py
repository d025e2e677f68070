"""TDGA with predicted energies, its Gaussian process, and what searches with a prediction share."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from tdgnas.decision import Decision, Decisions
from tdgnas.spaces import NASBench201
from tdgnas.strategies import ChoiceGP, ForestModel, create, one_hot, spread_ranks, wants
from tdgnas.strategies.predicted.ensemble import EnsembleModel
from tdgnas.strategies.predicted.forest import expected_improvement

SIZES = (2, 4, 3, 5, 2)


def drawn(rng, count):
    return [tuple(rng.randrange(size) for size in SIZES) for _ in range(count)]


def test_the_factor_that_grows_by_rows_gives_what_a_full_solution_gives():
    rng = random.Random(0)
    known, candidates = drawn(rng, 150), drawn(rng, 7)
    gp = ChoiceGP(rho=0.6, noise=0.2)
    values = []
    for choices in known:
        gp.add(choices)
        values.append(rng.random())
        if len(values) in (1, 2, 64, 65, 150):
            targets = spread_ranks(values)  # they all change with every value
            seen = np.array(known[: len(values)])
            k = 0.6 ** (seen[:, None] != seen[None]).sum(axis=2) + 0.2 * np.eye(len(seen))
            cross = 0.6 ** (seen[:, None] != np.array(candidates)[None]).sum(axis=2)
            mean, deviation = gp.predict(targets, candidates)
            assert mean == pytest.approx(cross.T @ np.linalg.solve(k, targets), abs=1e-9)
            variance = 1 - np.diag(cross.T @ np.linalg.solve(k, cross))
            assert deviation == pytest.approx(np.sqrt(variance), abs=1e-9)


def test_it_is_scikit_learns_process_on_one_hot_choices():
    rng = random.Random(1)
    known, candidates = drawn(rng, 40), drawn(rng, 5)
    targets = [rng.gauss(0, 1) for _ in known]
    gp = ChoiceGP(rho=0.7, noise=0.3)
    for choices in known:
        gp.add(choices)

    def one_hot(rows):
        return np.concatenate(
            [np.eye(size)[[row[k] for row in rows]] for k, size in enumerate(SIZES)], axis=1
        )

    # Each differing decision adds 2 to the squared distance: exp(-2 / (2 l^2)) = rho.
    other = GaussianProcessRegressor(RBF((-np.log(0.7)) ** -0.5), alpha=0.3, optimizer=None)
    mean, deviation = other.fit(one_hot(known), targets).predict(one_hot(candidates), return_std=True)
    found = gp.predict(targets, candidates)
    assert found[0] == pytest.approx(mean, abs=1e-9)
    assert found[1] == pytest.approx(deviation, abs=1e-9)


def test_ranks_are_spread_evenly_and_ties_share_theirs():
    assert spread_ranks([3.0]).tolist() == [0.0]
    assert spread_ranks([0.2, -1e9, 0.3, 0.1]) == pytest.approx([1.73 / 3, -1.73, 1.73, -1.73 / 3])
    assert spread_ranks([1, 2, 2, 3], reach=1.0).tolist() == [-1.0, 0.0, 0.0, 1.0]


def test_a_wrong_number_of_targets_is_refused():
    gp = ChoiceGP()
    gp.add((0, 1))
    with pytest.raises(ValueError, match="1 architectures were added"):
        gp.predict([1.0, 2.0], [(0, 0)])
    with pytest.raises(ValueError, match="rho is"):
        ChoiceGP(rho=1.5)


def turns(strategy, problem, count):
    for _ in range(count):
        individuals = strategy.generate()
        for one in individuals:
            one.fitness.values = problem(one)
        strategy.update(individuals)


def test_a_generation_is_chosen_by_free_energy_naively(searches):
    """The published step again, slowly: ranks, a full solution, and F of the population and each candidate."""
    problem = searches.problem("K-way")
    strategy = searches.strategy("tdga-gp", problem, batch=2, per=None)
    turns(strategy, problem, 6)
    seen = np.array(problem.evaluated)
    values = [-problem.losses[choices] for choices in problem.evaluated]
    targets = 1.73 * (2 * (rankdata(values) - 1) / (len(values) - 1) - 1)
    best = [problem.evaluated[place] for place in np.argsort(values)[::-1][:3]]
    assert [problem.decisions.choices(one) for one in strategy.population] == best
    candidates = []
    real = strategy._candidates
    strategy._candidates = lambda: candidates.extend(real()) or candidates
    chosen = [problem.decisions.choices(one) for one in strategy.generate()]
    assert len(candidates) == 20 == len(set(candidates) - set(problem.evaluated))

    k = 0.7 ** (seen[:, None] != seen[None]).sum(axis=2) + 0.3 * np.eye(len(seen))
    cross = 0.7 ** (seen[:, None] != np.array(candidates)[None]).sum(axis=2)
    mean = cross.T @ np.linalg.solve(k, targets)
    deviation = np.sqrt(1 - np.diag(cross.T @ np.linalg.solve(k, cross)))
    energy = dict(zip(candidates, -(mean + 3 * deviation), strict=True))

    def free(picks):
        together = np.array([*best, *picks])
        shares = [np.unique(column, return_counts=True)[1] / len(together) for column in together.T]
        entropy = -sum((share * np.log(share)).sum() for share in shares)
        return sum(energy[pick] for pick in picks) / len(together) - 0.1 * entropy

    picks = []
    for _ in range(2):
        picks.append(min((c for c in candidates if c not in picks), key=lambda c: free([*picks, c])))
    assert chosen == picks


def test_settings_are_those_of_six_decisions_and_scaled_in_larger_spaces():
    """In a space of sixty decisions the entropy had drowned every prediction: it was worse than local search."""
    found = {}
    for count in (6, 24):
        strategy = create("tdga-gp", [Decision(f"d{k}", ("a", "b")) for k in range(count)], seed=0)
        found[count] = strategy.model.rho, strategy.temperature, strategy.deviation
    assert found == {6: (0.7, 0.1, 3.0), 24: (pytest.approx(0.7**0.25), 0.025, 1.5)}


def test_it_beats_random_search_where_there_are_many_decisions():
    decisions = Decisions([Decision(f"d{k}", ("a", "b"), binary=True) for k in range(40)])
    best = {}
    for name in ("tdga-gp", "random"):
        strategy = create(name, decisions, seed=0)
        for _ in range(60 if name == "tdga-gp" else 7):
            individuals = strategy.generate()
            for one in individuals:
                one.fitness.values = (40.0 - sum(decisions.choices(one)),)
            strategy.update(individuals)
        best[name] = strategy.best.fitness.values[0]
    assert best["tdga-gp"] < best["random"] - 4


def test_the_ablations_are_settings(searches):
    problem = searches.problem("K-way")
    asked = {}
    for name, options in {"whole": {}, "cold": {"temperature": 0.0}, "mean": {"deviation": 0.0}}.items():
        own = searches.problem("K-way")
        searches.run("tdga-gp", own, generations=30, **options)
        asked[name] = own.evaluated
    assert len({tuple(found) for found in asked.values()}) == 3
    strategy = searches.strategy("tdga-gp", problem, temperature=0.0, deviation=0.0)
    mean = np.array([0.3, 0.9, 0.1])
    turns(strategy, problem, 1)
    candidates = [(0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2)]
    assert strategy._choose(candidates, mean, np.array([5.0, 0.0, 9.0])) == [(1, 1, 1, 1)]


def test_it_holds_the_best_and_the_newest_of_a_full_memory(searches):
    problem = searches.problem("mixed")
    strategy = searches.strategy("tdga-gp", problem, memory=12)
    sizes = []
    for _ in range(40):
        turns(strategy, problem, 1)
        sizes.append(len(strategy.model))
        held = [tuple(row) for row in strategy.model.choices.tolist()]
        assert [-problem.losses[choices] for choices in held] == strategy.values
        assert held[-1] == problem.evaluated[-1]
        assert strategy.decisions.choices(strategy.best) in held
    assert max(sizes) == 12
    assert min(sizes[10:]) > 3  # a quarter of the best, a quarter of the newest, which may be the same


def test_dead_choices_are_one_architecture_to_the_model(searches):
    kind = Decision("kind", ("a", "b", "c"), given=(("gate", "on"),))
    decisions = Decisions(
        [Decision("gate", ("off", "on"), binary=True), kind, Decision("other", ("a", "b", "c"))]
    )
    problem = searches.Problem(decisions)
    strategy = create("tdga-gp", decisions, seed=0, initial=2)
    first = strategy.generate()
    first[0][:] = type(first[0])(decisions.genes((0, 2, 1)))  # as a map or a user may hand it back
    for one in first:
        one.fitness.values = problem(one)
    strategy.update(first)
    assert strategy.model.choices[0].tolist() == [0, 0, 1]
    for _ in range(12):
        turns(strategy, problem, 1)
    assert all(tuple(row) == decisions.canonical(row) for row in strategy.model.choices.tolist())


def test_evaluations_may_come_back_one_by_one_in_any_order(searches):
    problem = searches.problem("mixed")
    strategy = searches.strategy("tdga-gp", problem)
    under_way = [*strategy.generate(), *strategy.generate()]
    rng = random.Random(3)
    for _ in range(40):
        one = under_way.pop(rng.randrange(len(under_way)))
        one.fitness.values = problem(one)
        strategy.update([one])
        under_way += strategy.generate()
    assert len(set(problem.evaluated)) == len(problem.evaluated) == 40
    assert strategy.best.fitness.values[0] == min(problem.losses[choices] for choices in problem.evaluated)


def test_it_tells_how_well_it_predicted(searches):
    problem = searches.problem("mixed")
    strategy = searches.strategy("tdga-gp", problem)
    turns(strategy, problem, 1)
    assert strategy.record() == {}
    turns(strategy, problem, 30)
    found = strategy.record()
    assert set(found) == set(strategy.records)
    assert found["rank_correlation"] > 0.3
    assert 0.3**0.5 < found["uncertainty"] < 1.3**0.5
    last = problem.evaluated[-1]
    worse = sum(problem.losses[choices] > problem.losses[last] for choices in problem.evaluated)
    assert found["reached"] == pytest.approx(1.73 * (2 * worse / (len(problem.evaluated) - 1) - 1))


def test_the_forests_deviation_is_that_of_its_trees():
    rng = random.Random(0)
    model = ForestModel(SIZES, random.Random(5), trees=7)
    known = drawn(rng, 60)
    for choices in known:
        model.add(choices)
    targets = [choices[1] + rng.gauss(0, 0.1) for choices in known]
    mean, deviation = model.predict(targets, known)
    assert np.corrcoef(mean, targets)[0, 1] > 0.95
    other = RandomForestRegressor(7, random_state=random.Random(5).getrandbits(32))
    other.fit(one_hot(SIZES, np.array(known)), targets)
    assert mean == pytest.approx(other.predict(one_hot(SIZES, np.array(known))))
    assert deviation.max() > 0


def test_expected_improvement_is_the_mean_of_what_is_above_the_best():
    mean, deviation = np.array([0.0, 1.0, -2.0, 0.3, 0.9]), np.array([1.0, 0.5, 1.0, 0.0, 0.0])
    draws = np.random.default_rng(0).normal(mean, deviation, size=(400_000, 5))
    found = expected_improvement(mean, deviation, 0.5)
    assert found == pytest.approx(np.maximum(draws - 0.5, 0).mean(axis=0), abs=3e-3)


def test_a_random_forest_search_asks_for_random_candidates_with_probability_explore(searches):
    problem = searches.problem("K-way")
    candidates = [(0, 0, 0, place) for place in range(3)]
    for explore, most in ((0.0, {(0, 0, 0, 2)}), (1.0, set(candidates))):
        strategy = searches.strategy("random-forest", problem, explore=explore)
        turns(strategy, problem, 1)
        mean = np.array([0.0, 0.1, 5.0])
        chosen = {strategy._choose(candidates, mean, np.ones(3))[0] for _ in range(60)}
        assert chosen == most


def test_the_ensemble_learns_and_its_networks_differ():
    rng = random.Random(0)
    settings = {"networks": 3, "layers": 2, "width": 20, "epochs": 100, "lr": 0.01}
    model = EnsembleModel(
        lambda row: one_hot(SIZES, np.array([row]))[0].tolist(), random.Random(1), **settings
    )
    known = drawn(rng, 60)
    for choices in known:
        model.add(choices)
    targets = [choices[1] + 0.5 * choices[3] for choices in known]
    mean, deviation = model.predict(targets, known)
    assert np.corrcoef(mean, targets)[0, 1] > 0.95
    assert deviation.min() > 0


def test_bananas_reads_the_problems_encoding():
    space = NASBench201()
    seen = []

    def encode(choices):
        seen.append(tuple(choices))
        return space.path_encoding(choices)

    strategy = create(
        "bananas", space.decisions, seed=0, encode=encode, epochs=1, layers=1, initial=4, batch=2
    )
    turns(strategy, lambda individual: (sum(individual),), 2)
    assert len(seen) == 4 + 100
    assert "encode" in wants("bananas")


def test_paths_of_a_cell_are_the_sequences_of_operations_from_its_input_to_its_output():
    space = NASBench201()
    rng = random.Random(0)
    for _ in range(20):
        choices = space.decisions.sample(rng)
        edges = dict(zip([(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)], choices, strict=True))
        paths = {
            tuple(edges[pair] for pair in itertools.pairwise(nodes))
            for nodes in [(0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)]
        }
        every = [p for n in (1, 2, 3) for p in itertools.product(range(5), repeat=n)]
        names = [
            p for n in (1, 2, 3) for p in (q[::-1] for q in every if len(q) == n)
        ]  # the first varies fastest
        found = space.path_encoding(choices)
        assert {name for name, there in zip(names, found, strict=True) if there} == paths
        assert len(found) == 155


@pytest.mark.parametrize("model", ["gp", "forest"])
def test_aging_with_a_predictor_evaluates_the_child_that_looks_best(model, searches):
    problem = searches.problem("K-way")
    strategy = searches.strategy("aging-predicted", problem, model=model, population=6, initial=6)
    turns(strategy, problem, 9)
    assert [problem.decisions.choices(one) for one in strategy.population] == problem.evaluated[-6:]
    candidates = [(0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2)]
    assert strategy._choose(candidates, np.array([0.3, 0.9, 0.1]), np.ones(3)) == [(1, 1, 1, 1)]
