"""How well each way of scoring on the supernet ranks networks that are then trained from scratch.

    python benchmarks/batchnorm_policy.py               # about fifteen minutes on two CPU cores
    python benchmarks/batchnorm_policy.py --data cifar10 --data-folder ~/.cache/cifar10 --train-images 4000

A supernet of VGG19 shortcuts is pretrained, random architectures are scored with every BatchNorm policy and measure,
and each is trained from scratch; Kendall's tau and Spearman's rho compare the two rankings on validation images. The
numbers of parameters and of shortcuts are ranked beside them as a control. Architectures are drawn as a search's first
population is (``--draw alpha``), or with every number of shortcuts equally likely (``--draw count``).
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from rich.progress import track
from scipy.stats import kendalltau, spearmanr

import tdgnas
from tdgnas.data import Splits
from tdgnas.devices import own_noise
from tdgnas.spaces import Architecture, SearchSpace, VGGShortcuts
from tdgnas.supernet import POLICIES
from tdgnas.training import Recipe, train


def main() -> None:
    """Measure and print a markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", type=int, default=24, help="random architectures")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each from scratch, averaged")
    parser.add_argument("--epochs", type=int, default=12, help="of each training from scratch")
    parser.add_argument("--pretrain-epochs", type=int, default=16)
    parser.add_argument("--width", type=float, default=1 / 8)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-folder")
    parser.add_argument("--train-images", type=int, default=None)
    parser.add_argument("--valid-images", type=int, default=None)
    parser.add_argument(
        "--score-images", type=int, default=None, help="validation images of the supernet's score"
    )
    parser.add_argument("--draw", choices=("alpha", "count"), default="alpha")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write the table here as well")
    options = parser.parse_args()

    data = tdgnas.data.load(
        options.data,
        folder=options.data_folder,
        train=options.train_images,
        valid=options.valid_images,
        seed=options.seed,
    )
    space = VGGShortcuts(width=options.width)
    supernet = tdgnas.Supernet(space, data, seed=options.seed).pretrain(
        options.pretrain_epochs, seed=options.seed
    )
    rng = random.Random(options.seed)
    if options.draw == "alpha":
        population = supernet.population(options.networks, rng=rng)
        architectures = [space.decode(individual) for individual in population]
    else:
        architectures = [_draw(space, rng.randrange(space.length + 1), rng) for _ in range(options.networks)]

    columns: dict[str, list[float]] = {}
    for policy in POLICIES:
        fitness = tdgnas.SupernetFitness(
            supernet, data.valid, size=options.score_images, batchnorm=policy, calibration=data.train
        )
        scores = fitness.scores(architectures)
        columns[f"{policy}, loss"] = [score.loss for score in scores]
        columns[f"{policy}, accuracy"] = [-score.measures["accuracy"] for score in scores]
    columns["parameters"] = [-float(space.parameters(each)) for each in architectures]
    columns["shortcuts"] = [-float(sum(each.choices)) for each in architectures]

    truth = [
        _stand_alone(space, each, data, options.epochs, options.seeds)
        for each in track(architectures, description="training from scratch")
    ]
    text = _table(columns, truth, options)
    print(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


def _draw(space: SearchSpace, gates: int, rng: random.Random) -> Architecture:
    on = set(rng.sample(range(space.length), gates))
    return space.architecture([int(gate in on) for gate in range(space.length)])


def _stand_alone(
    space: SearchSpace, architecture: Architecture, data: Splits, epochs: int, seeds: int
) -> float:
    losses = []
    for seed in range(seeds):
        with own_noise(seed):
            network = space.network(architecture)
        recipe = Recipe(
            epochs=epochs, batch_size=64, lr=0.05, weight_decay=5e-4, schedule="cosine", warmup=1, clip=5.0
        )
        losses.append(train(network, data, recipe, seed)[-1].valid["loss"])
    return sum(losses) / len(losses)


def _table(columns: dict[str, list[float]], truth: list[float], options: argparse.Namespace) -> str:
    lines = [
        f"{options.networks} architectures ({options.data}, drawn by {options.draw}), "
        f"trained from scratch for {options.epochs} epochs "
        f"({options.seeds} seeds), ranked by their validation loss; supernet pretrained for "
        f"{options.pretrain_epochs} epochs, width {options.width:g}, seed {options.seed}.",
        "",
        "| ranked by | Kendall tau | Spearman rho | stand-alone loss of the pick, nats |",
        "|---|---:|---:|---:|",
    ]
    for name, values in columns.items():
        pick = truth[min(range(len(values)), key=values.__getitem__)]
        tau, rho = kendalltau(values, truth).statistic, spearmanr(values, truth).statistic
        lines.append(f"| {name} | {tau:.3f} | {rho:.3f} | {pick:.4f} |")
    lines.append(f"| (best, median of all) | | | {min(truth):.4f}, {sorted(truth)[len(truth) // 2]:.4f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
