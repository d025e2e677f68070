"""The result of a run: the table of its networks, for the terminal, the report and the drawings."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ..pictures.results import axis_of, measure_of
from .page import short, spread_text, value_text

PHASES = ("pretraining", "search", "retraining")


@dataclass(frozen=True)
class Row:
    """One row of the final table; several networks of a row (draws, seeds) are averaged.

    :param measure: what ``valid`` and ``test`` are; accuracies lie between 0 and 1.
    :param gates: choices that are not the first.
    :param spread: standard deviation of ``test``, None for one network.
    """

    name: str
    networks: int
    measure: str
    gates: float
    valid: float | None
    test: float | None
    spread: float | None
    parameters: float
    macs: float
    retraining_seconds: float
    search_seconds: float

    @property
    def title(self) -> str:
        """Its name, with the number of networks."""
        return f"{self.name}, {self.networks} nets" if self.networks > 1 else self.name

    @property
    def test_text(self) -> str:
        """The test value and its spread."""
        return value_text(self.test, self.measure) + spread_text(self.spread, self.measure)


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Read a finished run's results; none where it has not finished."""
    path = folder / "results.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def read_seconds(folder: Path) -> dict[str, list[float]]:
    """Read the seconds that each phase took, as far as it has ended; of the retraining, of each network."""
    found = {}
    for phase in PHASES:
        path = folder / "timings" / f"{phase}.json"
        if path.exists():
            seconds = json.loads(path.read_text(encoding="utf-8"))["seconds"]
            found[phase] = seconds if isinstance(seconds, list) else [float(seconds)]
    return found


def read_rows(*folders: Path) -> list[Row]:
    """Read the results of a finished run, or of several together: one row per kind of network, in the table's order.

    Seconds are means too: of a network's training, and of a run's search; the last row is the search's winner.
    """
    members: dict[str, list[dict[str, Any]]] = {}
    spent: dict[str, list[float]] = {}
    before, searched = [], []
    for folder in folders:
        results, timings = read_results(folder), read_seconds(folder)
        seconds = timings.get("retraining", [])
        if len(seconds) != len(results):
            seconds = [0.0] * len(results)
        before.append(sum(timings.get("pretraining", [])))
        searched.append(sum(timings.get("search", [])))
        for result, second in zip(results, seconds, strict=True):
            members.setdefault(result["row"], []).append(result)
            spent.setdefault(result["row"], []).append(second)
    # What was read off the relaxed weights of the pretraining was known before the search.
    known = dict.fromkeys((name for name in members if name.startswith("DARTS,")), statistics.fmean(before))
    if members:
        known[list(members)[-1]] = statistics.fmean(before) + statistics.fmean(searched)
    return [
        _row(name, networks, statistics.fmean(spent[name]), known.get(name, 0.0))
        for name, networks in members.items()
    ]


def _row(name: str, networks: Sequence[dict[str, Any]], trained: float, searched: float) -> Row:
    measure = measure_of(networks)
    tests = [each[f"test_{measure}"] for each in networks if each.get(f"test_{measure}") is not None]
    return Row(
        name=name,
        networks=len(networks),
        measure=measure,
        gates=_mean(networks, "gates") or 0.0,
        valid=_mean(networks, f"valid_{measure}"),
        test=_mean(networks, f"test_{measure}"),
        spread=statistics.stdev(tests) if len(tests) > 1 else None,
        parameters=_mean(networks, "parameters") or 0.0,
        macs=_mean(networks, "macs") or 0.0,
        retraining_seconds=trained,
        search_seconds=searched,
    )


def _mean(members: Sequence[dict[str, Any]], key: str) -> float | None:
    values = [member[key] for member in members if member.get(key) is not None]
    return statistics.fmean(values) if values else None


def result_table(rows: Sequence[Row]) -> Table:
    """Return the table for a terminal."""
    table = Table(
        title="the same recipe for every row; times in seconds",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    table.add_column("network", no_wrap=True)
    unit = axis_of(rows[0].measure).removeprefix("accuracy ") if rows else ""
    columns = ("choices", f"valid {unit}", f"test {unit}", "weights", "MACs", "search", "train")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.title, f"{row.gates:.3g}", value_text(row.valid, row.measure), row.test_text,
            short(row.parameters), short(row.macs), f"{row.search_seconds:.0f}", f"{row.retraining_seconds:.0f}",
        )  # fmt: skip
    return table
