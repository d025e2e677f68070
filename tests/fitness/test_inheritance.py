"""Children that inherit: whose weights they begin with, what that costs, and which weights are dropped."""

from __future__ import annotations

import pytest
import torch

from tdgnas.data import load
from tdgnas.fitness import TrainingFitness
from tdgnas.fitness.inheritance import IMAGES
from tdgnas.spaces import GrownSpace, NASBench201
from tdgnas.training import Recipe, Training


@pytest.fixture(scope="module")
def data():
    return load("digits", train=80, valid=20, test=20, size=8, channels=1)


@pytest.fixture
def space():
    return GrownSpace(channels=2, steps=6, places=4, in_channels=1, image_size=8)


def fitness(space, data, **settings):
    recipe = Recipe(epochs=1, warmup=0, batch_size=40)
    return TrainingFitness(space, data, recipe, inherit=True, device="cpu", **settings)


def genes(space, *kinds):
    return space.encode(space.grown(kinds, [0] * len(kinds)))


def test_a_child_begins_with_the_weights_of_its_youngest_ancestor_that_are_at_hand(space, data):
    evaluate = fitness(space, data)
    evaluate(genes(space))
    weights = evaluate.inherit.weights[space.baseline().choices]
    # The parent "widen" was never trained: its weights are those of the first network, grown.
    child = space.grown(["widen", "stay"], [0, 0])
    found = evaluate(space.encode(child))
    own, _ = space.inherited(space.baseline().choices, child.choices, weights)
    network = space.network(child)
    network.load_state_dict(own)
    training = Training(network, data, evaluate.recipe, 0, "cpu")
    assert found == (next(training).valid["loss"],)


def test_what_is_inherited_and_measured_is_paid_for(space, data):
    evaluate = fitness(space, data)
    once = 3 * 80 + 20
    for number, kinds in enumerate([(), ("stay",), ("widen",), ("stay", "stay")], start=1):
        evaluate(genes(space, *kinds))
        assert evaluate.budget.passes == number * once
    evaluate(genes(space, "deepen"))
    assert evaluate.budget.passes == 5 * once + IMAGES
    evaluate(genes(space, "deepen"))  # known
    assert (evaluate.budget.passes, evaluate.budget.evaluations) == (5 * once + IMAGES, 5)


def test_no_child_inherits_from_one_of_its_own_generation(space, data):
    evaluate = fitness(space, data)
    evaluate(genes(space))
    together = evaluate.batch([genes(space, "stay"), genes(space, "stay", "stay")])
    # Both go on from the first network by one epoch.
    assert together[0] == together[1]
    alone = fitness(space, data)
    for kinds in ((), ("stay",), ("stay", "stay")):
        last = alone(genes(space, *kinds))
    assert last < together[1]


def test_weights_of_the_last_ones_and_of_the_best_are_kept(space, data):
    evaluate = fitness(space, data, keep=2)
    kinds: list[str] = []
    values = []
    for _ in range(6):
        values.append(evaluate(genes(space, *kinds))[0])
        kinds.append("stay")
        assert len(evaluate.inherit.weights) <= 2
    assert min(values) == evaluate.inherit.best[0]
    evaluate.inherit.best = (0.0, space.baseline().choices)
    evaluate.inherit.weights[space.baseline().choices] = {}
    for own in (["widen"], ["kernel"], ["deepen"]):
        evaluate.inherit.take([((space.grown(own, [0]).choices, 1.0), (5.0, "", {}))])
    assert list(evaluate.inherit.weights) == [space.baseline().choices, space.grown(["deepen"], [0]).choices]


def test_it_goes_on_where_it_was_saved(space, data):
    one, other = fitness(space, data), fitness(space, data)
    for kinds in ((), ("widen",)):
        one(genes(space, *kinds))
    other.load_state_dict(one.state_dict())
    assert one(genes(space, "widen", "deepen")) == other(genes(space, "widen", "deepen"))
    assert one.budget.passes == other.budget.passes
    torch.testing.assert_close(one.inherit.weights, other.inherit.weights, rtol=0, atol=0)


def test_spaces_without_ancestors_have_nothing_to_inherit(space, data):
    with pytest.raises(ValueError, match="where networks grow"):
        fitness(NASBench201(channels=2, in_channels=1, image_size=8), data)
    with pytest.raises(ValueError, match="at one width"):
        fitness(space, data, fidelities="width")
