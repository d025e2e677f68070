"""What the commands share: the console, errors as sentences, and the command that was given."""

from __future__ import annotations

import os
import re
import shlex
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from ..files import Json
from ..signals import exit_status, terminable

console = Console(soft_wrap=sys.stdout is None or not sys.stdout.isatty())

DataFolder = Annotated[str | None, typer.Option(help="where the data set lies")]
Map = Annotated[
    str | None, typer.Option(help="who does the work: here, processes or ray; more by --set map.workers=...")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; CUDA where there is one")]

# How Python says it, and how the command line does.
_WORDS = [
    (re.compile(r"\bneeds folder=\.\.\."), "needs --data-folder"),
    (re.compile(r"\bfolder=\.\.\."), "--data-folder"),
    (re.compile(r"\bpass download=True"), "give --download"),
    (re.compile(r"add budget\.limit"), "add --budget"),
    (re.compile(r" \(in Python, [^)]*\)"), ""),
]


def say(*lines: str, under: int = 0, **look: Any) -> None:
    """Print lines as they are: nothing in them is markup, nothing is coloured by what it looks like.

    :param under: the column under which what does not fit a terminal goes on; files and pipes get whole lines.
    """
    for line in lines:
        if under and not console.soft_wrap:
            line = textwrap.fill(
                line,
                console.width,
                subsequent_indent=" " * under,
                break_on_hyphens=False,
                break_long_words=False,
            )
        console.print(line, markup=False, highlight=False, **look)


def say_table(rows: Sequence[Sequence[str]], *title: str) -> None:
    """Print a table. Not one of rich's, which cuts off what does not fit; without wrapping, nothing is lost."""
    say("", *title, *stacked(rows, console.width), soft_wrap=True)


@contextmanager
def plain_errors(way_back: Callable[[], str] = str) -> Iterator[None]:
    """Turn what a user can mend into a sentence and exit status 1; anything else keeps its traceback.

    :param way_back: says, after Ctrl-C or SIGTERM, how to go on; empty where there is nothing to say.
    """
    try:
        with terminable():
            yield
    except KeyboardInterrupt as stop:
        said = str(stop) or "; ".join(filter(None, ("stopped at once", way_back())))
        say(said)
        raise typer.Exit(exit_status(stop)) from None
    except (typer.Exit, BrokenPipeError):
        raise
    except Exception as error:
        # With torch, for which a command that goes well need not wait.
        from ..runs.errors import Interrupted, RunFailed
        from ..training import ExportDisagrees, TrainingDiverged
        from ..workers import WorkerDied

        if isinstance(error, Interrupted):
            say(str(error))
            raise typer.Exit(error.code) from None
        ours = (RunFailed, ExportDisagrees, TrainingDiverged, WorkerDied)
        if not isinstance(error, (ValueError, OSError, FloatingPointError, ImportError, *ours)):
            raise
        say_error(error)
        raise typer.Exit(1) from None


def say_error(error: Exception) -> None:
    """Print an error as the command line speaks, where it can be printed at all."""
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.errno and error.filename is not None:
        text = f"{error.filename}: {os.strerror(error.errno)}; choose another place"
    for python, spoken in _WORDS:
        text = python.sub(spoken, text)
    Console(stderr=True, soft_wrap=True).print(f"error: {text}", style="red", markup=False, highlight=False)


def set_all(
    document: Json, assignments: Sequence[str] | None, given: Mapping[str, str] | None = None
) -> Json:
    """Set in a document what ``--set`` says, and return it.

    :param given: keys that other options set, with their names; none of them may be set again.
    """
    from ..runs import ConfigError
    from ..runs.config import parse_assignment
    from ..runs.sections import assign

    for text in assignments or ():
        keys, value = parse_assignment(text)
        if given and (key := ".".join(keys)) in given:
            option = given[key].replace("_", "-")
            raise ConfigError(f"{key} is given twice, by --{option} and by --set; leave one of them out")
        assign(document, keys, value)
    return document


def command_line(context: typer.Context, leave_out: tuple[str, ...] = ()) -> str:
    """The command that was given, with what was set and nothing else."""
    parts = ["tdgnas"]
    for module in context.find_root().params.get("modules") or []:
        parts += ["--import", str(module)]
    parts.append(str(context.info_name))
    for parameter in context.command.params:
        name = str(parameter.name)
        source = context.get_parameter_source(name)
        if name in leave_out or source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[name]
        if parameter.param_type_name == "argument":
            parts.append(str(value))
        elif isinstance(value, bool):
            parts.append(parameter.opts[0] if value else parameter.secondary_opts[0])
        else:
            for each in value if isinstance(value, (list, tuple)) else [value]:
                parts += [parameter.opts[0], str(each)]
    return shlex.join(parts)


def stacked(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Return the lines of a table; where it is too wide, its columns in several parts, each after the first column.

    >>> list(stacked([("name", "n", "mean"), ("a", "12", "0.5")], 10))
    ['name   n', 'a     12', '', 'name  mean', 'a      0.5']
    """
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    parts: list[list[int]] = [[]]
    for column, _ in enumerate(others, start=1):
        part = [*parts[-1], column]
        if parts[-1] and first + sum(2 + others[k - 1] for k in part) > width:
            parts.append([column])
        else:
            parts[-1] = part
    for place, part in enumerate(parts):
        yield from [""] * bool(place)
        for row in rows:
            yield row[0].ljust(first) + "".join("  " + row[k].rjust(others[k - 1]) for k in part)
