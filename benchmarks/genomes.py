"""Genomes of other shapes on the embedded digits, at equal image passes: bits, motifs, trees, grids.

    python benchmarks/genomes.py --out genomes.csv     # runs what is missing, a line per search, then prints the table
    python benchmarks/genomes.py --evaluations 4 --images 64 --seeds 1

Every search trains 24 networks of its space for three epochs of 200 digits of 8x8 pixels, and settles on the best by
its validation accuracy. That network is trained anew for ten epochs; the table has its test accuracy.
Generations are computed whole: passes beyond 24 networks are in the last column, and count for nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from tdgnas.devices import own_noise
from tdgnas.files.tables import Table, read_table
from tdgnas.runs import Problem, make_config
from tdgnas.runs.wiring import make_search, make_strategy
from tdgnas.training import Recipe, Training, evaluate

COLUMNS = (
    "genome", "strategy", "seed", "evaluations", "images", "passes", "valid", "test", "parameters", "best"
)  # fmt: skip
FINAL = Recipe(epochs=10, batch_size=20, lr=0.05)
#: As published: crossover of whole stages, few of them, many mutations.
BITS = {"mate": "subgraph", "mutate": "flip-gate", "cxpb": 0.2, "mutpb": 0.8, "indpb_mutate": 0.05}
ROULETTE = {"variation": BITS, "selection": {"operator": "deap.tools:selRoulette"}}
SEARCHES: list[tuple[str, str, dict[str, Any]]] = [
    ("bits", "random", {"name": "random"}),
    ("bits", "ga", {"name": "ga", "population": 8}),
    ("bits", "roulette", {"name": "tdga", "population": 8, **ROULETTE}),
    ("bits", "thermodynamic", {"name": "tdga", "population": 8, "variation": BITS}),
    ("trees", "random", {"name": "random"}),
    ("trees", "gp", {"name": "gp", "population": 8}),
    ("trees", "tdga", {"name": "tdga", "population": 8}),
    ("cgp", "random", {"name": "random"}),
    ("cgp", "one-plus-lambda", {"name": "one-plus-lambda"}),
    ("cgp", "tdga", {"name": "tdga", "population": 8}),
    ("motifs", "random", {"name": "random"}),
    ("motifs", "tournament", {"name": "tournament", "population": 8}),
    ("flat", "random", {"name": "random"}),
    ("flat", "tournament", {"name": "tournament", "population": 8}),
]


def searched(
    genome: str, strategy: dict[str, Any], seed: int, evaluations: int, images: int, folder: Path
) -> dict[str, Any]:
    """Search, train what was found; return the row. Networks that are trained already are in the folder."""
    own: dict[str, Any] = {
        "problem": f"digits-genomes:genome={genome},epochs=3,evaluations={evaluations}",
        "data": {"train": images, "valid": 400, "test": 600},
    }
    config = make_config({**own, "strategy": strategy, "seed": seed, "device": "cpu"})
    problem = Problem.made(config)
    problem.keep_in(folder)
    made, fitness = make_strategy(config, problem)
    search = make_search(config, problem, made, fitness)
    trace = search.run()
    best = problem.decode(trace.points[-1][2])
    with own_noise(seed):
        network = problem.space.network(best)
    assert problem.data is not None
    training = Training(network, problem.data, FINAL, seed, "cpu")
    for _ in training:
        pass
    return {
        "passes": problem.budget.passes,
        "valid": round(100 * trace.points[-1][1], 3),
        "test": round(100 * evaluate(training.evaluated, problem.data.test)["accuracy"], 3),
        "parameters": problem.space.parameters(best),
        "best": problem.space.describe(best),
    }


def main(
    out: Annotated[Path, typer.Option(help="the table as it grows")] = Path("genomes.csv"),
    seeds: Annotated[int, typer.Option(help="of every search")] = 3,
    evaluations: Annotated[int, typer.Option(help="of every search")] = 24,
    images: Annotated[int, typer.Option(help="to train on")] = 200,
) -> None:
    """Run what is missing, and print the table."""
    torch.set_num_threads(1)
    growing = Table(out, COLUMNS)
    own = {"evaluations": evaluations, "images": images}
    done = {
        (row["genome"], row["strategy"], row["seed"]) for row in read_table(out) if own.items() <= row.items()
    }
    for seed in range(seeds):
        for genome, name, strategy in SEARCHES:
            if (genome, name, seed) not in done:
                row = searched(genome, strategy, seed, evaluations, images, out.with_suffix(""))
                growing.append({"genome": genome, "strategy": name, "seed": seed, **own, **row})
    rows = [row for row in read_table(out) if own.items() <= row.items() and row["seed"] < seeds]
    print("| genome | strategy | valid (%) | test after 10 epochs (%) | parameters | passes |")
    print("| --- | --- | --- | --- | --- | --- |")
    for genome, name, _ in SEARCHES:
        ours = [row for row in rows if (row["genome"], row["strategy"]) == (genome, name)]

        def column(key: str, ours: list[dict[str, Any]] = ours) -> np.ndarray:
            return np.array([float(row[key]) for row in ours])

        valid, test = (f"{column(key).mean():.1f} +- {column(key).std():.1f}" for key in ("valid", "test"))
        wide, passes = (round(column(key).mean()) for key in ("parameters", "passes"))
        print(f"| {genome} | {name} | {valid} | {test} | {wide:,} | {passes:,} |")


if __name__ == "__main__":
    typer.run(main)
