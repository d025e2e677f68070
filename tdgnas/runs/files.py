"""Writing files so that a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


class RunStorageError(OSError):
    """A file of a run could not be written: a full disk, a read-only folder. What was written before is intact."""


def write_atomic(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, flush it to the disk, then put it in its place.

    :raises RunStorageError: when the file cannot be written; ``path`` is then as it was.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunStorageError(
            error.errno, f"{path} could not be written ({error.strerror or error}); what was there before is intact"
        ) from error
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text file atomically."""
    return write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, document: Any) -> Path:
    """Write JSON atomically."""
    return write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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

        :raises RunStorageError: when that fails.
        """
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunStorageError(
                error.errno, f"{self.path} could not be written ({error.strerror or error}); free space, then resume"
            ) from error

    def cut(self, size: int) -> None:
        """Cut the file back to a size; what came after is written again by the resumed run."""
        if self.size > size:
            with self.path.open("rb+") as file:
                file.truncate(size)
                os.fsync(file.fileno())
