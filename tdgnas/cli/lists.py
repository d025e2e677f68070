"""Commands that list what is registered."""

from __future__ import annotations

from typing import Any

from rich.markup import escape

from ..registry import Registry
from .common import console, plain_errors, say


def problems() -> None:
    """List the problems that can be searched."""
    with plain_errors():
        from ..runs import PROBLEMS

        _print_registry(PROBLEMS)
        say(f"and {'; '.join(PROBLEMS.also)}")


def spaces() -> None:
    """List the search spaces."""
    with plain_errors():
        from ..spaces import SPACES

        _print_registry(SPACES)


def strategies() -> None:
    """List the search strategies."""
    with plain_errors():
        from ..strategies import STRATEGIES

        _print_registry(STRATEGIES)


def operators() -> None:
    """List the genetic operators."""
    with plain_errors():
        from ..operators import KINDS, OPERATORS, kind_of

        for kind in dict.fromkeys(KINDS.values()):
            members = [entry for entry in OPERATORS if kind_of(entry.value) == kind]
            if members:
                console.print(kind, style="bold underline")
            for entry in members:
                # A plug-in's origin names its package and the object, ours is a module.
                own = entry.origin if ":" in entry.origin else f"{entry.origin}:{entry.value.__name__}"
                _print_entry(entry.name, entry.summary, own)
        _print_failures(OPERATORS.failures)


def _print_registry(registry: Registry[Any]) -> None:
    for entry in registry:
        _print_entry(entry.name, entry.summary, entry.origin)
    _print_failures(registry.failures)


def _print_entry(name: str, summary: str, origin: str) -> None:
    console.print(f"[bold]{escape(name)}[/bold]  [dim]{escape(origin)}[/dim]", highlight=False)
    say(f"    {summary}", under=4)


def _print_failures(failures: dict[str, str]) -> None:
    for name, error in failures.items():
        say(f"not registered: {name}: {error}", style="red")
