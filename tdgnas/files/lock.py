"""One process at a time in a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from .atomic import storing
from .links import check_links, plain_opener

NAME = ".lock"


class FolderInUse(ValueError):
    """Another process works in the folder."""


class FolderLock:
    """Holds a folder until :meth:`release`, or until the process ends in whatever way.

    :param folder: an existing folder.
    :raises FolderInUse: when another process holds it.
    :raises LinkedFile: when a link or the like lies in it, at any depth.
    :raises StorageError: when nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        check_links(folder)
        with storing(folder):
            self._file: IO[str] | None = open(  # noqa: SIM115
                folder / NAME, "a", encoding="utf-8", opener=plain_opener
            )
        try:
            import fcntl
        except ImportError:
            return  # without such locks, two processes in one folder are the user's own affair
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise FolderInUse(
                f"another process is working in {folder}; wait for it, or stop it first"
            ) from error
        except OSError:  # a file system without locks
            return

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.close()
            self._file = None
