"""Published experiments, their tables, and their small forms."""

from __future__ import annotations

from typing import Any

from ..problems import PROBLEMS, from_scratch, on_supernet, on_table
from ..sections import Sections

#: The space of NAS-RL for a laptop: 6^4 networks.
CHAIN: Sections = {"layers": 4, "heights": [1, 3], "widths": [], "filters": [16, 32, 64], "anchors": False}


@PROBLEMS.register("nas-rl-chain")
def nas_rl_chain(
    data: str = "digits", images: int = 400, epochs: int = 10, evaluations: int = 250, **settings: Any
) -> Sections:
    """NAS-RL for a laptop: 1,296 chains of four layers, windows of 1 or 3, 16, 32 or 64 filters, and few images."""
    small = {"size": 8, "channels": 1} if data.startswith("digits") else {"valid": 1000}
    space, few = {"name": "nas-rl", **CHAIN, **settings}, {"name": data, "train": images, **small}
    recipe = {"epochs": epochs, "batch_size": 20, "lr": 0.1}
    return from_scratch(space, few, evaluations, measure="accuracy", recipe=recipe)


@PROBLEMS.register("cifar10-nas-rl")
def cifar10_nas_rl(evaluations: int = 12_800, **settings: Any) -> Sections:
    """CIFAR-10, strings of NAS-RL that grow from 6 layers on, each trained for 50 epochs: as published, for GPUs."""
    space = {"name": "nas-rl", "layers": [6, 8, 10, 12, 14, 16, 18, 20], **settings}
    recipe = {
        "epochs": 50, "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4, "schedule": "constant",
        "warmup": 0, "batch_size": 128, "augment": {"crop": 4, "flip": True},
    }  # fmt: skip
    found = from_scratch(
        space,
        {"name": "cifar10", "valid": 5_000},
        evaluations,
        measure="accuracy",
        last=5,
        power=3.0,
        recipe=recipe,
    )
    found["space"]["grow"] = 1_600
    return {**found, "strategy": {"name": "reinforce-lstm"}}


@PROBLEMS.register("cifar10-vgg")
def cifar10_vgg(**options: Any) -> Sections:
    """CIFAR-10, shortcuts of VGG19 at full width: the published experiment, for a GPU."""
    found = on_supernet(
        "vgg-shortcuts", "cifar10", **{"width": 1.0, "epochs": 150, "images": 2000, **options}
    )
    found["data"]["valid"] = 25_000
    found["pretrain"] |= {"lr": 0.001, "schedule": "constant", "alpha_lr": 0.003, "hold": 10}
    found["fitness"]["batch_size"] = 500
    recipe = {
        "epochs": 150, "lr": 0.009, "schedule": "step", "milestones": [100], "gamma": 0.234, "warmup": 0,
    }  # fmt: skip
    return {
        **found,
        "strategy": {"name": "darts-tdga", "temperature": {"start": 1.0, "stop": 0.001}},
        "budget": {"unit": "generations", "limit": 150},
        "retrain": {**recipe, "augment": {"crop": 4, "flip": True}, **found.get("retrain", {})},
    }


@PROBLEMS.register("nasbench201")
def nasbench201(**options: Any) -> Sections:
    """NAS-Bench-201's cells with the measured accuracies of its table, by the simulated clock."""
    return on_table("nasbench201", **options)


@PROBLEMS.register("nas-rl-table")
def nas_rl_table(evaluations: int = 250, **options: Any) -> Sections:
    """The 1,296 chains of NAS-RL at half their width, all trained on 240 digits: their measured accuracies."""
    columns = {"file": "nas-rl-digits", "signal": "val_acc_6", "final": "test_acc_6"}
    own = {**CHAIN, "multiplier": 0.5, "in_channels": 1, "image_size": 8}
    budget = {"unit": "evaluations", "limit": evaluations}
    return {**on_table("nas-rl", **{**columns, **own, **options}), "budget": budget}


@PROBLEMS.register("synthetic")
def synthetic(seed: int = 0, **options: Any) -> Sections:
    """NAS-Bench-201's cells with an invented table, for trials without the real one."""
    return on_table("nasbench201", seed=seed, **options)
