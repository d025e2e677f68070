"""The command line: ``tdgnas COMMAND``. A command is a function of its folder's modules and one line below."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from .. import __version__
from . import checks, compare, experiments, lists, networks
from .common import plain_errors

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Evolutionary neural architecture search with DEAP: TDGA, DARTS and one shared supernet.",
)


def _version(asked: bool) -> None:
    if asked:
        print(f"tdgnas {__version__}")
        raise typer.Exit


@app.callback()
def common(
    modules: Annotated[
        list[str] | None,
        typer.Option(
            "--import", help="a module of your own to import first, which registers things; repeatable"
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Evolutionary neural architecture search with DEAP: TDGA, DARTS and one shared supernet."""
    if modules:
        with plain_errors():
            from ..registry import import_plugin

            for module in modules:
                import_plugin(module)


for _command in (
    experiments.search,
    experiments.resume,
    experiments.report,
    compare.compare,
    experiments.config,
    experiments.options,
    lists.problems,
    lists.spaces,
    lists.strategies,
    lists.operators,
    checks.check,
    checks.show,
    networks.retrain,
    networks.export,
    networks.generate,
):
    app.command()(_command)


def main() -> None:
    """Run the command line."""
    try:
        app(standalone_mode=True)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has ended; Python would complain once more when it flushes at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(1) from None
