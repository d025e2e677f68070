"""Guards against the collapse of a search into skip connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..spaces import RULES
from ..spaces.cells.operations import Skip
from .learner import Learner

#: Looks at a supernet after an epoch; returns why the search should stop, or None.
Stop = Callable[[Learner], "str | None"]


def stop_at_skips(limit: int = 2, kind: str = "normal", rule: str = "strongest-edges") -> Stop:
    """Stop a search once the discretised cell has so many skip connections.

    Source: Liang et al. 2019, *DARTS+: Improved Differentiable Architecture Search with Early Stopping*, criterion 1.

    :param limit: the number that stops it; DARTS+ takes 2.
    :param kind: of cell.
    :param rule: how alpha is discretised, a name in :data:`tdgnas.spaces.RULES`.
    :raises ValueError: for an unknown rule or a limit below 1; when it is called, for a space without cells.
    """
    discretised = RULES.get(rule)
    if limit < 1:
        raise ValueError(f"limit is {limit}; at least one skip connection must be allowed to be seen")

    def stop(supernet: Learner) -> str | None:
        space = supernet.space
        found = space.skips(discretised(space, supernet.relaxed_weights()), kind)
        return f"{found} skip connections in the {kind} cell" if found >= limit else None

    return stop


def annealed(rate: float, epoch: int, epochs: int) -> float:
    """Dropout rate of skip connections in an epoch, counted from 0: linear from ``rate`` to 0 after the last epoch.

    >>> annealed(0.3, 5, 10)
    0.15
    """
    return rate * max(0.0, 1.0 - epoch / epochs)


@contextmanager
def skip_dropout(supernet: Learner, rate: float) -> Iterator[None]:
    """Let every skip connection of cells drop out with a rate inside a ``with`` block; outside it never does.

    Source: Chen et al. 2019, *Progressive Differentiable Architecture Search* (P-DARTS), section 3.4.1. Draws from
    torch's global generator.

    :raises ValueError: when the rate is not in [0, 1), or there is no skip connection to drop.
    """
    if not 0 <= rate < 1:
        raise ValueError(f"the dropout rate of skip connections is {rate}; it must be at least 0 and below 1")
    skips = [module for module in supernet.ops.modules() if isinstance(module, Skip)]
    if rate and not skips:
        raise ValueError(f"{supernet.space.name!r} has no skip connections that could drop out")
    for skip in skips:
        skip.rate = rate
    try:
        yield
    finally:
        for skip in skips:
            skip.rate = 0.0
