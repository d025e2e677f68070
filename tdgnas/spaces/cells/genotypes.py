"""Genotypes: cells as values, and the text form in which projects publish them.

Two kinds of pairs ``(operation, source)`` describe a network: those of the normal and those of the reduction cell.
Sources count the cell's inputs first (0 and 1), then its nodes. Source: Liu, Simonyan, Yang 2018 (DARTS).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from ...graphs import INPUT, Node, Term, Wiring
from .operations import check_operation

Pair = tuple[str, int]
_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_FORM = "Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=[...], reduce_concat=[...])"


@dataclass(frozen=True)
class CellPlan:
    """One cell: which operations of which earlier values each node sums, any number of them.

    :param inputs: how many values enter the cell, numbered from 0.
    :param nodes: the (operation, source) pairs of each node; nodes are numbered after the inputs.
    :param concat: the nodes whose concatenation is the cell's output.
    :raises ValueError: for an unknown operation, a source that is not earlier, or an output that is no node.
    """

    inputs: int
    nodes: tuple[tuple[Pair, ...], ...]
    concat: tuple[int, ...]

    def __post_init__(self) -> None:
        for number, pairs in enumerate(self.nodes, start=self.inputs):
            for op, source in pairs:
                check_operation(op)
                if not 0 <= source < number:
                    raise ValueError(f"node {number} reads {source}; it can read 0 to {number - 1}")
        known = range(self.inputs, self.inputs + len(self.nodes))
        wrong = [node for node in self.concat if node not in known]
        if wrong or not self.concat:
            raise ValueError(f"the output concatenates {list(self.concat)}; the nodes are {list(known)}")

    def alive(self) -> frozenset[int]:
        """Inputs and nodes that the output needs."""
        needed = self._wiring().needed(())[:-1]
        return frozenset(number for number, terms in enumerate(needed) if terms is not None)

    def fed(self) -> frozenset[int]:
        """Inputs and nodes that something from the inputs reaches."""
        return frozenset(number for number, own in enumerate(self._wiring().reached(())[:-1]) if own)

    def _wiring(self) -> Wiring:
        nodes = [Node(str(number), (Term(INPUT),)) for number in range(self.inputs)]
        for number, pairs in enumerate(self.nodes, start=self.inputs):
            nodes.append(Node(str(number), tuple(Term(str(source)) for op, source in pairs if op != "none")))
        return Wiring([*nodes, Node("output", tuple(Term(str(number)) for number in self.concat))])


@dataclass(frozen=True)
class Genotype:
    """A normal and a reduction cell in which every node has as many pairs as the cell has inputs.

    :param normal: pairs of the normal cell, node after node.
    :param normal_concat: nodes that its output concatenates.
    :param reduce: pairs of the reduction cell; empty where there is none.
    :param reduce_concat: nodes that its output concatenates.

    >>> Genotype((("skip_connect", 0), ("max_pool_3x3", 1)), (2,), (), ()).to_text()
    "Genotype(normal=[('skip_connect', 0), ('max_pool_3x3', 1)], normal_concat=[2], reduce=[], reduce_concat=[])"
    """

    normal: tuple[Pair, ...]
    normal_concat: tuple[int, ...]
    reduce: tuple[Pair, ...]
    reduce_concat: tuple[int, ...]

    def to_text(self) -> str:
        """Return the usual text form."""
        return f"Genotype({', '.join(f'{name}={list(getattr(self, name))!r}' for name in _FIELDS)})"

    @classmethod
    def from_text(cls, text: str) -> Genotype:
        """Read the usual text form: literals, ``range(2, 6)``, with or without ``NAME =`` in front.

        Nothing is executed.

        :raises ValueError: when the text is something else, with the form that is expected.
        """
        try:
            tree = ast.parse(text.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"this is no genotype ({type(error).__name__}); expected {_FORM}") from error
        statement = tree.body[0] if len(tree.body) == 1 else None
        call = statement.value if isinstance(statement, (ast.Expr, ast.Assign)) else None
        if (
            not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Name)
            or call.func.id != "Genotype"
        ):
            raise ValueError(f"this is no genotype; expected {_FORM}")
        fields = dict(zip(_FIELDS, call.args, strict=False))
        fields |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
        if set(fields) != set(_FIELDS) or len(call.args) + len(call.keywords) != len(_FIELDS):
            raise ValueError(
                f"a genotype has the parts {', '.join(_FIELDS)}; this one has {', '.join(fields)}"
            )
        values = {name: _literal(node) for name, node in fields.items()}
        return cls(
            _pairs("normal", values["normal"]),
            _numbers("normal_concat", values["normal_concat"]),
            _pairs("reduce", values["reduce"]),
            _numbers("reduce_concat", values["reduce_concat"]),
        )

    def plan(self, kind: str, inputs: int = 2) -> CellPlan:
        """Return the cell of a kind, ``normal`` or ``reduce``.

        :param inputs: of the cell; every node has as many pairs.
        :raises ValueError: when the pairs do not make whole nodes, or make no cell.
        """
        pairs = self.normal if kind == "normal" else self.reduce
        concat = self.normal_concat if kind == "normal" else self.reduce_concat
        if not pairs or len(pairs) % inputs:
            raise ValueError(
                f"the {kind} cell has {len(pairs)} pairs; with {inputs} inputs it needs {inputs} for every node"
            )
        nodes = tuple(tuple(pairs[start : start + inputs]) for start in range(0, len(pairs), inputs))
        return CellPlan(inputs, nodes, concat)


def _literal(node: ast.expr) -> Any:
    """Value of literals and of range(a, b); never calls anything."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        given = [_literal(argument) for argument in node.args]
        if node.func.id in ("list", "tuple") and len(given) == 1:
            return given[0]
        small = all(type(bound) is int and abs(bound) < 1000 for bound in given)
        if node.func.id == "range" and len(given) in (1, 2) and small:
            return list(range(*given))
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"a genotype is made of lists, names and numbers; expected {_FORM}") from error


def _pairs(name: str, value: Any) -> tuple[Pair, ...]:
    good = isinstance(value, (list, tuple)) and all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and type(pair[0]) is str and type(pair[1]) is int
        for pair in value
    )
    if not good:
        raise ValueError(f"{name} must be a list of pairs such as ('sep_conv_3x3', 0), got {value!r}")
    return tuple((str(op), int(source)) for op, source in value)


def _numbers(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or not all(type(number) is int for number in value):
        raise ValueError(f"{name} must be a list of node numbers such as [2, 3, 4, 5], got {value!r}")
    return tuple(value)
