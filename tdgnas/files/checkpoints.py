"""Checkpoints: nested state with tensors as one safetensors file, with a digest, written atomically, two kept."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .atomic import storing, write_atomic

_FORMAT = "tdgnas-checkpoint/1"
_KEPT = 2
_NAME = re.compile(r"checkpoint-\d{8}\.safetensors")


class DamagedCheckpoint(ValueError):
    """A checkpoint that is cut short or altered."""


def save_checkpoint(state: Any, path: Path) -> Path:
    """Write nested dicts, lists, tuples, numbers, strings, arrays and tensors into one file, atomically.

    :raises TypeError: when the state holds anything else.
    :raises StorageError: when the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_encode(state, tensors))
    metadata = {"format": _FORMAT, "state": text, "digest": _digest(text, tensors)}
    # safetensors wants at least one tensor to make a file of.
    stored = tensors or {"empty": torch.zeros(1)}
    return write_atomic(path, lambda temporary: save_file(stored, temporary, metadata=metadata))


def load_checkpoint(path: Path) -> Any:
    """Read what :func:`save_checkpoint` wrote.

    :raises DamagedCheckpoint: when the file is cut short, altered, or of another format.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            # Copies: the library hands out views of the file, which may be removed while they are in use.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no checkpoint {path}") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise DamagedCheckpoint(f"{path} is cut short or no checkpoint: {error}") from error
    if metadata.get("format") != _FORMAT:
        raise DamagedCheckpoint(
            f"{path} has format {metadata.get('format')!r}; this version reads {_FORMAT!r}"
        )
    text = metadata.get("state", "")
    if "empty" in tensors:
        tensors = {}
    if _digest(text, tensors) != metadata.get("digest"):
        raise DamagedCheckpoint(f"{path} has been altered: its contents do not fit its digest")
    return _decode(json.loads(text), tensors)


class CheckpointFolder:
    """The numbered checkpoints of a run; the last two are kept.

    :param folder: where they lie.
    :ivar damaged: a sentence for each damaged checkpoint that the last :meth:`load` passed over.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[str] = []

    def paths(self) -> list[Path]:
        """The checkpoints that there are, oldest first."""
        return sorted(path for path in self.folder.glob("checkpoint-*") if _NAME.fullmatch(path.name))

    def save(self, state: Any) -> Path:
        """Write the next checkpoint and drop all but the last two."""
        paths = self.paths()
        number = int(paths[-1].stem.split("-")[1]) + 1 if paths else 1
        written = save_checkpoint(state, self.folder / f"checkpoint-{number:08d}.safetensors")
        for old in self.paths()[:-_KEPT]:
            with storing(old):
                old.unlink(missing_ok=True)
        return written

    def set_aside(self) -> None:
        """Rename the checkpoints that are damaged, so that they do not count as one of the two that are kept."""
        for path in self.paths():
            try:
                load_checkpoint(path)
            except DamagedCheckpoint:
                with storing(path):
                    path.replace(path.with_suffix(".damaged"))

    def load(self) -> Any:
        """Return the newest state that is whole; what is wrong with newer ones is in ``damaged`` afterwards.

        :returns: the state, or None when there is no checkpoint.
        :raises DamagedCheckpoint: when there are checkpoints and all are damaged.
        """
        paths = self.paths()
        self.damaged = []
        for path in reversed(paths):
            try:
                return load_checkpoint(path)
            except DamagedCheckpoint as error:
                self.damaged.append(str(error))
        if paths:
            raise DamagedCheckpoint(
                f"every checkpoint in {self.folder} is damaged: {'; '.join(self.damaged)}"
            )
        return None


def _encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, (np.ndarray, Tensor)):
        name = f"t{len(tensors)}"
        tensor = torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value.detach().cpu()
        tensors[name] = tensor.clone().contiguous()
        return {"$": "array" if isinstance(value, np.ndarray) else "tensor", "name": name}
    if isinstance(value, dict):
        return {"$": "dict", "items": [[_encode(k, tensors), _encode(v, tensors)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_encode(item, tensors) for item in value]
        return items if isinstance(value, list) else {"$": "tuple", "items": items}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(
        f"a checkpoint holds numbers, strings, lists, tuples, dicts, arrays and tensors, not {type(value).__name__}"
    )


def _decode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value["$"]
    if kind == "dict":
        return {_decode(k, tensors): _decode(v, tensors) for k, v in value["items"]}
    if kind == "tuple":
        return tuple(_decode(item, tensors) for item in value["items"])
    tensor = tensors[value["name"]]
    return tensor.numpy() if kind == "array" else tensor


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()
