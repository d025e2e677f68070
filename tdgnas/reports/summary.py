"""The result of a run: the table of its networks, for the terminal, the report and the drawings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from ..files import Json
from ..pictures.results import axis_of, measure_of
from ..runs.retrain_phase import FINE_TUNED
from .page import duration, short, value_text

PHASES = ("pretraining", "search", "retraining")


class Row(NamedTuple):
    """One row of the final table; several networks of a row (draws, seeds) are averaged.

    ``measure`` is what ``valid`` and ``test`` are (accuracies between 0 and 1), ``spread`` the standard deviation of
    ``test`` (None for one network), ``gates`` the number of choices that are not the first.
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
    def test_text(self) -> str:
        """The test value and its spread."""
        spread = "" if self.spread is None else f" ± {value_text(self.spread, self.measure)}"
        return value_text(self.test, self.measure) + spread

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as texts, by :func:`head`."""
        times = [duration(time) if time else "–" for time in (self.search_seconds, self.retraining_seconds)]
        name = f"{self.name}, {self.networks} nets" if self.networks > 1 else self.name
        values = (f"{self.gates:.3g}", value_text(self.valid, self.measure), self.test_text)
        return (name, *values, short(self.parameters), short(self.macs), *times)


def head(rows: Sequence[Row]) -> tuple[str, ...]:
    """The columns of :attr:`Row.cells`."""
    unit = axis_of(rows[0].measure).removeprefix("accuracy ") if rows else ""
    return "network", "choices", f"valid {unit}", f"test {unit}", "weights", "MACs", "search", "train"


def read_results(folder: Path) -> list[Json]:
    """Read a finished run's results; none where it has not finished.

    :raises ValueError: when they cannot be read.
    """
    path = folder / "results.json"
    try:
        found: list[Json] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    return found


def read_seconds(folder: Path) -> dict[str, list[float]]:
    """Read the seconds that each phase took, as far as it has ended; of the retraining, of each network."""
    paths = {phase: folder / "timings" / f"{phase}.json" for phase in PHASES}
    read = {phase: json.loads(path.read_text())["seconds"] for phase, path in paths.items() if path.exists()}
    return {phase: spent if isinstance(spent, list) else [float(spent)] for phase, spent in read.items()}


def read_rows(*folders: Path) -> list[Row]:
    """Read the results of a finished run, or of several together: one row per kind of network, in the table's order.

    Seconds are means too: of a network's training, and of a run's search; the last row is the search's winner, and one
    that begins with its name the same network trained on from the shared weights.
    """
    members: dict[str, list[Json]] = {}
    before, searched = [], []
    for folder in folders:
        results, timings = read_results(folder), read_seconds(folder)
        seconds = timings.get("retraining", [])
        before.append(sum(timings.get("pretraining", [])))
        searched.append(sum(timings.get("search", [])))
        for place, result in enumerate(results):
            spent = seconds[place] if len(seconds) == len(results) else 0.0
            members.setdefault(result["row"], []).append({**result, "seconds": spent})
    rows = []
    for name, networks in members.items():
        # What was read off the relaxed weights of the pretraining was known before the search.
        known = fmean(before) if name.startswith("DARTS,") else 0.0
        winner = list(members)[-1]
        known = fmean(before) + fmean(searched) if name in (winner, winner + FINE_TUNED) else known
        rows.append(_row(name, networks, known))
    return rows


def _row(name: str, networks: Sequence[Json], searched: float) -> Row:
    measure = measure_of(networks)

    def values(key: str) -> list[float]:
        return [each[key] for each in networks if each.get(key) is not None]

    gates, parameters, macs, seconds = (
        fmean(values(key) or [0.0]) for key in ("gates", "parameters", "macs", "seconds")
    )
    valid, test = (values(f"{side}_{measure}") for side in ("valid", "test"))
    middle, best = fmean(valid) if valid else None, fmean(test) if test else None
    spread = stdev(test) if len(test) > 1 else None
    costs = (parameters, macs, seconds, searched)
    return Row(name, len(networks), measure, gates, middle, best, spread, *costs)


def result_table(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Return the table as texts, the columns' names first."""
    return [head(rows), *(row.cells for row in rows)]
