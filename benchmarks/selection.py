"""Speed of selThermodynamic beside its naive definition and DEAP's selNSGA2 and selTournament.

Every row is one pool of 2N + 1 individuals out of which N are selected; the four methods are timed one after
another on the same pool (selNSGA2 on a copy with two objectives). The naive definition computes the free energy
F = <E> - T*H of every candidate set from scratch, in NumPy. Where it is timed, its picks are compared, too.

Run it alone: ``python benchmarks/selection.py``; ``--json FILE`` also writes the times.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from deap import base, tools
from numpy.typing import NDArray

from tdgnas.individual import Individual
from tdgnas.operators import selThermodynamic

TEMPERATURE = 0.01
GROWING_POPULATION = [(size, 136) for size in (10, 30, 100, 300, 1000)]
GROWING_LOCI = [(100, loci) for loci in (16, 64, 136, 400, 1000)]
LARGEST = [(1000, 1000)]


class TwoLosses(base.Fitness):  # type: ignore[misc]
    """Two objectives, both minimised."""

    weights = (-1.0, -1.0)


def pools(size: int, loci: int, seed: int) -> tuple[list[Individual], list[Individual]]:
    """Return a random pool of 2 * size + 1 alphas, and the same genes with two objectives."""
    rng = random.Random(seed)
    genes = [[rng.gauss(0, 1) for _ in range(loci)] for _ in range(2 * size + 1)]
    single, double = [Individual(row) for row in genes], [Individual(row, TwoLosses()) for row in genes]
    for one, two in zip(single, double, strict=True):
        one.fitness.values = (rng.random(),)
        two.fitness.values = (one.fitness.values[0], rng.random())
    return single, double


def naive(gates: NDArray[np.bool_], energies: NDArray[np.float64], k: int, temperature: float) -> list[int]:
    """Return the picks by the definition: F of every candidate set, computed from the set alone."""
    picks: list[int] = []
    for _ in range(k):
        free_energies = []
        for candidate in range(len(gates)):
            chosen = [*picks, candidate]
            entropy = 0.0
            for allele in (False, True):
                shares = (gates[chosen] == allele).mean(axis=0)
                shares = shares[shares > 0]
                entropy -= float((shares * np.log(shares)).sum())
            free_energies.append(float(energies[chosen].mean()) - temperature * entropy)
        picks.append(int(np.argmin(free_energies)))
    return picks


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure(size: int, loci: int, *, with_naive: bool, repeats: int, seed: int) -> dict[str, Any]:
    """Time all methods on one pool."""
    single, double = pools(size, loci, seed)

    def thermodynamic() -> list[Individual]:
        return selThermodynamic(single, size, temperature=TEMPERATURE)

    row: dict[str, Any] = {"N": size, "pool": len(single), "loci": loci}
    thermodynamic()  # the first call pays for caches
    row["selThermodynamic"] = seconds(thermodynamic, repeats)
    row["selNSGA2"] = seconds(lambda: tools.selNSGA2(double, size), 1)
    row["selNSGA2 log"] = seconds(lambda: tools.selNSGA2(double, size, nd="log"), min(repeats, 3))
    row["selTournament"] = seconds(lambda: tools.selTournament(single, size, tournsize=3), repeats)
    if with_naive:
        gates = np.array(single) > 0
        energies = np.array([individual.fitness.values[0] for individual in single])
        picks: list[int] = []
        row["naive"] = seconds(lambda: picks.extend(naive(gates, energies, size, TEMPERATURE)), 1)
        row["equal"] = all(single[pick] is one for pick, one in zip(picks, thermodynamic(), strict=True))
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """Return the times in milliseconds and their ratios to selThermodynamic as Markdown."""
    others = ["naive", "selNSGA2", "selNSGA2 log", "selTournament"]
    lines = [
        "| N | pool | loci | selThermodynamic ms | " + " | ".join(f"{name} ms" for name in others)
        + " | naive / selThermodynamic | same picks |",
        "|" + "---|" * (len(others) + 6),
    ]  # fmt: skip
    for row in rows:
        own = row["selThermodynamic"]
        times = [f"{1e3 * row[name]:.2f}" if name in row else "-" for name in others]
        ratio = f"{row['naive'] / own:.0f}" if "naive" in row else "-"
        same = {True: "yes", False: "no"}.get(row.get("equal", "-"), "-")
        cells = [row["N"], row["pool"], row["loci"], f"{1e3 * own:.2f}", *times, ratio, same]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main(arguments: Any = None) -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--naive-up-to", type=int, default=100, metavar="N", help="largest N of the naive form"
    )
    parser.add_argument("--repeats", type=int, default=5, help="calls of which the median counts (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the pools (default 0)")
    parser.add_argument("--quick", action="store_true", help="only N up to 100 and 136 loci")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the times in seconds as JSON")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the table as Markdown")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("--repeats must be at least 1")
    sizes = list(dict.fromkeys(GROWING_POPULATION + GROWING_LOCI + LARGEST))
    if options.quick:
        sizes = [(size, loci) for size, loci in sizes if size <= 100 and loci <= 136]
    random.seed(options.seed)
    rows = [
        measure(
            size, loci, with_naive=size <= options.naive_up_to, repeats=options.repeats, seed=options.seed
        )
        for size, loci in sizes
    ]
    text = table(rows)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    if options.output:
        settings = f"--naive-up-to {options.naive_up_to} --repeats {options.repeats} --seed {options.seed}"
        options.output.write_text(f"# Selection\n\n`python benchmarks/selection.py {settings}`\n\n{text}\n")


if __name__ == "__main__":
    main()
