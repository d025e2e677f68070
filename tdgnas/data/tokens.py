"""Text as numbers: streams of tokens that are read side by side, segment after segment."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..streams import Carry, Segment
from ..tasks import LANGUAGE, Task
from .batches import Batch, Indices

#: Streams that a text is measured in at most: each but the first begins without a past (the published evaluations
#: take 10).
MEASURED = 10


@dataclass(frozen=True, eq=False)
class TokenData:
    """A text as one row of token numbers; what follows each token is to be learned.

    A sample is a window of ``segment`` tokens, and every token is one pass. Side by side, so many streams are read as a
    batch has rows; each hands its state on from segment to segment.

    :param tokens: shape (N,), int64.
    :param segment: tokens that gradients reach back (truncated backpropagation through time).
    :param task: what is learned.
    :raises ValueError: when the text has no whole segment.
    """

    tokens: Tensor
    segment: int = 35
    task: Task = LANGUAGE

    def __post_init__(self) -> None:
        if self.segment < 1 or len(self.tokens) <= self.segment:
            raise ValueError(
                f"a text of {len(self.tokens)} tokens has no segment of {self.segment} tokens and the one after it; "
                "take a shorter segment, or more text"
            )

    def __len__(self) -> int:
        """Number of windows."""
        return (len(self.tokens) - 1) // self.segment

    @property
    def labels(self) -> Tensor:
        """The tokens to be foretold, shape (N - 1,)."""
        return self.tokens[1:]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of what one output belongs to: a single token."""
        return (1,)

    @property
    def device(self) -> torch.device:
        """Where the tokens lie."""
        return self.tokens.device

    @property
    def targets(self) -> int:
        """Targets of a sample."""
        return self.segment

    def to(self, device: torch.device | str) -> TokenData:
        """The same data on ``device``."""
        return replace(self, tokens=self.tokens.to(device))

    def joined(self, other: TokenData) -> TokenData:
        """This text and, after it, the other one."""
        return replace(self, tokens=torch.cat([self.tokens, other.tokens.to(self.device)]))

    def subset(self, indices: slice) -> TokenData:
        """The windows of a slice, and after the last window what is left of the text."""
        start, stop, _ = indices.indices(len(self))
        end = None if stop == len(self) else stop * self.segment + 1
        return replace(self, tokens=self.tokens[start * self.segment : end])

    def batch(self, indices: Indices) -> Batch:
        """Windows by number and their targets, (windows * segment,); nothing is known of what came before them."""
        chosen = torch.arange(len(self), device=self.device)[indices]
        places = chosen.unsqueeze(1) * self.segment + torch.arange(self.segment, device=self.device)
        return self.tokens[places], self.tokens[places + 1].flatten()

    def drawn(self, count: int, rng: random.Random | None = None) -> Batch:
        """A :meth:`batch` of ``count`` windows without replacement, drawn from ``rng`` or Python's :mod:`random`."""
        return self.batch((rng or random).sample(range(len(self)), min(count, len(self))))

    def order(self, batch_size: int, seed: int = 0, least: int = 1) -> list[Tensor]:
        """Indices of the batches of one reading: the windows of ``batch_size`` streams, one after another; of fewer
        streams where the text has no more windows.
        """
        count = min(batch_size, len(self))
        steps = len(self) // count
        starts = torch.arange(count, device=self.device) * steps
        return [starts + step for step in range(steps)]

    def drawn_order(self, batch_size: int, rng: random.Random) -> Tensor:
        """The indices of an :meth:`order`, one batch after another: nothing is drawn."""
        return torch.cat(self.order(batch_size))

    def feed(self, batches: Iterable[Tensor]) -> Iterator[Batch]:
        """The windows of batches; where they follow on those before, each stream goes on with its state."""
        carry, before, place = Carry(), None, 0
        for indices in batches:
            follows = before is not None and torch.equal(indices, before + 1)
            before, place = indices, place + 1 if follows else 0
            tokens, targets = self.batch(indices)
            yield Segment.of(tokens, carry, place), targets

    def in_order(self, batch_size: int, part: slice, even: bool = False) -> Iterator[Batch]:
        """All tokens of a part of the windows, in at most :data:`MEASURED` streams; a last segment may be shorter."""
        tokens, carry = self.subset(part).tokens, Carry()
        count = min(batch_size, MEASURED, (len(tokens) - 1) // self.segment)
        length = (len(tokens) - 1) // count
        for place, start in enumerate(range(0, length, self.segment)):
            rows = [tokens[row * length + start : row * length + length + 1] for row in range(count)]
            streams = torch.stack(rows)[:, : self.segment + 1]
            yield Segment.of(streams[:, :-1].contiguous(), carry, place), streams[:, 1:].flatten()
