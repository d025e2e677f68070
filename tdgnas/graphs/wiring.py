"""Which terms of a graph are on, and what of it the output needs, the input reaches, and a decision can change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .nodes import INPUT, Node, Term

Pairs = tuple[tuple[int, tuple[int, ...]], ...]
On = list[tuple[int, "str | None"]]


class Wiring:
    """The terms of nodes as plain tuples: they are walked for every architecture of every generation.

    Values are numbered: 0 is the input, ``n + 1`` node ``n``.

    :param nodes: the nodes, the output last.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._index = {INPUT: 0} | {node.name: number + 1 for number, node in enumerate(nodes)}
        self._plan = [[self._switch(term) for term in node.terms] for node in nodes]

    def _switch(self, term: Term) -> tuple[int, str | None, int, tuple[int, ...], Pairs]:
        """Source, operation, the first condition's decision (-1 for none) and choices, and the other conditions."""
        pairs = tuple((condition.decision, condition.choices) for condition in term.conditions)
        op = None if term.op is None else term.op.name
        return self._index[term.source], op, *(pairs[0] if pairs else (-1, ())), pairs[1:]

    def needed(self, choices: Sequence[int], empty: Mapping[str, str] | None = None) -> list[On | None]:
        """Return the terms (source, operation) that are on of each node that the output needs, None of the others.

        :param empty: of nodes by name, the source that each is taken to read when none of its terms is on.
        """
        instead = {self._index[name]: self._index[source] for name, source in (empty or {}).items()}
        found: list[On | None] = [None] * len(self._plan)
        wanted = [False] * (len(self._plan) + 1)
        wanted[-1] = True
        for number in range(len(self._plan) - 1, -1, -1):
            if not wanted[number + 1]:
                continue
            own = []
            for source, op, decision, allowed, others in self._plan[number]:
                if decision < 0 or (choices[decision] in allowed and (not others or _hold(others, choices))):
                    own.append((source, op))
                    wanted[source] = True
            found[number] = own
            if not own and number + 1 in instead:
                wanted[instead[number + 1]] = True
        return found

    def reached(self, choices: Sequence[int]) -> list[bool]:
        """Tell of each node whether something from the input reaches it."""
        found = [True]
        for terms in self._plan:
            found.append(
                any(
                    found[source]
                    and (decision < 0 or choices[decision] in allowed)
                    and _hold(others, choices)
                    for source, _, decision, allowed, others in terms
                )
            )
        return found[1:]

    def live(self, choices: Sequence[int]) -> list[bool]:
        """Tell of each decision whether it matters: by itself it can switch a term of a node that the output needs."""
        found = [False] * len(choices)
        for own, terms in zip(self.needed(choices), self._plan, strict=True):
            if own is None:
                continue
            for _, _, decision, allowed, others in terms:
                if decision < 0:
                    continue
                failing = -1 if choices[decision] in allowed else decision
                for other, fitting in others:
                    if choices[other] not in fitting:
                        if failing >= 0:
                            break
                        failing = other
                else:
                    if failing >= 0:
                        found[failing] = True
                    else:
                        found[decision] = True
                        for other, _ in others:
                            found[other] = True
        return found

    def always_live(self, sizes: Sequence[int]) -> set[int]:
        """Return the decisions that are known to matter in every architecture: they alone switch a term of a node that
        the output always needs.

        :param sizes: number of choices of each decision.
        """
        wanted = [False] * len(self._plan) + [True]
        found = set()
        for number in range(len(self._plan) - 1, -1, -1):
            if not wanted[number + 1]:
                continue
            covered: dict[tuple[int, int], set[int]] = {}
            for source, _, decision, allowed, others in self._plan[number]:
                if decision < 0:
                    wanted[source] = True
                elif not others:
                    found.add(decision)
                    covered.setdefault((source, decision), set()).update(allowed)
            # What is read whatever a decision takes is always needed.
            for (source, decision), choices in covered.items():
                wanted[source] = wanted[source] or len(choices) == sizes[decision]
        return found


def _hold(pairs: Pairs, choices: Sequence[int]) -> bool:
    return all(choices[decision] in allowed for decision, allowed in pairs)
