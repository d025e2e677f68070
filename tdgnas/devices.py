"""Where torch computes, and randomness that is its own there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16", "float16"]


def pick_device(device: str | torch.device | None) -> torch.device:
    """Return the device of a name; CUDA where there is one, else the CPU, when None.

    :raises ValueError: for an unknown name, or CUDA where there is none.
    """
    try:
        found = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise ValueError(
            f"there is no device {str(device)!r}; give cpu, cuda, or cuda:1 for the second GPU"
        ) from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"the device {str(device)!r} is not there: torch sees {torch.cuda.device_count()} GPUs"
        )
    return found


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is full, on a GPU or here."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and "memory" in said and ("alloc" in said or "not enough" in said)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside a ``with`` block: the same bits whatever the number of processors."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """Compute with fewer digits where that is safe inside a ``with`` block; weights may change in it."""
    dtype = None if precision == "float32" else getattr(torch, precision)
    return torch.autocast(device.type, dtype, enabled=dtype is not None, cache_enabled=False)


def channels_last(inputs: torch.Tensor) -> torch.Tensor:
    """Return images of shape (batch, channels, height, width) laid out with the channels last; others as they are."""
    return inputs.contiguous(memory_format=torch.channels_last) if inputs.ndim == 4 else inputs


@contextmanager
def own_noise(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed torch's global generators for fresh weights, dropout and their like inside a ``with`` block.

    Afterwards they are as before, those of GPUs too, which :func:`torch.manual_seed` would leave seeded.

    :param device: whose generator is seeded beside the CPU's, on which fresh weights are drawn.
    """
    device = device or torch.device("cpu")
    on_gpu = device.type == "cuda"
    index = (torch.cuda.current_device() if device.index is None else device.index) if on_gpu else None
    with torch.random.fork_rng(devices=[] if index is None else [index]):
        torch.default_generator.manual_seed(seed)
        if index is not None:
            torch.cuda.default_generators[index].manual_seed(seed)
        yield
