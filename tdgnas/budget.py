"""One ledger of what a search has cost, whoever causes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Budget:
    """Counts of everything that a search has paid for.

    :param requests: individuals whose fitness was asked for.
    :param evaluations: of these, the ones that were computed and not found in the cache; one with a ``fidelity`` counts
        as that share.
    :param passes: sample passes: a forward pass of one image counts 1, forward and backward 3.
    :param seconds: simulated training time, where a fitness knows it (a table).
    :param by_cause: the passes by what caused them: ``evaluation``, ``gradients``, ``weights``, ``pretraining``.
    """

    requests: int = 0
    evaluations: float = 0
    passes: int = 0
    seconds: float = 0.0
    by_cause: dict[str, int] = field(default_factory=dict)

    def count(
        self, evaluations: float = 0, passes: int = 0, seconds: float = 0.0, cause: str = "evaluation"
    ) -> None:
        """Add what one call has computed; its passes go to a cause as well."""
        self.evaluations += evaluations
        self.passes += passes
        self.seconds += seconds
        if passes:
            self.by_cause[cause] = self.by_cause.get(cause, 0) + passes

    def state_dict(self) -> dict[str, Any]:
        """Return all counts, as JSON values."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state_dict`; in place, since others pay into the same ledger."""
        for name, value in state.items():
            setattr(self, name, dict(value) if isinstance(value, dict) else value)
