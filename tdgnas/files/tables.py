"""Files that grow by a line: tables, and events as JSON lines; each can be cut back to where a checkpoint saw it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import Json
from .atomic import storing
from .links import plain_opener


class Appender:
    """A text file that only grows, and that can be cut back to where a checkpoint saw it.

    :param path: the file; created when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return self.path.stat().st_size if self.path.exists() else 0

    def write(self, text: str) -> None:
        """Append, and flush to the disk.

        :raises StorageError: when that fails.
        :raises LinkedFile: when the file is a link; what it leads to is left as it is.
        """
        with storing(self.path):
            self.path.parent.mkdir(exist_ok=True)
        with (
            storing(self.path),
            open(self.path, "a", encoding="utf-8", newline="", opener=plain_opener) as file,
        ):
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def cut(self, size: int) -> None:
        """Cut the file back to a size; what came after is written again by the resumed run."""
        if self.size <= size:
            return
        with storing(self.path), open(self.path, "rb+", opener=plain_opener) as file:
            file.truncate(size)
            os.fsync(file.fileno())

    def cut_to_lines(self) -> None:
        """Cut off a last line that a kill left unfinished, so that the next one begins a line."""
        if self.path.exists():
            self.cut(self.path.read_bytes().rfind(b"\n") + 1)


class Table(Appender):
    """A CSV file that grows by a row; the first row decides the columns.

    :param path: the file.
    :param columns: names of the columns, in order.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        super().__init__(path)
        self.columns = tuple(columns)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row; numbers are written so that reading them gives the same bits."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if self.size == 0:
            writer.writerow(self.columns)
        writer.writerow([_cell(row.get(column)) for column in self.columns])
        self.write(text.getvalue())


class Events(Appender):
    """A file of JSON lines."""

    def append(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Write events, one line each, in one go."""
        if events:
            self.write("".join(json.dumps(event, allow_nan=False) + "\n" for event in events))


def read_table(path: Path) -> list[Json]:
    """Read a CSV file; cells that are numbers become numbers, empty ones None."""
    return [{key: _value(cell) for key, cell in row.items()} for row in csv.DictReader(_lines(path))]


def read_events(path: Path) -> list[Json]:
    """Read a file of JSON lines.

    :raises ValueError: when a line is damaged; it names the file and the line.
    """
    events = []
    for number, line in enumerate(_lines(path), 1):
        try:
            events.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}, line {number} is damaged: {error}") from error
    return events


def _lines(path: Path) -> list[str]:
    """The whole lines of a file: one that is still being written, or was when the run was killed, is left out."""
    written = path.read_bytes() if path.exists() else b""
    return list(io.StringIO(written[: written.rfind(b"\n") + 1].decode(), newline="\n"))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def _value(cell: str | None) -> Any:
    if cell is None or cell == "":
        return None
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
