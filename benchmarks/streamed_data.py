"""Training on images that are read while they are needed: peak memory and speed.

    python benchmarks/streamed_data.py                  # makes 20,000 JPEGs of 160 x 160 pixels, trains an epoch
    python benchmarks/streamed_data.py --images 400     # the same at small

The memory is this process's at its highest, beyond what it had after the imports; the images as pixels would take
20,000 x 3 x 128 x 128 bytes. Ends with an error beyond the bound.
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image
from torch import nn

from tdgnas.data import load
from tdgnas.training import Recipe, Training, evaluate

CLASSES, SIDE = 10, 160


def make(folder: Path, images: int) -> None:
    """Write JPEGs in class folders: a coarse pattern of the class, and noise."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (CLASSES, 5, 5, 3))
    for number in range(images):
        kind = number % CLASSES
        coarse = (patterns[kind] + rng.normal(0, 60, (5, 5, 3))).clip(0, 255).astype("uint8")
        place = folder / f"class{kind}" / f"{number:06}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((SIDE, SIDE)).save(place, quality=80)


def peak() -> float:
    """Highest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(
    images: Annotated[int, typer.Option(help="JPEGs in all")] = 20_000,
    workers: Annotated[int, typer.Option(help="processes that read ahead")] = 2,
    bound: Annotated[float, typer.Option(help="largest growth of memory allowed, MiB")] = 800.0,
    folder: Annotated[Path | None, typer.Option(help="of the images; kept, and not made again")] = None,
) -> None:
    """Make images, train an epoch on them as a stream, and print what it took."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as passing:
        place = folder or Path(passing)
        if not any(place.iterdir()):
            make(place, images)
        before, start = peak(), time.perf_counter()
        data = load("stream", folder=place, size=128, valid=1_000 if images > 5_000 else 0.1, workers=workers)
        split = time.perf_counter() - start
        network = nn.Sequential(
            nn.Conv2d(3, 8, 5, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
            nn.Linear(128, len(data.classes)),
        )  # fmt: skip
        training = Training(network, data, Recipe(epochs=1, augment={"crop": 8, "flip": True}), device="cpu")
        record = next(training)
        test = evaluate(network, data.test)
        grown = peak() - before
    parts = f"{len(data.train)} training, {len(data.valid)} validation, {len(data.test)} test images"
    whole = sum(map(len, (data.train, data.valid, data.test))) * 3 * 128**2 / 2**20
    print(f"{parts}; as pixels {whole:.0f} MiB")
    print(f"split and validation images read in {split:.1f} s")
    print(
        f"an epoch in {record.seconds:.1f} s, {len(data.train) / record.seconds:.0f} images/s, {workers} workers"
    )
    print(f"test accuracy {100 * test['accuracy']:.1f} %")
    print(f"memory grew by {grown:.0f} MiB at most; the bound is {bound:.0f} MiB")
    if grown > bound:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
