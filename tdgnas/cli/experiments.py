"""Commands for experiments: begin one, go on with it, report it, and what can be set."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..files import Json
from .common import DataFolder, Device, Map, console, plain_errors, say, say_table, set_all

if TYPE_CHECKING:
    from ..runs import Experiment
    from ..runs.progress import Reporter

Problem = Annotated[
    str | None,
    typer.Option(
        "--problem", "-p", help="a name of `tdgnas problems`, SPACE@DATA:key=value or table:key=value"
    ),
]
Strategy = Annotated[
    str | None, typer.Option("--strategy", "-s", help="a name of `tdgnas strategies`, or NAME:key=value")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="any key of the configuration, see `tdgnas options`: budget.limit=50; repeatable"
    ),
]
Trust = Annotated[bool, typer.Option("--trust", help="import the code that the folder or the file names")]

#: Options that set a key of the configuration.
KEYS = {
    "budget": "budget.limit",
    "unit": "budget.unit",
    "objective": "objectives.names",
    "map": "map.kind",
    "seed": "seed",
    "device": "device",
    "data_folder": "data.folder",
    "download": "data.download",
}


def search(
    context: typer.Context,
    problem: Problem = None,
    strategy: Strategy = None,
    budget: Annotated[
        float | None, typer.Option("--budget", "-b", help="what the search may use; the problem's own")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="of the budget: generations, evaluations, passes (of images), seconds")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="minimised beside the fitness: parameters, macs, latency, or several with commas; before them the "
            "fitness' own measure, as in accuracy,latency"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="the run's folder; new or empty")] = Path("runs/latest"),
    seed: Annotated[int | None, typer.Option(help="one seed for everything")] = None,
    device: Device = None,
    map: Map = None,
    data_folder: DataFolder = None,
    download: Annotated[
        bool | None, typer.Option(help="let torchvision download what is missing", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="a TOML file; the other options override it")
    ] = None,
    assignments: Assignments = None,
    trust: Trust = False,
) -> None:
    """Search a problem with a strategy within a budget, in a folder. Without options: DARTS + TDGA on digits."""
    with plain_errors(lambda: _way_back(out)):
        from ..runs import Experiment, make_config
        from ..runs.config import read_config, without_generations
        from ..runs.experiment import import_modules
        from ..trust import check_trust, named_code

        document: Json = {}
        if config is not None:
            document = read_config(config)
            check_trust(config, named_code(document), trust)
            import_modules(document)
            document = without_generations(document)
        options = context.params
        given = {name: options[name] for name in KEYS if options[name] is not None}
        document = _document(problem, strategy, assignments, given, document)
        modules, known = context.find_root().params.get("modules"), document.get("imports", [])
        if modules and isinstance(known, list):
            # They are part of what defines the run: `tdgnas resume` needs them again.
            document["imports"] = list(dict.fromkeys([*known, *modules]))
        import_modules(document)
        start = make_config(document)
        _execute(lambda reporter: Experiment.start(out, start, reporter), start.device)


def resume(
    folder: Annotated[Path, typer.Argument(help="the folder of a run that was stopped")],
    trainings: Annotated[
        int | None,
        typer.Option(min=1, help="of every network in the result table, those that are done included"),
    ] = None,
    trust: Trust = False,
) -> None:
    """Go on with a run that was stopped, from its last checkpoint; of a finished run, print the result.

    With --trainings a finished run goes on too, as if it had been begun with so many.
    """
    with plain_errors(lambda: _way_back(folder)):
        from ..runs import Experiment
        from ..runs.config import read_config
        from ..runs.folder import finished

        def begin(reporter: Reporter) -> Experiment:
            run = Experiment.open(folder, reporter, trusted=trust)
            return run if trainings is None else run.with_trainings(trainings)

        if trainings is None and finished(folder):
            say("this run is finished")
            _finish(folder)
        else:
            _execute(begin, read_config(folder / "config.toml").get("device"))


def config(problem: Problem = None, strategy: Strategy = None, assignments: Assignments = None) -> None:
    """Print a configuration with every key, its default and its meaning, to begin your own with."""
    with plain_errors():
        from ..runs import make_config
        from ..runs.config import config_text

        print(config_text(make_config(_document(problem, strategy, assignments))), end="")


def options(
    section: Annotated[str | None, typer.Argument(help="strategy, pretrain, fitness...; all of them")] = None,
    problem: Problem = None,
    strategy: Strategy = None,
) -> None:
    """List what can be set by --set: key, what it may be, its value here and its meaning."""
    with plain_errors():
        from ..files.toml import shown
        from ..runs import make_config
        from ..settings import listed

        found = list(listed(make_config(_document(problem, strategy))))
        kept = [each for each in found if section is None or f"{each.key}.".startswith(f"{section}.")]
        if not kept:
            sections = dict.fromkeys(each.key.split(".")[0] for each in found)
            raise ValueError(f"there is no section {section!r}; there are {', '.join(sections)}")
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("key", no_wrap=True)
        for name in ("may be", "value", "meaning"):
            table.add_column(name, overflow="fold")
        for each in kept:
            table.add_row(each.key, f"{each.kind} {each.range}".strip(), shown(each.default), each.meaning)
        # Files and pipes get whole lines.
        (Console(width=10_000) if console.soft_wrap else console).print(table, highlight=False, markup=False)


def report(
    folders: Annotated[list[Path], typer.Argument(help="folders of runs")],
    out: Annotated[
        Path | None,
        typer.Option(help="the HTML file; report.html in the run's folder, or here for several runs"),
    ] = None,
) -> None:
    """Write the report of a run again, or one that compares several runs: one HTML file that opens offline."""
    with plain_errors():
        from ..files.checkpoints import DamagedCheckpoint
        from ..files.digests import AlteredFile
        from ..reports import write_report, write_runs
        from ..runs.folder import finished

        for folder in folders:
            try:
                finished(folder)
            except (AlteredFile, DamagedCheckpoint) as error:
                say(f"warning: {error}")
        written = write_report(folders[0], out) if len(folders) == 1 else write_runs(folders, out)
        say(f"report: {written}")


def _document(
    problem: str | None,
    strategy: str | None,
    assignments: list[str] | None = None,
    given: Mapping[str, Any] | None = None,
    document: Json | None = None,
) -> Json:
    """Lay what the options say over a document.

    :param given: values of the options in :data:`KEYS`.
    """
    from ..runs.sections import assign, document_of, merged

    found = merged(document or {}, document_of(problem, strategy, None, {}))
    for name, value in (given or {}).items():
        assign(found, KEYS[name].split("."), value)
    if objective := (given or {}).get("objective"):
        own, names = _objectives(objective)
        found["objectives"]["names"] = names
        if own:
            _check_measure(own, found)
            assign(found, ["fitness", "measure"], own)
    words = {"problem": problem, "strategy.name": strategy}
    own_keys = {key: key.partition(".")[0] for key, word in words.items() if word is not None}
    set_all(found, assignments, own_keys | {KEYS[name]: name for name in given or ()})
    _check_same_problem(document or {}, found)
    return found


def _check_measure(name: str, document: Json) -> None:
    """Refuse to name the fitness' own measure where it has none to choose from."""
    from ..fitness.objectives import UNITS
    from ..runs import Config, ConfigError
    from ..runs.problem import FITNESSES
    from ..runs.problems import problem_sections
    from ..runs.sections import merged

    problem = document.get("problem", Config.model_fields["problem"].default)
    kind = merged(problem_sections(problem), document).get("fitness", {}).get("kind", "supernet")
    if "measure" not in FITNESSES.get(kind).Settings.model_fields:
        raise ConfigError(
            f"--objective: the fitness {kind!r} has no measures to choose from, so leave out {name!r}; "
            f"beside it there are {', '.join(UNITS)}"
        )


def _check_same_problem(file: Json, found: Json) -> None:
    """Refuse another problem than that of a file whose sections say what its problem is: they would stay."""
    from ..runs import ConfigError

    old, new = file.get("problem", found.get("problem")), found.get("problem")
    stay = ", ".join(f"[{name}]" for name in ("space", "data", "pretrain", "fitness") if name in file)
    if old != new and stay:
        raise ConfigError(
            f"the file is of the problem {old!r}, and what it says in {stay} would hold for {new!r} as well; "
            "leave these sections out of it, or begin with `tdgnas config --problem ...`"
        )


def _objectives(text: str) -> tuple[str, list[str]]:
    """Return the fitness' own measure, where it is named first, and what is minimised beside it.

    >>> _objectives("accuracy,latency"), _objectives("macs, parameters")
    (('accuracy', ['latency']), ('', ['macs', 'parameters']))
    """
    from ..fitness.objectives import UNITS

    names = [part.strip() for part in text.split(",")]
    return ("", names) if names[0] in UNITS else (names[0], names[1:])


def _execute(begin: Callable[[Reporter], Experiment], device: str | None) -> None:
    from ..parallel import joined
    from ..runs import Experiment
    from ..runs.progress import Terminal

    with joined(device) as group:
        if not group.leads:
            return Experiment.follow()
        reporter = Terminal(console)
        with reporter:
            run = begin(reporter)
            run.execute()
    return _finish(run.folder, fresh=True)


def _way_back(folder: Path) -> str:
    if (folder / "config.toml").is_file():
        return f"go on with: tdgnas resume {shlex.quote(str(folder))}"
    return "nothing was begun: the same command begins it"


def _finish(folder: Path, fresh: bool = False) -> None:
    """Print the result of a finished run; draw it and write its report where that is not done yet."""
    from ..reports import draw_run, read_findings, read_rows, result_table, write_report

    drawn = (folder / "figures" / "architecture.svg").exists() and (folder / "report.html").exists()
    if fresh or not drawn:
        found = read_findings(folder)
        draw_run(found)
        write_report(found)
    rows = read_rows(folder)
    if rows:
        say_table(result_table(rows))
    names = ("report.html", "architecture.json", "network/", "figures/", "history.csv", "results.json")
    there = ", ".join(name for name in names if (folder / name).exists())
    say(f"run folder: {folder} ({there})")
