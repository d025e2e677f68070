"""Several runs beside each other on one page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import pictures
from ..files.atomic import write_text
from .page import Page, Picture, Section, Table, Text, duration, short, value_text
from .run import Findings, read_findings
from .summary import axis_of


def write_runs(folders: Sequence[Path], path: Path | None = None) -> Path:
    """Write a report that sets several runs beside each other.

    :param path: the HTML file; ``report.html`` where you are when None.
    :raises ConfigError: when a folder is no run.
    """
    names = folder_names(folders)
    found = {name: read_findings(folder) for name, folder in zip(names, folders, strict=True)}
    return write_text(path or Path("report.html"), runs_page(found).html())


def runs_page(runs: Mapping[str, Findings]) -> Page:
    """Return the page of several runs."""
    sections = [Section("found", "What they found", [_overview(runs)]), *_rows(runs), _differences(runs)]
    histories = {name: run.history for name, run in runs.items() if run.history}
    if histories:
        told = "best energy, entropy and distinct genotypes of each run by generation"
        sections.append(Section("search", "Search", [Picture(pictures.runs_figure(histories), told)]))
    best = [
        Picture(pictures.architecture_figure(run.space, run.best), f"best architecture of {name}", name)
        for name, run in runs.items()
        if run.space is not None and run.best is not None
    ]
    if best:
        sections.append(Section("architectures", "Best architectures", best))
    return Page(f"{len(runs)} runs beside each other", [Text(", ".join(runs), "soft")], sections)


def _overview(runs: Mapping[str, Findings]) -> Table:
    head = (
        "run", "space", "strategy", "seed", "validation", "test", "parameters", "evaluations", "passes", "time",
    )  # fmt: skip
    rows = []
    for name, run in runs.items():
        row, last = run.row, run.history[-1] if run.history else None
        seconds = sum(map(sum, run.seconds.values()))
        unit = " %" if row is not None and row.measure.endswith("accuracy") else ""
        rows.append(
            (
                name, str(run.config["space"]["name"]), run.strategy, str(run.config["seed"]),
                "–" if row is None or row.valid is None else value_text(row.valid, row.measure) + unit,
                "–" if row is None or row.test is None else value_text(row.test, row.measure) + unit,
                "–" if row is None else short(row.parameters), "–" if last is None else f"{last['evaluations']:,}",
                f"{sum(run.passes().values()):,}", duration(seconds) if seconds else "–",
            )
        )  # fmt: skip
    return Table(head, rows, texts=3)


def _rows(runs: Mapping[str, Findings]) -> list[Section]:
    """The test value of every row of every run; the runs' winners share the first."""
    names = dict.fromkeys(row.name for run in runs.values() for row in run.rows[:-1])
    own = [run.row for run in runs.values() if run.row is not None]
    if not own:
        return []
    rows = [("winner", *(run.row.test_text if run.row else "–" for run in runs.values()))]
    for name in names:
        found = [next((row for row in run.rows if row.name == name), None) for run in runs.values()]
        rows.append((name, *("–" if row is None else row.test_text for row in found)))
    title = f"Test {axis_of(own[0].measure)} of every row"
    return [Section("rows", title, [Table(("network", *runs), rows, own=frozenset({0}))])]


def _differences(runs: Mapping[str, Findings]) -> Section:
    """The keys of the configuration in which the runs differ, with each run's value."""
    configs = [_flat(run.config) for run in runs.values()]
    keys = dict.fromkeys(key for values in configs for key in values)
    rows = [(key, *(json.dumps(values.get(key)) for values in configs)) for key in keys]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    block = (
        Table(("key", *runs), differing)
        if differing
        else Text("Nowhere: they are the same run, several times.")
    )
    return Section("differences", "Where their configurations differ", [block])


def _flat(section: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in section.items():
        found |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return found


def folder_names(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with as much of the path as it takes to tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(part[-2:])} ({number})" for number, part in enumerate(parts, 1)]
