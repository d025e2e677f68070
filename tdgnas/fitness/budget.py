"""What a search has cost so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Budget:
    """Counts of a fitness.

    :param requests: individuals whose fitness was asked for.
    :param evaluations: of these, the ones that were computed and not found in the cache.
    :param passes: image passes: a forward pass of one image counts 1, forward and backward 3.
    :param seconds: simulated training time, where a fitness knows it (a table).
    """

    requests: int = 0
    evaluations: int = 0
    passes: int = 0
    seconds: float = 0.0

    def count(self, evaluations: int, passes: int, seconds: float = 0.0) -> None:
        """Add what one call has computed."""
        self.evaluations += evaluations
        self.passes += passes
        self.seconds += seconds
