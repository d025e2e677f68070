"""The table of the laptop-sized NAS-RL space: all 1,296 networks of four layers, trained on few of the digits.

    python benchmarks/nas_rl_table.py                  # trains what is missing, a line per training, then packs
    python benchmarks/nas_rl_table.py --limit 60       # trains at most so many now
    python benchmarks/nas_rl_table.py --noise 20       # 20 networks with three seeds: how far seeds matter

Networks are trained in a mixed order, with one seed after the other. Columns: validation accuracy after every epoch,
test accuracy after the last one, processor seconds up to that epoch, parameters; means over the seeds.
"""

from __future__ import annotations

import random
import time
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from tdgnas.data import Splits, load
from tdgnas.devices import own_noise
from tdgnas.files.tables import Table as Growing
from tdgnas.files.tables import read_table
from tdgnas.fitness import Table, save_table
from tdgnas.spaces import Architecture, NasRL
from tdgnas.training import Recipe, Training, evaluate

EPOCHS = 6
RECIPE = Recipe(epochs=EPOCHS, batch_size=20, lr=0.1, warmup=1)
SIGNALS = [f"val_acc_{epoch}" for epoch in range(1, EPOCHS + 1)]
COLUMNS = ("seed", "arch", *SIGNALS, "test_acc", "seconds", "parameters")
PACKED = Path(__file__).parents[1] / "tdgnas" / "fitness" / "tables" / "nas-rl-digits.csv.gz"


def space_and_data() -> tuple[NasRL, Splits]:
    """The space of 6^4 networks, at half of its width, and 240 digits of 8x8 pixels to learn from."""
    data = load("digits", size=8, channels=1, train=240, valid=500, test=600)
    sizes = {"in_channels": 1, "image_size": 8}
    space = NasRL(
        layers=4, heights=(1, 3), widths=(), filters=(16, 32, 64), anchors=False, multiplier=0.5, **sizes
    )
    return space, data


def everything(space: NasRL) -> list[Architecture]:
    """All networks, in a mixed order that is always the same."""
    found = [space.architecture(choices) for choices in product(*map(range, space.decisions.sizes))]
    random.Random(0).shuffle(found)
    return found


def measure(space: NasRL, data: Splits, architecture: Architecture, seed: int) -> dict[str, float | str]:
    """Train a network; return its row."""
    start = time.process_time()
    with own_noise(seed):
        network = space.network(architecture)
    training = Training(network, data, RECIPE, seed, "cpu")
    accuracies = [record.valid["accuracy"] for record in training if record.valid is not None]
    seconds = time.process_time() - start
    return {
        "seed": seed,
        "arch": space.to_string(architecture),
        **{name: round(100 * value, 4) for name, value in zip(SIGNALS, accuracies, strict=True)},
        "test_acc": round(100 * evaluate(network, data.test)["accuracy"], 4),
        "seconds": round(seconds, 4),
        "parameters": space.parameters(architecture),
    }


def pack(space: NasRL, rows: list[dict[str, float]], path: Path) -> None:
    """Write the means over the seeds as the table that ships."""
    by_arch: dict[str, list[dict[str, float]]] = {}
    for row in rows:
        by_arch.setdefault(str(row["arch"]), []).append(row)

    def means(name: str) -> np.ndarray:
        return np.array([np.mean([row[name] for row in own]) for own in by_arch.values()])

    columns = {name: means(name) / 100 for name in SIGNALS} | {f"test_acc_{EPOCHS}": means("test_acc") / 100}
    spent = means("seconds")
    columns |= {f"seconds_{EPOCHS}": spent, "parameters": means("parameters")}
    places = {space.from_string(arch).choices: place for place, arch in enumerate(by_arch)}
    path.parent.mkdir(exist_ok=True)
    save_table(space, Table("nas-rl-digits", places, columns), path)
    print(f"{path}: {len(places)} networks, {path.stat().st_size} bytes")


def main(
    out: Annotated[Path, typer.Option(help="the table as it grows")] = Path("nas-rl-digits.csv"),
    limit: Annotated[int | None, typer.Option(help="train at most so many networks now")] = None,
    seeds: Annotated[int, typer.Option(help="trainings of every network")] = 1,
    noise: Annotated[int | None, typer.Option(help="only so many networks, with three seeds")] = None,
    packed: Annotated[Path, typer.Option(help="where the complete table goes")] = PACKED,
) -> None:
    """Train what is missing, and pack the table when it is complete."""
    torch.set_num_threads(1)
    space, data = space_and_data()
    networks = everything(space)[:noise]
    wanted = [(seed, each) for seed in range(3 if noise else seeds) for each in networks]
    growing, done = Growing(out, COLUMNS), {(row["seed"], row["arch"]) for row in read_table(out)}
    missing = [(seed, each) for seed, each in wanted if (seed, space.to_string(each)) not in done]
    for seed, each in missing[:limit]:
        growing.append(measure(space, data, each, seed))
    rows = read_table(out)
    left = len(missing) - len(missing[:limit])
    print(f"{len(rows)} trainings are in {out}, {left} are left")
    if noise:
        chosen = {space.to_string(each) for each in networks}
        for name in (*SIGNALS, "test_acc"):
            own = {arch: [row[name] for row in rows if row["arch"] == arch] for arch in chosen}
            spread = np.std([np.mean(each) for each in own.values()], ddof=1)
            within = np.sqrt(np.mean([np.var(each, ddof=1) for each in own.values()]))
            print(f"{name}: spread between networks {spread:.2f} %, between seeds {within:.2f} %")
    elif not left:
        pack(space, [row for row in rows if row["seed"] < seeds], packed)


if __name__ == "__main__":
    typer.run(main)
