"""DARTS as a strategy: the analytic bilevel problem, discretisation, and a supernet as its source."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from tdgnas import SupernetFitness
from tdgnas.fitness import SupernetGradients, TrainingGradients
from tdgnas.spaces import Decision
from tdgnas.strategies import STRATEGIES, create
from tdgnas.supernet import WeightStep, alpha_gradient

ONE = [Decision("gate", ("off", "on"), binary=True)]


class Analytic:
    """L_valid = a*w - 2a + 1 and L_train = w^2 - 2aw + a^2, one weight w (Liu et al. 2018, section 2.3)."""

    def __init__(self, xi, w=-2.0, lr=0.1):
        self.xi, self.lr = xi, lr
        self.w = torch.tensor([w], dtype=torch.float64, requires_grad=True)

    def alpha_gradients(self, genes, *, seed):
        a = torch.tensor(genes[0], dtype=torch.float64, requires_grad=True)
        w = self.w
        ahead = WeightStep(self.xi)
        gradient = alpha_gradient(
            a, [w], lambda: (w**2 - 2 * a * w + a**2).sum(), lambda: (a * w - 2 * a + 1).sum(), ahead
        )
        return gradient[None].numpy()

    def weight_step(self, genes, *, seed):
        with torch.no_grad():
            self.w -= self.lr * 2 * (self.w - float(genes[0]))


@pytest.mark.parametrize(("xi", "end"), [(0.0, 2.0), (0.5, 1.0)])
def test_it_goes_to_the_bilevel_optimum_with_the_order_of_its_source(xi, end):
    source = Analytic(xi)
    strategy = create("darts", ONE, seed=0, source=source, start=[2.0], lr=0.02, optimizer="sgd", steps=50)
    for _ in range(60):
        (individual,) = strategy.generate()
        individual.fitness.values = (0.0,)
        strategy.update([individual])
    assert strategy.alpha[0] == pytest.approx(end, abs=1e-3)
    assert float(source.w.detach()) == pytest.approx(end, abs=1e-3)


def test_the_first_step_is_the_published_gradient():
    strategy = create(
        "darts", ONE, seed=0, source=Analytic(0.0), start=[2.0], lr=0.25, optimizer="sgd", steps=1
    )
    for individual in strategy.generate():
        individual.fitness.values = (0.0,)
        strategy.update([individual])
    strategy.generate()
    assert strategy.alpha[0] == pytest.approx(2.0 - 0.25 * -4.0)


def test_weights_rest_where_the_source_has_no_weight_step(searches):
    problem = searches.problem()
    strategy = searches.run("darts", problem, generations=40)
    assert problem.decisions.choices(strategy.recommendation()) == problem.best
    assert strategy.taken == 39 * 10


def test_it_settles_on_the_last_alpha_or_on_the_best(searches):
    problem = searches.problem()
    ends = {}
    for select in ("last", "best"):
        strategy = create("darts", problem.decisions, seed=0, source=problem, select=select)
        for value in (1.0, 2.0):
            (individual,) = strategy.generate()
            individual.fitness.values = (value,)
            strategy.update([individual])
        ends[select] = strategy.recommendation().fitness.values
    assert ends == {"last": (2.0,), "best": (1.0,)}


def test_a_gradient_that_is_not_finite_stops_it(searches):
    problem = searches.problem()
    problem.alpha_gradients = lambda genes, seed: np.full(np.shape(genes), np.nan)
    strategy = create("darts", problem.decisions, seed=0, source=problem)
    (individual,) = strategy.generate()
    individual.fitness.values = (1.0,)
    strategy.update([individual])
    with pytest.raises(FloatingPointError, match="not finite"):
        strategy.generate()


def test_it_needs_a_source_of_gradients(searches):
    assert STRATEGIES.get("darts").needs_gradients
    assert not STRATEGIES.get("tdga").needs_gradients
    with pytest.raises(TypeError, match="alpha_gradients"):
        create("darts", searches.problem().decisions, seed=0, source=object())


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"lr": 0.0}, "lr: input should be .*given: 0"),
        ({"optimizer": "lbfgs"}, "lbfgs"),
        ({"start": [1.0]}, "start has 1 genes"),
    ],
)
def test_impossible_options_are_refused(options, word, searches):
    problem = searches.problem()
    with pytest.raises(ValueError, match=word):
        create("darts", problem.decisions, seed=0, source=problem, **options)


def test_a_supernets_gradients_cost_image_passes(tiny_supernet):
    genes = np.zeros((2, tiny_supernet.space.length))
    first = SupernetGradients(tiny_supernet, batch_size=8)
    gradient = first.alpha_gradients(genes, seed=3)
    assert gradient.shape == genes.shape
    assert np.array_equal(gradient, tiny_supernet.alpha_gradients(genes, 3, 8))
    ledger = tiny_supernet.budget.by_cause
    assert ledger["gradients"] == 3 * 8 * 2 * 2  # its own, and those asked for directly
    second = SupernetGradients(tiny_supernet, order=2, batch_size=8)
    other = second.alpha_gradients(genes[:1], seed=3)
    assert ledger["gradients"] == 3 * 8 * 2 * 2 + 4 * 3 * 8
    assert not np.allclose(other, gradient[:1])


def test_only_a_training_source_moves_the_weights(tiny_supernet):
    strategy = create("darts", tiny_supernet.space.decisions, seed=0, source=SupernetGradients(tiny_supernet))
    version = tiny_supernet.version
    before = [weight.detach().clone() for weight in tiny_supernet.parameters()]
    for generation in range(2):
        (individual,) = strategy.generate()
        individual.fitness.values = (float(generation),)
        strategy.update([individual])
    same = zip(before, tiny_supernet.parameters(), strict=True)
    assert all(torch.equal(old, new) for old, new in same)
    assert tiny_supernet.version == version


def test_darts_trains_weights_and_alpha_on_a_supernet(tiny_supernet, digits):
    source = TrainingGradients(tiny_supernet, batch_size=16)
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=16, batch_size=16)
    strategy = create(
        "darts",
        tiny_supernet.space.decisions,
        seed=0,
        source=source,
        steps=2,
        start=[0.0] * tiny_supernet.space.length,
    )
    before = [weight.detach().clone() for weight in tiny_supernet.parameters()]
    random.seed(0)
    for _ in range(2):
        (individual,) = strategy.generate()
        individual.fitness.values = fitness(individual)
        strategy.update([individual])
    moved = [not torch.equal(a, b) for a, b in zip(before, tiny_supernet.parameters(), strict=True)]
    assert any(moved)
    assert np.abs(strategy.alpha).max() > 0
    assert tiny_supernet.budget.by_cause == {
        "gradients": 2 * 3 * 16,
        "weights": 2 * 3 * 16,
        "evaluation": 2 * 16,
    }
