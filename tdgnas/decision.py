"""Decisions: what a search chooses, and the one codec between choices and genes."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .individual import GenesLike

Choices = npt.NDArray[np.int64]
Genes = npt.NDArray[np.float64]
Live = Callable[[Sequence[int]], Sequence[bool]]
"""Of an architecture's choices, which of them matter: ``live(choices)`` gives a truth value per decision."""


@dataclass(frozen=True)
class Decision:
    """One choice that a space leaves open.

    A binary decision has one gene: choice 1 when the gene is positive (sigmoid above one half; exactly one half is
    dropped). A K-way decision has K genes, one per choice: the largest wins, the first of equals.

    :param name: unique within the space, for people.
    :param choices: the choices' names, two or more.
    :param binary: one gene instead of one per choice; only with two choices.
    :param group: what varies together (the target node of a connection, an edge's cell); may be empty.
    :param kind: decisions of one kind are the same question asked again, such as the operation of every layer:
        controllers share a head and an embedding among them. Each decision is a kind of its own when empty.
    :param given: pairs (name of an earlier decision, its choice): the decision matters only under all of them.
    :param points: earlier positions that the decision points at, a position being the ``group`` of its decisions: one
        that is taken or not, where the decision is binary, such as a skip connection; else one for each choice, such as
        the index of an input. A name that is no group stands for what is there from the start, such as a cell's input.
        Controllers answer by attention to these positions instead of a head of their own.
    :raises ValueError: for fewer than two choices, doubled names, a binary decision without exactly two, or another
        number of positions.

    >>> Decision("2-8", ("none", "shortcut"), binary=True).genes
    1
    """

    name: str
    choices: tuple[str, ...]
    binary: bool = False
    group: str = ""
    kind: str = ""
    given: tuple[tuple[str, str], ...] = ()
    points: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.choices) < 2 or len(set(self.choices)) != len(self.choices):
            raise ValueError(
                f"decision {self.name!r} needs two or more different choices, got {self.choices!r}"
            )
        if self.binary and len(self.choices) != 2:
            raise ValueError(
                f"decision {self.name!r} is binary and needs exactly two choices, got {self.choices!r}"
            )
        if self.points and len(self.points) != (wanted := 1 if self.binary else len(self.choices)):
            raise ValueError(
                f"decision {self.name!r} points at {len(self.points)} positions; it needs {wanted}, "
                "one for a binary decision and one for each choice of another"
            )

    @property
    def genes(self) -> int:
        """Number of genes in an alpha-vector."""
        return 1 if self.binary else len(self.choices)


def choice_of(values: Sequence[float]) -> int:
    """Return what a decision with these genes takes: the place of the largest, 0 or 1 for a single gene.

    >>> choice_of([0.0]), choice_of([1e-9]), choice_of([0.2, 0.7, 0.7])
    (0, 1, 1)
    """
    if len(values) == 1:
        return int(values[0] > 0)
    row = list(values)
    return row.index(max(row))


def drawn(shares: Sequence[float], u: float) -> int:
    """Return what a decision with these relaxed weights takes at a uniform number: each choice with its share.

    >>> drawn([0.3], 0.2), drawn([0.3], 0.3), drawn([0.2, 0.5, 0.3], 0.6)
    (1, 0, 1)
    """
    if len(shares) == 1:
        return int(shares[0] > u)
    ends = list(accumulate(shares))
    return bisect_right(ends, u * ends[-1], 0, len(ends) - 1)


class Decisions(Sequence[Decision]):
    """The decisions of a space in the order of the genes, and the codec between choices and genes.

    A choice that cannot matter, because another one has cut it off, is *dead*. Two architectures that differ in dead
    choices only are one network; :meth:`canonical` is its one spelling.

    :param decisions: the decisions.
    :param live: tells which choices of an architecture matter, beyond what ``Decision.given`` says; such as
        ``Graph.live``. All that ``given`` allows when None.
    :raises ValueError: when there are none, for doubled names, for a ``given`` that names no earlier decision, and
        for a decision that points at a position which is not finished before it.

    :ivar slices: the genes of each decision.
    :ivar sizes: number of choices of each decision.
    :ivar length: number of genes.
    :ivar given: of each decision, pairs (place of an earlier one, its choice) under all of which alone it matters.

    >>> decisions = Decisions([Decision("a", ("x", "y", "z")), Decision("b", ("off", "on"), binary=True)])
    >>> decisions.genes((2, 0)), decisions.choices([0.1, 0.3, 0.2, 0.5])
    ([-1.0, -1.0, 1.0, -1.0], (1, 1))
    """

    def __init__(self, decisions: Iterable[Decision], live: Live | None = None) -> None:
        self._decisions = tuple(decisions)
        names = [decision.name for decision in self._decisions]
        doubled = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if not names or doubled is not None:
            raise ValueError(
                "there must be decisions to search over, each with a name of its own"
                + (f"; two are called {doubled!r}" if names else "")
            )
        ends = np.cumsum([decision.genes for decision in self._decisions]).tolist()
        pairs = zip(self._decisions, ends, strict=True)
        self.slices = tuple(slice(end - decision.genes, end) for decision, end in pairs)
        self.sizes = tuple(len(decision.choices) for decision in self._decisions)
        self.length: int = ends[-1]
        self._live = live
        self.given = [_conditions(self._decisions, place) for place in range(len(names))]
        for place in range(len(names)):
            _check_points(self._decisions, place)
        self.conditional = live is not None or any(self.given)

    def __len__(self) -> int:
        return len(self._decisions)

    def __getitem__(self, index: Any) -> Any:
        return self._decisions[index]

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._decisions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._decisions == tuple(other)

    def __hash__(self) -> int:
        return hash(self._decisions)

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> Decisions:
        """Return decisions as they are, or a plain sequence of them with its codec.

        :raises TypeError: for anything else, such as a space.
        """
        if not isinstance(decisions, Iterable):
            raise TypeError(f"give the decisions of a space, space.decisions; got {decisions!r}")
        return decisions if isinstance(decisions, Decisions) else cls(decisions)

    def plain(self) -> Decisions:
        """The same decisions where every choice matters, as in a table that measured every spelling by itself."""
        return Decisions(self._decisions) if self._live is not None else self

    @property
    def groups(self) -> list[list[int]]:
        """Genes of each group (``Decision.group``), in the order of the decisions."""
        genes = [range(where.start, where.stop) for where in self.slices]
        return [[gene for place in places for gene in genes[place]] for places in self.members]

    @property
    def members(self) -> list[list[int]]:
        """Places of the decisions of each group; one without a group is a group of its own."""
        found: dict[str, list[int]] = {}
        for place, decision in enumerate(self._decisions):
            found.setdefault(decision.group or decision.name, []).append(place)
        return list(found.values())

    @cached_property
    def nests(self) -> list[list[list[int]]]:
        """Places of the decisions of each group, the groups of each kind together: edges of motifs of a level."""
        found: dict[str, list[list[int]]] = {}
        for places in self.members:
            first = self._decisions[places[0]]
            found.setdefault(first.kind or first.name, []).append(places)
        return list(found.values())

    # genes and choices -------------------------------------------------------------------------------------------

    def check(self, choices: Sequence[int]) -> None:
        """Check that choices are those of an architecture.

        :raises ValueError: when there are not as many choices as decisions, or one is none of its decision's.
        """
        if len(choices) != len(self):
            raise ValueError(
                f"{len(choices)} choices were given for {len(self)} decisions; there must be one for each"
            )
        for decision, choice in zip(self._decisions, choices, strict=True):
            if not 0 <= choice < len(decision.choices):
                raise ValueError(
                    f"choice {choice} of decision {decision.name!r} is none of its {len(decision.choices)} "
                    f"({', '.join(decision.choices)}), which are counted from 0"
                )

    def genes(self, choices: Sequence[int], scale: float = 1.0) -> list[float]:
        """Return genes of ``+scale`` and ``-scale`` that stand for the choices, which are checked."""
        self.check(choices)
        genes = [-scale] * self.length
        for decision, where, choice in zip(self._decisions, self.slices, choices, strict=True):
            if not decision.binary:
                genes[where.start + choice] = scale
            elif choice:
                genes[where.start] = scale
        return genes

    def choices(self, individual: GenesLike) -> tuple[int, ...]:
        """Return the choices of one individual as its genes spell them."""
        return tuple(choice_of(individual[where]) for where in self.slices)

    def table(self, individuals: Sequence[GenesLike] | Genes) -> Choices:
        """Return the choices of individuals as their genes spell them, shape (individuals, decisions).

        :raises ValueError: when an individual has another number of genes.
        """
        genes = self.matrix(individuals)
        columns = [
            genes[:, where.start] > 0 if decision.binary else genes[:, where].argmax(axis=1)
            for decision, where in zip(self._decisions, self.slices, strict=True)
        ]
        return np.stack(columns, axis=1).astype(np.int64)

    def loci(self, individuals: Sequence[GenesLike] | Genes) -> Choices:
        """Return the canonical choices of individuals, shape (individuals, decisions): the loci of their entropy."""
        table = self.table(individuals)
        if not self.conditional:
            return table
        rows = [tuple(row) for row in table.tolist()]
        known = {row: self.canonical(row) for row in dict.fromkeys(rows)}
        return np.array([known[row] for row in rows], dtype=np.int64).reshape(table.shape)

    def matrix(self, individuals: Sequence[GenesLike] | Genes) -> Genes:
        """Return individuals as an array of shape (individuals, genes).

        :raises ValueError: when an individual has another number of genes.
        """
        rows = [np.asarray(individual, dtype=np.float64) for individual in individuals]
        wrong = next((row for row in rows if row.shape != (self.length,)), None)
        if wrong is not None:
            raise ValueError(
                f"an individual has {self.length} genes, this one has shape {wrong.shape}; "
                "was it made for another space or other settings?"
            )
        return np.stack(rows) if rows else np.empty((0, self.length))

    def sample(self, rng: random.Random | None = None) -> tuple[int, ...]:
        """Return choices drawn uniformly with ``rng``, or with Python's :mod:`random`."""
        draw = (rng or random).randrange
        return tuple(draw(size) for size in self.sizes)

    def neighbour(self, choices: Sequence[int], rng: Any = random) -> tuple[int, ...]:
        """Return choices one mutation away: one decision, drawn uniformly, takes another choice.

        Where decisions are moves, such as in the space ``grown``, it is one move more.
        """
        found = list(choices)
        place = rng.randrange(len(found))
        other = rng.randrange(self.sizes[place] - 1)
        found[place] = other if other < found[place] else other + 1
        return tuple(found)

    def onward(self, choices: Sequence[int]) -> tuple[int, ...]:
        """Return choices of the same network, which learns on where a space knows of that, such as ``grown``."""
        return tuple(choices)

    # what matters ------------------------------------------------------------------------------------------------

    def live(self, choices: Sequence[int]) -> tuple[bool, ...]:
        """Tell which of an architecture's choices matter."""
        found: list[bool] = []
        for given in self.given:
            found.append(all(found[place] and choices[place] == choice for place, choice in given))
        if self._live is not None:
            found = [own and bool(other) for own, other in zip(found, self._live(choices), strict=True)]
        return tuple(found)

    def canonical(self, choices: Sequence[int]) -> tuple[int, ...]:
        """Return the one spelling of a network: every dead choice is the first one."""
        found = tuple(choices)
        if not self.conditional:
            return found
        while dead := self._dead(found):
            every = tuple(0 if place in dead else choice for place, choice in enumerate(found))
            live = self.live(every)
            # Several dead choices can come to life together: then one after another, the last one first.
            gone = dead[-1:] if any(live[place] for place in dead) else dead
            found = tuple(0 if place in gone else choice for place, choice in enumerate(found))
        return found

    def _dead(self, choices: Sequence[int]) -> list[int]:
        return [
            place
            for place, (choice, live) in enumerate(zip(choices, self.live(choices), strict=True))
            if choice and not live
        ]


def _conditions(decisions: Sequence[Decision], place: int) -> list[tuple[int, int]]:
    earlier = {decision.name: number for number, decision in enumerate(decisions[:place])}
    found = []
    for name, choice in decisions[place].given:
        if name not in earlier or choice not in decisions[earlier[name]].choices:
            raise ValueError(
                f"decision {decisions[place].name!r} is given {name!r} = {choice!r}, which is no choice of an "
                "earlier decision"
            )
        found.append((earlier[name], decisions[earlier[name]].choices.index(choice)))
    return found


def _check_points(decisions: Sequence[Decision], place: int) -> None:
    later = {decision.group for decision in decisions[place:]}
    forward = next((name for name in decisions[place].points if name in later - {""}), None)
    if forward is not None:
        raise ValueError(
            f"decision {decisions[place].name!r} points at {forward!r}, whose decisions are not all made before it"
        )
