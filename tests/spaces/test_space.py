"""Decisions, decoding, encoding, loci, JSON, graph: on binary and on K-way spaces alike."""

from __future__ import annotations

import random

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdgnas import Individual
from tdgnas.operators import ShannonEntropy, population_entropy
from tdgnas.spaces import (
    INPUT,
    Architecture,
    Decision,
    SearchSpace,
    VGGShortcuts,
    create,
    load_architecture,
    save_architecture,
)

SPACES: list[SearchSpace] = [VGGShortcuts(width=1 / 32), create("nasbench201")]
each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


@each_space
def test_decoding_undoes_encoding(space: SearchSpace) -> None:
    rng = random.Random(0)
    for _ in range(20):
        architecture = space.sample(rng)
        genes = space.encode(architecture, scale=0.3)
        assert len(genes) == space.length
        assert space.decode(genes) == architecture
        assert space.decode(Individual(genes)) == architecture
        assert Architecture.from_json(architecture.to_json()) == architecture


@each_space
def test_files_carry_the_space_and_survive_the_way_to_disk_and_back(space: SearchSpace, tmp_path) -> None:
    architecture = space.sample(random.Random(5))
    loaded_space, loaded = load_architecture(save_architecture(space, architecture, tmp_path / "a.json"))
    assert loaded == architecture
    assert loaded_space.settings == space.settings
    assert loaded_space.parameters(loaded) == space.parameters(architecture)


@each_space
def test_choices_of_a_population_are_the_loci_of_its_entropy(space: SearchSpace) -> None:
    rng = random.Random(1)
    architectures = [space.sample(rng) for _ in range(6)]
    population = [Individual(space.encode(architecture)) for architecture in architectures]
    choices = space.choices(population)
    assert choices.shape == (6, len(space.decisions))
    assert [tuple(row) for row in choices.tolist()] == [space.canonical(a).choices for a in architectures]
    by_hand = 0.0
    for column in choices.T:
        _, counts = np.unique(column, return_counts=True)
        by_hand -= float(sum(c / 6 * np.log(c / 6) for c in counts))
    assert population_entropy(population, space.choices) == pytest.approx(by_hand)
    assert ShannonEntropy(space.choices).value(population) == pytest.approx(by_hand)


@each_space
def test_the_graph_is_acyclic_and_leads_from_the_image_to_the_logits(space: SearchSpace) -> None:
    full = space.architecture([len(decision.choices) - 1 for decision in space.decisions])
    graph = space.graph.networkx(full.choices)
    assert nx.is_directed_acyclic_graph(graph)
    assert nx.has_path(graph, INPUT, space.graph.output)
    decided = [data for *_, data in graph.edges(data=True) if data["decision"] is not None]
    assert {data["decision"] for data in decided} <= {decision.name for decision in space.decisions}


def test_one_gene_exactly_zero_is_off_and_equal_genes_give_the_first_choice() -> None:
    gates, cell = SPACES
    assert set(gates.decode([0.0] * gates.length).choices) == {0}
    assert set(cell.decode([0.0] * cell.length).choices) == {0}


@given(st.lists(st.floats(-5, 5), min_size=30, max_size=30))
def test_any_genes_decode_to_a_valid_architecture_of_a_k_way_space(genes: list[float]) -> None:
    space = SPACES[1]
    architecture = space.decode(genes)
    space.check(architecture)
    for choice, where in zip(architecture.choices, space.slices, strict=True):
        assert genes[where.start + choice] == max(genes[where])


def test_wrong_lengths_foreign_architectures_and_unknown_choices_are_refused() -> None:
    gates, cell = SPACES
    with pytest.raises(ValueError, match=r"has 61 genes, this one has shape \(3,\)"):
        gates.decode([0.0] * 3)
    with pytest.raises(ValueError, match="belongs to 'nasbench201', not to 'vgg-shortcuts'"):
        gates.parameters(cell.sample())
    with pytest.raises(ValueError, match="2 choices were given for 61 decisions"):
        gates.check(Architecture("vgg-shortcuts", (0, 1)))
    with pytest.raises(ValueError, match=r"choice 7 of decision '.*' is none of its 2"):
        gates.architecture([7] + [0] * 60)
    with pytest.raises(ValueError, match="no decision '9-1'"):
        gates.architecture({"9-1": "identity"})
    with pytest.raises(ValueError, match="decision '0-1' has no choice 'conv'; there are none, skip_connect"):
        cell.architecture({"0-1": "conv"})
    with pytest.raises(ValueError, match="is not an architecture"):
        Architecture.from_json("{}")
    with pytest.raises(ValueError, match="whole-numbered"):
        Architecture.from_json('{"space": "x", "choices": [0.5]}')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not json", "is not an architecture file"),
        ('{"format": "other/1", "space": {"name": "x"}, "choices": {}}', "this version reads"),
        ('{"format": "tdgnas-architecture/1", "space": {"name": "vgg"}, "choices": {}}', "no space 'vgg'"),
        (
            '{"format": "tdgnas-architecture/1", "space": {"name": "vgg-shortcuts"}, "choices": {}}',
            "lacks the choice",
        ),
    ],
)
def test_a_damaged_architecture_file_is_named(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "architecture.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_architecture(path)
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere"):
        load_architecture(tmp_path / "nowhere.json")


def test_random_controls_have_the_same_number_of_gates_elsewhere() -> None:
    gates, cell = SPACES
    winner = gates.sample(random.Random(2))
    controls = [gates.sample_like(winner, random.Random(seed)) for seed in range(5)]
    assert {sum(control.choices) for control in controls} == {sum(winner.choices)}
    assert len({winner, *controls}) > 3
    cell.check(cell.sample_like(cell.sample(random.Random(1)), random.Random(2)))
    assert gates.baseline() == gates.architecture([0] * 61)
    assert cell.baseline() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "d", "choices": ("only",)}, "two or more"),
        ({"name": "d", "choices": ("a", "a")}, "two or more"),
        ({"name": "d", "choices": ("a", "b", "c"), "binary": True}, "exactly two"),
    ],
)
def test_impossible_decisions_are_refused(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Decision(**arguments)
