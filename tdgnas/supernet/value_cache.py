"""Values kept from one generation to the next: bounded in bytes, what is worth least goes first."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

_GIB = 2**30
# Values asked for less than this are not kept even where there is room: once, ten calls ago.
_FORGOTTEN = 2.0**-10


class Key(NamedTuple):
    """A cached value: on the calibration images (``part`` 0) or on the scored batches (1), and its number."""

    part: int
    value: int


class ValueCache:
    """Tensors by value, one for each batch of images.

    What stays is decided before a call computes anything: :meth:`choose` takes everything that will be there and
    keeps what is worth most for each byte. A value is worth the multiply-adds that it takes to compute it again,
    times how often it was asked for: a count that halves with every call.

    :param limit: bytes that may be held between calls.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.entries: dict[Key, list[Tensor | None]] = {}
        self.calls = 0
        self._demand: dict[int, tuple[int, float]] = {}

    @property
    def bytes(self) -> int:
        """Bytes held now."""
        return sum(_bytes(each) for entry in self.entries.values() for each in entry if each is not None)

    def available(self, part: int) -> set[int]:
        """Numbers of the values held for a part."""
        return {key.value for key in self.entries if key.part == part}

    def count(self, values: Iterable[int]) -> None:
        """Note that an architecture of the present call contains these values."""
        for value in values:
            self._demand[value] = (self.calls, self.demand(value) + 1.0)

    def demand(self, value: int) -> float:
        """How often a value was asked for, each earlier call counting half of the next."""
        call, amount = self._demand.get(value, (0, 0.0))
        return amount * 0.5 ** (self.calls - call)

    def choose(self, candidates: Iterable[tuple[Key, float, int]]) -> set[Key]:
        """Return the keys to keep, out of triples of key, multiply-adds for each byte, and bytes."""
        if self.limit <= 0:
            return set()
        asked = ((self.demand(key.value), key, density, size) for key, density, size in candidates)
        ranked = sorted(
            (-demand * density, key, size) for demand, key, density, size in asked if demand >= _FORGOTTEN
        )
        chosen: set[Key] = set()
        free = self.limit
        for _, key, size in ranked:
            if size <= free:
                chosen.add(key)
                free -= size
        return chosen

    def store(self, key: Key, value: Tensor) -> None:
        """Append a value of the next batch; of a folded value only its own part of the memory is held."""
        whole = value.untyped_storage().nbytes() <= _bytes(value)
        self.entries.setdefault(key, []).append(value if whole else value.clone())

    def clear(self) -> None:
        """Forget all values; what was asked for stays known."""
        self.entries.clear()

    def renumber(self, numbers: dict[int, int]) -> None:
        """Follow an interner that was made smaller; what has no new number is forgotten."""
        self.entries = {
            key._replace(value=numbers[key.value]): entry
            for key, entry in self.entries.items()
            if key.value in numbers
        }
        self._demand = {numbers[value]: asked for value, asked in self._demand.items() if value in numbers}


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def default_limit(device: torch.device, share: float = 0.25) -> int:
    """Bytes taken where nobody says: a share of a GPU's memory, on a CPU a quarter of what is free, at most 1 GiB.

    On a GPU the memory's whole size counts, not what is free at the moment: what is cached decides which values are
    folded together, and a fold's last bits may depend on that.
    """
    if device.type == "cuda":
        return int(share * torch.cuda.get_device_properties(device).total_memory)
    return min(free_memory() // 4, _GIB)


def free_memory() -> int:
    """Bytes of main memory that this process may still take, as far as the system says; else one GiB."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    with contextlib.suppress(OSError, ValueError):  # a container's own limit; "max" is none
        most = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        found.append(max(0, most - int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))))
    if not found and hasattr(os, "sysconf"):
        with contextlib.suppress(OSError, ValueError):
            found.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return min(found, default=_GIB)
