"""The order in which a controller asks the decisions of a space, and what each answer is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ...decision import Decision

__all__ = ["Step", "sequence"]


@dataclass(frozen=True)
class Step:
    """One step of the LSTM, and what is asked of its state.

    :param places: the decisions that are answered; none where the step only makes an anchor.
    :param head: number of the head that answers; None where attention to anchors does.
    :param anchors: numbers of the anchors that are attended to: one for each place (taken or not), or for each choice
        of the only place.
    :param makes: whether the state becomes the next anchor.
    :param blank: whether that anchor, of something that was there from the start, is all zeros where it is fed.
    :param first: whether it belongs to the first part: a new part begins where new inputs come in.
    """

    places: tuple[int, ...] = ()
    head: int | None = None
    anchors: tuple[int, ...] = ()
    makes: bool = False
    blank: bool = False
    first: bool = True

    @property
    def bits(self) -> bool:
        """Whether it answers decisions of yes or no, all at once, by attention."""
        return bool(self.places) and self.head is None and len(self.anchors) == len(self.places)


def heads_of(decisions: Sequence[Decision], shared: bool) -> tuple[list[int | None], list[int]]:
    """Return which head answers each decision, and the number of choices of each head.

    :raises ValueError: when decisions of one kind have different numbers of choices.
    """
    numbers: dict[str | int, int] = {}
    sizes: list[int] = []
    found: list[int | None] = []
    for place, decision in enumerate(decisions):
        if shared and decision.points:
            found.append(None)
            continue
        number = numbers.setdefault((shared and decision.kind) or place, len(numbers))
        if number == len(sizes):
            sizes.append(len(decision.choices))
        if sizes[number] != len(decision.choices):
            raise ValueError(
                f"decision {decision.name!r} has {len(decision.choices)} choices, others of its kind "
                f"{decision.kind!r} have {sizes[number]}; give it a kind of its own"
            )
        found.append(number)
    return found, sizes


def sequence(decisions: Sequence[Decision], shared: bool = True) -> tuple[list[Step], list[int]]:
    """Return the steps in which a controller asks decisions, and the number of choices of each head.

    Decisions of one kind have one head. Where some point at positions (``Decision.points``), a position, that is a
    group, asks its indices first, then its operations, and ends with one step from whose state all its decisions of yes
    or no are answered; this state is the position's anchor. A name that is no group is an input: it takes a step of its
    own before it is first pointed at (Pham et al. 2018, sections 2.1 and 2.2).

    :param decisions: what is asked.
    :param shared: False for the plain sequence: a head for every decision, in their order, and no anchors.
    :raises ValueError: when decisions of one kind have different numbers of choices.
    """
    heads, sizes = heads_of(decisions, shared)
    if None not in heads:
        return [Step((place,), head) for place, head in enumerate(heads)], sizes
    last = {decision.group or decision.name: place for place, decision in enumerate(decisions)}
    anchors: dict[str, int] = {}
    steps: list[Step] = []
    parts = 0
    for group, members in groupby(range(len(decisions)), lambda place: _position(decisions[place])):
        places = list(members)
        inputs = [name for place in places for name in decisions[place].points if name not in anchors]
        parts += bool(inputs)
        first = parts <= 1
        for name in dict.fromkeys(inputs):
            anchors[name] = len(anchors)
            steps.append(Step(makes=True, blank=True, first=first))
        bits = [place for place in places if heads[place] is None and decisions[place].binary]
        rest = sorted((place for place in places if place not in bits), key=lambda p: heads[p] is not None)
        for place in rest:
            at = tuple(anchors[name] for name in decisions[place].points)
            steps.append(Step((place,), heads[place], at, first=first))
        makes = last[group] in places
        if bits or makes:
            at = tuple(anchors[decisions[place].points[0]] for place in bits)
            steps.append(Step(tuple(bits), None, at, makes, first=first))
        if makes:
            anchors[group] = len(anchors)
    return steps, sizes


def _position(decision: Decision) -> str:
    return decision.group or decision.name
