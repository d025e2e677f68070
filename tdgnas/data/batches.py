"""Shuffled batches that can stop anywhere and go on bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from ..settings import check_whole

Indices: TypeAlias = "Tensor | slice | Sequence[int]"
Batch: TypeAlias = "tuple[Tensor, Tensor]"


class Indexed(Protocol):
    """So many samples on a device."""

    def __len__(self) -> int: ...

    @property
    def device(self) -> torch.device: ...


class Batches:
    """Indices of shuffled batches of ``data``, epoch after epoch.

    ``for indices in batches.epoch()`` runs one epoch, ``next(batches)`` runs on for ever; both move the same
    position. The state taken inside the loop body is the one after that batch.

    :param data: what the indices point into; they lie on its device.
    :param batch_size: images per batch; the last batch of an epoch may be smaller.
    :param seed: of its own generator; the global one is neither read nor moved.
    :param drop_last: leave a smaller last batch out.
    :raises ValueError: when an epoch would hold no batch.
    """

    def __init__(self, data: Indexed, batch_size: int, *, seed: int = 0, drop_last: bool = False) -> None:
        check_whole(batch_size=batch_size)
        if len(data) == 0 or (drop_last and len(data) < batch_size):
            raise ValueError(
                f"no batch of {batch_size} can be made of {len(data)} images with drop_last={drop_last}; "
                "lower batch_size or keep the last batch"
            )
        self.data = data
        self.batch_size = batch_size
        self.drop_last = drop_last
        self._generator = torch.Generator().manual_seed(seed)
        self._order = torch.empty(0, dtype=torch.int64)
        self._position = 0

    def __len__(self) -> int:
        """Batches in one epoch."""
        full, rest = divmod(len(self.data), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Tensor:
        """The next batch; a new shuffle begins where an epoch is used up."""
        if self._used_up():
            self._order = torch.randperm(len(self.data), generator=self._generator)
            self._position = 0
        indices = self._order[self._position : self._position + self.batch_size]
        self._position += len(indices)
        return indices.to(self.data.device)

    def epoch(self) -> Iterator[Tensor]:
        """The rest of the epoch under way, or a whole new one when none is."""
        yield next(self)
        while not self._used_up():
            yield next(self)

    def _used_up(self) -> bool:
        left = len(self._order) - self._position
        return left < self.batch_size if self.drop_last else left == 0

    def state_dict(self) -> dict[str, Any]:
        """Generator (uint8 tensor), order (int64 tensor; empty before the first batch) and position (int)."""
        return {
            "generator": self._generator.get_state(),
            "order": self._order.clone(),
            "position": self._position,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where ``state`` was taken.

        :raises ValueError: when it belongs to a data set of another length.
        """
        order, position = state["order"], int(state["position"])
        if len(order) not in (0, len(self.data)) or not 0 <= position <= len(order):
            raise ValueError(
                f"the state stands at {position} of {len(order)} images, but the data has {len(self.data)}; "
                "load it with the data set and split it was saved with"
            )
        self._generator.set_state(state["generator"].cpu())
        self._order = order.cpu().clone()
        self._position = position
