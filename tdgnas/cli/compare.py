"""The command that compares search strategies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import Map, command_line, console, plain_errors, say, say_table, set_all

if TYPE_CHECKING:
    from ..comparison import Outcome, Runner


Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        "-s",
        help="NAME, or LABEL=NAME:key=value,key=value; once for each. Default: all that are installed and fit.",
    ),
]
Problems = Annotated[
    list[str] | None,
    typer.Option(
        "--problem",
        "-p",
        help="NAME, see `tdgnas problems`, LABEL=NAME:key=value or SPACE@DATA:key=value; once for each. Default: "
        "nasbench201 where its table is found, else synthetic.",
    ),
]
Unit = Annotated[
    str | None,
    typer.Option(help="evaluations, passes (of images) or seconds (simulated). Default: the problem's."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="any key of every search's configuration, e.g. retrain.epochs=20; repeatable"),
]


def compare(
    context: typer.Context,
    strategy: Strategies = None,
    problem: Problems = None,
    seeds: Annotated[int, typer.Option(help="Number of seeds.")] = 20,
    first_seed: Annotated[int, typer.Option(help="The first seed; the others follow it.")] = 0,
    budget: Annotated[
        float | None, typer.Option(help="Budget of each search. Default: the problem's.")
    ] = None,
    unit: Unit = None,
    out: Annotated[Path, typer.Option(help="Folder of results; a stopped comparison goes on there.")] = Path(
        "comparison"
    ),
    map: Map = None,
    jobs: Annotated[int | None, typer.Option(help="Workers, map.workers. Default: one per CPU.")] = None,
    assignments: Assignments = None,
    fresh: Annotated[bool, typer.Option(help="Forget what the folder holds of these problems.")] = False,
) -> None:
    """Compare search strategies at an equal budget: tables, tests, figures, and one HTML report.

    Without options: all strategies that fit on NAS-Bench-201's table with 20 seeds, on an invented table where there
    is none. On supernets: --problem digits-vgg --seeds 5.
    """
    with plain_errors():
        from ..comparison import Plan, Runner, default_problem, parse_all
        from ..reports import write_comparison

        if seeds < 1:
            raise ValueError(f"--seeds is {seeds}; at least one is needed")
        chosen = problem or [default_problem()]
        if problem is None and chosen == ["synthetic"]:
            say("no table of NAS-Bench-201 found: comparing on an invented table ('synthetic')")
        problems = parse_all(chosen, "problems")
        strategies = None if strategy is None else parse_all(strategy, "strategies")
        settings, every = set_all({}, assignments), range(first_seed, first_seed + seeds)
        workers = _map(settings.pop("map", {}), map, jobs)
        plan = Plan(strategies, problems, every, limit=budget, unit=unit, settings=settings)
        runner = Runner(plan, out, map=workers, fresh=fresh)
        _run(runner)
        for outcome in write_comparison(plan, runner.results(), out, command_line(context)):
            _print(outcome)
        say(f"report: {out / 'report.html'}   results: {out / 'results.csv'}")


def _map(document: Any, kind: str | None, jobs: int | None) -> Any:
    """Make what the cells are handed out by: processes, where nothing else was said."""
    from ..runs.build import make_map
    from ..runs.settings import MapSettings
    from ..settings import checked

    given = dict(document)
    for key, option, value in (("kind", "--map", kind), ("workers", "--jobs", jobs)):
        if value is not None and given.setdefault(key, value) != value:
            raise ValueError(f"map.{key} is given twice, by {option} and by --set; leave one of them out")
    if given.get("asynchronous"):
        raise ValueError(
            "map.asynchronous is of one search; a comparison hands out whole searches, so leave it out"
        )
    if given.get("workers") == 1 and given.get("kind", "processes") == "processes":
        return make_map(MapSettings())
    return make_map(checked(MapSettings, {"kind": "processes", **given}))


def _run(runner: Runner) -> None:
    from ..runs.progress import progress_bar

    with progress_bar(console) as progress:
        task = progress.add_task("searching", total=None)

        def done(text: str, count: int, total: int) -> None:
            progress.update(task, description=text, completed=count, total=total)

        runner.run(say=say, done=done)
        progress.update(task, description="done", visible=bool(progress.tasks[0].completed))


def _print(outcome: Outcome) -> None:
    from ..reports.comparison import COLUMNS, table_rows

    subject = outcome.subject
    percent, better = (
        " (%)" if "accuracy" in subject.metric else "",
        "larger" if subject.higher else "smaller",
    )
    title = (
        f"{outcome.problem}: {subject.metric}{percent}, {better} is better, {subject.limit:g} {subject.unit}"
    )
    say_table([COLUMNS, *table_rows(outcome)], title)
