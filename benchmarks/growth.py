"""Whether inherited weights pay: networks that grow, with and without them, at equal image passes.

    python benchmarks/growth.py
    python benchmarks/growth.py --data cifar10 --data-folder ~/.cache/cifar10 --passes 300000 --epochs 1 --retrain 0

Every search has the same passes, all counted: the training of every child, its validation, and the images on which new
layers are measured. Searches lie in ``--out`` and are gone on with; the table and the curve are made of what is there.
A winner is then trained from scratch too, beside the network that growth began with.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import numpy as np
import typer

from tdgnas.comparison import parse
from tdgnas.comparison.curves import band
from tdgnas.files.tables import read_table
from tdgnas.pictures import save
from tdgnas.pictures.curves import bands_figure
from tdgnas.runs import Experiment
from tdgnas.spaces import load_architecture
from tdgnas.strategies import STRATEGIES

#: Label, strategy, and whether weights are inherited.
ARMS = [
    ("NASH, inherited", "nash", True),
    ("NASH, fresh weights", "nash", False),
    ("random growth, inherited", "nash:goes_on=random", True),
    ("TDGA, inherited", "tdga:population=8", True),
    ("GA, inherited", "ga:population=8,cxpb=0.2,mutpb=0.8", True),
    ("aging, inherited", "aging:population=8", True),
    ("NASH of 4 children, inherited", "nash:children=4", True),
]
#: Images to train and validate on, and to test the winner.
SIZES: dict[str, dict[str, Any]] = {
    "digits": {"train": 300, "valid": 300},
    "cifar10": {"name": "cifar10", "train": 2000, "valid": 1000, "test": 2000, "size": 16, "channels": 3},
}


def search(arm: tuple[str, str, bool], seed: int, out: Path, settings: dict[str, Any], passes: int) -> Path:
    """Run a search, or go on with it; return its folder."""
    label, text, inherit = arm
    spec = parse(text)
    assert spec.name in STRATEGIES.names()
    folder = out / "".join(one if one.isalnum() else "-" for one in label) / str(seed)
    own = {**settings, "seed": seed, "device": "cpu", "strategy": {"name": spec.name, **spec.options}}
    own["fitness"] = {**settings["fitness"], "inherit": inherit}
    Experiment("digits-growth", budget=("passes", passes), folder=folder, settings=own).run()
    return folder


def result(folder: Path) -> dict[str, Any]:
    """What a search has found: the curve, the winner's accuracy as it was trained, and trained from scratch."""
    trace = json.loads((folder / "trace.json").read_text(encoding="utf-8"))
    space, best = load_architecture(folder / "architecture.json")
    rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    measured = Experiment.open(folder).context.problem.final(best)
    children = read_table(folder / "children.csv")
    trained = {row["choices"] for row in children}
    lineage = [" ".join(map(str, one)) for one in (best.choices, *space.ancestors(best.choices))]
    inherits = "inherited" in folder.parent.name
    return {
        "all": 100 * mean(row["value"] for row in children if row["value"] is not None),
        "learned": float(sum(one in trained for one in lineage[: None if inherits else 1])),
        "curve": [(cost, signal) for cost, signal, _ in trace["points"]],
        "valid": 100 * trace["points"][-1][1],
        "test": 100 * measured["test_accuracy"],
        **(
            {"scratch": 100 * rows[-1]["test_accuracy"], "first": 100 * rows[0]["test_accuracy"]}
            if rows
            else {}
        ),
        "parameters": space.parameters(best) / 1e3,
        "children": trace["evaluations"],
    }


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


def main(
    data: Annotated[str, typer.Option(help="digits (8x8 pixels), or cifar10 (16x16).")] = "digits",
    data_folder: Annotated[Path | None, typer.Option(help="Where CIFAR-10 lies.")] = None,
    passes: Annotated[int, typer.Option(help="Image passes of each search.")] = 150_000,
    arms: Annotated[int, typer.Option(help="The first so many of them.")] = len(ARMS),
    seeds: Annotated[int, typer.Option(help="Searches of each arm.")] = 3,
    epochs: Annotated[int, typer.Option(help="Of every child.")] = 2,
    retrain: Annotated[int, typer.Option(help="Epochs of the winner from scratch; 0 for none.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder of the searches.")] = Path("growth"),
    figure: Annotated[Path | None, typer.Option(help="Where the curve goes, such as growth.svg.")] = None,
) -> None:
    """Run what is missing; print the table."""
    settings: dict[str, Any] = {
        "data": {**SIZES[data], **({} if data_folder is None else {"folder": str(data_folder)})},
        "space": {"settings": {"steps": 100}},
        "fitness": {"measure": "accuracy", "recipe": {"epochs": epochs, "warmup": 0, "lr": 0.05}},
        "retrain": {"epochs": retrain, "random_draws": 0},
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for seed, arm in product(range(seeds), ARMS[:arms]):
        found.setdefault(arm[0], []).append(result(search(arm, seed, out / data, settings, passes)))
        print(
            arm[0],
            seed,
            {key: value for key, value in found[arm[0]][-1].items() if key != "curve"},
            flush=True,
        )
    columns = {
        "all": "mean child, validation",
        "learned": "trainings of the winner's line",
        "valid": "validation",
        "test": "test, as it was trained",
        **({"scratch": "test, from scratch"} if retrain else {}),
        "parameters": "thousand parameters",
    }
    print("| search | children |", " | ".join(columns.values()), "|")
    print("|---" * (len(columns) + 2) + "|")
    for label, own in found.items():
        cells = [spread([one[key] for one in own]) for key in columns]
        print(f"| {label} | {mean(one['children'] for one in own):.0f} | {' | '.join(cells)} |")
    if retrain:
        first = spread([own["first"] for own in found[ARMS[0][0]]])
        print(f"\nThe first network, trained from scratch for {retrain} epochs: {first}.")
    if figure is not None:
        grid = np.linspace(0, passes, 200)
        curves = {
            label: band([[(cost, 100 * value) for cost, value in one["curve"]] for one in own], grid)
            for label, own in found.items()
        }
        # Intervals of a mean of so few would cover everything.
        curves = {label: replace(one, low=one.mean, high=one.mean) for label, one in curves.items()}
        save(bands_figure(curves, "image passes", "validation accuracy of the choice (%)"), figure)


if __name__ == "__main__":
    typer.run(main)
