"""REINFORCE: exact gradients on a toy, learning, the baseline's variance, rewards, and many runs at once."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
import torch
from deap import base

import tdgnas
from tdgnas.decision import Decision, Decisions
from tdgnas.individual import AccuracyFitness, Individual, LossFitness
from tdgnas.strategies import create
from tdgnas.strategies.controllers.lstm import LSTMController, Shape
from tdgnas.strategies.controllers.rewards import Baseline, make_reward
from tdgnas.strategies.controllers.training import ControllerTrainer
from tdgnas.strategies.reinforce_table import entropy_gradient, policy, policy_gradient

SIZES = (2, 3)
PLAIN = [Decision("a", ("x", "y")), Decision("b", ("x", "y", "z"))]
PAIRS = list(itertools.product(*map(range, SIZES)))
REWARDS = np.array([0.1, 0.9, 0.3, 0.7, 0.2, 0.6])
LOGITS = np.array([0.3, -0.2, 0.5, 0.0, -1.0])
STARTS = [0, 2]


def chances(logits):
    p = policy(logits, STARTS)
    return np.array([p[a] * p[2 + b] for a, b in PAIRS])


def slope(function, at, width=1e-6):
    steps = np.eye(len(at)) * width
    return np.array([(function(at + step) - function(at - step)) / (2 * width) for step in steps])


def test_the_policy_is_a_softmax_per_decision():
    p = policy(LOGITS, STARTS)
    assert np.allclose(p[:2], np.exp(LOGITS[:2]) / np.exp(LOGITS[:2]).sum())
    assert np.allclose(p[2:], np.exp(LOGITS[2:]) / np.exp(LOGITS[2:]).sum())
    assert np.allclose(policy(LOGITS + 1000, STARTS), p)


@pytest.mark.parametrize("b", [0.0, 0.5])
def test_the_tables_policy_gradient_has_the_analytic_gradient_as_its_mean(b):
    expected = slope(lambda logits: chances(logits) @ REWARDS, LOGITS)
    p = policy(LOGITS, STARTS)
    estimates = [
        policy_gradient(p, np.array([[i, 2 + j]]), np.array([r - b]))
        for (i, j), r in zip(PAIRS, REWARDS, strict=True)
    ]
    assert np.allclose(chances(LOGITS) @ np.array(estimates), expected, atol=1e-9)


def test_a_batchs_gradient_is_the_mean_of_its_samples():
    p = policy(LOGITS, STARTS)
    chosen, advantages = np.array([[0, 2], [1, 4], [1, 3]]), np.array([0.5, -1.0, 2.0])
    single = [policy_gradient(p, chosen[k : k + 1], advantages[k : k + 1]) for k in range(3)]
    assert np.allclose(policy_gradient(p, chosen, advantages), np.mean(single, axis=0))


def test_the_entropys_gradient_is_its_slope():
    def entropy(logits):
        p = policy(logits, STARTS)
        return -(p * np.log(p)).sum()

    assert np.allclose(entropy_gradient(policy(LOGITS, STARTS), STARTS), slope(entropy, LOGITS), atol=1e-8)


def controller(seed=0, runs=1, **options):
    shape = Shape(**{"hidden": 8, "layers": 2, "init": 0.8, **options})
    return LSTMController(PLAIN, [random.Random(seed + k) for k in range(runs)], shape)


def trainer_of(net, **options):
    """One that takes rewards for advantages."""
    return ControllerTrainer(net, Baseline(None), **options)


EVERY = torch.tensor([PAIRS])


def lstm_chances(net):
    return net.score(EVERY)[0][0].exp()


@pytest.mark.parametrize("options", [{}, {"tanh": 1.5, "temperature": 2.0}])
def test_the_lstms_probabilities_sum_to_one(options):
    assert float(lstm_chances(controller(**options)).sum().detach()) == pytest.approx(1, abs=1e-5)


def test_the_lstm_is_autoregressive():
    p = lstm_chances(controller()).detach().reshape(SIZES)
    rows = p / p.sum(dim=1, keepdim=True)
    assert not torch.allclose(rows[0], rows[1], atol=1e-3)  # the second choice depends on the first


@pytest.mark.parametrize("b", [0.0, 0.5])
def test_the_lstms_policy_gradient_has_the_analytic_gradient_as_its_mean(b):
    net = controller()
    trainer = trainer_of(net, lr=0.1)
    rewards = torch.tensor(REWARDS, dtype=torch.float32)
    exact = torch.autograd.grad((lstm_chances(net) * rewards).sum(), list(net.parameters.values()))
    weights = lstm_chances(net).detach()
    parts = []
    for k in range(len(PAIRS)):
        loss = trainer.loss(EVERY[:, k : k + 1], (rewards[k] - b).reshape(1, 1))
        parts.append(torch.autograd.grad(loss.sum(), list(net.parameters.values()), allow_unused=True))
    for place, value in enumerate(exact):
        estimate = sum(
            -weight * part[place]
            for weight, part in zip(weights, parts, strict=True)
            if part[place] is not None
        )
        assert torch.allclose(estimate, value, atol=1e-6)
    assert max(float(value.abs().max()) for value in exact) > 1e-3


def test_temperature_flattens_and_the_tanh_constant_bounds_the_logits():
    wild = {"init": 6.0}
    sharp, flat = (controller(temperature=t, **wild).score(EVERY)[1].max().detach() for t in (1.0, 50.0))
    assert sharp < flat
    bounded = controller(tanh=0.5, **wild)
    p = lstm_chances(bounded).detach()
    assert float(p.max() / p.min()) <= math.exp(2 * 0.5) ** 2 + 1e-4  # two decisions, logits within +-0.5


def test_sampling_follows_the_probabilities():
    net = controller(init=1.5)
    rng = random.Random(0)
    n = 4000
    drawn = net.sample(torch.tensor([[[rng.random(), rng.random()] for _ in range(n)]]))[0]
    shares = torch.bincount(drawn[:, 0] * SIZES[1] + drawn[:, 1], minlength=6) / n
    p = lstm_chances(net).detach()
    assert torch.all((shares - p).abs() < 4.5 * (p * (1 - p) / n).sqrt() + 1e-3)


def test_many_runs_at_once_equal_single_runs():
    many = controller(seed=3, runs=4)
    together = trainer_of(many, lr=0.05, entropy=0.01)
    alone = [trainer_of(controller(seed=3 + k), lr=0.05, entropy=0.01) for k in range(4)]
    rng = random.Random(1)
    for _ in range(5):
        uniforms = torch.tensor([[[rng.random() for _ in SIZES] for _ in range(3)] for _ in range(4)])
        advantages = torch.tensor([[rng.uniform(-1, 1) for _ in range(3)] for _ in range(4)])
        choices = many.sample(uniforms)
        together.step(choices, advantages)
        for k, trainer in enumerate(alone):
            assert torch.equal(trainer.controller.sample(uniforms[k : k + 1]), choices[k : k + 1])
            trainer.step(choices[k : k + 1], advantages[k : k + 1])
    for k, trainer in enumerate(alone):
        for name, value in trainer.controller.parameters.items():
            assert torch.allclose(value[0], many.parameters[name][k], atol=1e-5)


def test_first_weights_are_uniform_within_the_published_bounds(searches):
    strategy = create("reinforce-lstm", searches.problem().decisions, seed=0)
    values = torch.cat([value.detach().flatten() for value in strategy.controller.parameters.values()])
    assert float(values.abs().max()) <= 0.08
    assert float(values.std()) == pytest.approx(0.16 / math.sqrt(12), rel=0.05)
    assert strategy.controller.parameters["lstm1"].shape == (
        1,
        71,
        140,
    )  # 35 units on 35 + 35 inputs and a bias


@pytest.mark.parametrize(
    ("name", "options", "generations"),
    [
        ("reinforce-table", {"batch": 4, "lr": 0.2}, 150),
        ("reinforce-lstm", {"lr": 0.02}, 150),
        ("reinforce-lstm", {"settings": "enas-macro", "lr": 0.02, "controller.tanh": 2.5}, 120),
    ],
)
def test_it_learns_a_known_best_sequence(name, options, generations, searches):
    decisions = [Decision(f"d{k}", ("a", "b", "c", "d")) for k in range(4)]
    best = (2, 0, 3, 1)
    problem = searches.Problem(decisions, good=best)
    strategy = searches.run(name, problem, generations, **options)
    assert problem.decisions.choices(strategy.best) == best
    last = problem.evaluated[-40:]
    assert (
        last.count(best) > 20
    )  # of 256 sequences: what is sampled, not only the best so far, is the right one
    assert problem.evaluated[:40].count(best) < 5


def test_the_entropy_bonus_keeps_the_policy_wide(searches):
    ends = []
    for weight in (0.0, 1.0):
        problem = searches.problem("K-way", seed=1)
        strategy = searches.run("reinforce-table", problem, 80, batch=4, entropy=weight)
        p = strategy.probabilities
        ends.append(-(p * np.log(np.maximum(p, 1e-300))).sum())
    assert ends[1] > ends[0] + 0.5


def test_the_baseline_lowers_the_variance_of_the_estimate():
    """Total variance of the gradient over 2,000 samples, with b = 0 and with the moving average of rewards."""
    rng = random.Random(0)
    p, odds = policy(LOGITS, STARTS), chances(LOGITS)
    baseline = Baseline(0.95)
    without, with_it = [], []
    for _ in range(2000):
        pair = rng.choices(range(6), odds)[0]
        chosen, reward = np.array([[PAIRS[pair][0], 2 + PAIRS[pair][1]]]), 0.5 + REWARDS[pair]
        without.append(policy_gradient(p, chosen, np.array([reward])))
        with_it.append(policy_gradient(p, chosen, np.array([reward - baseline.before([reward])[0]])))
    high, low = (np.var(estimates, axis=0).sum() for estimates in (without, with_it))
    assert low < 0.25 * high
    assert np.allclose(np.mean(without, axis=0), np.mean(with_it, axis=0), atol=0.05)  # and its mean stays


def test_the_baseline_is_a_moving_average_of_earlier_rewards():
    baseline = Baseline(0.9)
    assert [baseline.before([r])[0] for r in (1.0, 2.0, 3.0)] == pytest.approx([1.0, 1.0, 1.1])
    assert baseline.value == pytest.approx(0.9 * 1.1 + 0.1 * 3)
    assert Baseline(None).before([5.0]) == [0.0]
    clipped = Baseline(0.9, clip=0.1)
    assert [clipped.advantages([r])[0] for r in (1.0, 1.05, 0.0)] == pytest.approx([0.0, 0.05, -0.1])
    assert Baseline(0.9).advantages([2.0, 0.0]) == pytest.approx([1.0, -1.0])
    with pytest.raises(ValueError, match="decay"):
        Baseline(1.0)


@pytest.mark.parametrize(
    ("kind", "fitness", "value", "expected"),
    [
        ("accuracy", AccuracyFitness, 0.5, 0.5),
        ("cubed", AccuracyFitness, 0.5, 0.125),
        ("auto", AccuracyFitness, 0.5, 0.5),
        ("perplexity", LossFitness, math.log(5), 80 / 5),
        ("auto", LossFitness, math.log(5), 80 / 5),
        ("squared", LossFitness, math.log(5), 80 / 25),
        (lambda values: -2 * values[0], LossFitness, 3.0, -6.0),
    ],
)
def test_rewards(kind, fitness, value, expected):
    one = Individual([0.0], fitness([value]))
    assert make_reward(kind, c=80.0)(one) == pytest.approx(expected)


def test_a_reward_of_the_other_kind_of_fitness_is_refused():
    with pytest.raises(ValueError, match="accuracy"):
        make_reward("cubed")(Individual([0.0], LossFitness([1.0])))
    with pytest.raises(ValueError, match="loss"):
        make_reward("perplexity")(Individual([0.0], AccuracyFitness([1.0])))
    with pytest.raises(ValueError, match="'gold'"):
        make_reward("gold")


@pytest.mark.parametrize("reward", ["accuracy", "cubed"])
def test_a_controller_learns_from_each_reward(reward, searches):
    problem = searches.problem("K-way", good=(1, 2, 0, 1))
    strategy = create(
        "reinforce-table", problem.decisions, seed=0, fitness=AccuracyFitness, reward=reward, batch=4, lr=0.2
    )
    toolbox = base.Toolbox()
    toolbox.register("evaluate", problem.accuracy)
    for _ in tdgnas.evolve(strategy, toolbox, 60):
        pass
    assert problem.evaluated[-20:].count((1, 2, 0, 1)) > 10


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("reinforce-table", {"lr": 0}, "lr: input should be .*given: 0"),
        ("reinforce-table", {"batch": 0}, "batch: input should be .*given: 0"),
        ("reinforce-table", {"baseline": 1.5}, "decay"),
        ("reinforce-lstm", {"settings": "nasnet"}, "'nas-rl', 'enas-macro', 'enas-micro' or 'enas-rnn'"),
        (
            "reinforce-lstm",
            {"controller.temperature": 0},
            "controller.temperature: input should be .*given: 0",
        ),
        ("reinforce-lstm", {"controller": {"hidden": 0}}, "controller.hidden: input should be .*given: 0"),
    ],
)
def test_impossible_options_are_refused(name, options, word, searches):
    with pytest.raises(ValueError, match=word):
        create(name, searches.problem().decisions, seed=0, **options)


# Decisions that are dead: "kind" matters only where the gate is on.
HALF = Decisions(
    [
        Decision("gate", ("off", "on")),
        Decision("kind", ("a", "b", "c"), given=(("gate", "on"),)),
    ]
)
CANONICAL = sorted({HALF.canonical(pair) for pair in PAIRS})
SPELLINGS = torch.tensor([PAIRS])
LIVE = torch.tensor([[HALF.live(pair) for pair in PAIRS]])


def test_a_dead_choices_log_probability_counts_nothing_in_the_lstm():
    """Five spellings of one network had five log-probabilities, and each pushed on what it did not use."""
    net = controller()
    logs, entropies, _ = net.score(SPELLINGS, LIVE)
    for value in (logs, entropies):
        assert torch.equal(value[0, 0], value[0, 1])
        assert torch.equal(value[0, 0], value[0, 2])
    chances = {
        HALF.canonical(pair): float(log.exp()) for pair, log in zip(PAIRS, logs[0].detach(), strict=True)
    }
    assert sorted(chances) == CANONICAL
    assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
    loss = trainer_of(net, lr=0.1).loss(SPELLINGS[:, 1:2], torch.ones(1, 1), LIVE[:, 1:2])
    loss.sum().backward()
    assert not net.parameters["head1"].grad.any()
    assert net.parameters["head0"].grad.any()


def test_a_dead_choices_logits_learn_nothing_in_the_table():
    """The table raised the logits of choices that no network had."""
    p = policy(LOGITS, STARTS)
    chosen, advantages = np.array([[0, 3], [1, 4]]), np.array([1.0, -0.5])
    live = np.repeat(np.array([HALF.live(pair) for pair in [(0, 1), (1, 2)]]), SIZES, axis=1)
    both = policy_gradient(p, chosen, advantages, live)
    assert np.allclose(both[:2], policy_gradient(p, chosen, advantages)[:2])
    assert np.allclose(both[2:], policy_gradient(p, chosen[1:], advantages[1:])[2:] / 2)
    assert np.array_equal(
        policy_gradient(p, chosen, advantages, np.ones_like(live)), policy_gradient(p, chosen, advantages)
    )


@pytest.mark.parametrize(
    ("name", "options"), [("reinforce-table", {"entropy": 0.1}), ("reinforce-lstm", {"entropy": 0.1})]
)
def test_a_controller_whose_networks_are_all_alike_keeps_what_is_dead(name, options, searches):
    strategy = create(name, HALF, seed=0, **options)
    before = strategy.state_dict()
    for one in (individuals := [strategy.individual((0, kind)) for kind in (0, 1, 2, 1)]):
        one.fitness.values = (float(strategy.decisions.choices(one)[1]),)
    strategy.update(individuals)
    after = strategy.state_dict()
    if name == "reinforce-table":
        assert np.array_equal(after["logits"][2:], before["logits"][2:])
        assert not np.array_equal(after["logits"][:2], before["logits"][:2])
    else:
        assert np.array_equal(after["weights"]["head1"], before["weights"]["head1"])
        assert not np.array_equal(after["weights"]["head0"], before["weights"]["head0"])
