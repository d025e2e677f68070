"""A trained network as files: its weights (safetensors) and a card that says what it is and how it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..files.atomic import write_atomic, write_json, write_text
from ..graphs import run_counted
from ..tasks import TASKS


@dataclass(frozen=True)
class Card:
    """What is known of a trained network.

    :param name: for people.
    :param parameters: as it is used; an auxiliary head, which only training uses, is not counted.
    :param macs: multiply-adds of one image (convolutions and linear layers).
    :param image_shape: channels, height, width of an image.
    :param classes: names of the outputs, in their order: classes, or columns of the targets.
    :param mean: of the pixels (0..1) per channel, subtracted first.
    :param std: per channel, divided by.
    :param data: name of the data set.
    :param task: name of what was learned.
    :param measures: by split, loss and measures of the task by name.
    :param recipe: how it was trained.
    :param architecture: space, settings and choices, or a genotype.
    :param command: what makes it again.
    :param seed: of the training.
    :param seconds: the training took.
    """

    name: str
    parameters: int
    macs: int
    image_shape: tuple[int, ...]
    classes: tuple[str, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    data: str = ""
    task: str = ""
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    architecture: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    seed: int | None = None
    seconds: float | None = None

    def _text(self, measure: str, value: float) -> str:
        known = self.task in TASKS.names() and measure in TASKS.get(self.task).names
        return TASKS.get(self.task).measure(measure).text(value) if known else f"{value:.4f}"

    def to_markdown(self) -> str:
        """Return the card for people."""
        rows = [
            ("data", _escaped(self.data)),
            ("task", self.task),
            *(
                (f"{split} {name}", self._text(name, value))
                for split, values in self.measures.items()
                for name, value in values.items()
            ),
            ("parameters", f"{self.parameters:,}"),
            ("multiply-adds per image", f"{self.macs:,}"),
            (
                "images",
                " x ".join(map(str, self.image_shape)) + ", normalised by the mean and deviation below",
            ),
            ("mean", ", ".join(f"{value:.4f}" for value in self.mean)),
            ("deviation", ", ".join(f"{value:.4f}" for value in self.std)),
            ("classes", ", ".join(map(_escaped, self.classes))),
            ("seed", "" if self.seed is None else str(self.seed)),
            ("training", "" if self.seconds is None else f"{self.seconds:.0f} s"),
            *((f"recipe: {key}", str(value)) for key, value in self.recipe.items()),
        ]
        table = "\n".join(f"| {key} | {value} |" for key, value in rows if value)
        parts = [f"# {_escaped(self.name)}", f"| | |\n|---|---|\n{table}"]
        if self.architecture:
            lines = "\n".join(f"- {key}: {_escaped(str(value))}" for key, value in self.architecture.items())
            parts.append(f"## Architecture\n\n{lines}")
        if self.command:
            parts.append(f"## Made by\n\n    {' '.join(self.command.splitlines())}")
        parts.append("## Files\n\n`model.safetensors` has the weights, `card.json` this card for programs.")
        return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    """A text that a user gave, such as the name of a folder, as what it says in Markdown: no cell, tag or link."""
    return re.sub(r"([\\`*{}\[\]<>#|!&])", r"\\\1", " ".join(text.split()))


def make_card(network: nn.Module, image_shape: tuple[int, ...], **known: Any) -> Card:
    """Return a card with the network's parameters and multiply-adds counted.

    :param known: other fields of :class:`Card`, ``name`` and ``classes`` among them.
    """
    auxiliary = getattr(network, "auxiliary", None)
    extra = sum(p.numel() for p in auxiliary.parameters()) if isinstance(auxiliary, nn.Module) else 0
    shadow = deepcopy(network).to("meta").eval()  # costs are found without computing anything
    with torch.no_grad():
        _, macs = run_counted(shadow, torch.empty(1, *image_shape, device="meta"))
    return Card(
        parameters=sum(p.numel() for p in network.parameters()) - extra,
        macs=macs,
        image_shape=image_shape,
        **known,
    )


def save_model(network: nn.Module, card: Card, folder: str | Path) -> Path:
    """Write ``model.safetensors``, ``card.json`` and ``card.md``, each atomically; return the folder."""
    folder = Path(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomic(folder / "model.safetensors", lambda temporary: save_file(tensors, temporary))
    write_json(folder / "card.json", {"format": "tdgnas-card/2", **asdict(card)})
    write_text(folder / "card.md", card.to_markdown())
    return folder


def load_weights(network: nn.Module, path: str | Path) -> nn.Module:
    """Read weights that :func:`save_model` wrote into a network of the same shape; return it.

    :param path: the file, or the folder that it lies in.
    :raises FileNotFoundError: when there is no such file.
    :raises ValueError: when it is damaged or belongs to another network; the network is then as it was.
    """
    path = Path(path)
    path = path / "model.safetensors" if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; save_model writes model.safetensors")
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file: {error}") from error
    check_tensors(path, tensors, network)
    with torch.no_grad():
        network.load_state_dict(tensors)
    return network


def check_tensors(what: object, saved: Mapping[str, Tensor], module: nn.Module) -> None:
    """Check that saved tensors have the names and shapes of a module's own.

    :param what: where they come from, for the error.
    :raises ValueError: naming the first that differs.
    """
    own = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    there = {name: tuple(tensor.shape) for name, tensor in saved.items()}
    odd = [name for name in sorted(set(own) | set(there)) if own.get(name) != there.get(name)]
    if odd:
        first = odd[0]
        raise ValueError(
            f"{what} belongs to another network: {len(odd)} tensors differ, the first is {first}: "
            f"{there.get(first, 'missing')} there, {own.get(first, 'missing')} here"
        )
