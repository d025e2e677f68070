"""How well scores on shared weights rank shortcut networks of VGG19 that are then trained from scratch.

    python benchmarks/shortcut_ranking.py --data-folder ~/.cache/cifar10 --out runs/shortcuts    # one to two hours
    python benchmarks/shortcut_ranking.py --data digits --train 256 --networks 12 --seeds 1 --out runs/digits

Networks with every number of shortcuts equally likely are drawn once and trained from scratch. Supernets of several
seeds are trained by each method (``darts``, the default: relaxed and discrete networks and alpha in turn; ``paths``:
paths that grow from the trunk), and score the networks under every BatchNorm policy, by loss and by accuracy. Counts
of parameters and of shortcuts, and NASWOT, are ranked beside them. What is in ``--out`` is not computed again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.progress import track
from scipy.stats import kendalltau

import tdgnas
from tdgnas.data import Splits
from tdgnas.devices import own_noise
from tdgnas.fitness import ZeroCostFitness
from tdgnas.spaces import Architecture, SearchSpace, VGGShortcuts
from tdgnas.supernet import POLICIES
from tdgnas.training import Recipe, train

console = Console(width=120)
Columns = dict[str, list[float]]
"""Scores of the networks by name, smaller is better."""


def main(
    out: Annotated[Path, typer.Option(help="Folder of what has been computed.")],
    data: Annotated[str, typer.Option(help="Name of the data.")] = "cifar10",
    data_folder: Annotated[Path | None, typer.Option(help="Where they lie.")] = None,
    images: Annotated[int, typer.Option("--train", help="Training images; as many validate.")] = 1_500,
    networks: Annotated[int, typer.Option(help="Shortcut networks.")] = 60,
    epochs: Annotated[int, typer.Option(help="Of each training from scratch.")] = 6,
    method: Annotated[list[str], typer.Option(help="darts, paths; repeatable.")] = ["darts", "paths"],  # noqa: B006
    pretrain_epochs: Annotated[
        int, typer.Option(help="Of each supernet by paths; by darts half of them.")
    ] = 40,
    seeds: Annotated[int, typer.Option(help="Supernets of each method.")] = 5,
    width: Annotated[float, typer.Option(help="Of VGG19.")] = 1 / 8,
) -> None:
    """Measure and print a table."""
    torch.set_num_threads(1)
    valid = min(images, 400) if data == "digits" else images
    splits = tdgnas.data.load(data, folder=data_folder, train=images, valid=valid, seed=0)
    space = VGGShortcuts(width=width, in_channels=splits.image_shape[0], classes=len(splits.classes))
    rng = random.Random(0)
    chosen = [draw(space, rng.randrange(space.length + 1), rng) for _ in range(networks)]
    out.mkdir(parents=True, exist_ok=True)

    truth = kept(
        out / "truth.json", lambda: {"loss": [alone(space, each, splits, epochs) for each in said(chosen)]}
    )
    controls = kept(out / "controls.json", lambda: look(space, chosen, splits))
    counts = controls["shortcuts"]
    lines = [
        f"{networks} networks, {images} training images, {epochs} epochs from scratch; {seeds} supernets a method",
        "",
        "| ranked by | Kendall tau | smallest, largest | at equal number of shortcuts | loss of the pick (nats) |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in method:
        per_seed = [
            kept(
                out / f"{name}-{seed}.json",
                lambda name=name, seed=seed: score(space, chosen, splits, name, pretrain_epochs, seed),  # type: ignore[misc]
            )
            for seed in range(seeds)
        ]
        lines += [
            row(f"{name}: {key}", [one[key] for one in per_seed], truth["loss"], counts)
            for key in per_seed[0]
        ]
    lines += [row(key, [values], truth["loss"], counts) for key, values in controls.items()]
    best, middle = min(truth["loss"]), sorted(truth["loss"])[networks // 2]
    lines.append(f"| (best and median of all) | | | | {best:.3f}, {middle:.3f} |")
    (out / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print("\n".join(lines), markup=False)


def kept(path: Path, compute: Callable[[], Columns]) -> Columns:
    """Return what is in a file, or compute it and write it there."""
    if not path.is_file():
        path.write_text(json.dumps(compute()), encoding="utf-8")
    found: Columns = json.loads(path.read_text(encoding="utf-8"))
    return found


def said(chosen: list[Architecture]) -> Any:
    """Show how far it is."""
    return track(chosen, "training from scratch", console=console)


def draw(space: SearchSpace, gates: int, rng: random.Random) -> Architecture:
    """Draw a network with so many shortcuts."""
    on = set(rng.sample(range(space.length), gates))
    return space.architecture([int(gate in on) for gate in range(space.length)])


def alone(space: SearchSpace, architecture: Architecture, data: Splits, epochs: int) -> float:
    """Return the validation loss of a network trained from scratch."""
    recipe = Recipe(epochs=epochs, lr=0.02, nesterov=True, clip=5.0)
    with own_noise(0):
        network = space.network(architecture)
    return train(network, data, recipe, seed=0)[-1].valid["loss"]  # type: ignore[index]


def look(space: SearchSpace, chosen: list[Architecture], data: Splits) -> Columns:
    """Score networks by what needs no shared weights."""
    naswot = ZeroCostFitness(space, data, images=32, seed=0)
    return {
        "parameters": [-float(space.parameters(each)) for each in chosen],
        "shortcuts": [-float(sum(each.choices)) for each in chosen],
        "NASWOT": [-naswot.value(each) for each in chosen],
    }


def score(
    space: SearchSpace, chosen: list[Architecture], data: Splits, method: str, epochs: int, seed: int
) -> Columns:
    """Train a supernet and score networks on it under every BatchNorm policy."""
    supernet = tdgnas.Supernet(space, data, seed=seed)
    settings: dict[str, Any] = {"epochs": epochs // 2, "hold": 2}
    if method == "paths":
        paths = {"alpha_steps": 0}
        settings = {"epochs": epochs, "method": "paths", "lr": 0.02, "lr_min": 0.0, "paths": paths}
    supernet.pretrain(**settings, seed=seed)
    found: Columns = {}
    for policy in POLICIES:
        fitness = tdgnas.SupernetFitness(
            supernet, data.valid, size=min(500, len(data.valid)), batchnorm=policy, calibration=data.train
        )
        scores = fitness.scores(chosen)
        found[f"{policy}, loss"] = [one.loss for one in scores]
        found[f"{policy}, accuracy"] = [-one.measures["accuracy"] for one in scores]
    return found


def row(name: str, scores: list[list[float]], truth: list[float], counts: list[float]) -> str:
    """A row of the table: over supernets the mean, and the mean loss of what each would pick."""
    taus = [kendalltau(values, truth).statistic for values in scores]
    equal = fmean(partial_tau(values, truth, counts) for values in scores)
    picks = fmean(truth[min(range(len(truth)), key=values.__getitem__)] for values in scores)
    spread = f" ± {stdev(taus):.2f}" if len(taus) > 1 else ""
    ends = f"{min(taus):.2f}, {max(taus):.2f}" if len(taus) > 1 else ""
    beyond = "" if scores[0] == counts else f"{equal:.2f}"
    return f"| {name} | {fmean(taus):.2f}{spread} | {ends} | {beyond} | {picks:.3f} |"


def partial_tau(x: list[float], y: list[float], given: list[float]) -> float:
    """Kendall's partial tau: how two rankings agree beyond what a third explains of both (Kendall 1942)."""
    both, own, other = (kendalltau(a, b).statistic for a, b in ((x, y), (x, given), (y, given)))
    return float((both - own * other) / max(1e-12, (1 - own**2) * (1 - other**2)) ** 0.5)


if __name__ == "__main__":
    typer.run(main)
