"""The result of a run: the table of retrained networks, for the terminal, the report and the drawings."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ..files.tables import read_table
from ..spaces import SearchSpace, load_architecture
from .phases import NAMES


@dataclass(frozen=True)
class Row:
    """One row of the final table; several networks of a row (draws, seeds) are averaged.

    Accuracies are shares between 0 and 1, ``spread`` the standard deviation of the test accuracy, None for one
    network.
    """

    name: str
    networks: int
    gates: float
    valid: float | None
    test: float | None
    spread: float | None
    parameters: float
    macs: float
    retraining_seconds: float
    search_seconds: float


def read_rows(*folders: Path) -> list[Row]:
    """Read the results of a finished run, or of several together: one row per kind of network, in the table's order.

    Seconds are means too: of a network's training, and of a run's search.
    """
    members: dict[str, list[dict[str, Any]]] = {}
    spent: dict[str, list[float]] = {}
    searches: list[tuple[float, float]] = []
    for folder in folders:
        results: list[dict[str, Any]] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        timings = read_seconds(folder)
        seconds = timings.get("retraining", [])
        if len(seconds) != len(results):
            seconds = [0.0] * len(results)
        searches.append((sum(timings.get("pretraining", [])), sum(timings.get("search", []))))
        for result, second in zip(results, seconds, strict=True):
            members.setdefault(result["row"], []).append(result)
            spent.setdefault(result["row"], []).append(second)
    pretraining, search = (statistics.fmean(column) for column in zip(*searches, strict=True))
    rows = []
    for name, networks in members.items():
        tests = [each["test_accuracy"] for each in networks if each["test_accuracy"] is not None]
        last = name == next(reversed(members))  # the search's winner is the last row
        searched = pretraining + search if last else pretraining if name.startswith("DARTS") else 0.0
        rows.append(
            Row(
                name=name,
                networks=len(networks),
                gates=_mean(networks, "gates") or 0.0,
                valid=_mean(networks, "valid_accuracy"),
                test=_mean(networks, "test_accuracy"),
                spread=statistics.stdev(tests) if len(tests) > 1 else None,
                parameters=_mean(networks, "parameters") or 0.0,
                macs=_mean(networks, "macs") or 0.0,
                retraining_seconds=statistics.fmean(spent[name]),
                search_seconds=searched,
            )
        )
    return rows


def result_table(rows: list[Row]) -> Table:
    """Return the table for a terminal."""
    table = Table(
        title="retrained from scratch, the same recipe for every row; times in seconds",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    table.add_column("network", no_wrap=True)
    for column in ("gates", "valid %", "test %", "weights", "MACs", "search", "train"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        spread = "" if row.spread is None else f" ± {100 * row.spread:.2f}"
        table.add_row(
            f"{row.name}, {row.networks} nets" if row.networks > 1 else row.name,
            f"{row.gates:.3g}",
            percent(row.valid),
            f"{percent(row.test)}{spread}",
            short_number(row.parameters),
            short_number(row.macs),
            f"{row.search_seconds:.0f}",
            f"{row.retraining_seconds:.0f}",
        )
    return table


def draw_run(folder: Path) -> list[Path]:
    """Draw a run's architecture and curves into its ``figures`` folder; return the files."""
    from . import figures

    target = folder / "figures"
    target.mkdir(exist_ok=True)
    space, architecture = load_architecture(folder / "architecture.json")
    files = draw_architecture(space, architecture, target / "architecture")
    tables: list[tuple[str, Callable[..., list[Path]], list[dict[str, Any]]]] = [
        ("search", figures.search_curves, read_table(folder / "history.csv")),
        ("pretraining", figures.training_curves, read_table(folder / "pretraining.csv")),
        ("results", figures.result_points, json.loads((folder / "results.json").read_text(encoding="utf-8"))),
    ]
    for name, draw, table in tables:
        if table:
            files += draw(table, target / f"{name}.png", target / f"{name}.svg")
    return files


def draw_architecture(space: SearchSpace, architecture: Any, stem: Path) -> list[Path]:
    """Draw an architecture as PNG and SVG."""
    return [space.draw(architecture, stem.with_suffix(suffix)) for suffix in (".png", ".svg")]


def percent(share: float | None) -> str:
    """A share in percent; a word where there is none because the training diverged."""
    return "diverged" if share is None else f"{100 * share:.2f}"


def _mean(members: list[dict[str, Any]], key: str) -> float | None:
    values = [member[key] for member in members if member[key] is not None]
    return statistics.fmean(values) if values else None


def short_number(number: float) -> str:
    """A number of parameters or multiply-adds in three digits."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def read_seconds(folder: Path) -> dict[str, list[float]]:
    """Read the seconds that each phase took, as far as it has ended; of the retraining, of each network."""
    found = {}
    for phase in NAMES:
        path = folder / "timings" / f"{phase}.json"
        if path.exists():
            seconds = json.loads(path.read_text(encoding="utf-8"))["seconds"]
            found[phase] = seconds if isinstance(seconds, list) else [float(seconds)]
    return found
