"""Several runs beside each other on one page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .. import pictures
from ..files.atomic import write_text
from ..pictures.results import axis_of
from ..runs.config import flat
from .page import Block, Page, Picture, Section, Table, Text, duration, short, value_text
from .run import Findings, read_findings


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
    histories = {name: run.history for name, run in runs.items() if run.history}
    told = "best energy, entropy and distinct genotypes of each run by generation"
    curves = [Picture(pictures.runs_figure(histories), told)] if histories else []
    best = [
        Picture(pictures.architecture_figure(run.space, run.best), f"best architecture of {name}", name)
        for name, run in runs.items()
        if run.space is not None and run.best is not None
    ]
    sections = (
        Section("found", "What they found", [_overview(runs)]),
        Section("rows", "Test results of every row", list(_rows(runs))),
        Section("differences", "Where their configurations differ", [_differences(runs)]),
        Section("search", "Search", curves),
        Section("architectures", "Best architectures", best),
    )
    shown = [section for section in sections if section.blocks]
    return Page(f"{len(runs)} runs beside each other", [Text(", ".join(runs), "soft")], shown)


def _overview(runs: Mapping[str, Findings]) -> Block:
    rows = []
    for name, run in runs.items():
        values = ["–"] * 4
        if run.row is not None:
            unit = " %" if run.row.measure.endswith("accuracy") else ""
            both = (value_text(value, run.row.measure) for value in (run.row.valid, run.row.test))
            values[:3] = *(text + unit * (text != "–") for text in both), short(run.row.parameters)
        if run.history:
            values[3] = f"{round(run.history[-1]['evaluations'], 2):,}"
        whole = run.config
        who = (name, str(whole["space"]["name"]), str(whole["strategy"]["name"]), str(whole["seed"]))
        rows.append((*who, *values, f"{sum(run.passes.values()):,}", duration(run.time) if run.time else "–"))
    head = "run space strategy seed validation test parameters evaluations passes time"
    return Table(head.split(), rows, texts=3)


def _rows(runs: Mapping[str, Findings]) -> Iterator[Block]:
    """The test value of every row of every run; the runs' winners share the first."""
    own = [run.row for run in runs.values() if run.row is not None]
    if own:
        rows = [("winner", *(run.row.test_text if run.row else "–" for run in runs.values()))]
        for name in dict.fromkeys(row.name for run in runs.values() for row in run.rows[:-1]):
            found = [
                next((row.test_text for row in run.rows if row.name == name), "–") for run in runs.values()
            ]
            rows.append((name, *found))
        yield Table((f"test {axis_of(own[0].measure)}", *runs), rows, own=[0])


def _differences(runs: Mapping[str, Findings]) -> Block:
    """The keys of the configuration in which the runs differ, with each run's value."""
    configs = [flat(run.config) for run in runs.values()]
    keys = dict.fromkeys(key for values in configs for key in values)
    rows = [(key, *(json.dumps(values.get(key)) for values in configs)) for key in keys]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    same = Text("Nowhere: they are the same run, several times.")
    return Table(("key", *runs), differing) if differing else same


def folder_names(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with as much of the path as it takes to tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(part[-2:])} ({number})" for number, part in enumerate(parts, 1)]
