"""Operations as values, and the registry of their kinds."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import nn

from ..registry import Registry

Maker = Callable[..., nn.Module]


def _check(maker: Maker) -> None:
    if not callable(maker):
        raise TypeError(f"a kind of operation is a function or class that makes an nn.Module; got {maker!r}")


OPS: Registry[Maker] = Registry("operation", "tdgnas.ops", _check)
"""What makes the module of each kind of operation; ``@OPS.register("mine")`` adds one, as an entry point ``tdgnas.ops``
does."""

_signature = lru_cache(maxsize=None)(inspect.signature)


@dataclass(frozen=True)
class Op:
    """An operation: a small immutable value that says everything about a module but its weights.

    :param name: what the operation is called in a graph, and its module in a network; terms that name equal
        operations share one module.
    :param kind: a name in :data:`OPS`.
    :param settings: keywords of what makes the kind, as a mapping; kept as sorted pairs.

    >>> Op("first", "conv", {"channels_out": 8, "channels_in": 3, "kernel": 3}).settings
    (('channels_in', 3), ('channels_out', 8), ('kernel', 3))
    """

    name: str
    kind: str
    settings: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", tuple(sorted(dict(self.settings).items())))


def make(op: Op) -> nn.Module:
    """Make the module of an operation, with fresh weights.

    :raises ValueError: for an unknown kind, settings that its maker does not take, or what is no module.
    """
    maker = OPS.get(op.kind)
    settings = dict(op.settings)
    taken = _signature(maker)
    try:
        taken.bind(**settings)
    except TypeError as error:
        raise ValueError(
            f"operation {op.name!r}: the kind {op.kind!r} does not take these settings ({error}); "
            f"there are {', '.join(taken.parameters) or 'none'}"
        ) from error
    module: object = maker(**settings)
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"operation {op.name!r}: the kind {op.kind!r} made {module!r}, which is no nn.Module"
        )
    return module
