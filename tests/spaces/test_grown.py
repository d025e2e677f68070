"""Networks that grow as a space: moves, their one spelling, and the weights that follow them."""

from __future__ import annotations

import pickle
import random

import pytest
import torch

from tdgnas.graphs import graph_document
from tdgnas.operators import mutNeighbour, population_entropy
from tdgnas.spaces import GrownSpace, load_architecture, save_architecture
from tdgnas.spaces.grown import features, plain


@pytest.fixture
def space():
    return GrownSpace(channels=3, steps=5, places=4, in_channels=1, image_size=8)


def start_of_mine(shape, classes):
    return plain(5, shape, classes)


def test_moves_after_an_end_or_one_that_does_not_apply_do_not_matter(space):
    # At first nothing can be concatenated: what is read by a pooling has no reader that could take more.
    architecture = space.grown(["deepen", "stay", "end", "widen"], [1, 3, 2, 1])
    assert space.describe(architecture) == "deepen pool1, stay"
    assert space.canonical(architecture).choices == (2, 1, 1, 0, 0, 0, 0, 0, 0, 0)
    assert space.decisions.live(architecture.choices) == (True, True, True, False, True, *[False] * 5)
    first = space.grown(["concat", "deepen"], [0, 0])
    assert space.canonical(first) == space.baseline()
    assert space.fixed(first).nodes == space.fixed(space.baseline()).nodes


def test_a_step_is_one_move_more_until_there_are_as_many_as_there_may_be(space):
    rng, choices = random.Random(0), space.baseline().choices
    seen = [choices]
    for _ in range(5):
        choices = space.decisions.neighbour(choices, rng)
        assert space.decisions.canonical(choices) == choices
        assert space.ancestors(choices)[0] == seen[-1]
        seen.append(choices)
    assert space.ancestors(choices) == seen[-2::-1]
    assert space.decisions.neighbour(choices, rng) == seen[-2]
    individual = space.encode(space.baseline())
    assert mutNeighbour(individual, decisions=space.decisions, rng=rng) == (individual,)
    assert len(space.growth.moves(space.decode(individual).choices)) == 1


def test_grown_weights_compute_what_the_ancestor_does(space):
    images = torch.randn(6, 1, 8, 8)
    rng = random.Random(1)
    parent = space.baseline().choices
    child = space.decisions.drawn(5, rng)
    old = space.network(space.baseline()).eval()
    weights, passes = space.inherited(parent, child, old.state_dict(), images)
    new = space.network(space.architecture(child)).eval()
    new.load_state_dict(weights)
    assert torch.allclose(new(images), old(images), atol=1e-5)
    deeper = sum(space.growth.kinds[kind] == "deepen" for kind, _ in space.growth.moves(child))
    assert passes == 6 * deeper


def test_entropy_is_about_operations_and_what_follows_what(space):
    graph = space.fixed(space.baseline())
    found = features(graph)
    # conv3 three times, pool twice; input-conv, two conv-pool, two pool-conv, conv-other.
    assert (found[8 * 8 + 2], found[8 * 8 + 5]) == (3, 2)
    assert (found[0 * 8 + 2], found[2 * 8 + 5], found[5 * 8 + 2], found[2 * 8 + 7]) == (1, 2, 2, 1)
    one, other, same = (space.encode(space.grown([kind], [0])) for kind in ("deepen", "widen", "stay"))
    start = space.encode(space.baseline())
    assert population_entropy([start, same], space.decisions.loci) == 0
    assert (
        0
        < population_entropy([start, other], space.decisions.loci)
        < population_entropy([start, one], space.decisions.loci)
    )


def test_it_begins_with_a_network_of_ones_own(tmp_path):
    own = GrownSpace(start="tests.spaces.test_grown:start_of_mine", in_channels=1, image_size=8)
    assert own.parameters(own.baseline()) == plain(5, (1, 8, 8), 10).parameters()
    given = GrownSpace(start=graph_document(plain(5, (1, 8, 8), 10)), in_channels=1, image_size=8)
    assert given.fixed(given.baseline()).nodes == own.fixed(own.baseline()).nodes
    architecture = given.sample(random.Random(2))
    path = save_architecture(given, architecture, tmp_path / "architecture.json")
    again, loaded = load_architecture(path)
    assert again.fixed(loaded).nodes == given.fixed(architecture).nodes
    assert pickle.loads(pickle.dumps(given)).fixed(architecture).nodes == given.fixed(architecture).nodes


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"kinds": ["stay"]}, "a morphism among them"),
        ({"kinds": ["deepen", "deeper"]}, "did you mean 'deepen'"),
        ({"steps": 0}, "steps is 0"),
        ({"start": graph_document(plain(2, (3, 8, 8), 10))}, "images of shape"),
    ],
)
def test_impossible_settings_are_refused(settings, reason):
    with pytest.raises(ValueError, match=reason):
        GrownSpace(**{"in_channels": 1, "image_size": 8, **settings})
