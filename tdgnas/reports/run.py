"""The report of a run: what it found, how it came there, what it cost. Reading executes nothing of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .. import pictures
from ..files import Json, toml
from ..files.atomic import write_text
from ..files.tables import read_events, read_table
from ..fitness.objectives import UNITS, WORST
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
    events: Sequence[Event]
    results: list[Json]
    rows: list[Row]
    seconds: dict[str, list[float]]
    faults: Sequence[Event]
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

    @property
    def within_budget(self) -> list[Event]:
        """The events within the budget."""
        return [event for event in self.events if not event.get("late")]

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """Draw what a run has to show: its architecture, search, pretraining and results, as far as there are any."""
        figures: dict[str, Figure] = {}
        if self.space is not None and self.best is not None:
            figures["architecture"] = pictures.architecture_figure(self.space, self.best)
        if self.history:
            figures["search"] = pictures.search_figure(self.history, energy=f"energy\n({self._energy()})")
        if any(record.get("hypervolume") is not None for record in self.history):
            names = self.section("objectives").get("names") or ["parameters"]
            within = [
                (each["gen"], each["fitness"])
                for each in self.within_budget
                if max(each["fitness"][1:]) < WORST
            ]
            labels = [self._measure(), *(f"{name} ({UNITS[name]})" for name in names)]
            if within:
                figures["front"] = pictures.front_figure(within, self.history, labels, self.maximised)
        if any(record.get("predicted") is not None for record in self.history):
            figures["forecasts"] = pictures.forecast_figure(self.history)
        if self.pretraining:
            figures["pretraining"] = pictures.training_figure(self.pretraining)
        if len(self.rows) > 1 and any(row.test is not None for row in self.rows):
            figures["results"] = pictures.points_figure(self.results)
        return figures

    def _measure(self) -> str:
        section = self.section("fitness")
        return str(section.get("measure") or section.get("signal") or "fitness")

    def _energy(self) -> str:
        return f"{self._measure()}{', negated' if self.maximised else ''}"

    def page(self) -> Page:
        """Return the page of a run."""
        data = self.section("data").get("name", "a table")
        versions = self.section("versions").items()
        sections = [
            Section("result", "Result", list(self._result())),
            Section("architecture", "The best architecture", list(self._architecture())),
            Section("search", "Search", list(self._search())),
            Section("front", "Front", list(self._front())),
            Section("change", "How the best architecture changed", list(self._change())),
            Section("family", "Family tree", list(self._family())),
            Section("size", "Accuracy and size", list(self._sizes())),
            Section("cost", "Cost", list(self._cost())),
            Section("faults", "Faults", list(self._faults())),
            Section("configuration", "Configuration", [self._configuration()]),
        ]
        return Page(
            title=f"{self.config['space']['name']} on {data}",
            lead=[Text(self._lead(), "soft")],
            sections=[section for section in sections if section.blocks],
            warnings=[Text(text, "warning") for text in self._warnings()],
            tiles=list(self._tiles()),
            footer=", ".join(f"{package} {version}" for package, version in versions),
        )

    def _warnings(self) -> Iterator[str]:
        if not self.rows and self.section("retrain").get("epochs", 1):
            yield "This run is not finished; the report shows what there is so far."
        if self.faults:
            yield f"The run went on after {counted(len(self.faults), 'fault')}, listed below."
        if self.unknown:
            yield f"The best architecture is not drawn, since a report imports nothing: {self.unknown}"

    def _lead(self) -> str:
        budget, epochs = self.section("budget"), self.section("pretrain").get("epochs")
        text = f"Run {self.folder.resolve().name}, seed {self.config['seed']}. "
        text += f"A supernet was pretrained for {counted(epochs, 'epoch')}. " if epochs else ""
        unit = "simulated seconds" if budget["unit"] == "seconds" else budget["unit"]
        text += f"Searched by {self.config['strategy']['name']} within {budget['limit']:,g} {unit}. "
        if late := len(self.events) - len(self.within_budget):
            text += f"{counted(late, 'network')} beyond that, of the last generation, do not count. "
        trained = self.section("retrain").get("epochs")
        told = "The winner and its controls were retrained from scratch for"
        return text + (f"{told} {counted(trained, 'epoch')}." if trained else "")

    def _tiles(self) -> Iterator[tuple[str, str, str]]:
        """The self.figures at the top of the page: what, how much, beside what."""
        row, baseline = self.row, next((r for r in self.rows if r.name == "baseline"), None)
        if row is not None:
            unit = " %" if row.measure.endswith("accuracy") else ""
            beside = f"baseline {value_text(baseline.test, row.measure)}{unit}" if baseline else ""
            yield f"test {row.measure}", value_text(row.test, row.measure) + unit, beside
            yield (
                "parameters",
                short(row.parameters),
                f"baseline {short(baseline.parameters)}" if baseline else "",
            )
        if self.best is not None and self.space is not None and all(d.binary for d in self.space.decisions):
            on = sum(map(bool, self.best.choices))
            yield "active choices", str(on), f"of {len(self.best.choices)} decisions"
        if self.history:
            last = self.history[-1]
            yield "evaluations", f"{round(last['evaluations'], 2):,}", counted(last["gen"], "generation")
        if self.seconds:
            yield "time", duration(self.time), "all phases"

    def _result(self) -> Iterator[Block]:
        if not self.rows:
            return
        if self.pretraining:
            yield Text(
                "Every network was trained from scratch with the same recipe. Weights learned from the training set; "
                "architectures were chosen on the validation set; the test set was read once, at the end."
            )
        yield Table(head(self.rows), [row.cells for row in self.rows], own=[len(self.rows) - 1])
        if self.pretraining:
            yield Text(
                "Means over the networks of a row; ± is the standard deviation on the test set; choices: those that "
                "are not the first; weights: parameters; MACs: multiply-adds of one sample. Search: time until the "
                "architecture was known, the pretraining included; train: time per network.",
                "soft",
            )
        if "results" in self.figures:
            yield Picture(self.figures["results"], "each row on the validation and the test set")

    def _architecture(self) -> Iterator[Block]:
        if self.space is not None and self.best is not None:
            yield Picture(self.figures["architecture"], "the best architecture")
            yield Text(self.space.describe(self.best), "soft")

    def _search(self) -> Iterator[Block]:
        if "search" not in self.figures:
            return
        told = f"Energy is what the search minimises: {self._energy()}."
        if any(record.get("entropy") is not None for record in self.history):
            told += " Entropy is the diversity of the population, summed over the decisions"
            heated = any(record.get("temperature") is not None for record in self.history)
            told += "; the temperature weighs it against the energy." if heated else "."
        yield Text(told)
        yield Picture(self.figures["search"], "the search by generation")
        if "forecasts" in self.figures:
            yield Text(
                "Before an architecture was evaluated, its rank among those evaluated was predicted; on the diagonal, "
                "what was predicted came true, and as often as predicted."
            )
            yield Picture(self.figures["forecasts"], "predicted and reached ranks")
        if "pretraining" in self.figures:
            drawn = Picture(self.figures["pretraining"], "losses, measures and open gates by epoch")
            yield Folded("Pretraining of the supernet", drawn)

    def _change(self) -> Iterator[Block]:
        space = self.space
        if not self.leaders or space is None:
            return
        told = "Each row is a decision, each column a generation; a cell is what the best architecture "
        told += "of the generation had chosen there" if self.fresh else "so far had chosen there"
        yield Text(told + (": dark is on, light is off." if all(d.binary for d in space.decisions) else "."))
        figure = pictures.choices_figure(self.leaders, space.decisions)
        yield Picture(figure, "choices of the best architecture by generation")
        # The last one is left out: it is drawn large above.
        for generation, event in spread_out(changes_of(self.leaders)[:-1], _STAGES):
            figure = pictures.architecture_figure(space, space.architecture(event["choices"]))
            told = f"generation {generation}: fitness {event['fitness'][0]:.4g}"
            yield Picture(figure, f"best architecture of generation {generation}", told)

    def _family(self) -> Iterator[Block]:
        if self.winner is None or not any(event["parents"] for event in self.events):
            return
        if not self.winner["parents"]:
            yield Text("The best individual was in the initial population: it has no ancestors.")
            return
        yield Text("Every ancestor that led to the best individual; the nearest 250 where there are more.")
        tree = family(self.events, self.winner["id"])
        figure = pictures.family_figure(tree, self.winner["id"], "fitness")
        yield Picture(figure, "ancestors of the best individual")

    def _sizes(self) -> Iterator[Block]:
        """Every distinct architecture once, with the accuracy that it was last given."""
        points = {
            tuple(event["choices"]): (float(event["parameters"]), float(event["accuracy"]))
            for event in self.events
            if event.get("accuracy") is not None
        }
        if points or sum(row.test is not None for row in self.rows) > 1:
            best = points.get(self.best.choices) if self.best is not None else None
            own = self.rows[-1].name if self.rows else ""
            figure = pictures.pareto_figure(list(points.values()), best, self.results, own)
            yield Picture(figure, "accuracy against parameters")

    def _front(self) -> Iterator[Block]:
        if "front" in self.figures:
            yield Text(
                "No network that was evaluated is better than one of the front in one objective and not worse in "
                "another. The hypervolume is what the front dominates, measured from the worst value of each objective "
                "in the first generation; what is worse than that in one of them adds nothing."
            )
            yield Picture(self.figures["front"], "the front of the search, and its hypervolume by generation")

    def _cost(self) -> Iterator[Block]:
        last, passes = (self.history[-1] if self.history else {}), self.passes
        spent = {phase: duration(sum(seconds)) for phase, seconds in self.seconds.items()}
        times = {"pretraining": spent.get("pretraining", ""), "evaluation": spent.get("search", "")}
        counts = {"evaluation": f"{round(last['evaluations'], 2):,}"} if last else {}
        rows = [
            (_CAUSES[cause], counts.get(cause, ""), f"{passes.get(cause, 0):,}", times.get(cause, ""))
            for cause in _CAUSES
            if cause in passes or cause in counts
        ]
        rows.append(("together", "", f"{sum(passes.values()):,}", ""))
        if "retraining" in spent:
            rows.append(
                (f"retraining of {counted(len(self.results), 'network')}", "", "", spent["retraining"])
            )
        yield Table(("cause", "evaluations", "passes", "time"), rows)
        told = (
            "A pass is one sample through one network forward; forward and backward count 3. What the fitness "
            "remembered cost nothing. The time of the search holds its gradients and training."
        )
        if last.get("simulated_seconds"):
            told += f" By the table, the evaluations took {duration(last['simulated_seconds'])} of training."
        yield Text(told, "soft")

    def _faults(self) -> Iterator[Block]:
        if self.faults:
            keys = ("phase", "gen", "entry", "error")
            rows = [[str(fault.get(key, "")) for key in keys] for fault in self.faults]
            yield Table(("phase", "generation", "operator", "error"), rows, texts=4)

    def _configuration(self) -> Block:
        text = (self.folder / "config.toml").read_text(encoding="utf-8").partition("[versions]")[0]
        return Folded("config.toml", Text(text, "code"))


def read_findings(folder: Path) -> Findings:
    """Read a run's folder; no module that it names is imported.

    :raises ConfigError: when it is no run.
    :raises ValueError: when one of its tables cannot be read.
    """
    from ..runs.folder import check_run

    check_run(folder)
    found = Findings(
        folder=folder,
        config=toml.read(folder / "config.toml"),
        history=read_table(folder / "history.csv"),
        pretraining=read_table(folder / "pretraining.csv"),
        events=read_events(folder / "events.jsonl"),
        results=read_results(folder),
        rows=read_rows(folder),
        seconds=read_seconds(folder),
        faults=read_events(folder / "faults.jsonl"),
    )
    found.maximised = is_maximised(found.events, found.history)
    # Where the weights were trained meanwhile, generations cannot be compared.
    found.fresh = bool(found.history and found.history[-1].get("weights"))
    found.leaders = best_by_generation(found.within_budget, found.maximised, found.fresh)
    if (folder / "architecture.json").exists():
        try:
            found.space, found.best = load_architecture(folder / "architecture.json")
            found.winner = find(found.events, found.best.choices, found.maximised)
        except ValueError as error:
            found.unknown = str(error)
    return found


def draw_run(run: Path | Findings) -> list[Path]:
    """Draw a run into its ``figures`` folder as PNG and SVG; return the files.

    :param run: its folder, or what was read there.
    """
    found = read_findings(run) if isinstance(run, Path) else run
    target = found.folder / "figures"
    target.mkdir(exist_ok=True)
    files = []
    for name, figure in found.figures.items():
        files += pictures.save(figure, target / f"{name}.png")
        files.append(write_text(target / f"{name}.svg", Picture(figure, name).svg_text))
    return files


def write_report(run: Path | Findings, path: Path | None = None) -> Path:
    """Write the report of a run; of an unfinished one, what there is so far.

    :param run: its folder, or what was read there.
    :param path: the HTML file; ``report.html`` in the run's folder when None.
    :raises ConfigError: when the folder is no run.
    :raises StorageError: when the file cannot be written.
    """
    found = read_findings(run) if isinstance(run, Path) else run
    return write_text(path or found.folder / "report.html", found.page().html())
