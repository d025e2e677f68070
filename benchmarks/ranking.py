"""How well cheap scores rank the cells of NAS-Bench-201, against the table's accuracies.

    python benchmarks/ranking.py table                    # NAS-Bench-201: one-shot accuracies against the final ones
    python benchmarks/ranking.py cells --data-folder ~/.cache/cifar10 --out runs/ranking   # CIFAR-10 against the table

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


#: How the shared weights of `cells` are trained: by DARTS as by default, by uniform single paths, by weighted ones.
REGIMES: dict[str, dict[str, Any]] = {
    "darts": {},
    "uniform": {"method": "paths", "lr": 0.05, "lr_min": 0.0, "paths": {"weighted": False}},
    "weighted": {"method": "paths", "lr": 0.05, "lr_min": 0.0},
}


@app.command()
def cells(
    data_folder: Annotated[Path, typer.Option(help="Where CIFAR-10 lies.")],
    out: Annotated[Path, typer.Option(help="Folder of the scores; what is there is not computed again.")],
    regime: Annotated[list[str], typer.Option(help=f"{', '.join(REGIMES)}; repeatable.")] = list(REGIMES),  # noqa: B006
    seeds: Annotated[int, typer.Option(help="Supernets of each regime.")] = 5,
    first_seed: Annotated[int, typer.Option(help="Of the first; settings were chosen on 0 to 4.")] = 0,
    passes: Annotated[int, typer.Option(help="Training images shown to the weights.")] = 600_000,
    images: Annotated[int, typer.Option(help="Training images that there are; as many validate.")] = 25_000,
    count: Annotated[
        int, typer.Option(help="Cells to score, the first ones in a fixed mixed order.")
    ] = 15_625,
    batch: Annotated[int, typer.Option(help="Images a step.")] = 64,
    scored: Annotated[int, typer.Option(help="Validation images of a score.")] = 256,
) -> None:
    """Small supernets of NAS-Bench-201's space on CIFAR-10 against the table's final accuracies.

    8 channels, one cell a stage, images of 16 x 16 pixels. Beside the shared loss and accuracy stand parameters and
    NASWOT, and the sum of the ranks of loss, parameters and NASWOT. The supernets are kept beside the scores.
    """
    from tdgnas.fitness import load_table
    from tdgnas.spaces import NASBench201

    space = NASBench201(channels=8, cells_per_stage=1, image_size=16)
    truth_table = load_table(NASBench201())
    order = random.Random(0).sample(sorted(truth_table.rows), len(truth_table.rows))[:count]
    truth = 100 * truth_table.column("test_acc_200")[[truth_table.rows[choices] for choices in order]]
    out.mkdir(parents=True, exist_ok=True)
    controls = look(space, order, data_folder, images, out / "controls.npz")
    for name in regime:
        rows = []
        for seed in range(first_seed, first_seed + seeds):
            path = out / f"{name}-{seed}.npz"
            if not path.is_file():
                given = (data_folder, passes, images, batch, scored)
                np.savez(path, **score_cells(space, order, REGIMES[name], seed, path.with_suffix(""), *given))
            found = {**dict(np.load(path)), **controls}
            ranks = sum(stats.rankdata(found[key]) for key in ("loss", "parameters", "naswot"))
            scores = {key: found[key] for key in ("loss", "accuracy", "parameters", "naswot")}
            rows.append({**scores, "loss + both controls": ranks})
            console.print(
                f"{name}, seed {seed}: {found['seconds'][0]:.0f} s of one core for training, "
                f"{found['seconds'][1]:.0f} s for scoring"
            )
            ranking(rows[-1], truth, f"{name}, seed {seed}", "points", out / "tables.md")
        summary(name, rows, truth, out / "tables.md")
        parts(name, [row["loss"] for row in rows], order, space.decisions, truth, out / "tables.md")


def score_cells(
    space: Any,
    order: list[Any],
    settings: dict[str, Any],
    seed: int,
    kept: Path,
    folder: Path,
    passes: int,
    images: int,
    batch: int,
    scored: int,
) -> dict[str, Array]:
    """Train one supernet, keep it and score cells, larger is better; processor seconds of both beside."""
    from time import process_time

    import torch

    from tdgnas import SupernetFitness, data
    from tdgnas.supernet import Supernet, save_supernet

    torch.set_num_threads(1)
    splits = data.load("cifar10", folder=folder, size=16, train=images, valid=images, seed=seed)
    net, begun = Supernet(space, splits, seed=seed), process_time()
    epochs = max(1, round(passes / images))
    augment = {"flip": True, "crop": 2}
    for _ in track(
        net.pretraining(epochs, batch_size=batch, seed=seed, augment=augment, **settings),
        total=epochs,
        console=console,
    ):
        pass
    trained = process_time()
    save_supernet(net, kept)
    chosen = [space.architecture(choices) for choices in order]
    fitness = SupernetFitness(net, splits.valid, size=scored, batch_size=scored)
    scores = [one for at in range(0, len(chosen), 250) for one in fitness.scores(chosen[at : at + 250])]
    return {
        "loss": -np.array([one.loss for one in scores]),
        "accuracy": np.array([one.measures["accuracy"] for one in scores]),
        "alpha": net.alpha.double().cpu().numpy(),
        "seconds": np.array([trained - begun, process_time() - trained]),
    }


def look(space: Any, order: list[Any], folder: Path, images: int, path: Path) -> dict[str, Array]:
    """Return parameters and NASWOT of cells, which no supernet has a part in: computed once and kept."""
    from tdgnas import data
    from tdgnas.fitness import ZeroCostFitness

    if not path.is_file():
        splits = data.load("cifar10", folder=folder, size=16, train=images, valid=images, seed=0)
        naswot = ZeroCostFitness(space, splits, images=32, seed=0)
        chosen = [space.architecture(choices) for choices in order]
        sizes = np.array([float(space.parameters(one)) for one in chosen])
        said = track(chosen, "NASWOT", console=console)
        np.savez(path, parameters=sizes, naswot=np.array([naswot.value(one) for one in said]))
    return dict(np.load(path))


def summary(name: str, rows: list[dict[str, Array]], truth: Array, out: Path) -> None:
    """Append mean and deviation over seeds of what a ranking is worth."""
    best = truth >= np.quantile(truth, 0.9)
    twentieth = max(1, len(truth) // 20)
    top = set(np.argsort(-truth)[:twentieth])
    lines = [
        f"{name}, {len(rows)} supernets",
        "",
        "| score | tau | tau, best tenth | precision at 5 % | regret of top 1, 10, 50 | true accuracy of the pick |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for key in rows[0]:
        values = [row[key] for row in rows]
        columns = [
            [stats.kendalltau(one, truth).statistic for one in values],
            [stats.kendalltau(one[best], truth[best]).statistic for one in values],
            [len(top & set(np.argsort(-one, kind="stable")[:twentieth])) / twentieth for one in values],
            [float(truth[int(np.argmax(one))]) for one in values],
        ]
        said = [f"{np.mean(column):.2f} ± {np.std(column):.2f}" for column in columns]
        orders = [np.argsort(-one, kind="stable") for one in values]
        regrets = [np.mean([truth.max() - truth[order[:k]].max() for order in orders]) for k in TOP]
        said.insert(3, ", ".join(f"{regret:.2f}" for regret in regrets))
        lines.append(f"| {key} | {' | '.join(said)} |")
    console.print("\n".join(lines), markup=False)
    with out.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n\n")


def parts(
    name: str, losses: list[Array], order: list[Any], decisions: Any, truth: Array, out: Path, count: int = 5
) -> None:
    """Append what single choices are worth among the best tenth, to the truth and to the loss, the largest first.

    Worth is the mean over the cells that have the choice minus that over all; of the loss larger is better here too.
    """
    best = truth >= np.quantile(truth, 0.9)
    chosen, truth = np.array(order)[best], truth[best]
    losses = [one[best] for one in losses]
    rows = []
    for place, decision in enumerate(decisions):
        for choice, label in enumerate(decision.choices):
            having = chosen[:, place] == choice
            if having.sum() >= 50:
                worth = [float(one[having].mean() - one.mean()) for one in (truth, *losses)]
                rows.append((decision.name, label, int(having.sum()), worth[0], worth[1:]))
    lines = [
        f"{name}, choices among the best tenth",
        "",
        "| decision | choice | cells | truth (points) | loss, less is positive |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for where, label, cells, worth_to_truth, each in sorted(rows, key=lambda row: -abs(row[3]))[:count]:
        said = f"{np.mean(each):+.3f} ± {np.std(each):.3f}"
        lines.append(f"| {where} | {label} | {cells} | {worth_to_truth:+.2f} | {said} |")
    console.print("\n".join(lines), markup=False)
    with out.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    app()
