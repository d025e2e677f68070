"""A small search problem whose every architecture has a known loss, binary and K-way decisions mixed."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from deap import base

import tdgnas
from tdgnas import strategies
from tdgnas.decision import Decision, Decisions
from tdgnas.individual import fidelity_of


class Problem:
    """Losses of all architectures; callable as a fitness, and a source of exact gradients of the expected loss."""

    def __init__(self, decisions, seed=0, good=None):
        self.decisions = Decisions.of(decisions)
        rng = random.Random(seed)
        every = list(itertools.product(*map(range, self.decisions.sizes)))
        effects = [[rng.uniform(0, 1) for _ in range(size)] for size in self.decisions.sizes]
        self.losses = {
            choices: sum(effects[k][choice] for k, choice in enumerate(choices)) + 0.1 * rng.random()
            for choices in every
        }
        if good is not None:
            self.losses = {
                choices: float(sum(a != b for a, b in zip(choices, good, strict=True))) for choices in every
            }
        self.evaluated, self.fidelities = [], []

    @property
    def best(self):
        return min(self.losses, key=self.losses.get)

    @property
    def found(self):
        """The least loss among those that were evaluated with the most effort."""
        most = max(self.fidelities)
        return min(
            self.losses[one] for one, own in zip(self.evaluated, self.fidelities, strict=True) if own == most
        )

    def __call__(self, individual):
        choices = self.decisions.choices(individual)
        self.evaluated.append(choices)
        self.fidelities.append(fidelity_of(individual))
        return (self.losses[choices],)

    def with_size(self, individual):
        return (*self(individual), float(sum(self.decisions.choices(individual))))

    def accuracy(self, individual):
        return (1 - self(individual)[0] / max(self.losses.values()),)

    def alpha_gradients(self, genes, *, seed):
        return np.stack([self._gradient(row) for row in np.asarray(genes)])

    def _gradient(self, row):
        shares, slopes = [], []
        for decision, where in zip(self.decisions, self.decisions.slices, strict=True):
            if decision.binary:
                on = 1 / (1 + np.exp(-row[where.start]))
                shares.append(np.array([1 - on, on]))
                slopes.append(np.array([[-on * (1 - on), on * (1 - on)]]))
            else:
                grown = np.exp(row[where] - row[where].max())
                p = grown / grown.sum()
                shares.append(p)
                slopes.append(np.diag(p) - np.outer(p, p))
        table = np.array([self.losses[c] for c in itertools.product(*map(range, self.decisions.sizes))])
        table = table.reshape(self.decisions.sizes)
        parts = []
        for k in range(len(shares)):
            expected = np.moveaxis(table, k, 0)
            for other in [j for j in range(len(shares)) if j != k]:
                expected = np.tensordot(expected, shares[other], axes=(1, 0))
            parts.append(slopes[k] @ expected)
        return np.concatenate(parts)


def mixed():
    gates = [Decision(f"gate{k}", ("off", "on"), binary=True) for k in range(3)]
    kinds = [Decision(f"kind{k}", ("a", "b", "c", "d")) for k in range(2)]
    return [gates[0], kinds[0], gates[1], gates[2], kinds[1]]


def gates():
    return [Decision(f"gate{k}", ("off", "on"), binary=True) for k in range(6)]


def kinds():
    return [Decision(f"kind{k}", ("a", "b", "c")) for k in range(4)]


SPACES = {"mixed": mixed, "binary": gates, "K-way": kinds}


#: Settings that make a strategy's model quick to train.
FEW = {"bananas": {"epochs": 2, "layers": 1}, "random-forest": {"trees": 3}, "pnas": {"trees": 2}}
#: And few candidates: where hundreds are asked for and dozens are left, each is met a hundred times.
FEWER = {name: {**FEW.get(name, {}), "offspring": 30} for name in ("bananas", "random-forest")}


class Searches:
    """Makes problems, strategies for them and toolboxes, by name."""

    spaces = tuple(SPACES)
    Problem = Problem

    def problem(self, space="mixed", **options):
        return Problem(SPACES[space](), **options)

    def strategy(self, name, problem, seed=0, few=None, **options):
        if name == "optuna":
            pytest.importorskip("optuna")
        options = {**({**FEW, **FEWER} if few is None else few).get(name, {}), **options}
        if strategies.STRATEGIES.get(name).needs_gradients:
            options.setdefault("source", problem)
            options.setdefault({"darts": "lr"}.get(name, "gradient.lr"), 0.5)
        return strategies.create(name, problem.decisions, seed=seed, **options)

    def toolbox(self, strategy, problem):
        toolbox = base.Toolbox()
        toolbox.register("evaluate", problem.with_size if strategy.objectives == 2 else problem)
        toolbox.register("generate", strategy.generate)
        toolbox.register("update", strategy.update)
        return toolbox

    def run(self, name, problem, generations=8, seed=0, **options):
        strategy = self.strategy(name, problem, seed, **options)
        for _ in tdgnas.evolve(strategy, self.toolbox(strategy, problem), generations - 1):
            pass
        return strategy


@pytest.fixture
def searches():
    return Searches()
