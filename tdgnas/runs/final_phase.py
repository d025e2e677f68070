"""Last phase where nothing is retrained: what the problem itself says of the winner."""

from __future__ import annotations

from typing import Any

from ..files.atomic import write_json
from ..spaces import Architecture
from .phase import Context, result_row


class FinalPhase:
    """The winner's final value, as a table has it."""

    name = "final"
    total = 1

    def __init__(self, context: Context, best: Architecture) -> None:
        self.context, self.best = context, best
        self.done = 0

    def step(self) -> dict[str, Any]:
        """Look the winner up."""
        self.done = 1
        return dict(self.context.problem.final(self.best))

    def finish(self) -> None:
        """Write the result table: one row."""
        config, problem = self.context.config, self.context.problem
        row = result_row(problem.space, self.best, config.strategy.name, config.seed)
        result = {**row, **problem.final(self.best)}
        self.context.keep(write_json(self.context.folder / "results.json", [result]))

    def state_dict(self) -> dict[str, Any]:
        """Nothing but whether it is done."""
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.done = state["done"]
