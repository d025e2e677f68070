"""A trained network on disk: ``network.safetensors`` with the weights, ``network.json`` with what it is and scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..spaces import Architecture, SearchSpace, create

if TYPE_CHECKING:
    from torch import nn

__all__ = ["load_network", "save_network"]

_FORMAT = "tdgnas-network/1"


def save_network(
    network: nn.Module,
    space: SearchSpace,
    architecture: Architecture,
    folder: str | Path,
    card: Mapping[str, Any] | None = None,
) -> Path:
    """Write a network's weights, and a card that says what makes it again; return the folder.

    :param network: a network of the architecture.
    :param folder: made where it does not exist.
    :param card: more about the network, as JSON values: its accuracy, the data and recipe it was trained with.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, folder / "network.safetensors")
    choices = {
        decision.name: decision.choices[choice]
        for decision, choice in zip(space.decisions, architecture.choices, strict=True)
    }
    document = {
        "format": _FORMAT,
        "space": {"name": space.name, **space.settings},
        "choices": choices,
        "parameters": space.parameters(architecture),
        "macs": space.macs(architecture),
        **(card or {}),
    }
    (folder / "network.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return folder


def load_network(folder: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """Read what :func:`save_network` wrote.

    :returns: the network in evaluation mode, and its card.
    :raises FileNotFoundError: when one of the two files is missing.
    :raises ValueError: when one of them is damaged or does not fit the other.
    """
    folder = Path(folder)
    for name in ("network.json", "network.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"there is no {name} in {folder}; a network is these two files, side by side"
            )
    path = folder / "network.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if card["format"] != _FORMAT:
            raise ValueError(f"format {card['format']!r}, this version reads {_FORMAT!r}")
        settings, choices = dict(card["space"]), dict(card["choices"])
        space = create(str(settings.pop("name")), **settings)
        network = space.network(space.architecture(choices))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not the card of a network: {error}") from error
    try:
        network.load_state_dict(load_file(folder / "network.safetensors"))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"{folder / 'network.safetensors'} is damaged or of another network: {error}"
        ) from error
    return network.eval(), card
