"""What a proposal of tdga-gp costs after so many evaluations: its model's prediction, and what is learned from one.

    python benchmarks/proposal_cost.py

The space has 30 decisions of five choices; the fitness costs nothing. Timed are ``generate`` and ``update`` of single
proposals, in processor time on one core (OMP_NUM_THREADS=1); shown is the median.
"""

from __future__ import annotations

import statistics
import time
from typing import Annotated

import typer

from tdgnas.decision import Decision
from tdgnas.strategies import create


def seconds(strategy: str, counts: list[int], repeats: int, decisions: int) -> dict[int, float]:
    """Return the median seconds of a proposal after each number of evaluations."""
    space = [Decision(f"d{place}", tuple("abcde")) for place in range(decisions)]
    search = create(strategy, space, seed=0)
    done, found, times = 0, {}, []
    for count in sorted(counts):
        while done < count + repeats:
            start = time.process_time()
            individuals = search.generate()
            for one in individuals:
                one.fitness.values = (sum(gene * place for place, gene in enumerate(one)),)
            search.update(individuals)
            if done >= count:
                times.append(time.process_time() - start)
            done += len(individuals)
        found[count], times = statistics.median(times), []
    return found


def main(
    counts: Annotated[
        list[int] | None, typer.Argument(help="Evaluations before; 100, 1000, 2000, 4000.")
    ] = None,
    strategy: Annotated[str, typer.Option(help="Whose proposals.")] = "tdga-gp",
    repeats: Annotated[int, typer.Option(help="Proposals that are timed.")] = 50,
    decisions: Annotated[int, typer.Option(help="Of the space.")] = 30,
) -> None:
    """Time proposals and print a table."""
    found = seconds(strategy, counts or [100, 1_000, 2_000, 4_000], repeats, decisions)
    print("| evaluations before | ms for a proposal |\n|---|---|")
    for count, took in found.items():
        print(f"| {count:,} | {1000 * took:.1f} |")


if __name__ == "__main__":
    typer.run(main)
