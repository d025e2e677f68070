"""Fitness from a table of trained networks: no training, and a simulated clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..budget import Budget
from ..spaces import Architecture, SearchSpace
from .table_files import Table

Genes = Sequence[float]


class TabularFitness:
    """Accuracy of architectures as a table has it, to be maximised; cost is the training time it would have
    taken.

    Callable for one individual; ``batch`` takes a population. The signal is what a search may see, such as
    the validation accuracy after 12 epochs; :meth:`final` is what is reported in the end.

    :param space: decodes individuals.
    :param table: see :func:`load_table`, :func:`nats_table`.
    :param signal: the column that a search sees; a number at its end says after how many epochs it was
        measured.
    :param final: the column of the final result.
    :param cost: the column with the seconds of one evaluation. By default ``seconds_<epochs of the signal>``,
        else the like share of ``train_seconds_<epochs>``: training time only, where a table has no validation
        time. In a table without any seconds an evaluation costs none.
    :param repeats: whether asking again for an architecture that was evaluated costs nothing (``free``) or is
        trained anew on the simulated clock (``charged``, as in the published runs).
    :raises ValueError: for a missing column.
    """

    def __init__(
        self,
        space: SearchSpace,
        table: Table,
        signal: str = "val_acc_12",
        *,
        final: str = "test_acc_200",
        cost: str | None = None,
        repeats: Literal["free", "charged"] = "free",
    ) -> None:
        if repeats not in ("free", "charged"):
            raise ValueError(f"repeats is {repeats!r}; it must be 'free' or 'charged'")
        self.space = space
        #: What is searched: a table has measured every spelling of a network by itself, so that all choices matter.
        self.decisions = space.decisions.plain()
        self.table = table
        self.repeats = repeats
        self.signal = table.column(signal)
        self.finals = table.column(final)
        self.seconds = table.column(cost) if cost is not None else _seconds(table, signal)
        self.budget = Budget()
        self._known: set[int] = set()

    def __call__(self, individual: Genes) -> tuple[float, ...]:
        """Return the signal of one individual."""
        return self.batch([individual])[0]

    def batch(self, individuals: Sequence[Genes]) -> list[tuple[float, ...]]:
        """Return the signal of individuals, in their order.

        :raises ValueError: when the table lacks one of the architectures.
        """
        self.budget.requests += len(individuals)
        values: list[tuple[float, ...]] = []
        for choices in self.decisions.table(individuals).tolist():
            values.append((float(self.signal[self.charge(tuple(choices))]),))
        return values

    def decode(self, individual: Genes) -> Architecture:
        """Return the architecture of an individual."""
        return self.space.decode(individual)

    def charge(self, choices: tuple[int, ...]) -> int:
        """Pay for one evaluation of an architecture's choices, and return its row of the table.

        :raises ValueError: when the table lacks it.
        """
        row = self._row(choices)
        if self.repeats == "charged" or row not in self._known:
            self._known.add(row)
            self.budget.count(1, 0, float(self.seconds[row]))
        return row

    def final(self, architecture: Architecture) -> float:
        """Return the final accuracy of an architecture, from 0 to 1; it costs nothing and is no search
        signal."""
        self.space.check(architecture)
        return float(self.finals[self._row(architecture.choices)])

    def state_dict(self) -> dict[str, Any]:
        """The ledger, and what was paid for."""
        return {"budget": self.budget.state_dict(), "known": sorted(self._known)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.budget.load_state_dict(state["budget"])
        self._known = set(state["known"])

    def _row(self, choices: tuple[int, ...]) -> int:
        row = self.table.rows.get(choices)
        if row is None:
            raise ValueError(
                f"table {self.table.name!r} has no architecture {choices}; it holds {len(self.table)} of "
                f"the space {self.space.name!r}"
            )
        return row


def _seconds(table: Table, signal: str) -> npt.NDArray[np.float64]:
    if not any("seconds" in name for name in table.columns):
        return np.zeros(len(table))
    found = re.search(r"(\d+)$", signal)
    if found is None:
        raise ValueError(f"column {signal!r} does not say its epochs; name the column of seconds with cost=")
    epochs = found.group(1)
    if f"seconds_{epochs}" in table.columns:
        return table.columns[f"seconds_{epochs}"]
    for name, values in table.columns.items():
        full = re.fullmatch(r"train_seconds_(\d+)", name)
        if full is not None:
            return values * (int(epochs) / int(full.group(1)))
    raise ValueError(f"table {table.name!r} has no seconds_{epochs} and no train_seconds_...; pass cost=")
