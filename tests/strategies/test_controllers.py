"""Controllers with anchors: a plain reading of the papers, exact gradients, probabilities, many runs at once."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from tdgnas.decision import Decision, Decisions
from tdgnas.spaces import EnasMacro, EnasMicro, EnasRnn
from tdgnas.strategies import create
from tdgnas.strategies.controllers.lstm import LSTMController, Shape
from tdgnas.strategies.controllers.reinforce_lstm import PRESETS
from tdgnas.strategies.controllers.rewards import Baseline
from tdgnas.strategies.controllers.sequence import Step, sequence
from tdgnas.strategies.controllers.training import ControllerTrainer


def skip(source, layer):
    at = (f"layer{source + 1}",)
    return Decision(f"{source}-{layer}", ("no", "yes"), True, f"layer{layer}", "skip", points=at)


def op(name, group, size=2, **given):
    return Decision(name, tuple("abcde"[:size]), group=group, kind="op", **given)


#: Three layers of two operations with their bits, as ENAS' macro space: 2^3 * 2^3 networks.
MACRO = [
    op("op1", "layer1"),
    op("op2", "layer2"), skip(0, 2),
    op("op3", "layer3"), skip(0, 3), skip(1, 3),
]  # fmt: skip


def index(node, side):
    names = tuple(map(str, range(node)))
    return Decision(f"{node}.{side}", names, group=f"n{node}", points=tuple(f"n{k}" for k in names))


#: A cell of two nodes with five operations on one side, as ENAS' micro space: 2 * 5 * 3 * 5 * 5 cells.
MICRO = [index(2, 1), op("2 op", "n2", 5), index(3, 1), op("3 op1", "n3", 5), op("3 op2", "n3", 5)]
#: A layer that may be left out takes its operation and its bit with it.
GATED = [
    op("op1", "layer1", 3),
    Decision("is2", ("no", "yes"), group="layer2"),
    op("op2", "layer2", 3, given=(("is2", "yes"),)),
    Decision("0-2", ("no", "yes"), True, "layer2", "skip", (("is2", "yes"),), ("layer1",)),
    op("op3", "layer3", 3),
]
SPACES = {"macro": MACRO, "micro": MICRO, "gated": GATED}


def shape_of(preset, **options):
    given = PRESETS[preset] | {"shared": True, "hidden": 6, "init": 0.9, **options}
    return Shape(**{name: given[name] for name in Shape.__dataclass_fields__})


SHAPES = {
    "macro": shape_of("enas-macro"),
    "micro": shape_of("enas-micro", bias=(1.0, 1.0, 0.0, 0.0, 0.0)),
    "gated": shape_of("nas-rl"),
}
each = pytest.mark.parametrize("name", list(SPACES))


def net_of(name, runs=1, seed=0, double=False):
    net = LSTMController(SPACES[name], [random.Random(seed + k) for k in range(runs)], SHAPES[name])
    if double:
        net.parameters = {
            key: value.detach().double().requires_grad_() for key, value in net.parameters.items()
        }
    return net


def networks(name):
    """Every network once, by its canonical choices."""
    decisions = Decisions(SPACES[name])
    every = itertools.product(*map(range, decisions.sizes))
    return sorted({decisions.canonical(choices) for choices in every})


# the order of the questions -------------------------------------------------------------------------------------


def test_a_layer_is_asked_for_its_operation_and_then_for_all_its_bits_at_once():
    steps, heads = sequence(MACRO)
    assert heads == [2]
    assert steps == [
        Step((0,), 0), Step(makes=True),
        Step((1,), 0), Step((2,), None, (0,), True),
        Step((3,), 0), Step((4, 5), None, (0, 1), True),
    ]  # fmt: skip


def test_a_node_is_asked_for_its_indices_and_then_for_its_operations():
    steps, heads = sequence(EnasMicro(nodes=2).decisions)
    assert heads == [5]
    inputs = [Step(makes=True, blank=True)] * 2
    first = [Step((p,), None, (0, 1)) for p in (0, 2)] + [Step((p,), 0) for p in (1, 3)] + [Step(makes=True)]
    last = [Step((p,), None, (0, 1, 2)) for p in (4, 6)] + [Step((p,), 0) for p in (5, 7)]
    last.append(Step(makes=True))
    half = len(inputs + first + last)
    assert steps[:half] == inputs + first + last
    again = steps[half:]  # the reduction cell, on the same state, with inputs of its own
    assert [s.anchors for s in again if s.anchors] == [(4, 5)] * 2 + [(4, 5, 6)] * 2
    assert not any(s.first for s in again)


def test_the_published_controllers_ask_as_often_as_published():
    # Macro: an operation and an anchor per layer; the 66 bits take no step of their own.
    assert len(create("enas", EnasMacro().decisions, seed=0).controller.steps) == 24
    # Micro, each cell: two inputs, then two indices, two operations and an anchor per node.
    assert len(create("enas", EnasMicro().decisions, seed=0).controller.steps) == 2 * (2 + 5 * 5)


def test_decisions_of_one_kind_have_the_same_choices():
    with pytest.raises(ValueError, match="others of its kind 'op' have 2; give it a kind of its own"):
        sequence([op("a", "x"), op("b", "y", 3)])
    with pytest.raises(ValueError, match=r"controller.bias has 5 numbers, .* with 2 choices"):
        LSTMController(MACRO, [random.Random(0)], shape_of("enas-micro"))


# a plain reading of the papers ----------------------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Plain:
    """The authors' loops in NumPy, for one architecture."""

    def __init__(self, net):
        self.p = {name: value.detach().numpy()[0] for name, value in net.parameters.items()}
        self.shape = net.shape
        self.h = self.c = np.zeros(net.shape.hidden)
        self.start, self.log = self.p["embedding"][0], 0.0

    def lstm(self, x):
        i, f, o, g = np.split(np.concatenate([x, self.h]) @ self.p["lstm0"], 4)
        self.c = sigmoid(f) * self.c + sigmoid(i) * np.tanh(g)
        self.h = sigmoid(o) * np.tanh(self.c)

    def queries(self, keys):
        found = [
            np.tanh(k @ self.p["keys"] + self.h @ self.p["queries"]) @ self.p["attention"][:, 0] for k in keys
        ]
        return self.shape.tanh * np.tanh(np.array(found))

    def take(self, logits, choice):
        self.log += logits[choice] - np.log(np.exp(logits).sum())


def plain_macro(net, rows):
    self, anchors, x = Plain(net), [], None
    x = self.start
    for operation, *bits in rows:
        self.lstm(x)
        self.take(self.shape.tanh * np.tanh(self.h @ self.p["head0"]), operation)
        self.lstm(self.p["embedding"][1 + operation])
        x = self.start
        if bits:
            for q, bit in zip(self.queries(anchors), bits, strict=True):
                self.take(np.array([-q, q]), bit)
            x = sum(bit * anchor for bit, anchor in zip(bits, anchors, strict=True)) / (1 + sum(bits))
        anchors.append(self.h)
    return self.log


def plain_micro(net, nodes):
    self, anchors, keys = Plain(net), [], []
    x = self.start
    for _ in range(2):
        self.lstm(x)
        anchors.append(np.zeros_like(self.h))
        keys.append(self.h)
    for indices, operations in nodes:
        for j in indices:
            self.lstm(x)
            self.take(self.queries(keys), j)
            x = anchors[j]
        for o in operations:
            self.lstm(x)
            logits = self.h @ self.p["head0"][:-1] + self.p["head0"][-1]
            self.take(
                self.shape.tanh / self.shape.reduce * np.tanh(logits) + np.array(self.shape.constant), o
            )
            x = self.p["embedding"][1 + o]
        self.lstm(x)
        anchors.append(self.h)
        keys.append(self.h)
        x = self.start
    return self.log


def test_log_probabilities_are_those_of_the_authors_loops():
    macro, micro = net_of("macro", double=True), net_of("micro", double=True)
    for a in networks("macro")[::7]:
        expected = plain_macro(macro, [a[:1], a[1:3], a[3:]])
        assert macro.score(torch.tensor([[a]])).log.item() == pytest.approx(expected, abs=1e-12)
    for a in networks("micro")[::50]:
        expected = plain_micro(micro, [(a[:1], a[1:2]), (a[2:3], a[3:])])
        assert micro.score(torch.tensor([[a]])).log.item() == pytest.approx(expected, abs=1e-12)


def test_enas_prefers_near_positions_in_recurrent_cells():
    """The released controller takes the squared distance, divided by 6, off the logits of the previous node."""
    decisions = EnasRnn(nodes=4, size=4).decisions
    place = [decision.name for decision in decisions].index("from3")
    every = torch.tensor([[[0, 0, 1, 0, source, 0] for source in range(3)]])
    only = torch.zeros_like(every)
    only[..., place] = 1
    logs = {}
    for reach in (0.0, 6.0):
        net = LSTMController(decisions, [random.Random(1)], shape_of("enas-rnn", reach=reach))
        logs[reach] = net.score(every, only).log[0].detach()
    lowered = logs[0.0] - torch.tensor([9.0, 4.0, 1.0]) / 6
    assert torch.allclose(logs[6.0], torch.log_softmax(lowered, 0), atol=1e-6)
    assert PRESETS["enas-rnn"]["reach"] == 6
    assert not any(PRESETS[name]["reach"] for name in PRESETS if name != "enas-rnn")


def test_nas_rls_bits_are_sigmoids():
    net = net_of("gated", double=True)
    on = torch.tensor([[[0, 1, 0, 1, 0], [0, 1, 0, 0, 0]]])
    p = Plain(net).p
    x = p["embedding"][0]
    states = [[np.zeros(6), np.zeros(6)] for _ in range(2)]

    def step(x):
        for layer in range(2):
            h, c = states[layer]
            weight = p[f"lstm{layer}"]
            i, f, o, g = np.split(np.concatenate([x, h]) @ weight[:-1] + weight[-1], 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            x = sigmoid(o) * np.tanh(c)
            states[layer] = [x, c]
        return x

    step(x)
    anchor = step(p["embedding"][1])  # op1, token 1
    step(p["embedding"][0])  # is2 has a head of its own
    step(p["embedding"][1 + 3 + 1])
    h = step(p["embedding"][1])
    q = np.tanh(anchor @ p["keys"] + h @ p["queries"]) @ p["attention"][:, 0]
    bit = _place_log(net, on, 3)
    assert bit.tolist() == pytest.approx([math.log(sigmoid(q)), math.log(sigmoid(-q))], abs=1e-12)


def _place_log(net, choices, place):
    """Log-probability of one place alone."""
    only = torch.zeros_like(choices)
    only[..., place] = 1
    return net.score(choices, only).log[0].detach()


# probabilities --------------------------------------------------------------------------------------------------


@each
def test_probabilities_of_all_networks_sum_to_one(name):
    net, every = net_of(name, double=True), networks(name)
    logs = net.score(torch.tensor([every])).log[0].detach()
    assert float(logs.exp().sum()) == pytest.approx(1, abs=1e-12)
    assert float(logs.max() - logs.min()) > 0.5  # and it is not uniform
    assert len(every) == {"macro": 64, "micro": 750, "gated": 3 * (1 + 3 * 2) * 3}[name]


@each
def test_samples_are_as_frequent_as_their_probabilities_say(name):
    net, every = net_of(name), networks(name)
    generator = torch.Generator().manual_seed(3)
    n = 20_000
    drawn = net.sample(torch.rand(1, n, len(SPACES[name]), generator=generator))[0]
    place = {choices: k for k, choices in enumerate(every)}
    counts = np.bincount([place[tuple(row)] for row in drawn.tolist()], minlength=len(every))
    expected = n * net.score(torch.tensor([every])).log[0].detach().double().exp().numpy()
    rare = expected < 8  # together, as the test wants it
    rest = [True] if rare.any() else []
    observed, wanted = (
        np.array([*values[~rare], *(values[rare].sum() for _ in rest)]) for values in (counts, expected)
    )
    assert sum(~rare) > 40
    assert chisquare(observed, wanted * n / wanted.sum()).pvalue > 0.01


@each
def test_gradients_are_the_slopes(name):
    """Of log-probability and pull, in double precision, at three random weights of every parameter."""
    net, rng = net_of(name, double=True), random.Random(1)
    choices = torch.tensor([rng.sample(networks(name), 5)])
    weights = torch.tensor([[0.3, -1.0, 0.7, 0.2, -0.4]], dtype=torch.double)

    def value():
        log, entropy, pull = net.score(choices)
        return (weights * (log + 0.5 * entropy + 0.3 * pull)).sum()

    gradients = torch.autograd.grad(value(), list(net.parameters.values()))
    for weight, gradient in zip(net.parameters.values(), gradients, strict=True):
        for _ in range(3):
            place = rng.randrange(weight.numel())
            with torch.no_grad():
                flat, ends = weight.view(-1), []
                for step in (1e-6, -2e-6):
                    flat[place] += step
                    ends.append(float(value()))
                flat[place] += 1e-6
            slope = (ends[0] - ends[1]) / 2e-6
            assert float(gradient.view(-1)[place]) == pytest.approx(slope, abs=1e-7, rel=1e-5)


def test_dead_decisions_have_no_weight():
    net = net_of("gated", double=True)
    spellings = torch.tensor([[[1, 0, a, b, 2] for a in range(3) for b in range(2)]])
    log, entropy, pull = net.score(spellings, torch.tensor([[[1, 1, 0, 0, 1]] * 6]))
    for value in (log, entropy, pull):
        assert torch.allclose(value, value[:, :1].expand_as(value), rtol=1e-14)
    assert not pull.any()  # the only bit is dead
    (gradient,) = torch.autograd.grad(log.sum(), net.parameters["attention"])
    assert not gradient.any()
    alive = net.score(torch.tensor([[[1, 1, 0, 1, 2]]])).log
    assert torch.autograd.grad(alive.sum(), net.parameters["attention"])[0].any()


@each
def test_many_runs_at_once_equal_single_runs(name):
    runs, places = 3, len(SPACES[name])
    options = {"lr": 0.05, "entropy": 0.1, "skip_weight": 0.8}
    together = ControllerTrainer(net_of(name, runs, seed=4), Baseline(0.9, 0.0), **options)
    alone = [ControllerTrainer(net_of(name, seed=4 + k), Baseline(0.9, 0.0), **options) for k in range(runs)]
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        uniforms, rewards = (torch.rand(runs, 5, *more, generator=generator) for more in ((places,), ()))
        choices = together.controller.sample(uniforms)
        together.step(choices, rewards)
        for k, one in enumerate(alone):
            assert torch.equal(one.controller.sample(uniforms[k : k + 1]), choices[k : k + 1])
            one.step(choices[k : k + 1], rewards[k : k + 1])
    for k, one in enumerate(alone):
        assert one.baseline.value == pytest.approx(together.baseline.value[k])
        for key, value in one.controller.parameters.items():
            assert torch.allclose(value[0], together.controller.parameters[key][k], atol=1e-5)


# rewards and penalties ------------------------------------------------------------------------------------------


def test_without_kinds_a_controller_is_the_plain_one():
    plain = [Decision(d.name, d.choices) for d in MACRO]
    shape = shape_of("nas-rl")
    nets = [
        LSTMController(plain, [random.Random(0)], shape),
        LSTMController(MACRO, [random.Random(0)], shape_of("nas-rl", shared=False)),
    ]
    choices = torch.tensor([networks("macro")])
    first, second = (net.score(choices) for net in nets)
    assert nets[0].parameters.keys() == nets[1].parameters.keys()
    assert torch.equal(first.log, second.log)
    assert sum(name.startswith("head") for name in nets[0].parameters) == len(MACRO)


def test_enas_takes_a_reward_into_the_baseline_before_it_is_compared():
    baseline = Baseline(0.99, 0.0)
    found = baseline.before([0.5, 0.7])
    assert found == pytest.approx([0.005, 0.005 + 0.01 * 0.695])
    assert baseline.before([0.5])[0] == pytest.approx(found[1] + 0.01 * (0.5 - found[1]))


def test_entropy_counts_as_reward():
    net, choices = net_of("macro", double=True), torch.tensor([networks("macro")[:4]])
    loss = ControllerTrainer(net, Baseline(None), lr=0.1, entropy=0.3).loss(choices, [[1.0, 2.0, 3.0, 4.0]])
    log, entropy, _ = net.score(choices)
    earned = torch.tensor([[1.0, 2.0, 3.0, 4.0]]) + 0.3 * entropy.detach()
    assert torch.allclose(loss, -(earned * log).mean(dim=1))


def test_the_pull_is_the_divergence_from_the_wanted_rate_and_brings_it_about():
    net = net_of("macro")
    trainer = ControllerTrainer(net, Baseline(None), lr=0.02, skip_weight=1.0, skip_rate=0.7)
    uniforms = torch.rand(1, 400, 6, generator=torch.Generator().manual_seed(1))
    bits = [2, 4, 5]
    before = float(net.sample(uniforms)[..., bits].double().mean())
    for _ in range(60):
        trainer.step(net.sample(uniforms), torch.zeros(1, 400))
    after = float(net.sample(uniforms)[..., bits].double().mean())
    assert before < 0.4
    assert after == pytest.approx(0.7, abs=0.04)
    assert float(net.score(net.sample(uniforms), rate=0.7).pull.detach().mean()) < 0.01
