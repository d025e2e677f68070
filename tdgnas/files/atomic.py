"""Writing files so that a crash leaves the old one or the new one, never half of one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_LEFTOVER = ".*.part*"


class StorageError(OSError):
    """A file could not be written: a full disk, a read-only folder. What was written before is intact."""

    def __str__(self) -> str:
        return str(self.args[1] if len(self.args) > 1 else self.args[0])


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while ``path`` is written into a sentence.

    :raises StorageError: for an error of the file system, also where a library reports it in its own way.
    """
    try:
        yield
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        number = error.errno if isinstance(error, OSError) else None
        raise StorageError(
            number or 0, f"{path} could not be written ({reason}); what was written before is intact"
        ) from error


def write_atomic(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, flush it to the disk, then put it in its place.

    :raises StorageError: when the file cannot be written; ``path`` is then as it was.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")  # like _LEFTOVER
    with storing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)  # also where it is a link that somebody has put there
            write(temporary)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
            sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    return path


def write_text(path: Path, text: str) -> Path:
    """Write a text file atomically."""
    return write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def write_json(path: Path, document: Any) -> Path:
    """Write JSON atomically."""
    return write_text(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed :func:`write_atomic` has left in a folder and below."""
    for path in folder.rglob(_LEFTOVER):
        with suppress(OSError):
            path.unlink()


def is_leftover(path: Path) -> bool:
    """Whether a file is a temporary one of :func:`write_atomic`, by its name."""
    return path.match(_LEFTOVER)


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


def _reason(error: Exception) -> str | None:
    """What the file system said, or None when the error is of another kind."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # The safetensors library wraps the system's error in one of its own.
    return str(error) if type(error).__name__ == "SafetensorError" else None


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
