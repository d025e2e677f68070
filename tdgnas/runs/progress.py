"""Live progress on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ..files import Json


def progress_bar(console: Console) -> Progress:
    """Make a bar with what is done, how long that took and how long the rest will take."""
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        speed_estimate_period=3600,  # a step can take minutes; rich would forget it after 30 seconds
    )


class Reporter:
    """What a run tells while it goes: nothing; subclasses tell more."""

    def phase(self, name: str, total: int, done: int) -> None:
        """A phase begins, or goes on at ``done`` of ``total`` steps."""

    def step(self, done: int, numbers: Json) -> None:
        """A step is done; ``numbers`` are worth showing."""

    def say(self, text: str) -> None:
        """Print a line."""

    def alert(self, text: str) -> None:
        """Print a line from inside a signal's handler, where ordinary printing is not allowed."""


class Terminal(Reporter):
    """A progress bar with the latest numbers; where the output is no terminal, a line every few seconds.

    :param console: where to print.
    :param every: seconds between two lines where the output is no terminal.
    """

    def __init__(self, console: Console | None = None, every: float = 10.0) -> None:
        self.console = console or Console()
        self.every = every
        self._bar = progress_bar(self.console)
        self._task: Any = None
        self._numbers: Json = {}
        self._alert = ""
        self._live = Live(console=self.console, refresh_per_second=4, get_renderable=self._render)
        self._name, self._total, self._last = "", 0, 0.0

    def __enter__(self) -> Terminal:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def phase(self, name: str, total: int, done: int) -> None:
        """Show another phase."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=total, completed=done)
        self._name, self._total, self._numbers, self._last = name, total, {}, 0.0

    def step(self, done: int, numbers: Json) -> None:
        """Show the numbers of a step."""
        self._numbers = {key: value for key, value in numbers.items() if value is not None}
        self._bar.update(self._task, completed=done)
        now = time.monotonic()
        if not self.console.is_terminal and (now - self._last > self.every or done == self._total):
            self._last = now
            shown = "  ".join(f"{key} {_short(value)}" for key, value in self._numbers.items())
            self.console.print(f"{self._name} {done}/{self._total}  {shown}", highlight=False, markup=False)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, highlight=False, markup=False)

    def alert(self, text: str) -> None:
        """Show a line below the bar, or write it to the standard error as it is."""
        if self.console.is_terminal:
            self._alert = text
        else:
            os.write(2, f"{text}\n".encode())

    def _render(self) -> Group:
        numbers = Text(no_wrap=False)
        for key, value in self._numbers.items():
            # Spaces that do not break keep a name and its number on one line.
            numbers.append(key.replace(" ", "\N{NO-BREAK SPACE}") + "\N{NO-BREAK SPACE}", style="dim")
            numbers.append(_short(value).replace(" ", "\N{NO-BREAK SPACE}") + "   ")
        return Group(self._bar, numbers, *([Text(self._alert, style="yellow")] if self._alert else []))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
