"""Cartesian genetic programming: a grid of functions, of which only those that the output reads are there.

Source: Suganuma, Shirakawa, Nagao 2017, *A Genetic Programming Approach to Designing Convolutional Neural Network
Architectures*, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...decision import Decision, Decisions
from ...graphs import INPUT, Graph
from ...settings import check_whole
from ..architecture import Architecture
from ..registry import SPACES
from ..space import SearchSpace, given
from .functions import IMAGE, Program, arity, function_names


@SPACES.register("cgp")
class CGP(SearchSpace):
    """A grid of nodes, each with a function and two inputs out of the columns before it, and one output.

    Nodes that the output does not read, directly or through others, are *inactive*: their genes do not matter, nor does
    the second input of a function of one value. They are carried along, and change unseen (``one-plus-lambda``).

    The functions and the rules by which every grid is a network are those of :class:`Program`. Channels depend on what
    was chosen: every architecture is a graph of its own, and there is no supernet.

    :param rows: of the grid.
    :param columns: of the grid.
    :param levels_back: how many columns back an input may lie; the image may always be one.
    :param kernels: of the blocks, odd.
    :param filters: of the blocks.
    :param most: channels that a concatenation may have.
    :param in_channels: channels of the image.
    :param image_size: height and width of the image.
    :param classes: number of classes.
    :raises ValueError: for settings that make no network.

    Nodes of the first column can read the image alone, so that their inputs are no decisions.

    >>> len(CGP().decisions), len(CGP(rows=2, columns=3).decisions)
    (441, 15)
    """

    name = "cgp"

    def __init__(
        self,
        rows: int = 5,
        columns: int = 30,
        levels_back: int = 10,
        kernels: Sequence[int] = (3, 5),
        filters: Sequence[int] = (32, 64, 128),
        most: int = 512,
        in_channels: int = 3,
        image_size: int = 32,
        classes: int = 10,
    ) -> None:
        settings = {**given(locals()), "kernels": list(kernels), "filters": list(filters)}
        check_whole(rows=rows, columns=columns, levels_back=levels_back, in_channels=in_channels)
        check_whole(image_size=image_size, classes=classes)
        self.functions, self.most = function_names(kernels, filters, most), most
        self.nodes = rows * columns
        if self.nodes < 2:
            raise ValueError("a grid of one node leaves no output to choose; give two rows or columns")
        decisions: list[Decision] = []
        for node in range(1, self.nodes + 1):
            column, group = (node - 1) // rows, f"node{node}"
            decisions.append(Decision(f"function{node}", self.functions, group=group, kind="function"))
            earlier = range(1 + rows * max(0, column - levels_back), 1 + rows * column)
            inputs = (IMAGE, *(f"node{one}" for one in earlier))
            if column == 0:
                continue  # the image is all that there is
            for place in ("first", "second"):
                named, kind = f"{place}{node}", f"{len(inputs)} inputs"
                decisions.append(Decision(named, inputs, group=group, kind=kind, points=inputs))
        every = tuple(f"node{node}" for node in range(1, self.nodes + 1))
        decisions.append(Decision("output", every, kind="output", points=every))
        self._place = {decision.name: place for place, decision in enumerate(decisions)}
        shape = (in_channels, image_size, image_size)
        super().__init__(Decisions(decisions, live=self._live), None, shape, classes, settings)

    def _calls(self, choices: Sequence[int]) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Of every active node, in order, its function and what it reads."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        wanted = {self._chosen("output", choices)}
        for node in range(self.nodes, 0, -1):
            if f"node{node}" in wanted:
                function = self._chosen(f"function{node}", choices)
                places = ("first", "second")[: arity(function)]
                reads = tuple(self._chosen(f"{place}{node}", choices) for place in places)
                found[f"node{node}"] = function, reads
                wanted.update(reads)
        return dict(reversed(found.items()))

    def _chosen(self, name: str, choices: Sequence[int]) -> str:
        place = self._place.get(name)
        return IMAGE if place is None else self.decisions[place].choices[choices[place]]

    def _live(self, choices: Sequence[int]) -> list[bool]:
        """The output, and of every active node the function and as many inputs as it takes."""
        found = [False] * len(self.decisions)
        found[-1] = True
        for name, (_, reads) in self._calls(choices).items():
            node = name.removeprefix("node")
            for each in ("function", "first", "second")[: 1 + len(reads)]:
                place = self._place.get(f"{each}{node}")
                if place is not None:
                    found[place] = True
        return found

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the active nodes as calls, the last of which is the output."""
        self.check(architecture)
        calls = self._calls(architecture.choices).items()
        return "; ".join(f"{name} = {function}({', '.join(reads)})" for name, (function, reads) in calls)

    def fixed(self, architecture: Architecture) -> Graph:
        """Return the graph of an architecture."""
        self.check(architecture)
        program, last = Program(self.image_shape, self.most), INPUT
        for name, (function, reads) in self._calls(architecture.choices).items():
            last = program.call(function, [INPUT if read == IMAGE else read for read in reads], name)
        return program.graph(last, self.classes)
