"""One process at a time in a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from ..storage import storing
from .config import ConfigError

NAME = ".lock"


class FolderLock:
    """Holds a folder until :meth:`release`, or until the process ends in whatever way.

    :param folder: an existing folder.
    :raises ConfigError: when another process holds it.
    :raises StorageError: when nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        with storing(folder):
            self._file: IO[str] | None = (folder / NAME).open("a", encoding="utf-8")
        try:
            import fcntl
        except ImportError:
            return  # without such locks, two processes in one folder are the user's own affair
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise ConfigError(
                f"another process is working in {folder}; wait for it, or stop it first"
            ) from error
        except OSError:  # a file system without locks
            return

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.close()
            self._file = None
