"""A training's state as plain values and a flat dict of tensors, which fits JSON and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .recipe import Recipe


class Trained(Protocol):
    """What is saved of a :class:`Training`."""

    seed: int
    recipe: Recipe
    records: list[Any]
    network: nn.Module
    averaged: nn.Module | None
    optimizer: torch.optim.Optimizer


def training_state(training: Trained) -> dict[str, Any]:
    """Copies of all that a training changes, and of what it must fit."""
    tensors = {f"network.{name}": tensor for name, tensor in training.network.state_dict().items()}
    if training.averaged is not None:
        tensors |= {f"averaged.{name}": tensor for name, tensor in training.averaged.state_dict().items()}
    for index, slots in training.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{slot}": value for slot, value in slots.items() if value is not None}
    values = {
        "seed": training.seed,
        "recipe": training.recipe.model_dump(),
        "records": [asdict(record) for record in training.records],
    }
    return {"values": values, "tensors": {name: _copy(tensor) for name, tensor in tensors.items()}}


def load_training_state(training: Trained, state: dict[str, Any]) -> list[dict[str, Any]]:
    """Put ``state`` into ``training`` once all of it is known to fit; return the records in it.

    :raises ValueError: naming what differs.
    """
    values, tensors = state["values"], state["tensors"]
    if values["seed"] != training.seed:
        raise ValueError(f"the state was saved with seed {values['seed']}, this training has {training.seed}")
    _check_recipe(values["recipe"], training.recipe.model_dump())
    modules = {"network": training.network, "averaged": training.averaged}
    for part, module in modules.items():
        if module is not None:
            check_tensors("the state", _part(tensors, part), module)
    slots = _optimizer_slots(_part(tensors, "optimizer"), training.optimizer)
    for part, module in modules.items():
        if module is not None:
            module.load_state_dict(_part(tensors, part))
    groups = training.optimizer.state_dict()["param_groups"]
    training.optimizer.load_state_dict({"state": slots, "param_groups": groups})
    records: list[dict[str, Any]] = values["records"]
    return records


def _optimizer_slots(
    tensors: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[int, dict[str, Tensor]]:
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    slots: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, slot = name.partition(".")
        if int(index) >= len(weights) or (tensor.ndim and tensor.shape != weights[int(index)].shape):
            raise ValueError(
                f"the state belongs to another optimiser: optimizer.{name} of shape {tuple(tensor.shape)} "
                f"fits none of the {len(weights)} trainable weights here"
            )
        slots.setdefault(int(index), {})[slot] = tensor.clone()
    return slots


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True).contiguous()


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name[len(part) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}


def _check_recipe(saved: dict[str, Any], own: dict[str, Any]) -> None:
    odd = [name for name in sorted(set(saved) | set(own)) if saved.get(name) != own.get(name)]
    if odd:
        differences = ", ".join(f"{name} {saved.get(name)} there, {own.get(name)} here" for name in odd)
        raise ValueError(f"the state was saved with another recipe: {differences}")


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
