"""The report of a run: what it found, how it came there, what it cost. Reading executes nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .. import pictures
from ..files import Json, toml
from ..files.atomic import write_text
from ..files.tables import read_events, read_table
from ..spaces import load_architecture
from .history import Event, best_by_generation, changes_of, family, find, is_maximised, spread_out
from .page import Block, Folded, Page, Picture, Section, Table, Text, counted, duration, short, value_text
from .summary import Row, head, read_results, read_rows, read_seconds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..spaces import Architecture, SearchSpace

_STAGES = 4  # drawings of how the best architecture changed
_CAUSES = {
    "pretraining": "pretraining of the supernet",
    "evaluation": "evaluations of the fitness",
    "gradients": "gradients of alpha",
    "weights": "training of the weights meanwhile",
}


@dataclass
class Findings:
    """Everything that a report says of one run; what a run has not reached yet is empty."""

    folder: Path
    config: Json
    history: list[Json]
    pretraining: list[Json]
    events: list[Event]
    results: list[Json]
    rows: list[Row]
    seconds: dict[str, list[float]]
    faults: list[Event]
    space: SearchSpace | None = None
    best: Architecture | None = None
    unknown: str = ""
    leaders: list[tuple[int, Event]] = field(default_factory=list)
    winner: Event | None = None
    maximised: bool = False
    fresh: bool = False

    @property
    def row(self) -> Row | None:
        """The result of the search's winner."""
        return self.rows[-1] if self.rows else None

    @property
    def time(self) -> float:
        """Seconds of all phases."""
        return sum(map(sum, self.seconds.values()))

    @property
    def passes(self) -> dict[str, int]:
        """Passes by cause; what cost none is left out."""
        last = self.history[-1] if self.history else {}
        found = {cause: int(last.get(cause) or 0) for cause in ("pretraining", "gradients", "weights")}
        found["evaluation"] = int(last.get("passes") or 0) - sum(found.values())
        if self.pretraining:
            found["pretraining"] = int(self.pretraining[-1]["passes"])
        return {cause: found[cause] for cause in _CAUSES if found[cause]}

    def section(self, name: str) -> Json:
        """A section of the configuration; empty where the problem has no such section."""
        found = self.config.get(name)
        return found if isinstance(found, dict) else {}


def read_findings(folder: Path) -> Findings:
    """Read a run's folder; no module that it names is imported.

    :raises ConfigError: when it is no run.
    :raises DamagedFile: when one of its tables cannot be read.
    """
    from ..runs.folder import check_run

    check_run(folder)
    found = Findings(
        folder=folder,
        config=toml.read(folder / "config.toml"),
        history=read_table(folder / "history.csv"),
        pretraining=read_table(folder / "pretraining.csv"),
        events=list(read_events(folder / "events.jsonl")),
        results=read_results(folder),
        rows=read_rows(folder),
        seconds=read_seconds(folder),
        faults=list(read_events(folder / "faults.jsonl")),
    )
    found.maximised = is_maximised(found.events, found.history)
    # Where the weights were trained meanwhile, generations cannot be compared.
    found.fresh = bool(found.history and found.history[-1].get("weights"))
    found.leaders = best_by_generation(found.events, found.maximised, found.fresh)
    if (folder / "architecture.json").exists():
        try:
            found.space, found.best = load_architecture(folder / "architecture.json")
            found.winner = find(found.events, found.best.choices, found.maximised)
        except ValueError as error:
            found.unknown = str(error)
    return found


def run_figures(found: Findings) -> dict[str, Figure]:
    """Draw what a run has to show: its architecture, search, pretraining and results, as far as there are any."""
    figures: dict[str, Figure] = {}
    if found.space is not None and found.best is not None:
        figures["architecture"] = pictures.architecture_figure(found.space, found.best)
    if found.history:
        figures["search"] = pictures.search_figure(found.history, energy=f"energy\n({_energy(found)})")
    if any(record.get("predicted") is not None for record in found.history):
        figures["forecasts"] = pictures.forecast_figure(found.history)
    if found.pretraining:
        figures["pretraining"] = pictures.training_figure(found.pretraining)
    if len(found.rows) > 1 and any(row.test is not None for row in found.rows):
        figures["results"] = pictures.points_figure(found.results)
    return figures


def _energy(found: Findings) -> str:
    section = found.section("fitness")
    measure = str(section.get("measure") or section.get("signal") or "fitness")
    return f"{measure}{', negated' if found.maximised else ''}"


def draw_run(folder: Path) -> list[Path]:
    """Draw a run into its ``figures`` folder as PNG and SVG; return the files."""
    target = folder / "figures"
    target.mkdir(exist_ok=True)
    drawn = run_figures(read_findings(folder)).items()
    paths = {name: (target / f"{name}.png", target / f"{name}.svg") for name, _ in drawn}
    return [path for name, figure in drawn for path in pictures.save(figure, *paths[name])]


def write_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run; of an unfinished one, what there is so far.

    :param path: the HTML file; ``report.html`` in the run's folder when None.
    :raises ConfigError: when the folder is no run.
    :raises StorageError: when the file cannot be written.
    """
    return write_text(path or folder / "report.html", run_page(read_findings(folder)).html())


def run_page(found: Findings) -> Page:
    """Return the page of a run."""
    data = found.section("data").get("name") if found.section("pretrain") else "a table"
    versions, figures = found.section("versions").items(), run_figures(found)
    sections = [
        Section("result", "Result", list(_result(found, figures))),
        Section("architecture", "The best architecture", list(_architecture(found, figures))),
        Section("search", "Search", list(_search(found, figures))),
        Section("change", "How the best architecture changed", list(_change(found))),
        Section("family", "Family tree", list(_family(found))),
        Section("size", "Accuracy and size", list(_sizes(found))),
        Section("cost", "Cost", list(_cost(found))),
        Section("faults", "Faults", list(_faults(found))),
        Section("configuration", "Configuration", [_configuration(found)]),
    ]
    return Page(
        title=f"{found.config['space']['name']} on {data}",
        lead=[Text(_lead(found), "soft")],
        sections=[section for section in sections if section.blocks],
        warnings=[Text(text, "warning") for text in _warnings(found)],
        tiles=list(_tiles(found)),
        footer=", ".join(f"{package} {version}" for package, version in versions),
    )


def _warnings(found: Findings) -> Iterator[str]:
    if not found.rows and found.section("retrain").get("epochs", 1):
        yield "This run is not finished; the report shows what there is so far."
    if found.faults:
        yield f"The run went on after {counted(len(found.faults), 'fault')}, listed below."
    if found.unknown:
        yield f"The best architecture is not drawn, since a report imports nothing: {found.unknown}"


def _lead(found: Findings) -> str:
    budget, epochs = found.section("budget"), found.section("pretrain").get("epochs")
    text = f"Run {found.folder.resolve().name}, seed {found.config['seed']}. "
    text += f"A supernet was pretrained for {counted(epochs, 'epoch')}. " if epochs else ""
    unit = "simulated seconds" if budget["unit"] == "seconds" else budget["unit"]
    text += f"Searched by {found.config['strategy']['name']} within {budget['limit']:,g} {unit}. "
    trained = found.section("retrain").get("epochs")
    told = "The winner and its controls were retrained from scratch for"
    return text + (f"{told} {counted(trained, 'epoch')}." if trained else "")


def _tiles(found: Findings) -> Iterator[tuple[str, str, str]]:
    """The figures at the top of the page: what, how much, beside what."""
    row, baseline = found.row, next((r for r in found.rows if r.name == "baseline"), None)
    if row is not None:
        unit = " %" if row.measure.endswith("accuracy") else ""
        beside = f"baseline {value_text(baseline.test, row.measure)}{unit}" if baseline else ""
        yield f"test {row.measure}", value_text(row.test, row.measure) + unit, beside
        yield (
            "parameters",
            short(row.parameters),
            f"baseline {short(baseline.parameters)}" if baseline else "",
        )
    if found.best is not None and found.space is not None and all(d.binary for d in found.space.decisions):
        on = sum(map(bool, found.best.choices))
        yield "active choices", str(on), f"of {len(found.best.choices)} decisions"
    if found.history:
        last = found.history[-1]
        yield "evaluations", f"{last['evaluations']:,}", counted(last["gen"], "generation")
    if found.seconds:
        yield "time", duration(found.time), "all phases"


def _result(found: Findings, figures: dict[str, Figure]) -> Iterator[Block]:
    if not found.rows:
        return
    if found.pretraining:
        yield Text(
            "Every network was trained from scratch with the same recipe. Weights learned from the training set; "
            "architectures were chosen on the validation set; the test set was read once, at the end."
        )
    yield Table(head(found.rows), [row.cells for row in found.rows], own=[len(found.rows) - 1])
    if found.pretraining:
        yield Text(
            "Means over the networks of a row; ± is the standard deviation on the test set; choices: those that are "
            "not the first; weights: parameters; MACs: multiply-adds of one sample. Search: time until the "
            "architecture was known, the pretraining included; train: time per network.",
            "soft",
        )
    if "results" in figures:
        yield Picture(figures["results"], "each row on the validation and the test set")


def _architecture(found: Findings, figures: dict[str, Figure]) -> Iterator[Block]:
    if found.space is not None and found.best is not None:
        yield Picture(figures["architecture"], "the best architecture")
        yield Text(found.space.describe(found.best), "soft")


def _search(found: Findings, figures: dict[str, Figure]) -> Iterator[Block]:
    if "search" not in figures:
        return
    told = f"Energy is what the search minimises: {_energy(found)}."
    if any(record.get("entropy") is not None for record in found.history):
        told += " Entropy is the diversity of the population, summed over the decisions"
        heated = any(record.get("temperature") is not None for record in found.history)
        told += "; the temperature weighs it against the energy." if heated else "."
    yield Text(told)
    yield Picture(figures["search"], "the search by generation")
    if "forecasts" in figures:
        yield Text(
            "Before an architecture was evaluated, its rank among those evaluated was predicted; on the diagonal, what "
            "was predicted came true, and as often as predicted."
        )
        yield Picture(figures["forecasts"], "predicted and reached ranks")
    if "pretraining" in figures:
        drawn = Picture(figures["pretraining"], "losses, measures and open gates by epoch")
        yield Folded("Pretraining of the supernet", drawn)


def _change(found: Findings) -> Iterator[Block]:
    space = found.space
    if not found.leaders or space is None:
        return
    told = "Each row is a decision, each column a generation; a cell is what the best architecture "
    told += "of the generation had chosen there" if found.fresh else "so far had chosen there"
    yield Text(told + (": dark is on, light is off." if all(d.binary for d in space.decisions) else "."))
    figure = pictures.choices_figure(found.leaders, space.decisions)
    yield Picture(figure, "choices of the best architecture by generation")
    # The last one is left out: it is drawn large above.
    for generation, event in spread_out(changes_of(found.leaders)[:-1], _STAGES):
        figure = pictures.architecture_figure(space, space.architecture(event["choices"]))
        told = f"generation {generation}: fitness {event['fitness'][0]:.4g}"
        yield Picture(figure, f"best architecture of generation {generation}", told)


def _family(found: Findings) -> Iterator[Block]:
    if found.winner is None or not any(event["parents"] for event in found.events):
        return
    if not found.winner["parents"]:
        yield Text("The best individual was in the initial population: it has no ancestors.")
        return
    yield Text("Every ancestor that led to the best individual; the nearest 250 where there are more.")
    tree = family(found.events, found.winner["id"])
    figure = pictures.family_figure(tree, found.winner["id"], "fitness")
    yield Picture(figure, "ancestors of the best individual")


def _sizes(found: Findings) -> Iterator[Block]:
    """Every distinct architecture once, with the accuracy that it was last given."""
    points = {
        tuple(event["choices"]): (float(event["parameters"]), float(event["accuracy"]))
        for event in found.events
        if event.get("accuracy") is not None
    }
    if points or sum(row.test is not None for row in found.rows) > 1:
        best = points.get(found.best.choices) if found.best is not None else None
        own = found.rows[-1].name if found.rows else ""
        figure = pictures.pareto_figure(list(points.values()), best, found.results, own)
        yield Picture(figure, "accuracy against parameters")


def _cost(found: Findings) -> Iterator[Block]:
    last, passes = (found.history[-1] if found.history else {}), found.passes
    spent = {phase: duration(sum(seconds)) for phase, seconds in found.seconds.items()}
    times = {"pretraining": spent.get("pretraining", ""), "evaluation": spent.get("search", "")}
    counts = {"evaluation": f"{last['evaluations']:,}"} if last else {}
    rows = [
        (_CAUSES[cause], counts.get(cause, ""), f"{passes.get(cause, 0):,}", times.get(cause, ""))
        for cause in _CAUSES
        if cause in passes or cause in counts
    ]
    rows.append(("together", "", f"{sum(passes.values()):,}", ""))
    if "retraining" in spent:
        rows.append((f"retraining of {counted(len(found.results), 'network')}", "", "", spent["retraining"]))
    yield Table(("cause", "evaluations", "passes", "time"), rows)
    told = (
        "A pass is one sample through one network forward; forward and backward count 3. What the fitness remembered "
        "cost nothing. The time of the search holds its gradients and training."
    )
    if last.get("simulated_seconds"):
        told += f" By the table, the evaluations took {duration(last['simulated_seconds'])} of training."
    yield Text(told, "soft")


def _faults(found: Findings) -> Iterator[Block]:
    if found.faults:
        keys = ("phase", "gen", "entry", "error")
        rows = [[str(fault.get(key, "")) for key in keys] for fault in found.faults]
        yield Table(("phase", "generation", "operator", "error"), rows, texts=4)


def _configuration(found: Findings) -> Block:
    text = (found.folder / "config.toml").read_text(encoding="utf-8").partition("[versions]")[0]
    return Folded("config.toml", Text(text, "code"))
