"""The report of a run: what it found, how it came there, what it cost. Reading executes nothing of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import pictures
from ..files import toml
from ..files.atomic import write_text
from ..files.tables import read_events, read_table
from ..spaces import load_architecture
from .history import Event, best_by_generation, changes_of, family, find, is_maximised, spread_out
from .page import (
    Folded,
    Page,
    Picture,
    Section,
    Table,
    Text,
    counted,
    duration,
    short,
    spread_text,
    value_text,
)
from .summary import Row, axis_of, read_results, read_rows, read_seconds

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
    config: dict[str, Any]
    versions: dict[str, Any]
    history: list[dict[str, Any]]
    pretraining: list[dict[str, Any]]
    events: list[Event]
    results: list[dict[str, Any]]
    rows: list[Row]
    seconds: dict[str, list[float]]
    faults: list[Event]
    space: SearchSpace | None = None
    best: Architecture | None = None
    unknown: str = ""
    leaders: list[tuple[int, Event]] = field(default_factory=list)
    winner: Event | None = None
    maximised: bool = False

    @property
    def strategy(self) -> str:
        """The strategy's name."""
        return str(self.config["strategy"]["name"])

    @property
    def row(self) -> Row | None:
        """The result of the search's winner."""
        return self.rows[-1] if self.rows else None

    @property
    def fresh(self) -> bool:
        """Whether the weights were trained meanwhile, so that generations cannot be compared."""
        return bool(self.history) and bool(self.history[-1].get("weights"))

    def passes(self) -> dict[str, int]:
        """Passes by cause; what cost none is left out."""
        last = self.history[-1] if self.history else {}
        before = int(self.pretraining[-1].get("passes", 0)) if self.pretraining else 0
        found = {"pretraining": before, **{k: int(last.get(k) or 0) for k in ("gradients", "weights")}}
        inside = sum(int(last.get(cause) or 0) for cause in ("pretraining", "gradients", "weights"))
        found["evaluation"] = int(last.get("passes") or 0) - inside
        return {cause: found[cause] for cause in _CAUSES if found[cause]}

    def section(self, name: str) -> dict[str, Any]:
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
    config = toml.read(folder / "config.toml")
    found = Findings(
        folder=folder,
        versions=config.pop("versions", {}),
        config=config,
        history=read_table(folder / "history.csv"),
        pretraining=read_table(folder / "pretraining.csv"),
        events=list(read_events(folder / "events.jsonl")),
        results=read_results(folder),
        rows=read_rows(folder),
        seconds=read_seconds(folder),
        faults=list(read_events(folder / "faults.jsonl")),
    )
    found.maximised = is_maximised(found.events, found.history)
    if (folder / "architecture.json").exists():
        try:
            found.space, found.best = load_architecture(folder / "architecture.json")
        except ValueError as error:
            found.unknown = str(error)
        else:
            found.winner = find(found.events, found.best.choices, found.maximised)
    found.leaders = best_by_generation(found.events, found.maximised, found.fresh)
    return found


def run_figures(found: Findings) -> dict[str, Figure]:
    """Draw what a run has to show: its architecture, search, pretraining and results, as far as there are any."""
    figures: dict[str, Figure] = {}
    if found.space is not None and found.best is not None:
        figures["architecture"] = pictures.architecture_figure(found.space, found.best)
    if found.history:
        energy = "energy\n(fitness negated)" if found.maximised else "energy\n(fitness)"
        if found.section("fitness").get("measure") == "loss":
            energy = "energy\n(loss)"
        figures["search"] = pictures.search_figure(found.history, energy=energy)
    if found.pretraining:
        figures["pretraining"] = pictures.training_figure(found.pretraining)
    if any(row.test is not None for row in found.rows):
        figures["results"] = pictures.points_figure(found.results)
    return figures


def draw_run(folder: Path) -> list[Path]:
    """Draw a run into its ``figures`` folder as PNG and SVG; return the files."""
    target = folder / "figures"
    target.mkdir(exist_ok=True)
    files: list[Path] = []
    for name, figure in run_figures(read_findings(folder)).items():
        files += pictures.save(figure, target / f"{name}.png", target / f"{name}.svg")
    return files


def write_report(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run; of an unfinished one, what there is so far.

    :param path: the HTML file; ``report.html`` in the run's folder when None.
    :raises ConfigError: when the folder is no run.
    :raises StorageError: when the file cannot be written.
    """
    return write_text(path or folder / "report.html", run_page(read_findings(folder)).html())


def run_page(found: Findings) -> Page:
    """Return the page of a run."""
    figures = run_figures(found)
    sections = [
        _result(found, figures), _architecture(found, figures), _search(found, figures), _change(found),
        _family(found), _sizes(found), _cost(found), _faults(found), _configuration(found),
    ]  # fmt: skip
    warnings = []
    if not found.rows and found.section("retrain").get("epochs", 1):
        warnings.append(Text("This run is not finished; the report shows what there is so far.", "warning"))
    if found.faults:
        text = f"The run went on after {counted(len(found.faults), 'fault')}, listed below."
        warnings.append(Text(text, "warning"))
    if found.unknown:
        what = (
            "The best architecture is not drawn: its space is not known here, and a report imports nothing. "
        )
        warnings.append(Text(f"{what}{found.unknown}", "warning"))
    return Page(
        title=subject(found),
        lead=[Text(_lead(found), "soft")],
        sections=[section for section in sections if section is not None],
        warnings=warnings,
        tiles=_tiles(found),
        footer=", ".join(f"{package} {version}" for package, version in found.versions.items()),
    )


def subject(found: Findings) -> str:
    """What was searched, and on what."""
    scored = found.section("data").get("name") if found.section("pretrain") else "a table"
    return f"{found.config['space']['name']} on {scored}"


def _lead(found: Findings) -> str:
    budget, epochs = found.section("budget"), found.section("pretrain").get("epochs")
    parts = [f"Run {found.folder.resolve().name}, seed {found.config['seed']}."]
    if epochs:
        parts.append(f"A supernet was pretrained for {counted(epochs, 'epoch')}.")
    parts.append(f"Searched by {found.strategy} within {budget['limit']:,} {budget['unit']}.")
    if found.pretraining and found.section("retrain").get("epochs"):
        many = counted(found.section("retrain")["epochs"], "epoch")
        parts.append(f"The winner and its controls were retrained from scratch for {many}.")
    return " ".join(parts)


def _tiles(found: Findings) -> list[tuple[str, str, str]]:
    """The figures at the top of the page: what, how much, beside what."""
    tiles = []
    row, baseline = found.row, next((r for r in found.rows if r.name == "baseline"), None)
    if row is not None:
        unit = " %" if row.measure.endswith("accuracy") else ""
        beside = "" if baseline is None else f"baseline {value_text(baseline.test, row.measure)}{unit}"
        tiles.append((f"test {row.measure}", f"{value_text(row.test, row.measure)}{unit}", beside))
        beside = "" if baseline is None else f"baseline {short(baseline.parameters)}"
        tiles.append(("parameters", short(row.parameters), beside))
    if found.best is not None and found.space is not None and all(d.binary for d in found.space.decisions):
        on = sum(map(bool, found.best.choices))
        tiles.append(("active choices", str(on), f"of {len(found.best.choices)} decisions"))
    if found.history:
        last = found.history[-1]
        tiles.append(("evaluations", f"{last['evaluations']:,}", counted(last["gen"], "generation")))
    if found.seconds:
        tiles.append(("time", duration(sum(map(sum, found.seconds.values()))), "all phases"))
    return tiles


def _result(found: Findings, figures: dict[str, Figure]) -> Section | None:
    if not found.rows:
        return None
    unit = axis_of(found.rows[-1].measure)
    head = [
        "network", "networks", "active choices", f"validation {unit}", f"test {unit}", "parameters", "multiply-adds",
        "search", "training",
    ]  # fmt: skip
    rows = [
        (
            row.name, str(row.networks), f"{row.gates:.3g}", value_text(row.valid, row.measure),
            value_text(row.test, row.measure) + spread_text(row.spread, row.measure), short(row.parameters),
            short(row.macs), duration(row.search_seconds) if row.search_seconds else "–",
            duration(row.retraining_seconds) if row.retraining_seconds else "–",
        )
        for row in found.rows
    ]  # fmt: skip
    trained = bool(found.pretraining)
    blocks: list[Any] = [Table(head, rows, own=frozenset({len(rows) - 1}))]
    if trained:
        told = (
            "Every network was trained from scratch with the same recipe. Weights learned from the training set; "
            "architectures were chosen on the validation set; the test set was read once, at the end."
        )
        under = (
            "Means over the networks of a row; ± is the standard deviation on the test set. Search: time until the "
            "architecture was known, the pretraining included; training: time per network."
        )
        blocks = [Text(told), *blocks, Text(under, "soft")]
    if "results" in figures and len(rows) > 1:
        blocks.append(Picture(figures["results"], "each row on the validation and the test set"))
    return Section("result", "Result", blocks)


def _architecture(found: Findings, figures: dict[str, Figure]) -> Section | None:
    if found.space is None or found.best is None:
        return None
    picture = Picture(figures["architecture"], "the best architecture")
    described = Text(found.space.describe(found.best), "soft")
    return Section("architecture", "The best architecture", [picture, described])


def _search(found: Findings, figures: dict[str, Figure]) -> Section | None:
    if not found.history:
        return None
    measure = found.section("fitness").get("measure") or found.section("fitness").get("signal") or "fitness"
    told = f"Energy is what the search minimises: {measure}{', negated' if found.maximised else ''}."
    if any(record.get("entropy") is not None for record in found.history):
        told += " Entropy is the diversity of the population, summed over the decisions"
        heated = any(record.get("temperature") is not None for record in found.history)
        told += "; the temperature weighs it against the energy." if heated else "."
    blocks: list[Any] = [Text(told), Picture(figures["search"], "the search by generation")]
    if "pretraining" in figures:
        inside = Picture(figures["pretraining"], "losses, measures and open gates by epoch")
        blocks.append(Folded("Pretraining of the supernet", [inside]))
    return Section("search", "Search", blocks)


def _change(found: Findings) -> Section | None:
    space = found.space
    if not found.leaders or space is None:
        return None
    told = "Each row is a decision, each column a generation; a cell is what the best architecture "
    told += "of the generation had chosen there" if found.fresh else "so far had chosen there"
    told += ": dark is open, light is closed." if all(each.binary for each in space.decisions) else "."
    figure = pictures.choices_figure(found.leaders, space.decisions)
    blocks: list[Any] = [Text(told), Picture(figure, "choices of the best architecture by generation")]
    # The last one is left out: it is drawn large above.
    stages = [
        Picture(
            pictures.architecture_figure(space, space.architecture(event["choices"])),
            f"best architecture of generation {generation}",
            f"generation {generation}: fitness {event['fitness'][0]:.4g}",
        )
        for generation, event in spread_out(changes_of(found.leaders)[:-1], _STAGES)
    ]
    return Section("change", "How the best architecture changed", blocks + stages)


def _family(found: Findings) -> Section | None:
    if found.winner is None or not any(event["parents"] for event in found.events):
        return None
    if not found.winner["parents"]:
        told = "It was in the initial population: it has no ancestors."
        return Section("family", "Family tree", [Text(told)])
    told = "Every ancestor that led to the best individual; the nearest 250 where there are more."
    tree = family(found.events, found.winner["id"])
    figure = pictures.family_figure(tree, found.winner["id"], "fitness")
    return Section("family", "Family tree", [Text(told), Picture(figure, "ancestors of the best individual")])


def _sizes(found: Findings) -> Section | None:
    """Every distinct architecture once, with the accuracy that it was last given."""
    points = {
        tuple(event["choices"]): (float(event["parameters"]), float(event["accuracy"]))
        for event in found.events
        if event.get("accuracy") is not None
    }
    if not points and sum(row.test is not None for row in found.rows) < 2:
        return None
    best = points.get(found.best.choices) if found.best is not None else None
    own = found.rows[-1].name if found.rows else ""
    figure = pictures.pareto_figure(list(points.values()), best, found.results, own)
    return Section("size", "Accuracy and size", [Picture(figure, "accuracy against parameters")])


def _cost(found: Findings) -> Section:
    last, passes = (found.history[-1] if found.history else {}), found.passes()
    spent = {phase: duration(sum(seconds)) for phase, seconds in found.seconds.items()}
    when = {"pretraining": spent.get("pretraining", ""), "evaluation": spent.get("search", "")}
    rows = []
    for cause, name in _CAUSES.items():
        if cause in passes or (cause == "evaluation" and last):
            count = f"{last['evaluations']:,}" if cause == "evaluation" else ""
            rows.append((name, count, f"{passes.get(cause, 0):,}", when.get(cause, "")))
    rows.append(("together", "", f"{sum(passes.values()):,}", ""))
    if "retraining" in spent:
        rows.append((f"retraining, {counted(len(found.results), 'network')}", "", "", spent["retraining"]))
    told = (
        "A pass is one sample through one network forward; forward and backward count 3. What the fitness remembered "
        "cost nothing. The time of the search holds its gradients and training."
    )
    if last.get("simulated_seconds"):
        told += f" By the table, the evaluations took {duration(last['simulated_seconds'])} of training."
    head = ("cause", "evaluations", "passes", "time")
    return Section("cost", "Cost", [Table(head, rows), Text(told, "soft")])


def _faults(found: Findings) -> Section | None:
    if not found.faults:
        return None
    keys = ("phase", "gen", "entry", "error")
    rows = [[str(fault.get(key, "")) for key in keys] for fault in found.faults]
    return Section("faults", "Faults", [Table(("phase", "generation", "operator", "error"), rows, texts=4)])


def _configuration(found: Findings) -> Section:
    text = (found.folder / "config.toml").read_text(encoding="utf-8").partition("[versions]")[0]
    return Section("configuration", "Configuration", [Folded("config.toml", [Text(text, "code")])])
