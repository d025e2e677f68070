"""Digests of files: what was written is what is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

_PIECE = 1 << 20


class AlteredFile(ValueError):
    """A file of a run is missing, or is not what the run wrote."""


def recorded(folder: Path, names: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return size and digest of files that grow, as they are now, by their path inside a folder."""
    sizes = {name: (folder / name).stat().st_size if (folder / name).exists() else 0 for name in names}
    return {name: (size, digest(folder / name, size)) for name, size in sizes.items()}


def check_recorded(
    folder: Path, growing: Mapping[str, tuple[int, str]], products: Mapping[str, str], whole: bool
) -> None:
    """Check that the files of a folder are what was noted of them.

    :param growing: what :func:`recorded` said of files that grow.
    :param products: digests of files that are complete.
    :param whole: nothing is allowed to have been added to growing files; else that is not looked at.
    :raises AlteredFile: naming the first file that was changed, cut, emptied or removed.
    """
    for name, (size, known) in growing.items():
        path = folder / name
        check_digest(path, known, None if whole and (size or path.exists()) else size)
    for name, known in products.items():
        check_digest(folder / name, known)


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
