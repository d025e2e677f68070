"""Networks that grow compute what they did; what does not apply says so; pruning does what it says."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from tdgnas.graphs import (
    INPUT,
    MORPHISMS,
    OPS,
    Graph,
    GraphIndividual,
    Node,
    Op,
    Term,
    add_concat,
    add_skip,
    branch,
    deepen,
    enlarge_kernel,
    follow,
    graph_document,
    graph_of,
    mutMorph,
    mutPrune,
    narrow,
    remove,
    widen,
)

KINDS = MORPHISMS.names()
SHAPE = (2, 4, 4)


def layer(name, source, entering, leaving, kernel=3, kind="conv-norm-relu", post=None):
    sizes = {"channels_in": entering, "channels_out": leaving, "kernel": kernel}
    return Node(name, (Term(source, Op(name, kind, sizes)),), post)


def random_graph(rng):
    """Layers, sums, concatenations and BatchNorms after them, read once or several times."""
    nodes, channels = [layer("n0", INPUT, 2, 3)], {"n0": 3}
    for number in range(1, rng.randrange(3, 6)):
        name, one, two = f"n{number}", *rng.choices(list(channels), k=2)
        count, after = channels[one], None
        if rng.random() < 0.4:
            after = Op(f"{name}p", rng.choice(["relu", "norm-relu"]))
        kind = rng.choice(["conv-norm-relu", "relu-conv-norm", "sum", "shared", "concat"])
        if kind == "sum":
            sizes = {"channels_in": channels[two], "channels_out": count}
            terms = (Term(one), Term(two, Op(name, "conv", sizes)))
        elif kind == "shared":  # one operation that reads two values
            shared = Op(name, "conv", {"channels_in": count, "channels_out": 2, "kernel": 3})
            others = [other for other in channels if channels[other] == count and other != one]
            terms, count = tuple(Term(each, shared) for each in (one, *others[:1])), 2
        elif kind == "concat":
            terms, count = (Term(one), Term(two)), count + channels[two]
        else:
            terms, count = layer(name, one, count, 3, rng.choice([1, 3]), kind).terms, 3
        if after is not None and after.kind == "norm-relu":
            after = replace(after, settings={"channels": count})
        nodes.append(Node(name, terms, after, "concat" if kind == "concat" else "sum"))
        channels[name] = count
    read = {term.source for node in nodes for term in node.terms}
    left = [name for name in channels if name not in read]
    nodes.append(Node("all", tuple(Term(name) for name in left), combine="concat"))
    head = Op("head", "head", {"channels": sum(channels[name] for name in left), "classes": 3})
    return Graph([*nodes, Node("out", (Term("all", head),))], SHAPE)


def network_of(graph, seed=0):
    """A network with fresh weights, and BatchNorms with statistics and weights as after a training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = graph.network()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and tensor.ndim == 1:
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + (0.2 if "var" in name else -0.3))
    return network.eval()


def weights_of(graph, seed=0):
    return network_of(graph, seed).state_dict()


def outputs(graph, state, images):
    network = graph.network()
    network.load_state_dict(state)
    with torch.no_grad():
        return network.eval()(images)


def grown_by(kind, graph, state, rng, images=None):
    """A random morphism of a kind where it applies; None where it does not."""
    places = MORPHISMS.get(kind).places(graph)
    if not places:
        return None
    made = MORPHISMS.get(kind).grow(graph, rng.choice(places), rng, images)
    return made.graph, made.carry(state)


@pytest.fixture
def images():
    return torch.randn((3, *SHAPE), generator=torch.Generator().manual_seed(1))


def test_500_random_graphs_compute_the_same_after_a_morphism(images):
    done = dict.fromkeys(KINDS, 0)
    for seed in range(500):
        rng, kind = random.Random(seed), KINDS[seed % len(KINDS)]
        graph = random_graph(rng)
        network = network_of(graph, seed)
        state = network.state_dict()
        before = {name: tensor.clone() for name, tensor in state.items()}
        found = grown_by(kind, graph, state, rng, images if seed % 12 < 6 else None)
        if found is not None:
            done[kind] += 1
            assert found[0].parameters() > graph.parameters()
            with torch.no_grad():
                old, new = network(images), outputs(*found, images)
            assert torch.allclose(old, new, rtol=1e-5, atol=1e-5), (seed, kind, (old - new).abs().max())
            assert all(torch.equal(before[name], state[name]) for name in state)
    assert min(done.values()) > 60, done


@pytest.mark.parametrize("seed", range(6))
def test_chains_of_ten_morphisms_and_gradients_of_all_that_is_new(seed, images):
    rng = random.Random(seed)
    graph = random_graph(rng)
    state = weights_of(graph, seed)
    expected, moves = outputs(graph, state, images), 0
    while moves < 10:
        found = grown_by(rng.choice(KINDS), graph, state, rng)
        if found is not None:
            graph, state = found
            moves += 1
    assert torch.allclose(expected, outputs(graph, state, images), rtol=1e-5, atol=1e-5)
    network = graph.network()
    network.load_state_dict(state)
    network.train()(images).square().sum().backward()
    dead = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_new_parameter(kind, images):
    graph = Graph(
        [
            layer("a", INPUT, 2, 3),
            layer("b", "a", 3, 3),
            layer("c", "b", 3, 3),
            Node("out", (Term("c", Op("head", "head", {"channels": 3, "classes": 3})),)),
        ],
        SHAPE,
    )
    state = weights_of(graph)
    made, carried = grown_by(kind, graph, state, random.Random(0))
    network = made.network()
    network.load_state_dict(carried)
    network.train()(images).square().sum().backward()
    new = {n: p for n, p in network.named_parameters() if n not in state or p.shape != state[n].shape}
    assert new
    for name, parameter in new.items():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0, name
    if kind in ("widen", "branch"):  # copies do not learn alike
        grads = torch.cat([p.grad.flatten() for p in new.values()]).abs()
        assert len(grads.round(decimals=6).unique()) > len(grads) / 2


def chain():
    return Graph(
        [
            layer("a", INPUT, 2, 4),
            layer("b", "a", 4, 4),
            Node("c", (Term("b"), Term("a")), Op("after", "norm-relu", {"channels": 4})),
            Node("out", (Term("c", Op("head", "head", {"channels": 4, "classes": 3})),)),
        ],
        SHAPE,
    )


def test_a_deeper_layer_is_the_identity_with_the_statistics_of_what_passes(images):
    graph, state = chain(), weights_of(chain())
    made = deepen(graph, "a", images=images)
    grown = made.carry(state)
    seen = outputs(Graph(graph.nodes[:1], SHAPE), {n: t for n, t in state.items() if ".a." in n}, images)
    var, mean = seen.var((0, 2, 3), correction=0), seen.mean((0, 2, 3))
    torch.testing.assert_close(grown["ops.deep0.1.running_mean"], mean)
    torch.testing.assert_close(grown["ops.deep0.1.bias"], mean)
    torch.testing.assert_close(grown["ops.deep0.1.running_var"], var)
    torch.testing.assert_close(grown["ops.deep0.1.weight"], (var + 1e-5).sqrt())
    # Measured, it is nearly the identity while it learns as well.
    network = made.graph.network()
    network.load_state_dict(grown)
    for name, part in network.ops.items():
        part.train(name == "deep0")
    assert torch.allclose(network(images), outputs(graph, state, images), atol=1e-4)


def test_wider_readers_share_the_weights_of_copies(images):
    graph, state = chain(), weights_of(chain())
    made = widen(graph, "b", 1.5, rng=random.Random(0))
    grown = made.carry(state)
    # b is summed with a, so that a grows alike; b reads a, and the BatchNorm after the sum has the copies' entries.
    assert [dict(made.graph.ops[name].settings)["channels_out"] for name in ("a", "b")] == [6, 6]
    assert len(grown["ops.after.0.running_var"]) == 6
    head, before = grown["ops.head.2.weight"], state["ops.head.2.weight"]
    entries = [(grown["ops.after.0.running_var"] == one).sum() for one in state["ops.after.0.running_var"]]
    copies = torch.stack(entries)
    assert sorted(copies.tolist())[-1] > 1
    assert torch.allclose(head, (before / copies).repeat_interleave(copies, dim=1))
    assert torch.allclose(outputs(made.graph, grown, images), outputs(graph, state, images), atol=1e-6)


def test_a_larger_kernel_has_zeros_around_it():
    grown = enlarge_kernel(chain(), "b").carry(weights_of(chain()))["ops.b.0.weight"]
    assert grown.shape[2:] == (5, 5)
    assert torch.equal(grown[:, :, 1:4, 1:4], weights_of(chain())["ops.b.0.weight"])
    assert grown[:, :, 0].abs().sum() == grown[:, :, :, 4].abs().sum() == 0


@pytest.mark.parametrize(
    ("morphism", "at", "reason"),
    [
        (deepen, "out", "no place to deepen"),
        (deepen, "b2", "there are a, b, c, out"),
        (widen, "head", "no single convolution"),
        (widen, "tied", "tied to the image"),
        (enlarge_kernel, "head", "no convolution with a kernel"),
        (add_skip, ("c", "b"), "does not come before"),
        (add_skip, ("a", "b"), "reads 'a' already"),
        (add_skip, (INPUT, "out"), "the images do not fit"),
        (add_concat, ("a", "out"), "only images of one size"),
        (branch, "after", "no single convolution"),
        (remove, "c", "no layer"),
        (remove, "a", "so what reads it cannot read its source"),
    ],
)
def test_what_does_not_apply_says_so(morphism, at, reason):
    graph = chain()
    if at == "tied":  # a sum with the image itself
        graph = Graph(
            [layer("tied", INPUT, 2, 2), Node("c", (Term("tied"), Term(INPUT))), *_head("c", 2)], SHAPE
        )
    with pytest.raises(ValueError, match=reason):
        morphism(graph, at)


def _head(source, channels):
    return [Node("out", (Term(source, Op("head", "head", {"channels": channels, "classes": 3})),))]


def test_values_below_0_are_no_place_to_deepen_and_unknown_kinds_fix_their_channels():
    OPS.register("test-scale")(lambda: torch.nn.PReLU())
    try:
        graph = Graph(
            [layer("a", INPUT, 2, 3), Node("b", (Term("a", Op("b", "test-scale")),)), *_head("b", 3)], SHAPE
        )
        with pytest.raises(ValueError, match="values below 0"):
            deepen(graph, "b")
        with pytest.raises(ValueError, match="unknown kind"):
            widen(graph, "a")
    finally:
        OPS._entries.pop("test-scale")


def test_pruning_takes_what_costs_least(images):
    graph, state = chain(), weights_of(chain())
    # Two channels of b that nobody reads: without them nothing changes.
    graph = Graph([layer("a", INPUT, 2, 3), layer("b", "a", 3, 4), *_head("b", 4)], SHAPE)
    state = weights_of(graph)
    state["ops.head.2.weight"][:, [1, 2]] = 0
    made = narrow(graph, state, "b")
    assert dict(made.graph.ops["b"].settings)["channels_out"] == 2
    assert torch.allclose(
        outputs(made.graph, made.carry(state), images), outputs(graph, state, images), atol=1e-6
    )
    # An identity layer costs nothing, so that it is what goes.
    deep = deepen(graph, "a")
    individual = GraphIndividual(deep.graph, deep.carry(state))
    expected = outputs(graph, state, images)

    def loss(one):
        with torch.no_grad():
            return float((one.network().eval()(images) - expected).square().sum())

    mutPrune(individual, loss, kinds=["remove"])
    assert [node.name for node in individual.graph.nodes] == ["a", "b", "out"]
    assert loss(individual) < 1e-9
    with pytest.raises(ValueError, match="pruned by narrow and remove"):
        mutPrune(individual, loss, kinds=["deepen"])


def test_a_mutation_in_deaps_shape_and_files_without_pickle(tmp_path, images):
    graph = chain()
    parent = GraphIndividual(graph, weights_of(graph))
    parent.fitness.values = (0.5,)
    child = deepcopy(parent)
    rng = random.Random(3)
    for _ in range(5):
        assert mutMorph(child, rng=rng) == (child,)
    assert child.fitness.values == (0.5,)  # the algorithm's to delete
    assert parent.graph is graph
    expected = outputs(graph, parent.weights, images)
    child.save(tmp_path)
    again = GraphIndividual.load(tmp_path)
    assert again.graph.nodes == child.graph.nodes
    assert torch.allclose(outputs(again.graph, again.weights, images), expected, rtol=1e-5, atol=1e-5)
    document = json.loads(json.dumps(graph_document(again.graph)))
    assert graph_of(document).nodes == again.graph.nodes
    with pytest.raises(ValueError, match="no graph, or a damaged one"):
        graph_of({**document, "nodes": [{}]})


def test_an_individual_that_cannot_grow_is_left_alone():
    graph = Graph([Node("out", (Term(INPUT, Op("head", "head", {"channels": 2, "classes": 3})),))], SHAPE)
    individual = GraphIndividual(graph)
    before = dict(individual.weights)
    with pytest.raises(ValueError, match=r"none of the morphisms .* applies anywhere"):
        mutMorph(individual)
    assert individual.graph is graph
    assert individual.weights == before
    with pytest.raises(ValueError, match="did you mean 'deepen'"):
        mutMorph(individual, kinds=["deeper"])


def test_momentum_follows_where_a_weight_kept_its_shape(images):
    graph, state = chain(), weights_of(chain())
    before, made = graph.network(), widen(graph, "b", rng=random.Random(0))
    old = torch.optim.SGD(before.parameters(), lr=0.1, momentum=0.9)
    before(images).sum().backward()
    old.step()
    network = made.graph.network()
    network.load_state_dict(made.carry(state))
    new = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    assert (
        follow(new, network, old, before) == 1
    )  # a and b grew with all that reads them; the bias of the head did not
    kept = dict(network.named_parameters())["ops.head.2.bias"]
    assert torch.equal(new.state[kept]["momentum_buffer"], kept.new_full((3,), 3.0))
    with pytest.raises(ValueError, match="the old one SGD"):
        follow(torch.optim.Adam(network.parameters()), network, old, before)
