"""Makes the figures of the explanation of TDGA, and the numbers that its text quotes.

python docs/make_figures.py            # a minute; writes docs/figures/
python docs/make_figures.py --runs 2 --out somewhere
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from deap import algorithms, base, tools

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "examples"))

import knapsack  # noqa: E402

from tdgnas import operators  # noqa: E402
from tdgnas.algorithms import evolve  # noqa: E402
from tdgnas.strategies import TDGA  # noqa: E402

NGEN, SIZE, OPTIMUM = 100, 32, 1099
SCHEDULES: dict[str, Any] = {
    "constant, T = 10": operators.Constant(10.0),
    "geometric, 100 to 0.1": operators.Geometric(100.0, 0.1, ngen=NGEN),
    "feedback to 8 nats": operators.Feedback(10.0, target=8.0, gain=0.05),
}
COLOURS = ["#4053d3", "#ddb310", "#b51d14", "#00beff"]


def toolbox(select: Callable[..., Any], **options: Any) -> base.Toolbox:
    """The operators of the knapsack example, with another selection."""
    made = base.Toolbox()
    made.register("evaluate", knapsack.evaluate)
    made.register("mate", tools.cxUniform, indpb=0.5)
    made.register("mutate", tools.mutFlipBit, indpb=0.01)
    made.register("select", select, **options)
    return made


def population(size: int) -> list[Any]:
    """Random knapsacks."""
    bits = [[random.randrange(2) for _ in knapsack.ITEMS] for _ in range(size)]
    return [knapsack.creator.Knapsack(one) for one in bits]


def run_tdga(schedule: operators.Schedule, seed: int) -> dict[str, list[float]]:
    """Entropy, temperature and best value per generation."""
    random.seed(seed)
    box = toolbox(operators.selThermodynamic, temperature=schedule)
    evolution = evolve(TDGA(population(SIZE), box, cxpb=1.0, mutpb=1.0), box, NGEN)
    records = [generation.record for generation in evolution]
    return {
        "entropy": [record["entropy"] for record in records],
        "temperature": [record.get("temperature") or float("nan") for record in records],
        "best": [-record["best"] for record in records],
    }


def run_tournament(seed: int) -> dict[str, list[float]]:
    """The same for a tournament of three with as many evaluations."""
    random.seed(seed)
    stats = tools.Statistics()
    stats.register("entropy", operators.population_entropy)
    stats.register("best", lambda everybody: max(one.fitness.values[0] for one in everybody))
    box = toolbox(tools.selTournament, tournsize=3)
    _, logbook = algorithms.eaSimple(population(2 * SIZE), box, 1.0, 1.0, NGEN, stats, verbose=False)
    return {"entropy": logbook.select("entropy"), "best": logbook.select("best")}


def curves(runs: int) -> dict[str, list[dict[str, list[float]]]]:
    """All runs by name."""
    found = {"tournament of 3": [run_tournament(seed) for seed in range(runs)]}
    for name, schedule in SCHEDULES.items():
        found[name] = [run_tdga(schedule, seed) for seed in range(runs)]
    return found


def mean(runs: list[dict[str, list[float]]], key: str) -> Any:
    """The mean curve of runs."""
    return np.mean([run[key] for run in runs], axis=0)


def draw_curves(found: dict[str, list[dict[str, list[float]]]], out: Path) -> None:
    """Entropy and temperature against generations."""
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 6), sharex=True, layout="constrained")
    for (name, runs), colour in zip(found.items(), COLOURS, strict=True):
        above.plot(mean(runs, "entropy"), color=colour, label=name)
        if "temperature" in runs[0]:
            below.plot(mean(runs, "temperature"), color=colour)
    above.axhline(8, color="grey", linewidth=0.8, linestyle=":")
    above.set_ylabel("entropy of the population (nats)")
    above.legend(frameon=False)
    below.set_yscale("log")
    below.set(xlabel="generation", ylabel="temperature (value per nat)")
    figure.savefig(out / "entropy_temperature.svg", metadata={"Date": None})
    plt.close(figure)


def draw_found(found: dict[str, list[dict[str, list[float]]]], out: Path) -> None:
    """Share of runs that have found the optimum, against generations."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for (name, runs), colour in zip(found.items(), COLOURS, strict=True):
        ever = np.maximum.accumulate([run["best"] for run in runs], axis=1) >= OPTIMUM
        axes.plot(100 * ever.mean(axis=0), color=colour, label=name)
    axes.set(xlabel="generation", ylabel="runs that have found the optimum (%)", ylim=(0, 100))
    axes.legend(frameon=False)
    figure.savefig(out / "optimum_found.svg", metadata={"Date": None})
    plt.close(figure)


def draw_trade(out: Path) -> None:
    """One selection at many temperatures: mean energy against entropy of what is selected."""
    import matplotlib.pyplot as plt

    random.seed(3)
    pool = population(8 * SIZE)
    for one in pool:
        one.fitness.values = knapsack.evaluate(one)
    pool = [one for one in pool if one.fitness.values[0] > 0]
    temperatures = np.geomspace(1, 1000, 25)
    chosen = [operators.selThermodynamic(pool, SIZE, temperature=heat) for heat in temperatures]
    energies = [-float(np.mean([one.fitness.values[0] for one in some])) for some in chosen]
    entropies = [operators.population_entropy(some) for some in chosen]
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    dots = axes.scatter(entropies, energies, c=temperatures, norm=matplotlib.colors.LogNorm(), cmap="plasma")
    figure.colorbar(dots, label="temperature (value per nat)")
    for select, options, marker in ((tools.selTournament, {"tournsize": 3}, "s"), (tools.selBest, {}, "^")):
        some = select(pool, SIZE, **options)
        energy = -float(np.mean([one.fitness.values[0] for one in some]))
        axes.plot(operators.population_entropy(some), energy, marker, color="#b51d14", label=select.__name__)
    axes.set(xlabel="entropy of the selected (nats)", ylabel="mean energy of the selected")
    axes.legend(frameon=False)
    figure.savefig(out / "energy_entropy.svg", metadata={"Date": None})
    plt.close(figure)


def numbers(found: dict[str, list[dict[str, list[float]]]]) -> dict[str, Any]:
    """What the text quotes."""
    return {
        name: {
            "found": round(100 * float(np.mean([max(run["best"]) >= OPTIMUM for run in runs]))),
            "held": round(100 * float(np.mean([run["best"][-1] >= OPTIMUM for run in runs]))),
            "entropy": round(float(np.mean([run["entropy"][-1] for run in runs])), 2),
        }
        for name, runs in found.items()
    }


def main(runs: int = 40, out: Path = HERE / "figures") -> dict[str, Any]:
    """Make everything."""
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "tdgnas"
    out.mkdir(parents=True, exist_ok=True)
    found = curves(runs)
    draw_curves(found, out)
    draw_found(found, out)
    draw_trade(out)
    quoted = {"runs": runs, **numbers(found)}
    (out / "numbers.json").write_text(json.dumps(quoted, indent=1) + "\n")
    return quoted


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=HERE / "figures")
    arguments = parser.parse_args()
    print(json.dumps(main(arguments.runs, arguments.out), indent=1))
