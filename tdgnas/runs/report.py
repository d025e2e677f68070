"""The report of a run, or of several beside each other: one HTML file that opens without a network."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..files.atomic import write_text
from ..files.tables import read_events, read_table
from ..spaces import SearchSpace, load_architecture
from . import figures, report_figures
from .config import flat, read_config, read_versions
from .folder import check_run
from .history import Event, best_by_generation, changes_of, family, find, spread_out
from .summary import Row, percent, read_rows, read_seconds, short_number

_STAGES = 4  # drawings of how the best architecture changed


@dataclass(frozen=True)
class Picture:
    """A picture inside the page.

    :param text: what it shows, for those who do not see it.
    :param data: a ``data:`` address.
    """

    text: str
    data: str
    caption: str = ""


@dataclass
class Findings:
    """Everything that a report says of one run; what a run has not reached yet is empty."""

    folder: Path
    config: dict[str, Any]
    versions: dict[str, Any]
    history: list[dict[str, Any]]
    pretraining: list[dict[str, Any]]
    events: list[Event]
    results: list[dict[str, Any]]
    rows: list[Row]
    seconds: dict[str, float]
    faults: list[Event]
    space: SearchSpace | None = None
    best: Any = None
    leaders: list[tuple[int, Event]] = field(default_factory=list)
    winner: Event | None = None

    @property
    def maximised(self) -> bool:
        """Whether the fitness is maximised."""
        return self.config["fitness"].get("measure", "accuracy") != "loss"

    @property
    def scored(self) -> str:
        """On what it was searched: a data set, or a table."""
        data = self.config.get("data")
        return str(data["name"]) if data else "a table"

    @property
    def row(self) -> Row | None:
        """The result of the search's winner."""
        return next((row for row in self.rows if row.name == self.config["strategy"]["name"]), None)


def read_findings(folder: Path) -> Findings:
    """Read a run's folder.

    :raises ConfigError: when it is no run.
    """
    check_run(folder)
    results = folder / "results.json"
    done = results.exists()
    found = Findings(
        folder=folder,
        config=read_config(folder / "config.toml"),
        versions=read_versions(folder / "config.toml"),
        history=read_table(folder / "history.csv"),
        pretraining=read_table(folder / "pretraining.csv"),
        events=list(read_events(folder / "events.jsonl")),
        results=json.loads(results.read_text(encoding="utf-8")) if done else [],
        rows=read_rows(folder) if done else [],
        seconds={phase: sum(spent) for phase, spent in read_seconds(folder).items()},
        faults=list(read_events(folder / "faults.jsonl")),
    )
    if (folder / "architecture.json").exists():
        found.space, found.best = load_architecture(folder / "architecture.json")
        found.winner = find(found.events, found.best.choices, found.maximised)
    fresh = bool(found.config["strategy"].setdefault("alternate", False))
    found.leaders = best_by_generation(found.events, found.maximised, fresh) if found.events else []
    return found


def write_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run; of an unfinished one, what there is so far.

    :param path: the HTML file; ``report.html`` in the run's folder when None.
    :raises ConfigError: when the folder is no run.
    :raises StorageError: when the file cannot be written.
    """
    found = read_findings(folder)
    with TemporaryDirectory() as temporary:
        pictures = _Pictures(Path(temporary))
        page = _render(
            "report.html.j2",
            run=found,
            name=folder.resolve().name,
            tiles=_tiles(found),
            pictures=_draw(found, pictures),
            stages=_stages(found, pictures),
            config=(folder / "config.toml").read_text(encoding="utf-8"),
            binary=found.space is not None and all(each.binary for each in found.space.decisions),
            described=found.space.describe(found.best) if found.space is not None else "",
        )
    return write_text(path or folder / "report.html", page)


def write_comparison(folders: list[Path], path: Path | None = None) -> Path:
    """Write a report that sets several runs beside each other.

    :param path: the HTML file; ``report.html`` where you are when None.
    :raises ConfigError: when a folder is no run.
    """
    runs = [read_findings(folder) for folder in folders]
    names = _names(folders)
    histories = {name: run.history for name, run in zip(names, runs, strict=True) if run.history}
    with TemporaryDirectory() as temporary:
        pictures = _Pictures(Path(temporary))
        curves = pictures.draw(
            "best energy, entropy and distinct genotypes of each run by generation",
            lambda file: report_figures.compare_curves(histories, file) if histories else None,
        )
        best = [
            pictures.draw(f"best architecture of {name}", _drawer(run), caption=name)
            for name, run in zip(names, runs, strict=True)
        ]
        page = _render(
            "reports.html.j2",
            runs=list(zip(names, runs, strict=True)),
            differences=_differences(names, runs),
            curves=curves,
            best=[picture for picture in best if picture is not None],
            total=lambda run: sum(run.seconds.values()),
            rows=list(dict.fromkeys(row.name for run in runs for row in run.rows)),
        )
    return write_text(path or Path("report.html"), page)


def _tiles(found: Findings) -> list[tuple[str, str, str]]:
    """The figures at the top of the page: what, how much, beside what."""
    tiles = []
    row, baseline = found.row, next((r for r in found.rows if r.name == "baseline"), None)
    if row is not None:
        beside = "" if baseline is None else f"baseline {percent(baseline.test)} %"
        tiles.append(("test accuracy", f"{percent(row.test)} %", beside))
        beside = "" if baseline is None else f"baseline {short_number(baseline.parameters)}"
        tiles.append(("parameters", short_number(row.parameters), beside))
    if found.best is not None and found.space is not None:
        on = sum(map(bool, found.best.choices))
        tiles.append(("active choices", str(on), f"of {len(found.best.choices)} decisions"))
    if found.history:
        last = found.history[-1]
        tiles.append(("evaluations", f"{last['evaluations']:,}", counted(last["gen"], "generation")))
    if found.seconds:
        tiles.append(("time", duration(sum(found.seconds.values())), "all phases"))
    return tiles


class _Pictures:
    """Draws into a temporary folder and hands out what can be put inside a page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def draw(self, text: str, draw: Callable[[Path], Any] | None, caption: str = "") -> Picture | None:
        if draw is None:
            return None
        self.count += 1
        path = self.folder / f"{self.count}.svg"
        draw(path)
        if not path.exists():
            return None
        content = base64.b64encode(path.read_bytes()).decode()
        return Picture(text, f"data:image/svg+xml;base64,{content}", caption)


def _drawer(found: Findings) -> Callable[[Path], Any] | None:
    space = found.space
    return None if space is None else lambda path: space.draw(found.best, path)


def _draw(found: Findings, pictures: _Pictures) -> dict[str, Picture | None]:
    fitness = "accuracy on the supernet" if found.maximised else "loss on the supernet (nats)"
    energy = "energy\n(- accuracy)" if found.maximised else "energy\n(loss in nats)"
    drawn: dict[str, Callable[[Path], Any] | None] = dict.fromkeys(
        ("architecture", "search", "pretraining", "results", "choices", "family", "pareto")
    )
    drawn["architecture"] = _drawer(found)
    if found.history:
        drawn["search"] = lambda path: figures.search_curves(found.history, path, title="", energy=energy)
    if found.pretraining:
        drawn["pretraining"] = lambda path: figures.training_curves(found.pretraining, path, title="")
    if any(result["test_accuracy"] is not None for result in found.results):
        drawn["results"] = lambda path: figures.result_points(found.results, path, title="")
    if found.leaders and found.space is not None:
        decisions = found.space.decisions
        drawn["choices"] = lambda path: report_figures.choices_by_generation(found.leaders, decisions, path)
    winner = found.winner
    if winner is not None and winner["parents"]:
        tree = family(found.events, winner["id"])
        drawn["family"] = lambda path: report_figures.family_tree(tree, winner["id"], path, fitness)
    drawn["pareto"] = _pareto_drawer(found)
    texts = {
        "architecture": "the best architecture",
        "search": "energies, entropy, temperature, gates and distinct genotypes by generation",
        "pretraining": "losses, accuracies and open gates by epoch",
        "results": "validation and test accuracy of each row",
        "choices": "choices of the best architecture by generation",
        "family": "ancestors of the best individual",
        "pareto": "accuracy against parameters",
    }
    return {name: pictures.draw(texts[name], draw) for name, draw in drawn.items()}


def _pareto_drawer(found: Findings) -> Callable[[Path], Any] | None:
    """Every distinct architecture once, with the accuracy that it was last given."""
    points = {
        tuple(event["choices"]): (float(event["parameters"]), float(event["accuracy"]))
        for event in found.events
        if event.get("accuracy") is not None
    }
    trained = any(result["test_accuracy"] is not None for result in found.results)
    if not points and not trained:
        return None
    best = points.get(found.best.choices) if found.best is not None else None
    return lambda path: report_figures.pareto_plot(list(points.values()), best, found.results, path)


def _stages(found: Findings, pictures: _Pictures) -> list[Picture]:
    """Drawings of the best architecture when it changed, the last one left out: it is drawn large."""
    space = found.space
    if space is None:
        return []
    drawn = []
    for generation, event in spread_out(changes_of(found.leaders)[:-1], _STAGES):
        architecture = space.architecture(event["choices"])
        caption = f"generation {generation}: fitness {event['fitness'][0]:.4g}"
        picture = pictures.draw(
            f"best architecture of generation {generation}",
            lambda path, architecture=architecture: space.draw(architecture, path),  # type: ignore[misc]
            caption,
        )
        drawn.append(picture)
    return [picture for picture in drawn if picture is not None]


def _differences(names: list[str], runs: list[Findings]) -> list[tuple[str, list[str]]]:
    """The keys of the configuration in which the runs differ, with each run's value."""
    configs = [flat(run.config) for run in runs]
    keys = dict.fromkeys(key for values in configs for key in values)
    rows = [(key, [json.dumps(values.get(key)) for values in configs]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _names(folders: list[Path]) -> list[str]:
    """The folders' names, with as much of the path as it takes to tell them apart."""
    parts = [folder.resolve().parts for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(part[-2:])} ({number})" for number, part in enumerate(parts, 1)]


def duration(seconds: float) -> str:
    """Seconds in the units that people use."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def counted(number: int, thing: str) -> str:
    """A number of things, in the singular where there is one."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _render(template: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tdgnas.runs", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(percent=percent, short=short_number, duration=duration, counted=counted)
    return environment.get_template(template).render(**values)
