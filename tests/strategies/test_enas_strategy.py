"""ENAS as a strategy: controller and weights in turn, and the settings that a space is searched with."""

from __future__ import annotations

import math

import pytest

from tdgnas.individual import Individual, LossFitness
from tdgnas.spaces import EnasMacro, EnasMicro, EnasRnn
from tdgnas.strategies import create

#: Three layers.
DECISIONS = EnasMacro(layers=3, channels=4).decisions


class Training:
    """Notes what it is called with."""

    epoch = 7

    def __init__(self):
        self.calls = []

    def __call__(self, population, *, each=False):
        self.calls.append((len(population), each))

    def state_dict(self):
        return {"calls": len(self.calls)}

    def load_state_dict(self, state):
        self.loaded = state


def test_enas_trains_the_weights_in_turn(searches):
    problem, training = searches.Problem(DECISIONS), Training()
    strategy = searches.run("enas", problem, 7, train=training, updates=3, batch=2)
    assert training.calls == [(7, True)] * 3  # before updates 1, 4 and 7: one pass over the data
    assert len(problem.evaluated) == 7 * 2
    assert strategy.recommendation() in strategy.population
    assert strategy.state_dict()["train"] == {"calls": 3}
    frozen = searches.run(
        "enas",
        searches.Problem(DECISIONS),
        7,
        train=training,
        alternate=False,
    )
    assert len(training.calls) == 3
    assert frozen.recommendation() is frozen.best
    few = searches.run("enas", searches.Problem(DECISIONS), 2, train=training, steps=4)
    assert training.calls[3:] == [(4, True)]
    other = searches.strategy("enas", searches.Problem(DECISIONS), train=(again := Training()))
    other.load_state_dict(few.state_dict())
    assert again.loaded == {"calls": 4}


def test_enas_takes_the_published_settings_of_the_space():
    macro, micro = (create("enas", space.decisions, seed=0) for space in (EnasMacro(), EnasMicro()))
    assert (macro.batch, macro.updates, micro.batch, micro.updates) == (20, 50, 10, 30)
    assert macro.controller.parameters["lstm0"].shape == (1, 128, 256)  # 64 units, no biases
    assert micro.controller.parameters["head0"][0, -1].tolist() == [10, 10, 0, 0, 0]
    cell = create("enas", EnasRnn(size=4).decisions, seed=0)
    of_loss = [each.reward(Individual([0.0], LossFitness([math.log(5)]))) for each in (cell, macro)]
    assert of_loss == pytest.approx([80 / 5, 1 / 5])
    assert (cell.batch, cell.controller.shape.reach, cell.controller.shape.temperature) == (10, 6, 5)
    defaults = macro.trainer.optimiser.defaults
    assert (defaults["lr"], defaults["betas"][0], defaults["eps"]) == (1e-3, 0.0, 1e-3)
    assert all(float(value.detach().abs().max()) <= 0.1 for value in macro.controller.parameters.values())
