"""Recurrent cells as trees, with a memory that two further blocks place: the cells of NAS with reinforcement learning.

Source: Zoph, Le 2017, *Neural Architecture Search with Reinforcement Learning*, section 3.4.
"""

from __future__ import annotations

import re

from ...decision import Decision
from ...graphs import INPUT, Graph, Node, Op, Term
from ...settings import check_whole
from ..architecture import Architecture
from ..registry import SPACES
from ..space import given
from .cells import FUNCTIONS
from .operations import COMBINATIONS
from .space import RecurrentSpace

_SIGNS = {"add": "+", "mul": "*"}


@SPACES.register("nas-rl-rnn")
class NasRLRnn(RecurrentSpace):
    """A binary tree whose leaves combine the token and the state, each with weights of its own.

    Every node combines two values, by sum or elementwise product, and applies an activation. The memory ``c`` is
    combined into the activation of one node, by a combination and an activation of its own, and what one node has
    before its activation is the next memory. There is no supernet: what a weight feeds depends on the choices.

    Nodes are numbered leaves first, then level by level to the root; there are (2 * 4)^(2 * base) (2 * base - 1)^2
    cells.

    :param base: number of leaves, a power of two.
    :param size: of embedding, state and memory.
    :param classes: size of the vocabulary.
    :raises ValueError: for sizes that make no network.

    >>> space = NasRLRnn()
    >>> len(space.decisions), f"{space.count:.1e}"
    (34, '6.3e+16')
    """

    name = "nas-rl-rnn"

    def __init__(self, base: int = 8, size: int = 300, classes: int = 10_000) -> None:
        settings = given(locals())
        check_whole(size=size, classes=classes)
        check_whole(2, base=base)
        if base & (base - 1):
            raise ValueError(f"base is {base}; a binary tree has 2, 4, 8 or 16 leaves")
        self.base, self.size = base, size
        #: For each node above the leaves, the two that it reads.
        self.children = [(2 * place, 2 * place + 1) for place in range(base - 1)]
        ways, places = tuple(COMBINATIONS), tuple(map(str, range(2 * base - 1)))
        decisions = []
        for node in (*places, "memory"):
            group = f"node{node}"
            decisions.append(Decision(f"combine {node}", ways, group=group, kind="combine"))
            decisions.append(Decision(f"f {node}", FUNCTIONS, group=group, kind="f"))
        decisions += [Decision(name, places, group="nodememory", kind=name) for name in ("into", "from")]
        super().__init__(decisions, None, classes, settings, 2 * size)

    @property
    def count(self) -> int:
        """Number of cells."""
        return int((len(COMBINATIONS) * len(FUNCTIONS)) ** (2 * self.base)) * (2 * self.base - 1) ** 2

    def chosen(self, architecture: Architecture) -> tuple[list[tuple[str, str]], int, int]:
        """Return combination and function of each node and of the memory; where the memory goes in, and comes from."""
        self.check(architecture)
        *pairs, into, source = architecture.choices
        names = [(tuple(COMBINATIONS)[a], FUNCTIONS[b]) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
        return names, into, source

    def fixed(self, architecture: Architecture) -> Graph:
        """Return the graph of an architecture's cell."""
        return self.cell(architecture, self.size)

    def cell(self, architecture: Architecture, size: int) -> Graph:
        """Return the graph of an architecture's cell of another size: (token, state, memory) to (state, memory)."""
        pairs, into, source = self.chosen(architecture)
        memory = Op("memory", "rnn-memory", {"size": size})
        nodes = [Node("c", (Term(INPUT, memory),))]
        last = 2 * self.base - 2
        for node, (way, function) in enumerate(pairs[:-1]):
            if node < self.base:
                leaf = Op(f"leaf{node}", "rnn-leaf", {"size": size, "way": way})
                nodes.append(Node(f"p{node}", (Term(INPUT, leaf),)))
            else:
                read = tuple(Term(f"a{child}") for child in self.children[node - self.base])
                join = Op(f"join_{way}", "rnn-combine", {"way": way, "activation": "identity"})
                nodes.append(Node(f"p{node}", read, join, combine="call"))
            act = Op(f"f_{function}", "rnn-activation", {"activation": function})
            own = f"b{node}" if node == into else f"a{node}"
            nodes.append(Node(own, (Term(f"p{node}", act),)))
            if node == into:
                way, function = pairs[-1]
                inject = Op("inject", "rnn-combine", {"way": way, "activation": function})
                nodes.append(Node(f"a{node}", (Term(own), Term("c")), inject, combine="call"))
        nodes.append(Node("state", (Term(f"a{last}"), Term(f"p{source}")), combine="concat"))
        return Graph(nodes, (3 * size,))

    def equations(self, architecture: Architecture) -> str:
        """Return the cell as equations, one a line; weights are numbered leaf by leaf."""
        pairs, into, source = self.chosen(architecture)
        lines = []
        for node, (way, function) in enumerate(pairs[:-1]):
            if node < self.base:
                left, right = f"W{2 * node + 1} x", f"W{2 * node + 2} h"
                left, right = (left, right) if way == "add" else (f"({left})", f"({right})")
            else:
                left, right = (
                    f"a{each}{chr(39) * (each == into)}" for each in self.children[node - self.base]
                )
            lines += [f"p{node} = {left} {_SIGNS[way]} {right}", f"a{node} = {_told(function, f'p{node}')}"]
            if node == into:
                inner = f"a{node} {_SIGNS[pairs[-1][0]]} c"
                lines.append(f"a{node}' = {_told(pairs[-1][1], inner)}")
        root = len(pairs) - 2
        return "\n".join([*lines, f"h = a{root}{chr(39) * (root == into)}", f"c = p{source}"])

    def to_string(self, architecture: Architecture) -> str:
        """Return the text form: combination and activation of every node, then of the memory, where it goes in and
        comes from, such as ``add tanh | mul relu | mul sigmoid | add relu 0 1``."""
        pairs, into, source = self.chosen(architecture)
        return " | ".join(f"{way} {function}" for way, function in pairs) + f" {into} {source}"

    def from_string(self, text: str) -> Architecture:
        """Return the architecture of a text form.

        :raises ValueError: when it is not that of a tree of this base.
        """
        words = re.split(r"[\s|]+", text.strip())
        if len(words) != len(self.decisions):
            raise ValueError(
                f"a tree of base {self.base} has {len(self.decisions)} words, such as 'add tanh | ... | add relu 0 1'; "
                f"got {len(words)}"
            )
        return self.architecture({each.name: word for each, word in zip(self.decisions, words, strict=True)})

    def describe(self, architecture: Architecture) -> str:
        """Return one line for people: the text form."""
        return self.to_string(architecture)


def _told(function: str, inner: str) -> str:
    return inner if function == "identity" else f"{function}({inner})"
