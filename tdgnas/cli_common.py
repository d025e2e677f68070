"""What the commands share: the console, errors as sentences, and the command that was given."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from .runs.signals import exit_status, terminable

console = Console(soft_wrap=not sys.stdout.isatty())


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
        console.print(said, markup=False, highlight=False)
        raise typer.Exit(exit_status(stop)) from None
    except typer.Exit:
        raise
    except Exception as error:
        # With torch, for which a command that goes well need not wait.
        from .runs.run import Interrupted, RunFailed
        from .training import ExportDisagrees, TrainingDiverged
        from .workers import WorkerDied

        if isinstance(error, Interrupted):
            console.print(str(error), markup=False, highlight=False)
            raise typer.Exit(error.code) from None
        ours = (RunFailed, ExportDisagrees, TrainingDiverged, WorkerDied)
        if not isinstance(error, (ValueError, OSError, FloatingPointError, ImportError, *ours)):
            raise
        Console(stderr=True, soft_wrap=True).print(
            f"error: {error}", style="red", markup=False, highlight=False
        )
        raise typer.Exit(1) from None


def command_line(context: typer.Context, leave_out: tuple[str, ...] = ()) -> str:
    """The command that was given, with what was set and nothing else."""
    parts = ["tdgnas"]
    for module in context.find_root().params.get("modules") or []:
        parts += ["--import", str(module)]
    parts.append(str(context.info_name))
    for parameter in context.command.params:
        name = str(parameter.name)
        if name in leave_out or not was_given(context, name):
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


def was_given(context: typer.Context, name: str) -> bool:
    """Say whether a parameter was given on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
