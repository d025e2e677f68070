"""A small K-way space with everything that sharing has to get right, and populations of every kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn

from tdgnas.data import ImageData
from tdgnas.spaces import INPUT, OPS, Architecture, Decision, Node, Op, SearchSpace, Term, on
from tdgnas.supernet import Supernet

OPERATIONS = ("none", "skip", "conv", "pool")
EDGES = ((0, 1), (0, 2), (1, 2))


@OPS.register("tests-part")
def part(what: str) -> nn.Module:
    """The operations of the two cells."""
    match what:
        case "stem":
            return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6))
        case "mix":
            return nn.Sequential(nn.ReLU(), nn.Conv2d(12, 6, 1), nn.BatchNorm2d(6))
        case "pool":
            return nn.AvgPool2d(3, stride=1, padding=1)
    return nn.Sequential(nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6))


class TwoCells(SearchSpace):
    """Two cells with the same decisions, edges of four operations, a concatenation, a gate, and nodes that can die."""

    name = "two-cells"

    def __init__(self) -> None:
        decisions = [Decision(f"{i}-{j}", OPERATIONS) for i, j in EDGES]
        decisions.append(Decision("gate", ("off", "on"), binary=True))
        relu = Op("relu", "relu")
        nodes = [Node("stem", (Term(INPUT, _part("stem", "stem")),), relu)]
        for cell in range(2):
            before = nodes[-1].name
            for j in (1, 2):
                terms = []
                for number, (i, target) in enumerate(EDGES):
                    if target == j:
                        source = before if i == 0 else f"c{cell}n{i}"
                        for choice, kind in enumerate(OPERATIONS[1:], start=1):
                            op = None if kind == "skip" else _part(f"c{cell}e{number}{kind}", kind)
                            terms.append(Term(source, op, on(number, choice)))
                nodes.append(Node(f"c{cell}n{j}", tuple(terms), relu if j == 1 else None))
            parts = (Term(before), Term(f"c{cell}n2"))
            nodes.append(Node(f"c{cell}", parts, _part(f"c{cell}mix", "mix"), combine="concat"))
        gated = (Term("c1"), Term("stem", None, on(3)))
        head = Op("head", "head", {"channels": 6, "classes": 4})
        nodes += [Node("sum", gated, Op("relu_pool", "relu-pool")), Node("logits", (Term("sum", head),))]
        super().__init__(decisions, nodes, (3, 8, 8), 4, {})


def _part(name: str, what: str) -> Op:
    return Op(name, "tests-part", {"what": what})


@pytest.fixture(scope="session")
def two_cells() -> TwoCells:
    return TwoCells()


@pytest.fixture(scope="session")
def noise() -> Callable[[int, int], ImageData]:
    """Make labelled random images for the two cells."""

    def make(n: int, seed: int) -> ImageData:
        generator = torch.Generator().manual_seed(seed)
        images = torch.randn(n, 3, 8, 8, generator=generator)
        return ImageData(images, torch.randint(0, 4, (n,), generator=generator), (0.0,) * 3, (1.0,) * 3)

    return make


@pytest.fixture
def cells(two_cells: TwoCells) -> Supernet:
    """A supernet of the two cells whose running statistics are not the initial ones."""
    return warmed(Supernet(two_cells, seed=3, device="cpu"))


def warmed(supernet: Supernet) -> Supernet:
    shape = (16, *supernet.space.image_shape)
    images = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    with torch.no_grad(), supernet.batchnorm.use("train"):
        supernet(images)
    return supernet


def population(space: SearchSpace, kind: str, n: int = 8, seed: int = 0) -> list[Architecture]:
    rng = random.Random(seed)
    if kind == "single":
        return [space.sample(rng)]
    if kind == "duplicates":
        return [space.sample(rng)] * n
    if kind == "random":
        return [space.sample(rng) for _ in range(n)]
    base = space.sample(rng)
    return [base, *(mutant(space, base, rng) for _ in range(n - 1))]


def mutant(space: SearchSpace, base: Architecture, rng: random.Random) -> Architecture:
    """An architecture one decision apart."""
    choices = list(base.choices)
    place = rng.randrange(len(choices))
    size = len(space.decisions[place].choices)
    choices[place] = (choices[place] + rng.randrange(1, size)) % size
    return space.architecture(choices)


@pytest.fixture(scope="session")
def populations() -> Callable[..., list[Architecture]]:
    """Make ``random``, ``converged``, ``duplicates`` or ``single`` populations."""
    return population


@pytest.fixture(scope="session")
def mutated() -> Callable[[SearchSpace, Sequence[Architecture], random.Random], list[Architecture]]:
    """Make the next generation: parents, and children one decision apart."""

    def make(space: SearchSpace, parents: Sequence[Architecture], rng: random.Random) -> list[Architecture]:
        return [*parents[:2], *(mutant(space, parent, rng) for parent in parents)]

    return make
