"""The command line."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from rich.markup import escape

from . import cli_compare, cli_networks
from .cli_common import console, plain_errors

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Evolutionary neural architecture search with DEAP: TDGA, DARTS and one shared supernet.",
)


@app.callback()
def common(
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--import", help="a module of your own to import first, which registers things; repeatable"
        ),
    ] = None,
) -> None:
    """Evolutionary neural architecture search with DEAP: TDGA, DARTS and one shared supernet."""
    if modules:
        with plain_errors():
            from .registry import import_plugin

            for module in modules:
                import_plugin(module)


def _option(key: str, help: str, *names: str) -> Any:
    """An option that sets a key of the configuration."""
    option = typer.Option(*names, help=f"{help} [{key}]", show_default=False)
    option.key = key
    return option


def _keys(command: Callable[..., Any]) -> dict[str, str]:
    """A command's parameters that set keys of the configuration, and these keys."""
    hints = get_type_hints(command, include_extras=True).items()
    metadata = ((name, each) for name, hint in hints for each in getattr(hint, "__metadata__", ()))
    return {name: each.key for name, each in metadata if hasattr(each, "key")}


_OPERATOR = "see `tdgnas operators`, or one of your own as my_package.my_module:my_operator"


@app.command()
def search(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="a TOML file; options below override it")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", help="any key of the configuration, e.g. search.ngen=50; repeatable"),
    ] = None,
    out: Annotated[Path, typer.Option(help="the run's folder; new or empty")] = Path("runs/latest"),
    seed: Annotated[int | None, _option("seed", "one seed for everything")] = None,
    device: Annotated[str | None, _option("device", "cpu, cuda, cuda:1; CUDA where there is one")] = None,
    space: Annotated[str | None, _option("space.name", "what is searched, see `tdgnas spaces`")] = None,
    width: Annotated[float | None, _option("space.settings.width", "multiplies the channels")] = None,
    data: Annotated[str | None, _option("data.name", "digits, cifar10, cifar100, mnist..., folder")] = None,
    data_folder: Annotated[str | None, _option("data.folder", "where the data set lies")] = None,
    download: Annotated[
        bool | None, _option("data.download", "let torchvision download what is missing")
    ] = None,
    train_images: Annotated[int | None, _option("data.train", "use only so many training images")] = None,
    valid_images: Annotated[
        float | None, _option("data.valid", "number or share of validation images")
    ] = None,
    pretrain_epochs: Annotated[int | None, _option("pretrain.epochs", "epochs of DARTS")] = None,
    order: Annotated[int | None, _option("pretrain.order", "1 or 2: order of the bilevel gradient")] = None,
    relaxation: Annotated[
        str | None, _option("pretrain.relaxation", "sigmoid, hard-sigmoid, target-softmax")
    ] = None,
    population: Annotated[
        int | None, _option("search.population", "individuals", "--population", "-n")
    ] = None,
    generations: Annotated[int | None, _option("search.ngen", "generations", "--generations", "-g")] = None,
    select: Annotated[str | None, _option("search.select", _OPERATOR)] = None,
    mate: Annotated[str | None, _option("search.mate", _OPERATOR)] = None,
    mutate: Annotated[str | None, _option("search.mutate", _OPERATOR)] = None,
    cxpb: Annotated[float | None, _option("search.cxpb", "probability that a pair is crossed")] = None,
    mutpb: Annotated[
        float | None, _option("search.mutpb", "probability that an individual is mutated")
    ] = None,
    sigma: Annotated[float | None, _option("search.sigma", "of the Gaussian mutation")] = None,
    entropy: Annotated[str | None, _option("search.entropy", "shannon, distance, variance, logdet")] = None,
    schedule: Annotated[
        str | None, _option("search.temperature.schedule", "constant, geometric, linear, feedback")
    ] = None,
    t_start: Annotated[float | None, _option("search.temperature.start", "first temperature")] = None,
    t_stop: Annotated[float | None, _option("search.temperature.stop", "last temperature")] = None,
    t_target: Annotated[
        float | None, _option("search.temperature.target", "entropy that feedback aims at")
    ] = None,
    relative: Annotated[
        bool | None, _option("search.temperature.relative", "in units of the energies' spread")
    ] = None,
    local_search: Annotated[bool | None, _option("search.local_search", "the gradient step on alpha")] = None,
    weights: Annotated[str | None, _option("search.weights", "frozen or alternate")] = None,
    measure: Annotated[str | None, _option("fitness.measure", "loss or accuracy")] = None,
    mode: Annotated[str | None, _option("fitness.mode", "threshold, sample or relaxed")] = None,
    batchnorm: Annotated[str | None, _option("fitness.batchnorm", "batch, recalibrated or running")] = None,
    fitness_images: Annotated[int | None, _option("fitness.size", "images per fitness")] = None,
    retrain_epochs: Annotated[
        int | None, _option("retrain.epochs", "epochs of retraining; 0 skips it")
    ] = None,
    random_draws: Annotated[int | None, _option("retrain.random_draws", "random controls")] = None,
    retrain_seeds: Annotated[int | None, _option("retrain.seeds", "trainings of every network")] = None,
) -> None:
    """Pretrain a supernet, search it with TDGA, retrain the winner beside its controls. The defaults are the demo."""
    options = dict(locals())
    with plain_errors(lambda: _way_back(out)):
        from .runs.config import ConfigError, assign, make_config, parse_assignment, read_config
        from .runs.run import Run

        document = {} if config is None else read_config(config)
        given = {key: name for name, key in _keys(search).items() if options[name] is not None}
        for key, name in given.items():
            assign(document, key.split("."), options[name])
        for text in assignments or []:
            keys, value = parse_assignment(text)
            if (key := ".".join(keys)) in given:
                option = given[key].replace("_", "-")
                raise ConfigError(f"{key} is given twice, by --{option} and by --set; leave one of them out")
            assign(document, keys, value)
        modules = context.find_root().params.get("modules")
        known = document.get("imports", [])
        if modules and isinstance(known, list):
            # They are part of what defines the run: `tdgnas resume` needs them again.
            document["imports"] = list(dict.fromkeys([*known, *modules]))
        _execute(lambda reporter: Run.start(out, make_config(document), reporter))


@app.command()
def resume(
    folder: Annotated[Path, typer.Argument(help="the folder of a run that was stopped")],
) -> None:
    """Go on with a run that was stopped, from its last checkpoint; of a finished run, print the result."""
    with plain_errors(lambda: _way_back(folder)):
        from .runs.run import Run, finished

        if finished(folder):
            console.print("this run is finished", highlight=False)
            _finish(folder)
        else:
            _execute(lambda reporter: Run.open(folder, reporter))


@app.command()
def config() -> None:
    """Print a configuration with every key, its default and its meaning, to begin your own with."""
    from .runs.config import config_text, make_config

    print(config_text(make_config({})), end="")


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="folders of runs")],
    out: Annotated[
        Path | None,
        typer.Option(help="the HTML file; report.html in the run's folder, or here for several runs"),
    ] = None,
) -> None:
    """Write the report of a run again, or one that compares several runs: one HTML file that opens offline."""
    with plain_errors():
        from .runs.report import write_comparison, write_report

        written = write_report(folders[0], out) if len(folders) == 1 else write_comparison(folders, out)
        console.print(f"report: {written}", highlight=False, markup=False)


app.command()(cli_compare.compare)


@app.command()
def spaces() -> None:
    """List the search spaces."""
    from .spaces import SPACES

    for entry in SPACES:
        _print_entry(entry.name, entry.summary, entry.origin)
    _print_failures(SPACES.failures)


@app.command()
def strategies() -> None:
    """List the search strategies, for `tdgnas compare`."""
    from .strategies import STRATEGIES

    for entry in STRATEGIES:
        _print_entry(entry.name, entry.summary, entry.origin)
    _print_failures(STRATEGIES.failures)


@app.command()
def operators() -> None:
    """List the genetic operators."""
    from .operators import KINDS, OPERATORS, kind_of

    for kind in dict.fromkeys(KINDS.values()):
        members = [entry for entry in OPERATORS if kind_of(entry.value) == kind]
        if members:
            console.print(kind, style="bold underline")
        for entry in members:
            # A plug-in's origin names its package and the object, ours is a module.
            own = entry.origin if ":" in entry.origin else f"{entry.origin}:{entry.value.__name__}"
            _print_entry(entry.name, entry.summary, own)
    _print_failures(OPERATORS.failures)


@app.command()
def check(
    target: Annotated[
        str, typer.Argument(help="my_package.my_module:my_operator, or the name of something registered")
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            help="selection, mutation, crossover, local-search, initialiser, schedule, entropy, space, ..."
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="a parameter of it, e.g. sigma=0.1; repeatable")
    ] = None,
    skip: Annotated[list[str] | None, typer.Option(help="a rule to leave out; repeatable")] = None,
) -> None:
    """Check an operator, space, strategy or fitness of your own, and say how to mend what it violates."""
    with plain_errors():
        from .runs.config import parse_assignment
        from .testing import check_anything, load

        options = {".".join(keys): value for keys, value in map(parse_assignment, assignments or [])}
        report = check_anything(load(target), kind, skip=tuple(skip or ()), report_only=True, **options)
    broken = dict(report.violations)
    for rule in report.rules:
        console.print(
            f"{'no ' if rule in broken else 'yes'}  {rule}",
            style="red" if rule in broken else None,
            highlight=False,
        )
        if rule in broken:
            console.print(f"     {broken[rule]}", markup=False, highlight=False)
    console.print(str(report).splitlines()[0].rstrip(":"), style="bold", markup=False, highlight=False)
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def show(
    architecture: Annotated[Path, typer.Argument(help="an architecture.json")],
    draw: Annotated[Path | None, typer.Option(help="picture to write; .png, .svg or .pdf")] = None,
) -> None:
    """Print an architecture, and draw it beside its file or where --draw says."""
    with plain_errors():
        from .spaces import load_architecture

        space, found = load_architecture(architecture)
        console.print(f"space       {space!r}", highlight=False, markup=False)
        console.print(f"choices     {space.describe(found)}", highlight=False, markup=False)
        console.print(f"parameters  {space.parameters(found):,}", highlight=False)
        console.print(f"MACs        {space.macs(found):,}", highlight=False)
        picture = space.draw(found, draw or architecture.with_suffix(".png"))
        console.print(f"drawing     {picture}", highlight=False)


app.command()(cli_networks.retrain)
app.command()(cli_networks.export)


def _execute(begin: Any) -> None:
    from .runs.progress import Terminal

    reporter = Terminal(console)
    with reporter:
        run = begin(reporter)
        run.execute()
    _finish(run.folder, fresh=True)


def _way_back(folder: Path) -> str:
    if (folder / "config.toml").is_file():
        return f"go on with: tdgnas resume {shlex.quote(str(folder))}"
    return "nothing was begun: the same command begins it"


def _finish(folder: Path, fresh: bool = False) -> None:
    """Print the result of a finished run; draw it and write its report where that is not done yet."""
    from .runs.report import write_report
    from .runs.summary import draw_run, read_rows, result_table

    if fresh or not (folder / "report.html").exists():
        draw_run(folder)
        write_report(folder)
    rows = read_rows(folder)
    if rows:
        console.print(result_table(rows))
    names = ("report.html", "architecture.json", "network/", "figures/", "history.csv", "results.json")
    there = ", ".join(name for name in names if (folder / name).exists())
    console.print(f"run folder: {folder} ({there})", highlight=False, markup=False)


def _print_entry(name: str, summary: str, origin: str) -> None:
    console.print(f"[bold]{escape(name)}[/bold]  [dim]{escape(origin)}[/dim]", highlight=False)
    console.print(f"    {escape(summary)}", highlight=False)


def _print_failures(failures: dict[str, str]) -> None:
    for name, error in failures.items():
        console.print(f"not registered: {name}: {error}", style="red", markup=False)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
