"""Networks as trees of :mod:`deap.gp`: typed primitives from images to images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from deap import gp
from torch import Tensor

from ...decision import Choices, Decision, Decisions, Genes
from ...graphs import INPUT, Graph
from ...settings import check_whole
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace, given
from .functions import IMAGE, Program, arity, function_names


def _written(name: str, *arguments: str) -> str:
    return f"{name}({', '.join(arguments)})"


class Grammar:
    """Trees and the choices that stand for them, symbol by symbol in the order of :class:`deap.gp.PrimitiveTree`.

    :param functions: names of the functions.
    :param size: room for symbols.
    :ivar primitives: the :class:`deap.gp.PrimitiveSetTyped` that stock operators work with.
    """

    def __init__(self, functions: Sequence[str], size: int) -> None:
        self.symbols, self.size = (IMAGE, *functions), size
        self.primitives = gp.PrimitiveSetTyped("network", [Tensor], Tensor)
        self.primitives.renameArguments(ARG0=IMAGE)
        for name in functions:
            self.primitives.addPrimitive(partial(_written, name), [Tensor] * arity(name), Tensor, name)

    def used(self, choices: Sequence[int]) -> list[str]:
        """Return the symbols of the tree that choices spell; the image for those that are missing at the end."""
        found, left = [], 1
        for choice in choices:
            if left == 0:
                break
            found.append(self.symbols[choice])
            left += (arity(found[-1]) if choice else 0) - 1
        return found + [IMAGE] * left

    def tree(self, choices: Sequence[int]) -> gp.PrimitiveTree:
        """Return the tree of choices."""
        return gp.PrimitiveTree([self.primitives.mapping[name] for name in self.used(choices)])

    def length(self, tree: gp.PrimitiveTree) -> int:
        """Return how many symbols of a tree have to be written down: all up to its last function."""
        return max((place for place, node in enumerate(tree, start=1) if node.arity), default=0)

    def choices(self, tree: gp.PrimitiveTree) -> tuple[int, ...]:
        """Return the choices of a tree.

        :raises ValueError: for a tree of more symbols than there is room for, or with strange ones.
        """
        length = self.length(tree)
        if length > self.size:
            raise ValueError(
                f"this tree has {length} symbols up to its last function, and there is room for {self.size}; "
                f"keep trees small: toolbox.decorate('mate', gp.staticLimit(key=len, max_value={self.size}))"
            )
        names = [str(node.value) if isinstance(node, gp.Terminal) else node.name for node in tree]
        strange = next((name for name in names if name not in self.symbols), None)
        if strange is not None:
            raise ValueError(f"{strange!r} is no symbol of this space; there are {', '.join(self.symbols)}")
        found = [self.symbols.index(name) for name in names[:length]]
        return (*found, *[0] * (self.size - len(found)))


@SPACES.register("trees")
class TreeSpace(SearchSpace):
    """Trees of functions whose leaves are the image: ``sum(conv3_16(image), max(image))``.

    The functions and the rules by which every tree is a network are those of :class:`Program`; every node of a tree has
    weights of its own. Trees with up to ``size`` symbols before their last leaves belong to the space, larger ones are
    refused.

    To ``deap.gp`` an individual is a :class:`deap.gp.PrimitiveTree` over ``space.grammar.primitives``, which a
    ``TrainingFitness`` takes as it is. To all strategies there is a decision for each symbol in the order of the tree:
    symbols after its end do not matter, and where the last ones are missing, they are the image. So any choices are a
    tree.

    :param size: symbols of a tree up to its last function, at most.
    :param kernels: of the blocks, odd.
    :param filters: of the blocks.
    :param most: channels that a concatenation may have.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    :raises ValueError: for settings that make no network.

    >>> space = TreeSpace(size=8, kernels=(3,), filters=(8,))
    >>> space.to_string(space.from_string("sum(conv3_8(image), image)"))
    'sum(conv3_8(image), image)'
    """

    name = "trees"

    def __init__(
        self,
        size: int = 32,
        kernels: Sequence[int] = (3, 5),
        filters: Sequence[int] = (32, 64, 128),
        most: int = 512,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = {**given(locals()), "kernels": list(kernels), "filters": list(filters)}
        check_whole(size=size, in_channels=in_channels, image_size=image_size, classes=classes)
        self.most = most
        #: The primitives, and the way between trees and choices.
        self.grammar = Grammar(function_names(kernels, filters, most), size)
        symbols = self.grammar.symbols
        decisions = [Decision(f"symbol{n}", symbols, kind="symbol") for n in range(1, size + 1)]
        shape = (in_channels, image_size, image_size)
        super().__init__(Decisions(decisions, live=self._live), None, shape, classes, settings)

    def _live(self, choices: Sequence[int]) -> list[bool]:
        used = len(self.grammar.used(choices))
        return [place < used for place in range(len(choices))]

    def decode(self, individual: Any) -> Architecture:
        """Return the architecture of a tree, or of an alpha-vector.

        :raises ValueError: for a tree that is too large, see :meth:`Grammar.choices`.
        """
        if isinstance(individual, gp.PrimitiveTree):
            return Architecture(self.name, self.grammar.choices(individual))
        return super().decode(individual)

    def choices(self, individuals: Sequence[Any] | Genes) -> Choices:
        """Return the canonical choices of trees or alpha-vectors, the loci of a population's entropy."""
        return super().choices([self.encode(self.decode(each)) for each in individuals])

    def to_string(self, architecture: Architecture) -> str:
        """Return the text form, a nested call; what comes after the tree's end is not in it."""
        self.check(architecture)
        return str(self.grammar.tree(architecture.choices))

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the text form."""
        return self.to_string(architecture)

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of a text form.

        :raises ValueError: when it is no nested call of the functions, or too large.
        """
        names = re.findall(r"\w+", text)
        symbols = self.grammar.symbols
        choices = [symbols.index(name) for name in names if name in symbols][: self.grammar.size]
        architecture = self.architecture([*choices, *[0] * (self.grammar.size - len(choices))])
        if re.sub(r"\s", "", self.to_string(architecture)) != re.sub(r"\s", "", text):
            raise ValueError(
                f"{text!r} is no tree of at most {self.grammar.size} of these, the joins with two arguments and the "
                f"other functions with one: {', '.join(symbols)}"
            )
        return architecture

    def fixed(self, architecture: Architecture) -> Graph:
        """Return the graph of an architecture."""
        self.check(architecture)
        program = Program(self.image_shape, self.most)
        stack: list[str] = []
        # From the last symbol to the first, a node's arguments are there before it.
        names = self.grammar.used(architecture.choices)
        for place in range(len(names), 0, -1):
            name = names[place - 1]
            if name == IMAGE:
                stack.append(INPUT)
            else:
                sources = [stack.pop() for _ in range(arity(name))]
                stack.append(program.call(name, sources, f"{name}_{place}"))
        return program.graph(stack.pop(), self.classes)
