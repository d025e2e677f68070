"""The published experiment: shortcuts of VGG19 on CIFAR-10, found by DARTS + TDGA, beside their controls.

    python benchmarks/vgg_cifar10.py --data-folder ~/.cache/cifar10            # small: minutes on two CPU cores
    python benchmarks/vgg_cifar10.py --data-folder ~/.cache/cifar10 --full     # as published: for one GPU

Every search seed is a run folder of its own (``tdgnas resume`` works on it); calling the script again with the same
``--out`` goes on where it stopped, and with a larger ``--set retrain.seeds=`` it trains the networks of finished runs
more often. The networks of all seeds are retrained with one recipe. Selection uses validation data only; the test set
is read once per training, after the last epoch.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from evaluation.paired import paired

from tdgnas.reports import draw_run, read_rows
from tdgnas.reports.page import value_text
from tdgnas.runs import Experiment, make_config
from tdgnas.runs.config import parse_assignment
from tdgnas.runs.progress import Terminal
from tdgnas.runs.sections import assign

PUBLISHED: dict[str, Any] = {"problem": "cifar10-vgg"}

# What a CPU does in minutes: an eighth of the width, a tenth of the images, a tenth of the epochs.
SMALL: dict[str, Any] = {
    "problem": "main",
    "data": {"name": "cifar10", "valid": 4_000, "train": 4_000},
    "pretrain": {"epochs": 12, "hold": 2},
    "fitness": {"size": 1_000},
    "retrain": {"epochs": 12, "augment": {"crop": 4, "flip": True}, "random_draws": 2},
}


def main() -> None:
    """Run every seed, then print one table over all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="the published settings; a GPU's work")
    parser.add_argument("--data-folder", help="folder with cifar-10-batches-bin")
    parser.add_argument("--seeds", type=int, default=1, help="searches, from pretraining to retraining")
    parser.add_argument("--device", help="cpu, cuda, cuda:1")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any configuration key"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/vgg_cifar10"))
    options = parser.parse_args()

    folders = []
    for seed in range(options.seeds):
        document = json.loads(json.dumps(PUBLISHED if options.full else SMALL))
        document["seed"] = seed
        if options.data_folder:
            assign(document, ["data", "folder"], options.data_folder)
        if options.device:
            document["device"] = options.device
        for text in options.set:
            assign(document, *parse_assignment(text))
        folder = options.out / f"seed-{seed}"
        with Terminal() as terminal:
            Experiment.begin(folder, make_config(document), terminal).execute()
        draw_run(folder)
        folders.append(folder)
    text = table(folders)
    if len(folders) > 1:
        text += "\n" + "\n".join(paired(accuracies(folders), "TDGA")) + "\n"
    (options.out / "table.md").write_text(text, encoding="utf-8")
    print(text)


def table(folders: list[Path]) -> str:
    """One markdown table over the runs: mean and standard deviation over all networks of a row."""
    lines = [
        "| network | trainings | shortcuts | valid % | test % | parameters | MACs | search s | retrain s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in read_rows(*folders):
        lines.append(
            f"| {row.name} | {row.networks} | {row.gates:.4g} | {value_text(row.valid, row.measure)} "
            f"| {row.test_text} | {row.parameters:,.0f} | {row.macs:,.0f} "
            f"| {row.search_seconds:.0f} | {row.retraining_seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def accuracies(folders: list[Path]) -> dict[int, dict[str, float]]:
    """Test accuracies in percent by seed and row, means over the networks of a row."""
    found = {}
    for seed, folder in enumerate(folders):
        names = {"darts-tdga": "TDGA"}
        found[seed] = {names.get(row.name, row.name): 100 * (row.test or 0.0) for row in read_rows(folder)}
    return found


if __name__ == "__main__":
    main()
