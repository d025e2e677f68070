"""Never asking twice, and local search."""

from __future__ import annotations

import random

import pytest

import tdgnas
from tdgnas.decision import Decision, Decisions
from tdgnas.strategies import STRATEGIES, PredictedSearch, Unseen, create, option_names

PREDICTED = [name for name in STRATEGIES.names() if issubclass(STRATEGIES.get(name), PredictedSearch)]
NEVER_TWICE = [
    *(name for name in STRATEGIES.names() if "repeat" in option_names(name)),
    "local-search",
    *PREDICTED,
]


@pytest.mark.parametrize("name", NEVER_TWICE)
def test_searches_asked_again_for_what_they_had_paid_for(name, searches):
    """TDGA spent a third of its evaluations on architectures that it had evaluated before."""
    decisions = [Decision(f"d{k}", ("a", "b", "c", "d")) for k in range(4)]
    problem = searches.Problem(decisions)
    searches.run(name, problem, generations=8 if name != "aging" else 150)
    assert len(problem.evaluated) >= 8
    assert len(set(problem.evaluated)) == len(problem.evaluated)


@pytest.mark.parametrize("name", NEVER_TWICE)
def test_one_network_under_several_spellings_is_asked_for_once(name, searches):
    kind = Decision("kind", ("a", "b", "c"), given=(("gate", "on"),))
    decisions = Decisions(
        [Decision("gate", ("off", "on"), binary=True), kind, Decision("other", ("a", "b", "c"))]
    )
    problem = searches.Problem(decisions)
    settings = {
        "nsga2": {"mu": 5, "lambda_": 3},
        "random": {"batch": 5},
        "local-search": {},
        "optuna": {"batch": 5},
        "one-plus-lambda": {},
        **{each: {"initial": 4} for each in PREDICTED},
    }
    searches.run(name, problem, generations=2, **settings.get(name, {"population": 5}))
    networks = [decisions.canonical(choices) for choices in problem.evaluated]
    assert len(set(networks)) == len(networks) > 1


@pytest.mark.parametrize("name", NEVER_TWICE)
def test_a_search_goes_on_once_everything_was_asked_for(name, searches):
    problem = searches.Problem([Decision(f"d{k}", ("a", "b"), binary=True) for k in range(3)])
    strategy = searches.run(name, problem, generations=40)
    assert set(problem.evaluated) == set(problem.losses)
    assert strategy.best.fitness.values[0] == min(problem.losses.values())


def test_what_was_asked_for_is_mutated_on_and_then_drawn():
    decisions = Decisions([Decision(f"d{k}", ("a", "b", "c")) for k in range(6)])
    unseen, rng = Unseen(decisions), random.Random(0)
    first = decisions.sample(rng)
    state = rng.getstate()
    assert unseen.new(first, rng) == first
    assert rng.getstate() == state  # what is new costs no draw
    second = unseen.new(first, rng)
    assert sum(a != b for a, b in zip(first, second, strict=True)) == 1
    for other in [decisions.neighbour(first, rng) for _ in range(300)]:
        unseen.note(other)
    far = unseen.new(first, rng)
    assert sum(a != b for a, b in zip(first, far, strict=True)) > 1
    assert len(unseen.known) == 1 + 12 + 1  # all neighbours, and the far one


def test_a_renewed_individual_keeps_the_genes_of_the_other_decisions():
    decisions = Decisions([Decision("gate", ("off", "on"), binary=True), Decision("kind", ("a", "b", "c"))])
    unseen, rng = Unseen(decisions), random.Random(0)
    individual = tdgnas.Individual([0.25, 0.1, 0.7, -0.2])
    unseen.note(decisions.choices(individual))
    assert unseen.renew(individual, rng)
    assert sorted(abs(gene) for gene in individual) == [0.1, 0.2, 0.25, 0.7]
    assert decisions.choices(individual) != (1, 1)


def run(strategy, problem, turns):
    for _ in range(turns):
        individuals = strategy.generate()
        for one in individuals:
            if not one.fitness.valid:
                one.fitness.values = problem(one)
        strategy.update(individuals)


def test_local_search_moves_to_the_first_better_neighbour_and_begins_again_at_an_optimum(searches):
    problem = searches.problem("K-way", good=(1, 1, 1, 1))  # one optimum, which every climb finds
    strategy = create("local-search", problem.decisions, seed=0)
    run(strategy, problem, 1)
    present = problem.evaluated[-1]
    while True:
        run(strategy, problem, 1)
        tried = problem.evaluated[-1]
        if sum(a != b for a, b in zip(tried, present, strict=True)) != 1:
            break  # begun again
        present = tried if problem.losses[tried] < problem.losses[present] else present
        assert strategy.decisions.choices(strategy.population[0]) == present
    assert present == (1, 1, 1, 1)
    assert strategy.decisions.choices(strategy.population[0]) == tried
    assert problem.losses[strategy.decisions.choices(strategy.best)] == 0


def test_local_search_takes_several_neighbours_at_once(searches):
    problem = searches.problem("K-way")
    strategy = create("local-search", problem.decisions, seed=0, batch=4)
    run(strategy, problem, 1)
    assert len(strategy.generate()) == 4
