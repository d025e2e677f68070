"""Motifs of motifs: how many there are, what an edge carries, what cannot matter, and every genotype a network."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tdgnas.operators import initMutated, mutMotif
from tdgnas.pictures import architecture_figure
from tdgnas.spaces import Hierarchical, load_architecture, save_architecture
from tdgnas.spaces.hierarchical import PRIMITIVES

TINY = {"channels": 2, "in_channels": 1, "image_size": 5, "classes": 3}
SMALL = Hierarchical(levels=((2, 3), (2, 3), (1, 3)), **TINY)


def test_the_published_form_has_as_many_genotypes_as_the_formula_says() -> None:
    """(primitives + none)^(motifs * edges) at level 2, times (motifs + none)^edges at level 3."""
    space = Hierarchical()
    assert math.prod(space.decisions.sizes) == (6 + 1) ** (6 * 4 * 3 // 2) * (6 + 1) ** (5 * 4 // 2)
    flat = Hierarchical(levels=((1, 11),))
    assert math.prod(flat.decisions.sizes) == (6 + 1) ** (11 * 10 // 2)
    assert [[len(motif) for motif in level] for level in space.decisions.nests] == [[6] * 6, [10]]


def test_the_start_passes_the_image_on_through_chains() -> None:
    space = Hierarchical(**TINY)
    chosen = space.start.choices
    assert {space.decisions[place].choices[choice] for place, choice in enumerate(chosen)} == {
        "none", "skip_connect", "motif 2.1",
    }  # fmt: skip
    kinds = {type(module) for module in space.network(space.start).modules()}
    assert nn.MaxPool2d not in kinds
    grown = initMutated(list, space.encode(space.start), lambda one: mutMotif(
        one, decisions=space.decisions, rng=random.Random(0)
    ), times=1)  # fmt: skip
    assert sum(a != b for a, b in zip(space.decode(grown).choices, chosen, strict=True)) == 1


def test_levels_are_drawn_alike_whatever_their_size() -> None:
    space, rng, counts = Hierarchical(**TINY), random.Random(0), {"level 2": 0, "level 3": 0}
    genes = space.encode(space.start)
    for _ in range(300):
        mutant = list(genes)
        mutMotif(mutant, decisions=space.decisions, rng=rng)
        old, new = space.decode(genes).choices, space.decode(mutant).choices
        (place,) = (place for place, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
        counts[space.decisions[place].kind] += 1
    assert 115 < counts["level 2"] < 185


def plain(space: Hierarchical, choices: tuple[int, ...], network: nn.Module, image: Tensor) -> Tensor:
    """The rules, by recursion over the motifs."""
    ops = network.ops

    def run(level: int, motif: int, x: Tensor, path: str) -> Tensor:
        nodes = space.levels[level - 2][1]

        def chosen(i: int, j: int) -> int:
            return choices[space.edges[level, motif][i, j]]

        def leads(i: int) -> bool:
            return i == nodes or any(chosen(i, j) and leads(j) for j in range(i + 1, nodes + 1))

        values = {1: x}
        for j in range(2, nodes + 1):
            found = []
            for i in [i for i in values if i < j and chosen(i, j) and leads(j)]:
                own, kind = f"{path}_{i}to{j}", PRIMITIVES[chosen(i, j)]
                if level > 2:
                    found.append(run(level - 1, chosen(i, j), values[i], f"{own}_m{chosen(i, j)}"))
                else:
                    found.append(values[i] if kind == "skip_connect" else ops[own](values[i]))
            if found:
                name = path if j == nodes else f"{path}_{j}"
                values[j] = found[0] if len(found) == 1 else ops[f"{name}_join"](torch.cat(found, 1))
        return values.get(nodes, x)

    x = ops["stem"](image)
    for stage in (1, 2, 3):
        x = ops[f"reduce{stage}"](x) if stage > 1 else x
        x = run(len(space.levels) + 1, 1, x, f"cell{stage}_1")
    logits: Tensor = ops["head"](x)
    return logits


@given(st.integers(0, 10**9), st.booleans())
def test_every_genotype_is_the_network_that_the_rules_say(seed: int, sparse: bool) -> None:
    rng = random.Random(seed)
    choices = [choice * (not sparse or rng.random() < 0.5) for choice in SMALL.sample(rng).choices]
    architecture = SMALL.architecture(choices)
    network, images = SMALL.network(architecture).eval(), torch.randn(2, 1, 5, 5)
    with torch.no_grad():
        torch.testing.assert_close(network(images), plain(SMALL, architecture.choices, network, images))
    clean = SMALL.canonical(architecture)
    assert [node.name for node in SMALL.fixed(clean).nodes] == [
        node.name for node in SMALL.fixed(architecture).nodes
    ]
    assert SMALL.parameters(clean) == SMALL.parameters(architecture)


@given(st.integers(0, 10**9))
def test_an_edge_that_does_not_matter_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)
    choices = SMALL.sample(rng).choices
    before = SMALL.fixed(SMALL.architecture(choices)).nodes
    for place, live in enumerate(SMALL.decisions.live(choices)):
        if not live:
            other = [*choices]
            other[place] = rng.randrange(SMALL.decisions.sizes[place])
            assert SMALL.fixed(SMALL.architecture(other)).nodes == before


def test_an_architecture_is_saved_and_drawn(tmp_path) -> None:
    architecture = SMALL.sample(random.Random(1))
    loaded, again = load_architecture(save_architecture(SMALL, architecture, tmp_path / "a.json"))
    assert loaded.fixed(again).nodes == SMALL.fixed(architecture).nodes
    assert architecture_figure(SMALL, architecture).axes


@pytest.mark.parametrize("levels", [[], [[2, 3]], [[6, 4], [2, 5]], [[1]], [[1, 1]]])
def test_impossible_levels_are_refused(levels: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="levels"):
        Hierarchical(levels=levels)
