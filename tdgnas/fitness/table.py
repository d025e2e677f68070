"""Fitness from a table of trained networks: no training, and a simulated clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..budget import Budget
from ..individual import AccuracyFitness, fidelity_of
from ..spaces import Architecture, SearchSpace
from .table_files import Table

Genes = Sequence[float]


class TabularFitness:
    """Accuracy of architectures as a table has it, to be maximised; cost is the training time it would have
    taken.

    Callable for one individual; ``batch`` takes a population. The signal is what a search may see, such as
    the validation accuracy after 12 epochs; :meth:`final` is what is reported in the end. An individual with a
    ``fidelity`` below 1 sees the accuracy after that share of the signal's epochs, and pays for these: of the numbers
    of epochs that the table has, the largest one within the share, or else the smallest.

    :param space: decodes individuals.
    :param table: see :func:`load_table`, :func:`nats_table`.
    :param signal: the column that a search sees; a number at its end says after how many epochs it was
        measured.
    :param final: the column of the final result.
    :param cost: the column with the seconds of one full evaluation. By default ``seconds_<epochs of the signal>``,
        else the like share of ``train_seconds_<epochs>``: training time only, where a table has no validation
        time. In a table without any seconds an evaluation costs none.
    :param repeats: whether asking again for an architecture that was evaluated costs nothing (``free``) or is
        trained anew on the simulated clock (``charged``, as in the published runs).
    :raises ValueError: for a missing column.

    :ivar fidelities: ``epochs`` where the table has the signal after several numbers of them; else empty.
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
        self.space, self.fitness_type = space, AccuracyFitness
        #: What is searched: a table has measured every spelling of a network by itself, so that all choices matter.
        self.decisions = space.decisions.plain()
        self.table = table
        self.repeats = repeats
        self.signal = table.column(signal)
        self.finals = table.column(final)
        self.seconds = table.column(cost) if cost is not None else _seconds(table, signal)
        self.epochs, columns = fidelity_columns(table, signal)
        self.fidelities = "epochs" if len(columns) > 1 else ""
        self._columns = {epochs: table.column(name) for epochs, name in columns.items()}
        self.budget = Budget()
        self._known: set[tuple[int, int]] = set()

    def __call__(self, individual: Genes) -> tuple[float, ...]:
        """Return the signal of one individual."""
        return self.batch([individual])[0]

    def batch(self, individuals: Sequence[Genes]) -> list[tuple[float, ...]]:
        """Return the signal of individuals, in their order.

        :raises ValueError: when the table lacks one of the architectures.
        """
        self.budget.requests += len(individuals)
        values: list[tuple[float, ...]] = []
        for individual, choices in zip(individuals, self.decisions.table(individuals).tolist(), strict=True):
            epochs = self._within(fidelity_of(individual))
            row = self.charge(tuple(choices), epochs)
            values.append((float(self._columns[self.epochs if epochs is None else epochs][row]),))
        return values

    def _within(self, fidelity: float) -> int | None:
        """The epochs that a fidelity stands for; None for all of them."""
        if fidelity == 1 or not self.fidelities:
            return None
        fitting = [epochs for epochs in self._columns if epochs <= fidelity * self.epochs + 1e-9]
        return max(fitting) if fitting else min(self._columns)

    def decode(self, individual: Genes) -> Architecture:
        """Return the architecture of an individual."""
        return self.space.decode(individual)

    def charge(self, choices: tuple[int, ...], epochs: int | None = None) -> int:
        """Pay for one evaluation of an architecture's choices, and return its row of the table.

        :param epochs: of a training that is cheaper than the full one.
        :raises ValueError: when the table lacks it.
        """
        row, epochs = self._row(choices), self.epochs if epochs is None else epochs
        if self.repeats == "charged" or (row, epochs) not in self._known:
            self._known.add((row, epochs))
            share = 1 if epochs == self.epochs else epochs / self.epochs
            self.budget.count(share, 0, float(self.seconds[row]) * epochs / self.epochs)
        return row

    def final(self, architecture: Architecture) -> float:
        """Return the final accuracy of an architecture, from 0 to 1; it costs nothing and is no search
        signal."""
        self.space.check(architecture)
        return float(self.finals[self._row(architecture.choices)])

    def state_dict(self) -> dict[str, Any]:
        """The ledger, and what was paid for."""
        return {"budget": self.budget.state_dict(), "known": [list(pair) for pair in sorted(self._known)]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.budget.load_state_dict(state["budget"])
        self._known = {(row, epochs) for row, epochs in state["known"]}

    def _row(self, choices: tuple[int, ...]) -> int:
        row = self.table.rows.get(choices)
        if row is None:
            raise ValueError(
                f"table {self.table.name!r} has no architecture {choices}; it holds {len(self.table)} of "
                f"the space {self.space.name!r}"
            )
        return row


def fidelity_columns(table: Table, signal: str) -> tuple[int, dict[int, str]]:
    """The epochs of a signal, and the columns of the same name for these and fewer; 1 where the name has no number."""
    found = re.fullmatch(r"(.*?)(\d+)", signal)
    if found is None:
        return 1, {1: signal}
    stem, full = found.group(1), int(found.group(2))
    named = {name: re.fullmatch(re.escape(stem) + r"(\d+)", name) for name in table.columns}
    all_of = {int(match.group(1)): name for name, match in named.items() if match is not None}
    return full, {epochs: all_of[epochs] for epochs in sorted(all_of) if epochs <= full}


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
