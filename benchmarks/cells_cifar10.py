"""DARTS cells on CIFAR-10: search, discretise, train the derived cell beside random cells of the same size and budget.

    python benchmarks/cells_cifar10.py --data-folder ~/.cache/cifar10          # small: 20 minutes of one CPU core
    python benchmarks/cells_cifar10.py --data-folder ~/.cache/cifar10 --full --search-only   # as published: one GPU

The small setting shrinks the images to 16 x 16 pixels and takes 3,000 of them for the weights and 3,000 others for
alpha and for all comparisons; ``--full`` is the published search (50 epochs, 16 channels, 8 cells, batch 64, 25,000
images each) and says what it cost in minutes of the device.

Random cells have two edges per node, as derived ones have, and are drawn until their final network has about as many
parameters as the derived one. Everything is judged by the validation accuracy after the last epoch; the test set is
read once per network, after that. Calling the script again with the same ``--out`` goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tdgnas import data, pictures
from tdgnas.data import Augment, Splits
from tdgnas.devices import own_noise
from tdgnas.files.checkpoints import CheckpointFolder
from tdgnas.spaces import RULES, Architecture, DartsCells, save_architecture, strongest_edges
from tdgnas.supernet import Supernet, stop_at_skips
from tdgnas.training import Recipe, darts_cifar10, retrain

SMALL: dict[str, Any] = {
    "size": 16,
    "train": 3000,
    "valid": 3000,
    "channels": 8,
    "cells": 5,
    "epochs": 8,
    "alpha_lr": 6e-3,
    "hold": 1,
    "final_channels": 8,
    "final_cells": 5,
    "final_epochs": 10,
    "randoms": 3,
    "seeds": 2,
}
FULL: dict[str, Any] = {
    "size": 32,
    "train": 25_000,
    "valid": 25_000,
    "channels": 16,
    "cells": 8,
    "epochs": 50,
    "alpha_lr": 3e-4,
    "hold": 0,
    "final_channels": 36,
    "final_cells": 20,
    "final_epochs": 600,
    "randoms": 4,
    "seeds": 1,
}


def arguments() -> argparse.Namespace:
    """Options; those without a value take it from the small or the full setting."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-folder", help="where CIFAR-10's files lie")
    parser.add_argument("--out", default="cells-cifar10", help="folder of results")
    parser.add_argument("--full", action="store_true", help="the published setting")
    parser.add_argument("--order", type=int, choices=(1, 2), default=1, help="of the bilevel gradient")
    parser.add_argument("--rule", choices=RULES.names(), default="strongest-edges")
    parser.add_argument(
        "--paths", choices=("all", "one"), default="all", help="one: a sampled path, less memory"
    )
    parser.add_argument(
        "--partial", type=int, default=1, help="share of channels through the operations: 1/partial"
    )
    parser.add_argument("--skip-dropout", type=float, default=0.0, help="rate at the start, annealed to 0")
    parser.add_argument(
        "--stop-skips", type=int, default=0, help="stop at so many skips in the normal cell; 0: never"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the search")
    parser.add_argument("--search-only", action="store_true", help="leave the training of cells out")
    parser.add_argument("--threads", type=int, default=1)
    for name in SMALL:
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(SMALL[name]))
    options = parser.parse_args()
    for name, value in (FULL if options.full else SMALL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def search(options: argparse.Namespace, splits: Splits, out: Path) -> tuple[DartsCells, Architecture]:
    """Search, print a line per epoch, and write the architecture, its drawing and the weights over time."""
    space = DartsCells(
        cells=options.cells, channels=options.channels, image_size=options.size, partial=options.partial
    )
    supernet = Supernet(space, splits, seed=options.seed)
    pretraining = supernet.pretraining(
        options.epochs,
        batch_size=64,
        lr=0.025,
        lr_min=0.001,
        alpha_lr=options.alpha_lr,
        alpha_weight_decay=1e-3,
        hold=options.hold,
        order=options.order,
        discrete=0.0,
        paths=options.paths,
        skip_dropout=options.skip_dropout,
        stop=stop_at_skips(options.stop_skips) if options.stop_skips else None,
        augment=Augment(crop=options.size // 8, flip=True),
        seed=options.seed,
    )
    (out / "search").mkdir(parents=True, exist_ok=True)
    checkpoints = CheckpointFolder(out / "search")
    state = checkpoints.load()
    if state is not None:
        supernet.load_state_dict(state["supernet"])
        pretraining.load_state_dict(state["pretraining"])
    seconds = 0.0 if state is None else state["seconds"]
    print(f"before     supernet on validation images {100 * accuracy(supernet):.1f} %", flush=True)
    for record in pretraining:
        architecture = RULES.get(options.rule)(space, supernet.relaxed_weights())
        seconds += record.seconds
        print(
            f"epoch {record.epoch:3d}  train {record.train['loss']:.3f} {100 * record.train['accuracy']:.1f} %  "
            f"supernet on validation images {100 * accuracy(supernet):.1f} %  skips {space.skips(architecture)}  "
            f"{record.seconds:.0f} s",
            flush=True,
        )
        checkpoints.save(
            {
                "supernet": dict(supernet.state_dict()),
                "pretraining": pretraining.state_dict(),
                "seconds": seconds,
            }
        )
    if pretraining.stopped:
        print(f"stopped: {pretraining.stopped}")
    architecture = RULES.get(options.rule)(space, supernet.relaxed_weights())
    save_architecture(space, architecture, out / "architecture.json")
    pictures.draw(space, architecture, out / "cells.png")
    pictures.save(pictures.weights_figure(space.decisions, pretraining.history), out / "weights.png")
    print(space.describe(architecture))
    where = torch.cuda.get_device_name() if supernet.device.type == "cuda" else "CPU"
    print(f"search: {seconds / 60:.1f} minutes of one {where}, {options.threads} threads\n", flush=True)
    return space, architecture


def accuracy(supernet: Supernet, images: int = 1024, batch: int = 256) -> float:
    """Share of the first validation images that the relaxed network gets right; BatchNorm by the batch."""
    assert supernet.data is not None
    valid = supernet.data.valid
    right = 0
    count = min(images, len(valid))
    for start in range(0, count, batch):
        pixels, labels = valid.batch(slice(start, min(start + batch, count)))
        with torch.no_grad(), supernet.batchnorm.use("batch"):
            right += int((supernet.mixed(pixels, supernet.alpha).argmax(1) == labels).sum())
    return right / count


def draw_random(
    space: DartsCells, like: Architecture, options: argparse.Namespace, seed: int
) -> Architecture:
    """A random cell with two edges per node whose final network is within a tenth of the size of another."""
    rng = random.Random(f"cells {seed}")
    wanted = size_of(space, like, options)
    best: tuple[float, Architecture] | None = None
    for _ in range(200):
        weights = np.array([rng.random() for _ in range(space.length)])
        architecture = strongest_edges(space, weights)
        distance = abs(size_of(space, architecture, options) / wanted - 1)
        if best is None or distance < best[0]:
            best = distance, architecture
        if distance < 0.1:
            break
    assert best is not None
    return best[1]


def size_of(space: DartsCells, architecture: Architecture, options: argparse.Namespace) -> int:
    """Parameters of the final network."""
    with torch.device("meta"):
        network = final(space, architecture, options, auxiliary=False)
    return sum(parameter.numel() for parameter in network.parameters())


def final(
    space: DartsCells, architecture: Architecture, options: argparse.Namespace, auxiliary: bool
) -> torch.nn.Module:
    """The network that is trained to the end."""
    return space.final_network(
        architecture,
        channels=options.final_channels,
        cells=options.final_cells,
        auxiliary=auxiliary,
        drop_path=0.2 if options.full else 0.0,
    )


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The published recipe; the small one leaves out what only helps long trainings."""
    recipe = darts_cifar10(options.final_epochs)
    if options.full:
        return recipe.model_copy(update={"precision": "bfloat16", "channels_last": True})
    small = {"batch_size": 64, "aux_weight": 0.0, "augment": Augment(crop=options.size // 8, flip=True)}
    return recipe.model_copy(update=small)


def train(
    name: str,
    space: DartsCells,
    architecture: Architecture,
    options: argparse.Namespace,
    splits: Splits,
    out: Path,
) -> dict[str, Any]:
    """Train an architecture with every seed; mean results."""
    cards = []
    for seed in range(options.seeds):
        folder = out / f"{name}-{seed}"
        if not (folder / "card.json").exists():
            with own_noise(seed):
                network = final(space, architecture, options, auxiliary=options.full)
            retrain(
                network,
                splits,
                recipe_of(options),
                folder,
                name=name,
                architecture={"describe": space.describe(architecture)},
                seed=seed,
                resume=folder.exists(),
            )
        cards.append(json.loads((folder / "card.json").read_text()))
        print(
            f"{name}, seed {seed}: valid {100 * cards[-1]['measures']['valid']['accuracy']:.2f} %", flush=True
        )
    return {
        "valid": statistics.mean(card["measures"]["valid"]["accuracy"] for card in cards),
        "each": ", ".join(f"{100 * card['measures']['valid']['accuracy']:.2f}" for card in cards),
        "test": statistics.mean(card["measures"]["test"]["accuracy"] for card in cards),
        "parameters": cards[0]["parameters"],
        "seconds": sum(card["seconds"] for card in cards),
    }


def main() -> None:
    """Search and compare."""
    options = arguments()
    torch.set_num_threads(options.threads)
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "options.json").write_text(json.dumps(vars(options), indent=1))
    size = None if options.size == 32 else options.size
    splits = data.load(
        "cifar10", folder=options.data_folder, size=size, train=options.train, valid=options.valid, seed=0
    )
    space, architecture = search(options, splits, out)
    if options.search_only:
        return
    rows = {"derived": train("derived", space, architecture, options, splits, out)}
    for number in range(options.randoms):
        drawn = draw_random(space, architecture, options, number)
        rows[f"random {number}"] = train(f"random-{number}", space, drawn, options, splits, out)
    if options.full:
        rows["DARTS_V2"] = train("darts-v2", space, space.from_genotype("DARTS_V2"), options, splits, out)
    print(
        "\n| cells | validation, % | of each seed | test, % | parameters | seconds |\n|---|---|---|---|---|---|"
    )
    for name, row in rows.items():
        print(
            f"| {name} | {100 * row['valid']:.2f} | {row['each']} | {100 * row['test']:.2f} | {row['parameters']:,} "
            f"| {row['seconds']:.0f} |"
        )
    controls = [100 * row["valid"] for name, row in rows.items() if name.startswith("random")]
    if controls:
        print(
            f"\nrandom cells: mean {statistics.mean(controls):.2f} %, best {max(controls):.2f} % on validation data"
        )


if __name__ == "__main__":
    main()
