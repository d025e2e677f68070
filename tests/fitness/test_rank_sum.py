"""Fitness as a sum of ranks among reference networks."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from scipy import stats

from tdgnas.data import Splits
from tdgnas.fitness import RankSumFitness, SupernetFitness, ZeroCostFitness
from tdgnas.fitness.rank_sum import better, ladder
from tdgnas.supernet import Supernet


def test_shares_of_better_references_are_ranks() -> None:
    values = [3.0, 1.0, 2.0, 2.0, 5.0]
    ranks = stats.rankdata(-np.array(values)) - 0.5  # ties share their mean rank
    assert [better(value, *ladder(values)) for value in values] == pytest.approx(ranks / 5)
    rising = [better(value, *ladder(values)) for value in (-9.0, 1.0, 1.5, 4.9, 5.0, 5.5, 90.0)]
    assert rising == sorted(rising, reverse=True)
    assert rising[-1] > 0
    assert better(0.0, *ladder([float("nan"), float("-inf"), 1.0])) < 1


def test_the_sum_is_that_of_loss_and_controls(tiny_supernet: Supernet, digits: Splits) -> None:
    space = tiny_supernet.space
    where = {"size": 20, "seed": 3}
    fitness = RankSumFitness(tiny_supernet, digits.valid, references=3, images=8, **where)
    individuals = [space.encode(space.sample(random.Random(n))) for n in range(2)]
    before = dict(tiny_supernet.budget.by_cause), tiny_supernet.budget.evaluations
    values = fitness.batch(individuals)
    paid = {cause: n - before[0].get(cause, 0) for cause, n in tiny_supernet.budget.by_cause.items()}
    assert paid["references"] == 3 * 20
    assert paid["controls"] == 5 * 8
    assert tiny_supernet.budget.evaluations == before[1] + 2
    # The same by hand.
    rng = random.Random("references 3")
    references = [space.sample(rng) for _ in range(3)]
    loss = SupernetFitness(tiny_supernet, digits.valid, **where)
    look = ZeroCostFitness(space, digits, images=8, seed=3)
    scores = {
        "loss": lambda one: -loss.scores([one])[0].loss,
        "parameters": space.parameters,
        "naswot": look.value,
    }
    chosen = [space.decode(one) for one in individuals]
    by_hand = [
        np.mean([better(f(one), *ladder([f(each) for each in references])) for f in scores.values()])
        for one in chosen
    ]
    assert [value for (value,) in values] == pytest.approx(by_hand)
    again = RankSumFitness(tiny_supernet, digits.valid, references=3, images=8, **where)
    again.load_state_dict(fitness.state_dict())
    paid = tiny_supernet.budget.passes
    assert again.batch(individuals) == values
    assert tiny_supernet.budget.passes == paid


def test_references_follow_the_weights(tiny_supernet: Supernet, digits: Splits) -> None:
    fitness = RankSumFitness(tiny_supernet, digits.valid, references=3, controls=["parameters"], size=20)
    one = tiny_supernet.space.encode(tiny_supernet.space.sample(random.Random(0)))
    fitness(one)
    before = tiny_supernet.budget.by_cause["references"]
    weight = next(tiny_supernet.parameters())
    with torch.no_grad():
        weight.mul_(1.0)  # changed in place, to the same values
    fitness(one)
    assert tiny_supernet.budget.by_cause["references"] == before + 60
    with pytest.raises(ValueError, match="discrete networks"):
        RankSumFitness(tiny_supernet, digits.valid, mode="relaxed")
    with pytest.raises(ValueError, match="at least 2"):
        RankSumFitness(tiny_supernet, digits.valid, references=1)
