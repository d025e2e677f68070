"""Searches on small supernets of NAS-Bench-201's space, judged by the table's final accuracies.

    python benchmarks/ranking.py cells --data-folder ~/.cache/cifar10 --out runs/ranking    # first: supernets, scores
    python benchmarks/shared_searches.py --scores runs/ranking --out benchmarks/results/shared_searches.md

`ranking.py` has scored every cell on each supernet with frozen weights, so that a search reads here what it would have
computed there: the same picks, in seconds, at the same budget of image passes. Searches that follow gradients of alpha
need the supernets themselves, which lie beside the scores, and the images: with `--data-folder` they run too. What a
search finds is what the table says after 200 epochs. A shortlist takes the search's best cells, the very best or those
of which any two differ in so many of the six operations, trains each for 12 epochs (the table says how that ends) and
picks by validation accuracy.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track

from tdgnas import SupernetFitness, data
from tdgnas.budget import Budget
from tdgnas.fitness import SupernetGradients, Table, TabularFitness, TrainingGradients, load_table
from tdgnas.fitness.rank_sum import better, ladder
from tdgnas.individual import AccuracyFitness, LossFitness
from tdgnas.runs.search import Search
from tdgnas.runs.shortlist_phase import spread
from tdgnas.spaces import RULES, NASBench201
from tdgnas.strategies import create
from tdgnas.supernet import WeightTraining, load_supernet

Array = npt.NDArray[np.float64]
Choices = tuple[int, ...]
console = Console(width=120)

STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {
    "TDGA": ("tdga", {}),
    "TDGA, predicted energies": ("tdga-gp", {}),
    "aging evolution": ("aging", {}),
    "local search": ("local-search", {}),
    "REINFORCE": ("reinforce-table", {}),
    "ENAS' controller": ("enas", {"alternate": False}),
    "random": ("random", {}),
}
#: Searches that follow gradients, of alpha or of the weights: strategy, and order of the gradient of alpha. The weights
#: learn on between the steps of DARTS, and in turn with ENAS' controller.
GRADIENTS: dict[str, tuple[str, Literal[1, 2] | None]] = {
    "DARTS, first order": ("darts", 1),
    "DARTS, second order": ("darts", 2),
    "DARTS + TDGA": ("darts-tdga", 1),
    "ENAS, weights in turn": ("enas", None),
}
RATE = 0.001
"""Learning rate of the weights that learn on, at which a pretraining by default ends."""
SCORED = 256
"""Validation images of a score, as in ranking.py."""
#: CIFAR-10 test accuracy of what one-shot searches found, as published with the table and after it.
PUBLISHED = {
    "DARTS, both orders": "54.30",
    "ENAS": "53.89 to 54.30",
    "random with shared weights": "87.66 ± 1.69",
    "SETN": "87.64",
    "FairNAS": "93.23 ± 0.18",
    "PC-DARTS": "93.41 ± 0.30",
    "GDAS": "93.61 ± 0.09",
    "DrNAS": "94.36 ± 0.00",
    "most parameters": "93.76",
    "best of all": "94.37",
}


def signals(found: dict[str, Array], seed: int, references: int = 200) -> dict[str, Array]:
    """Return what a search may follow, from 0 to 1: ranks of the loss alone, and of loss, parameters and NASWOT.

    As :class:`tdgnas.fitness.RankSumFitness` has them, among references drawn by the seed; 1 is best.
    """
    drawn = random.Random(seed).sample(range(len(found["loss"])), references)
    ranks = {}
    for name in ("loss", "parameters", "naswot"):
        steps = ladder(found[name][drawn].tolist())
        ranks[name] = np.array([1 - better(value, *steps) for value in found[name].tolist()])
    return {"loss": ranks["loss"], "loss + controls": sum(ranks.values()) / len(ranks)}


def searched(space: NASBench201, table: Table, name: str, evaluations: int, seed: int) -> list[Choices]:
    """Return the distinct cells that a search has evaluated, the best by its signal first."""
    kind, given = STRATEGIES[name]
    fitness = TabularFitness(space, table, "signal", final="signal")
    seen: dict[Choices, float] = {}

    def evaluate(individual: Any) -> tuple[float, ...]:
        values = fitness(individual)
        if fitness.budget.evaluations <= evaluations:
            seen.setdefault(tuple(fitness.decode(individual).choices), values[0])
        return values

    strategy = create(kind, fitness.decisions, seed=seed, fitness=AccuracyFitness, **given)
    budget: Budget = fitness.budget
    Search(strategy, evaluate, budget, unit="evaluations", limit=evaluations).run()
    return sorted(seen, key=lambda choices: -seen[choices])


def followed(folder: Path, splits: data.Splits, name: str, evaluations: int, seed: int) -> list[Choices]:
    """Return the cells that a search with gradients has scored, its choice first and then the best."""
    supernet, (kind, order) = load_supernet(folder, splits), GRADIENTS[name]
    fitness = SupernetFitness(supernet, splits.valid, size=SCORED, batch_size=SCORED)
    given: dict[str, Any]
    if order is None:
        # Four updates of the controller, each of 20 cells, cost what a hundred steps of the weights cost.
        train = WeightTraining(supernet, rng=random.Random(seed), lr=RATE, batch_size=64)
        given = {"train": train, "updates": 4, "steps": 100}
    elif kind == "darts":
        source = TrainingGradients(supernet, order=order, lr=RATE)
        given = {"source": source, "start": supernet.alpha.tolist()}
    else:
        source = SupernetGradients(supernet, order=order, lr=RATE)
        given = {"source": source, "weights": supernet.relaxed_weights()}
    space = supernet.space
    strategy = create(kind, space.decisions, seed=seed, fitness=LossFitness, **given)
    seen: dict[Choices, float] = {}
    limit = SCORED * evaluations

    def evaluate(individual: Any) -> tuple[float, ...]:
        values = fitness(individual)
        if supernet.budget.passes <= limit:
            seen[tuple(space.decode(individual).choices)] = values[0]
        return values

    search = Search(strategy, evaluate, supernet.budget, unit="passes", limit=limit)
    choice = tuple(space.decode(search.run().points[-1][2]).choices)
    return [choice, *sorted(seen.keys() - {choice}, key=seen.__getitem__)]


def seed_of(path: Path) -> int:
    """Return the seed in the name of a file of scores."""
    return int(path.stem.rpartition("-")[2])


def main(
    scores: Annotated[Path, typer.Option(help="Folder of the scores that ranking.py cells has written.")],
    regime: Annotated[str, typer.Option(help="Of the supernets' training.")] = "weighted",
    evaluations: Annotated[int, typer.Option(help="Cells that a search may score.")] = 400,
    shortlist: Annotated[
        list[int], typer.Option(help="Cells that are trained for 12 epochs; repeatable.")
    ] = [10, 50],  # noqa: B006
    apart: Annotated[
        list[int],
        typer.Option(help="Operations in which any two of a shortlist differ at least; repeatable."),
    ] = [1, 2],  # noqa: B006
    runs: Annotated[int, typer.Option(help="Runs of each search on each supernet.")] = 10,
    first_seed: Annotated[
        int, typer.Option(help="Supernets of seeds below it are left out; settings were chosen on 0 to 4.")
    ] = 0,
    data_folder: Annotated[
        Path | None, typer.Option(help="Where CIFAR-10 lies: searches with gradients run too, one of each.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Append the table there, as Markdown.")] = None,
) -> None:
    """Search every supernet that is there with every strategy, with and without controls and a shortlist."""
    space, truth = NASBench201(), load_table(NASBench201())
    files = [path for path in sorted(scores.glob(f"{regime}-*.npz")) if seed_of(path) >= first_seed]
    if not files:
        raise typer.BadParameter(f"{scores} holds no such {regime}-SEED.npz; run ranking.py cells first")
    final, short = 100 * truth.column("test_acc_200"), truth.column("val_acc_12")
    picks: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    kinds = [(size, least) for least in apart for size in shortlist]

    def note(name: str, signal: str, best: list[Choices]) -> None:
        cells = [space.architecture(choices) for choices in best]
        lists = [cells[:1], *(spread(cells, *kind) for kind in kinds)]
        rows = [[truth.rows[cell.choices] for cell in one] for one in lists]
        picked = [max(these, key=lambda row: short[row]) for these in rows]
        picks.setdefault((name, signal), []).append(tuple(float(final[row]) for row in picked))

    for path in track(files, "supernets", console=console):
        number = seed_of(path)
        found = {**dict(np.load(path)), **dict(np.load(scores / "controls.npz"))}
        order = random.Random(0).sample(sorted(truth.rows), len(truth.rows))[: len(found["loss"])]
        for run in range(runs):
            # Many cells have equally many parameters: their order is drawn.
            mixed = random.Random(1000 * number + run).sample(range(len(order)), len(order))
            largest = sorted(mixed, key=lambda at: -found["parameters"][at])
            note("most parameters, no search", "parameters", [order[at] for at in largest])
        picked = RULES.get(space.default_rule)(space, found["alpha"])
        note("alpha of the pretraining, no search", "gradients", [picked.choices])
        if data_folder is not None:
            splits = data.load(
                "cifar10", folder=data_folder, size=16, train=25_000, valid=25_000, seed=number
            )
            for name in GRADIENTS:
                note(name, "gradients", followed(path.with_suffix(""), splits, name, evaluations, number))
        for signal, values in signals(found, number).items():
            table = Table(path.stem, {one: at for at, one in enumerate(order)}, {"signal": values})
            note("all cells scored", signal, [order[at] for at in np.argsort(-values)])
            for name in STRATEGIES:
                for run in range(runs):
                    note(name, signal, searched(space, table, name, evaluations, 1000 * number + run))
    lines = [
        f"{len(files)} supernets ({regime} paths), {runs} runs of each search on each, "
        f"{evaluations} cells scored a run",
        "",
        f"| search | follows | its best |{''.join(f' best of {size}, {least} apart |' for size, least in kinds)}",
        f"| --- | --- | ---: |{' ---: |' * len(kinds)}",
    ]
    for (name, signal), pairs in sorted(
        picks.items(), key=lambda item: -np.mean([one[-1] for one in item[1]])
    ):
        said = [f"{np.mean(column):.2f} ± {np.std(column):.2f}" for column in zip(*pairs, strict=True)]
        lines.append(f"| {name} | {signal} | {' | '.join(said)} |")
    lines += ["", "| published | final test accuracy |", "| --- | ---: |"]
    lines += [f"| {name} | {said} |" for name, said in PUBLISHED.items()]
    console.print("\n".join(lines), markup=False, soft_wrap=True)
    if out is not None:
        with out.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    typer.run(main)
