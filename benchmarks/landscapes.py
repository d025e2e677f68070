"""Searches on random landscapes of many sizes: whether settings chosen in a space of six decisions hold elsewhere.

    python benchmarks/landscapes.py

A landscape is the mean of one random number for each decision, which depends on the decision and ``k`` others
(Kauffman's NK model), in units of the spread of random architectures. Every strategy has the same evaluations on the
same landscapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Annotated

import numpy as np
import typer

from tdgnas.comparison import parse
from tdgnas.decision import Decision
from tdgnas.individual import AccuracyFitness
from tdgnas.strategies import create

#: Decisions, choices of each, and k.
SIZES = [(6, 5, 2), (8, 3, 1), (14, 5, 2), (30, 4, 2), (26, 3, 3), (60, 2, 2)]
STRATEGIES = ["random", "local-search", "tdga", "tdga-gp", "unscaled=tdga-gp:per=none"]


def landscape(decisions: int, choices: int, k: int, seed: int) -> Callable[[Sequence[int]], float]:
    """Return the height of choices; random architectures have mean 0 and standard deviation about 1."""
    rng = np.random.default_rng(seed)
    readers = [
        [d, *rng.choice(np.delete(np.arange(decisions), d), k, replace=False)] for d in range(decisions)
    ]
    tables = rng.normal(size=(decisions, *(choices,) * (k + 1)))
    return lambda chosen: float(
        sum(table[tuple(chosen[place] for place in own)] for table, own in zip(tables, readers, strict=True))
        / decisions**0.5
    )


def search(text: str, size: tuple[int, int, int], seed: int, evaluations: int) -> float:
    """Return the height that one strategy reaches on one landscape."""
    spec, height = parse(text), landscape(*size, seed)
    space = [Decision(f"d{place}", tuple("abcdefgh"[: size[1]])) for place in range(size[0])]
    strategy = create(spec.name, space, seed=seed, fitness=AccuracyFitness, **spec.options)
    best, left = -np.inf, evaluations
    while left > 0:
        individuals = strategy.generate()
        for one in individuals:
            if not one.fitness.valid:
                one.fitness.values = (height(strategy.decisions.choices(one)),)
                best = max(best, one.fitness.values[0]) if left > 0 else best
                left -= 1
        strategy.update(individuals)
    return best


def main(
    strategy: Annotated[
        list[str] | None, typer.Option(help="NAME or LABEL=NAME:key=value; once for each.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Landscapes of each size.")] = 20,
    first_seed: Annotated[int, typer.Option(help="Seed of the first.")] = 1_000,
    evaluations: Annotated[int, typer.Option(help="Of each search.")] = 150,
) -> None:
    """Print the mean height that each strategy reaches on landscapes of each size."""
    texts = strategy or STRATEGIES
    print(f"| decisions x choices, k | {' | '.join(parse(text).label for text in texts)} |")
    print("|---" * (len(texts) + 1) + "|")
    found = {}
    for size, text in product(SIZES, texts):
        found[text] = [
            search(text, size, seed, evaluations) for seed in range(first_seed, first_seed + seeds)
        ]
        if text == texts[-1]:
            cells = [f"{np.mean(found[each]):.2f} ± {np.std(found[each]) / seeds**0.5:.2f}" for each in texts]
            print(f"| {size[0]} x {size[1]}, {size[2]} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
