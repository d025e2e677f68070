"""What a network is made of, as plain values: to train it, to write its card, and to make it again from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..spaces import (
    Architecture,
    CellSpace,
    Genotype,
    SearchSpace,
    final_network,
    load_architecture,
    space_document,
    space_of,
)
from ..spaces.cells import as_genotype
from .cards import load_weights

_FIELDS = "name, image_shape, classes and architecture"


@dataclass(frozen=True)
class NetworkPlan:
    """An architecture of a space, or a genotype, and the options of its final network.

    :param source: the space and its architecture, or a genotype.
    :param options: of :class:`FinalNetwork` (channels, cells, auxiliary, drop_path); spaces without a
        final form take none.
    """

    source: tuple[SearchSpace, Architecture] | Genotype
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, given: str | Path, **options: Any) -> NetworkPlan:
        """Read an architecture file (JSON), a file with a genotype as text, a published name, or a genotype's text.

        :raises FileNotFoundError: when it looks like a file and there is none.
        :raises ValueError: when it is none of these.
        """
        text = str(given)
        path = Path(text)
        if "(" not in text and path.is_file():
            if path.suffix == ".json":
                return cls(load_architecture(path), options)
            return cls(Genotype.from_text(path.read_text(encoding="utf-8")), options)
        if "(" not in text and (path.suffix or len(path.parts) > 1):
            raise FileNotFoundError(
                f"there is no file {path}; give an architecture.json, a genotype's file, or a name such as DARTS_V2"
            )
        return cls(as_genotype(text), options)

    @property
    def final_options(self) -> Mapping[str, Any]:
        """What a final form of the network takes, with defaults; empty where it is the space's own network."""
        return CellSpace.final_options if isinstance(self.source, Genotype) else self.source[0].final_options

    def network(self, image_shape: tuple[int, ...], classes: int) -> nn.Module:
        """Return the network with fresh weights for images and classes; a final form fits itself to any.

        :raises ValueError: when the space's network is made for other images or classes.
        """
        channels, *sides = image_shape
        fixed = None if isinstance(self.source, Genotype) else self.source[0].image_shape
        square = len(sides) == 2 and sides[0] == sides[1]
        if not square and tuple(image_shape) != fixed:
            raise ValueError(
                f"inputs have shape {tuple(image_shape)}; this network takes {fixed or 'square images'}"
            )
        fit: dict[str, Any] = {"in_channels": channels, "classes": classes}
        fit["image_size"] = sides[0] if sides else None
        if isinstance(self.source, Genotype):
            return final_network(self.source, **fit, **self.options)
        space, architecture = self.source
        return space.final_network(architecture, **fit, **self.options)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values, for a card."""
        own = {"network": dict(self.options)} if self.final_options else {}
        if isinstance(self.source, Genotype):
            return {"genotype": self.source.to_text(), **own}
        space, architecture = self.source
        return {"space": space_document(space), "choices": " ".join(map(str, architecture.choices)), **own}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> NetworkPlan:
        """Read what :meth:`to_dict` wrote.

        :raises ValueError: when something is missing or does not fit.
        """
        options = dict(document.get("network") or {})
        if "genotype" in document:
            return cls(as_genotype(document["genotype"]), options)
        if "space" not in document or "choices" not in document:
            raise ValueError(
                "it does not say of which space and choices, or of which genotype, the network is made"
            )
        space = space_of(document["space"])
        return cls((space, space.architecture(_choices(document["choices"], len(space.decisions)))), options)


def load_network(folder: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """Return a trained network in evaluation mode, made and filled from the folder of a retraining, and its card.

    :param folder: with ``card.json`` and ``model.safetensors``, or a run's folder, whose ``network`` folder is read.
    :raises FileNotFoundError: when there is none.
    :raises ValueError: when a file is damaged, or the card does not say enough to make the network again.
    """
    folder = Path(folder)
    if not (folder / "card.json").is_file() and (folder / "network" / "card.json").is_file():
        folder = folder / "network"
    path = folder / "card.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; `tdgnas retrain` writes it beside the model")
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        shape, classes, what = tuple(card["image_shape"]), len(card["classes"]), dict(card["architecture"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no card of a trained network (it lacks {_FIELDS})") from error
    try:
        plan = NetworkPlan.from_dict(what)
        # A run trains the space's own network, a retraining the final one of cells, with its options in the card.
        with torch.random.fork_rng(devices=[]):
            if "network" in what or isinstance(plan.source, Genotype):
                network = plan.network(shape, classes)
            else:
                space, architecture = plan.source
                network = space.network(architecture)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path}: the network cannot be made again: {error}") from error
    return load_weights(network, folder).eval(), card


def _choices(given: Any, count: int) -> list[int]:
    """Choices as numbers between blanks, or as one digit each."""
    parts = given.split() if isinstance(given, str) and (" " in given or count == 1) else list(given)
    return [int(part) for part in parts]
