"""From a graph and choices to the computation that they stand for, as steps over shared values."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from .nodes import Node
from .wiring import Wiring


class Step(NamedTuple):
    """One value: an operation applied to one earlier value, or a node joined out of several.

    :ivar op: the operation's name; None for a join.
    :ivar node: index of the node that is joined, or whose zero this is; -1 for an operation.
    :ivar inputs: numbers of the values read; empty for a node that is zero.
    """

    op: str | None
    node: int
    inputs: tuple[int, ...]

    def operation(self, nodes: Sequence[Node]) -> str | None:
        """Name of the operation that the step runs: its own, or the one after its join; None where there is none."""
        if self.op is not None:
            return self.op
        post = nodes[self.node].post
        return None if post is None else post.name


class Interner:
    """Numbers the distinct values of any number of architectures.

    Two values are the same when they come from the same operation on the same values, so equal sub-networks of
    different architectures get equal numbers. Value 0 is the input; a value is always numbered after what it reads.

    :param nodes: of the graph.
    :ivar places: of each value, the index of the node that is joined, or of the first one that may need the operation:
        what a value reads has a smaller place, or is an operation of the same one.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)
        self.steps: list[Step] = [Step(None, -1, ())]
        self.places = [-1]
        self._operations: dict[tuple[str, int], int] = {}
        self._joins: dict[tuple[int, tuple[int, ...]], int] = {}
        self._users: dict[str, list[int]] = {}
        for number, node in enumerate(self.nodes):
            for op in dict.fromkeys(term.op.name for term in node.terms if term.op is not None):
                self._users.setdefault(op, []).append(number)
        self._wiring = Wiring(self.nodes)
        self._joined = [node.post is not None or node.combine != "sum" for node in self.nodes]

    def __len__(self) -> int:
        return len(self.steps)

    # Looked up by plain tuples: a step is made for new values only.
    def _operation(self, op: str, value: int) -> int:
        found = self._operations.get((op, value))
        if found is None:
            found = self._operations[op, value] = len(self.steps)
            self.steps.append(Step(op, -1, (value,)))
            self.places.append(next(user for user in self._users[op] if user > self.places[value]))
        return found

    def _join(self, node: int, inputs: tuple[int, ...]) -> int:
        found = self._joins.get((node, inputs))
        if found is None:
            found = self._joins[node, inputs] = len(self.steps)
            self.steps.append(Step(None, node, inputs))
            self.places.append(node)
        return found

    def trace(self, choices: Sequence[int]) -> tuple[int, list[int]]:
        """Number an architecture's values; return the output's number, and those of all values it needs alone."""
        values = [0] * (len(self.nodes) + 1)
        own: dict[int, None] = {}
        for number, terms in enumerate(self._wiring.needed(choices)):
            if terms is None:
                continue
            inputs = []
            for source, op in terms:
                value = values[source]
                if op is not None:
                    value = self._operation(op, value)
                    own[value] = None
                inputs.append(value)
            if len(inputs) == 1 and not self._joined[number]:
                values[number + 1] = inputs[0]
            else:
                values[number + 1] = self._join(number, tuple(inputs))
                own[values[number + 1]] = None
        return values[-1], list(own)

    def closure(self, values: Iterable[int], known: Container[int] = ()) -> tuple[set[int], set[int]]:
        """Return what values take to compute, they included and the input not, and the known values that it reads."""
        needed: set[int] = set()
        read: set[int] = set()
        stack = list(values)
        while stack:
            value = stack.pop()
            if value in known:
                read.add(value)
            elif value and value not in needed:
                needed.add(value)
                stack.extend(self.steps[value].inputs)
        return needed, read

    def subset(self, values: Iterable[int]) -> tuple[Interner, dict[int, int]]:
        """Return an interner of these values and all that they read, and the new numbers of the old ones."""
        smaller = Interner(self.nodes)
        numbers = {0: 0}
        for value in sorted(self.closure(values)[0]):
            op, node, inputs = self.steps[value]
            own = tuple(numbers[each] for each in inputs)
            numbers[value] = smaller._join(node, own) if op is None else smaller._operation(op, own[0])
        return smaller, numbers
