"""Trees and grids of functions: every one of them a network, or refused by the one rule that is stated."""

from __future__ import annotations

import itertools
import math
import random

import pytest
import torch
from deap import gp
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from tdgnas.operators import population_entropy
from tdgnas.pictures import architecture_figure
from tdgnas.spaces import CGP, TreeSpace, load_architecture, save_architecture

FEW = {"kernels": (1, 3), "filters": (2, 3), "most": 5, "in_channels": 1, "image_size": 5, "classes": 3}
GRID = CGP(rows=2, columns=5, levels_back=2, **FEW)
TREES = TreeSpace(size=12, **FEW)


def value(call: str, images: Tensor, ops: nn.ModuleDict, name: str, given: list[Tensor]) -> Tensor:
    """One call by the rules, without the package's graph."""
    if call in ("max", "avg"):
        (x,) = given
        if x.shape[-1] == 1:
            return x
        window = {"kernel_size": 3, "stride": 2, "padding": 1}
        return functional.max_pool2d(x, **window) if call == "max" else functional.avg_pool2d(
            x, **window, count_include_pad=False
        )  # fmt: skip
    if call in ("sum", "concat"):
        least = min(x.shape[-1] for x in given)
        while any(x.shape[-1] > least for x in given):
            given = [functional.max_pool2d(x, 3, 2, 1) if x.shape[-1] > least else x for x in given]
        if call == "concat":
            whole = torch.cat(given, 1)
            return ops[name](whole) if whole.shape[1] > 5 else whole
        wide = max(x.shape[1] for x in given)
        return sum((functional.pad(x, (0, 0, 0, 0, 0, wide - x.shape[1])) for x in given), torch.zeros(1))
    (x,) = given
    kernel, wide = (int(one) for one in call[3 if call[0] == "r" else 4 :].split("_"))
    convs = [m for m in ops[name].modules() if isinstance(m, nn.Conv2d)]
    assert convs[0].kernel_size == (kernel, kernel)
    assert convs[0].out_channels == wide
    if call.startswith("conv"):
        return ops[name](x)
    main = ops[name].main(x)
    out = max(wide, x.shape[1])
    both = [functional.pad(one, (0, 0, 0, 0, 0, out - one.shape[1])) for one in (main, x)]
    return (both[0] + both[1]).clamp(min=0)


@given(st.integers(0, 10**9))
def test_every_grid_is_the_network_that_the_rules_say(seed: int) -> None:
    architecture = GRID.sample(random.Random(seed))
    network, images = GRID.network(architecture).eval(), torch.randn(2, 1, 5, 5)
    values = {"image": images}
    with torch.no_grad():
        for line in GRID.describe(architecture).split("; "):
            name, _, call = line.partition(" = ")
            function, _, reads = call.rstrip(")").partition("(")
            given_ = [values[one] for one in reads.split(", ")]
            values[name] = value(function, images, network.ops, name, given_)
        torch.testing.assert_close(network(images), network.ops["head"](values[name]))
    clean = GRID.canonical(architecture)
    assert GRID.fixed(clean).nodes == GRID.fixed(architecture).nodes
    assert GRID.decisions.canonical(clean.choices) == clean.choices
    assert GRID.parameters(architecture) == sum(weight.numel() for weight in network.parameters())


def test_the_published_grid() -> None:
    """5 rows, 30 columns, levels-back 10; blocks of 32, 64 and 128 filters, kernels of 3 and 5."""
    space = CGP()
    assert len(space.functions) == 2 * 3 * 2 + 4
    assert len(space.decisions) == 150 * 3 - 5 * 2 + 1
    names = {decision.name: decision for decision in space.decisions}
    assert names["first150"].choices[:2] == ("image", "node96")  # the first of column 20, counted from 1
    assert len(names["second150"].choices) == 10 * 5 + 1
    assert names["output"].choices == tuple(f"node{n}" for n in range(1, 151))


def test_inactive_genes_do_not_matter() -> None:
    genes = {"function1": "conv1_2", "function3": "conv1_3", "first3": "node1", "output": "node3"}
    architecture = GRID.architecture({**genes, "second3": "node2", "function7": "max"})
    live = GRID.decisions.live(architecture.choices)
    assert {one.name for one, own in zip(GRID.decisions, live, strict=True) if own} == {*genes}
    assert GRID.canonical(architecture) == GRID.canonical(GRID.architecture(genes))


def random_tree(seed: int) -> gp.PrimitiveTree:
    random.seed(seed)
    tree = gp.PrimitiveTree(gp.genHalfAndHalf(TREES.grammar.primitives, 0, 4))
    for _ in range(seed % 3):
        (tree,) = gp.mutUniform(
            tree, expr=lambda pset, type_: gp.genFull(pset, 0, 2, type_), pset=TREES.grammar.primitives
        )
    return tree


@given(st.integers(0, 10**9))
def test_every_tree_is_the_network_that_it_spells_or_too_large(seed: int) -> None:
    tree = random_tree(seed)
    if TREES.grammar.length(tree) > 12:
        with pytest.raises(ValueError, match="symbols up to its last function, and there is room for 12"):
            TREES.decode(tree)
        return
    architecture = TREES.decode(tree)
    assert TREES.to_string(architecture) == str(tree)
    assert TREES.from_string(str(tree)) == TREES.decode(TREES.encode(architecture)) == architecture
    network, images = TREES.network(architecture).eval(), torch.randn(2, 1, 5, 5)
    places = itertools.count(1)

    def run(text: gp.PrimitiveTree) -> Tensor:
        place = next(places)
        node = text[place - 1]
        given_ = [run(text) for _ in range(node.arity)]
        return value(node.name, images, network.ops, f"{node.name}_{place}", given_) if node.arity else images

    with torch.no_grad():
        torch.testing.assert_close(network(images), network.ops["head"](run(tree)))


@given(st.lists(st.integers(0, 12), min_size=12, max_size=12))
def test_any_choices_are_a_tree(choices: list[int]) -> None:
    architecture = TREES.architecture(choices)
    tree = TREES.grammar.tree(choices)
    assert TREES.decode(tree) == TREES.canonical(architecture)
    assert TREES.fixed(TREES.decode(tree)).nodes == TREES.fixed(architecture).nodes


def test_the_symbols_of_trees_are_the_loci_of_their_entropy() -> None:
    trees = [
        TREES.grammar.tree(TREES.from_string(text).choices) for text in ("max(image)", "avg(image)", "image")
    ]
    genes = [TREES.encode(TREES.decode(tree)) for tree in trees]
    assert (TREES.choices(trees) == TREES.choices(genes)).all()
    assert population_entropy(trees, TREES.choices) == pytest.approx(math.log(3))


def test_channels_do_not_explode() -> None:
    space = TreeSpace(size=40, kernels=(1,), filters=(2,), most=16)
    doubled = "image"
    for _ in range(5):
        doubled = f"concat({doubled}, {doubled})"
    with pytest.raises(ValueError, match="no tree of at most 40"):
        space.from_string(doubled)
    grid = CGP(rows=1, columns=30, kernels=(1,), filters=(2,), most=16)
    genes = {f"function{n}": "concat" for n in range(1, 31)}
    genes |= {f"{place}{n}": f"node{n - 1}" for n in range(2, 31) for place in ("first", "second")}
    shapes = grid.fixed(grid.architecture({**genes, "output": "node30"})).profile.values
    assert max(math.prod(shape[:1]) for name, shape in shapes.items() if name.startswith("node")) == 16


@pytest.mark.parametrize(
    "text", ["", "image(image)", "sum(image)", "conv9_9(image)", "max(image", "max image)"]
)
def test_text_that_is_no_tree_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no tree"):
        TREES.from_string(text)
    pset = gp.PrimitiveSetTyped("other", [Tensor], Tensor)
    pset.addPrimitive(abs, [Tensor], Tensor)
    with pytest.raises(ValueError, match="'abs' is no symbol"):
        TREES.decode(gp.PrimitiveTree.from_string("abs(ARG0)", pset))


@pytest.mark.parametrize("space", [GRID, TREES], ids=lambda space: space.name)
def test_an_architecture_is_saved_drawn_and_exported(space: CGP | TreeSpace, tmp_path) -> None:
    architecture = space.sample(random.Random(3))
    loaded, again = load_architecture(save_architecture(space, architecture, tmp_path / "a.json"))
    assert loaded.describe(again) == space.describe(architecture)
    assert architecture_figure(space, architecture).axes


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"kernels": (2,)}, "odd"), ({"filters": ()}, "one or more"), ({"most": 2, "filters": (4,)}, "most")],
)
def test_impossible_functions_are_refused(settings: dict[str, object], message: str) -> None:
    for kind in (CGP, TreeSpace):
        with pytest.raises(ValueError, match=message):
            kind(**settings)  # type: ignore[arg-type]
