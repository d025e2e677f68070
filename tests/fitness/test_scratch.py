"""Fitness from training from scratch: one value per network, and its costs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tdgnas.data import load
from tdgnas.fitness import ScratchFitness
from tdgnas.individual import Individual, LossFitness
from tdgnas.spaces import NASBench201
from tdgnas.training import Recipe, evaluate


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    data = load("digits", train=16, valid=12, test=12)
    space = NASBench201(channels=2, cells_per_stage=1, image_size=data.image_shape[1])
    return {"space": space, "data": data, "recipe": Recipe(epochs=1, warmup=0, batch_size=8)}


def test_a_network_is_trained_once_and_costs_its_passes(made: dict[str, Any]) -> None:
    fitness, space = ScratchFitness(**made, device="cpu"), made["space"]
    assert fitness.fitness_type is LossFitness
    one = Individual(space.decisions.genes((1, 0, 2, 0, 0, 3)))
    value = fitness(one)
    assert fitness(one) == value
    assert (fitness.budget.requests, fitness.budget.evaluations) == (2, 1)
    assert fitness.budget.passes == 3 * 16 + 12
    network = fitness.train(space.decode(one)).evaluated
    assert evaluate(network, made["data"].valid)["loss"] == value[0]


def test_what_is_known_is_not_trained_again_after_a_restart(made: dict[str, Any]) -> None:
    first, space = ScratchFitness(**made, measure="accuracy", device="cpu"), made["space"]
    one = Individual(space.decisions.genes((2, 1, 0, 0, 3, 3)))
    value = first(one)
    again = ScratchFitness(**made, measure="accuracy", device="cpu")
    again.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert again(one) == value
    assert again.budget.evaluations == 1


def test_a_training_that_diverges_has_the_worst_value(made: dict[str, Any]) -> None:
    recipe = Recipe(epochs=1, warmup=0, lr=1e30, clip=None, batch_size=8)
    fitness = ScratchFitness(**{**made, "recipe": recipe}, device="cpu")
    one = Individual(made["space"].decisions.genes((3, 3, 3, 3, 3, 3)))
    assert fitness(one) == (fitness.worst,)
