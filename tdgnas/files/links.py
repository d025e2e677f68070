"""Folders that somebody else may have prepared: nothing in them leads out of them."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class LinkedFile(ValueError):
    """A folder holds a link, or something else that is neither a file nor a folder."""


def check_links(folder: Path) -> None:
    """Check that a folder, which may itself be reached by a link, holds plain files and folders only, at any depth.

    :param folder: a run's folder, or one of several; one that is not there holds nothing.
    :raises LinkedFile: naming the first entry that is a link, a pipe or a device; nothing has been opened then.
    """
    waiting = [folder] if folder.is_dir() else []
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    raise LinkedFile(_sentence(Path(entry.path)))


def plain_opener(path: str, flags: int) -> int:
    """Open a plain file, as the ``opener`` of :func:`open`; what cannot be one is refused.

    :raises LinkedFile: when the path is a link, a pipe or a device.
    """
    try:
        handle = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)
    except OSError as error:
        if Path(path).is_symlink():
            raise LinkedFile(_sentence(Path(path))) from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise LinkedFile(_sentence(Path(path)))
    return handle


def _sentence(path: Path) -> str:
    what = f"a link to {os.readlink(path)}" if path.is_symlink() else "no plain file"
    return f"{path} is {what}; nothing outside the folder is read or written, so put a plain file or folder there"
