"""Streams that are read segment by segment, and the state that a recurrent network carries from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import _C, Tensor


@dataclass
class Carry:
    """What a recurrent network knows at the ends of the segments of one reading: states by number of segment."""

    states: dict[int, Tensor] = field(default_factory=dict)


class Segment(Tensor):
    """A segment of several streams, shape (streams, steps), int64, which knows where the state before it is kept.

    Whatever is computed from it is a plain tensor. The state belongs to the reading: train, valid and every network
    that is measured have their own.
    """

    __torch_function__ = _C._disabled_torch_function_impl  # type: ignore[assignment]

    carry: Carry
    place: int

    @classmethod
    def of(cls, tokens: Tensor, carry: Carry, place: int) -> Segment:
        """Make it of tokens, the reading's states, and the number of the segment in its streams."""
        found = tokens.as_subclass(cls)
        found.carry, found.place = carry, place
        return found

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
        """Refuse to be cut, which would lose the state.

        :raises ValueError: for more than one part.
        """
        if chunks > 1:
            raise ValueError(
                "the segments of a text hand on a state and cannot be cut up; leave accumulate at 1"
            )
        return (self,)


def state_before(tokens: Tensor) -> Tensor | None:
    """Return the state that a network had at the end of the segment before; None where there is none."""
    if not isinstance(tokens, Segment) or not tokens.place:
        return None
    return tokens.carry.states.get(tokens.place)


def keep_state(tokens: Tensor, state: Tensor) -> None:
    """Keep the state at the end of a segment, detached; asking twice for the same segment begins twice the same."""
    if isinstance(tokens, Segment):
        kept, place = tokens.carry.states, tokens.place
        known = {place: kept[place]} if place in kept else {}
        tokens.carry.states = {**known, place + 1: state.detach()}
