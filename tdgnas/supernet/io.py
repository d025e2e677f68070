"""A supernet on disk: ``supernet.safetensors`` with the weights, ``supernet.json`` with what makes it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..files.atomic import write_atomic, write_json
from ..spaces import space_document, space_of
from .supernet import Supernet

if TYPE_CHECKING:
    from ..data import Splits

_FORMAT = "tdgnas-supernet/1"


def save_supernet(supernet: Supernet, folder: str | Path) -> Path:
    """Write weights, buffers and alpha, and the space's name and settings, each atomically; return the folder."""
    folder = Path(folder)
    tensors = {name: value.detach().cpu().contiguous() for name, value in supernet.state_dict().items()}
    write_atomic(folder / "supernet.safetensors", lambda temporary: save_file(tensors, temporary))
    document = {
        "format": _FORMAT,
        "space": space_document(supernet.space),
        "relaxation": supernet.relaxation.name,
    }
    write_json(folder / "supernet.json", document)
    return folder


def load_supernet(
    folder: str | Path, data: Splits | None = None, device: str | torch.device | None = None
) -> Supernet:
    """Read what :func:`save_supernet` wrote.

    :raises FileNotFoundError: when one of the two files is missing.
    :raises ValueError: when one of them is damaged or does not fit the other.
    """
    folder = Path(folder)
    for name in ("supernet.json", "supernet.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"there is no {name} in {folder}; a supernet is these two files, side by side"
            )
    document = _document(folder / "supernet.json")
    space = space_of(document["space"])
    supernet = Supernet(space, data, relaxation=document["relaxation"], device=device)
    try:
        supernet.load_state_dict(load_file(folder / "supernet.safetensors"))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"{folder / 'supernet.safetensors'} is damaged or of another space: {error}"
        ) from error
    return supernet


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ValueError(f"format {document['format']!r}, this version reads {_FORMAT!r}")
        dict(document["space"])["name"], document["relaxation"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not the description of a supernet: {error}") from error
    return dict(document)
