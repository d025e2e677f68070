"""How well cheap scores rank architectures: supernets against training, one-shot accuracies against a table.

    python benchmarks/ranking.py table                    # NAS-Bench-201: one-shot accuracies against the final ones
    python benchmarks/ranking.py supernet                 # digits: a supernet against training from scratch, minutes

Parameters and multiply-adds stand beside the scores as controls: what they reach, no supernet is needed for.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy import stats

Array = npt.NDArray[np.float64]
console = Console(width=120)
app = typer.Typer(add_completion=False, help=__doc__)
TOP = (1, 10, 50)


def ranking(scores: Mapping[str, Array], truth: Array, title: str, unit: str, out: Path | None) -> None:
    """Print, for scores of which larger is better, how well they rank the truth.

    Regret of the top k: the best truth of all minus the best truth among the k that the score ranks highest.
    """
    names = [
        "score",
        "Kendall tau",
        "Spearman rho",
        *(f"regret of top {k} ({unit})" for k in TOP if k < len(truth)),
    ]
    rows = []
    for name, values in scores.items():
        order = np.argsort(-values, kind="stable")
        regrets = [truth.max() - truth[order[:k]].max() for k in TOP if k < len(truth)]
        tau, rho = stats.kendalltau(values, truth).statistic, stats.spearmanr(values, truth).statistic
        rows.append([name, f"{tau:.3f}", f"{rho:.3f}", *(f"{regret:.2f}" for regret in regrets)])
    table = Table(title=f"{title}, {len(truth)} architectures")
    for name in names:
        table.add_column(name, justify="left" if name == "score" else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if out is not None:
        lines = [f"{title}, {len(truth)} architectures", ""]
        lines += [f"| {' | '.join(row)} |" for row in [names, ["---"] * len(names), *rows]]
        with out.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n\n")


@app.command()
def table(
    out: Annotated[Path | None, typer.Option(help="Append the tables there, as Markdown.")] = None,
) -> None:
    """One-shot and few-shot accuracies of NAS-Bench-201 against the final test accuracy."""
    from tdgnas.fitness import load_table
    from tdgnas.spaces import NASBench201

    try:
        data = load_table(NASBench201())
        names = {"one-shot accuracy": "oneshot_acc", "few-shot accuracy": "fewshot_acc"}
        names |= {
            "accuracy after 12 epochs": "val_acc_12",
            "parameters": "params_M",
            "multiply-adds": "flops_M",
        }
        scores = {label: data.column(name) for label, name in names.items()}
    except (ValueError, OSError) as error:
        console.print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(1) from None
    truth = 100 * data.column("test_acc_200")
    ranking(scores, truth, "NAS-Bench-201, final test accuracy", "points", out)
    best = truth >= np.quantile(truth, 0.9)
    part = {name: values[best] for name, values in scores.items()}
    ranking(part, truth[best], "The best tenth of them", "points", out)


@app.command()
def supernet(
    width: Annotated[float, typer.Option(help="Width of the VGG shortcuts.")] = 0.125,
    epochs: Annotated[int, typer.Option(help="Epochs of the supernet's pretraining.")] = 20,
    architectures: Annotated[int, typer.Option(help="Architectures, drawn with 0 to all shortcuts.")] = 24,
    training: Annotated[int, typer.Option(help="Epochs of training each from scratch.")] = 10,
    seeds: Annotated[int, typer.Option(help="Trainings of each; their mean is the truth.")] = 1,
    seed: Annotated[int, typer.Option(help="Of data, supernet and draws.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Append the table there, as Markdown.")] = None,
) -> None:
    """A supernet on the digits against training each architecture from scratch (validation loss)."""
    import torch

    from tdgnas import SupernetFitness, data, spaces
    from tdgnas.supernet import Supernet

    if min(architectures, training, seeds) < 1 or architectures < 3:
        raise typer.BadParameter("at least 3 architectures, 1 epoch and 1 seed are needed")
    torch.set_num_threads(1)
    digits = data.load("digits", seed=seed)
    space = spaces.VGGShortcuts(width=width, classes=len(digits.classes))
    net = Supernet(space, digits, seed=seed)
    for _ in track(
        net.pretraining(epochs, seed=seed), total=epochs, description="pretraining", console=console
    ):
        pass
    chosen = draw(space, architectures, random.Random(seed))
    found = {}
    for policy in ("batch", "running"):
        fitness = SupernetFitness(net, digits.valid, batchnorm=policy)
        scores = fitness.scores(chosen)
        found[f"supernet loss, BatchNorm {policy}"] = -np.array([score.loss for score in scores])
        found[f"supernet accuracy, BatchNorm {policy}"] = np.array(
            [score.measures["accuracy"] for score in scores]
        )
    found["parameters"] = np.array([float(space.parameters(one)) for one in chosen])
    found["multiply-adds"] = np.array([float(space.macs(one)) for one in chosen])
    losses = [
        train_loss(space, one, digits, training, seeds) for one in track(chosen, "training", console=console)
    ]
    title = f"Digits, VGG shortcuts of width {width:g}, validation loss after {training} epochs from scratch"
    ranking(found, -np.array(losses), title, "nats", out)


def draw(space: Any, n: int, rng: random.Random) -> list[Any]:
    """Draw architectures whose number of shortcuts is spread evenly, so that they differ in what they can."""
    drawn = []
    for _ in range(n):
        share = rng.random()
        drawn.append(space.architecture([int(rng.random() < share) for _ in space.decisions]))
    return drawn


def train_loss(space: Any, architecture: Any, digits: Any, epochs: int, seeds: int) -> float:
    """Return the mean validation loss of an architecture trained from scratch."""
    from tdgnas.devices import own_noise
    from tdgnas.training import Recipe, evaluate, train

    recipe = Recipe(epochs=epochs, batch_size=64, lr=0.05, schedule="cosine", weight_decay=3e-4, clip=5.0)
    losses = []
    for seed in range(seeds):
        with own_noise(seed):
            network = space.network(architecture)
        train(network, digits, recipe, seed=seed)
        losses.append(evaluate(network, digits.valid)["loss"])
    return float(np.mean(losses))


if __name__ == "__main__":
    app()
