"""Commands that look at something: whether it keeps the rules, and what an architecture is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import plain_errors, say


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
        from ..runs.config import parse_assignment
        from ..testing import check_anything, load

        options = {".".join(keys): value for keys, value in map(parse_assignment, assignments or [])}
        report = check_anything(load(target), kind, skip=tuple(skip or ()), report_only=True, **options)
    broken = dict(report.violations)
    for rule in report.rules:
        say(f"{'no ' if rule in broken else 'yes'}  {rule}", style="red" if rule in broken else None)
        if rule in broken:
            say(f"     {broken[rule]}")
    say(str(report).splitlines()[0].rstrip(":"), style="bold")
    if not report.ok:
        raise typer.Exit(1)


def show(
    architecture: Annotated[Path, typer.Argument(help="an architecture.json, or the folder of a run")],
    draw: Annotated[Path | None, typer.Option(help="picture to write; .png, .svg or .pdf")] = None,
) -> None:
    """Print an architecture, and draw it beside its file or where --draw says."""
    with plain_errors():
        from .. import pictures
        from ..spaces import load_architecture

        path = architecture / "architecture.json" if architecture.is_dir() else architecture
        if architecture.is_dir() and not path.exists():
            raise ValueError(
                f"{architecture} has no architecture.json: its search has not ended yet, or it is no run"
            )
        space, found = load_architecture(path)
        said = space.describe(found)
        say(f"space       {space!r}", f"choices     {said}", under=12)
        text = space.to_string(found) if hasattr(space, "to_string") else said
        if text != said:
            say(f"text        {text}", under=12)
        if hasattr(space, "equations"):
            say(*(f"            {line}" for line in space.equations(found).splitlines()))
        say(f"parameters  {space.parameters(found):,}", f"MACs        {space.macs(found):,}")
        if space.final_options:
            import torch

            with torch.device("meta"):  # only counted
                final = space.final_network(found)
            count = sum(parameter.numel() for parameter in final.parameters())
            options = ", ".join(f"{key} {value}" for key, value in space.final_options.items())
            say(f"final form  {count:,} parameters ({options})")
        say(f"drawing     {pictures.draw(space, found, draw or path.with_suffix('.png'))}")
