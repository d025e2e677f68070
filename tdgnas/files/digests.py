"""Digests of files: what was written is what is read."""

from __future__ import annotations

import hashlib
from pathlib import Path

_PIECE = 1 << 20


class AlteredFile(ValueError):
    """A file of a run is missing, or is not what the run wrote."""


def check_digest(path: Path, known: str, size: int | None = None) -> None:
    """Check that a file, or its first ``size`` bytes, are what the run wrote.

    :param known: what :func:`digest` said then.
    :raises AlteredFile: when they are not.
    """
    if digest(path, size) != known:
        raise AlteredFile(
            f"{path} is missing or was changed after the run wrote it; put it back to go on, or start anew elsewhere"
        )


def digest(path: Path, size: int | None = None) -> str:
    """SHA-256 of a file, or of its first ``size`` bytes; ``missing`` or ``short`` where it has not so many.

    The first 0 bytes of a file that is not there yet are those of any other file.
    """
    if size != 0 and not path.is_file():
        return "missing"
    sum_, left = hashlib.sha256(), path.stat().st_size if size is None else size
    if left == 0:
        return sum_.hexdigest()
    with path.open("rb") as file:
        while left > 0:
            piece = file.read(min(left, _PIECE))
            if not piece:
                return "short"
            sum_.update(piece)
            left -= len(piece)
    return sum_.hexdigest()
