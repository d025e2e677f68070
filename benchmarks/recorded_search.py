"""Record which architectures a TDGA search asks for, generation by generation, so that evaluation can be timed on it.

The searches of population_evaluation.py are in results/tdga_search_*.json. To record them again:

    python benchmarks/recorded_search.py --population 64 --out benchmarks/results/tdga_search_uniform.json
    python benchmarks/recorded_search.py --population 64 --mate layer-order --out ...layer_order.json
    python benchmarks/recorded_search.py --population 10 --local-search --out ...darts.json

The search runs on a narrow supernet trained on the digits: which gates are on, and so what individuals share, does
not depend on the width.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.search import tdga

import tdgnas
from tdgnas import spaces
from tdgnas.fitness import SupernetFitness
from tdgnas.spaces import Architecture, SearchSpace


class Recorder(SupernetFitness):
    """A fitness that remembers what it was asked for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked: list[list[Architecture]] = []

    def batch(self, individuals: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
        """Return the fitness values of individuals, in their order."""
        self.asked.append([self.supernet.space.decode(each) for each in individuals])
        return super().batch(individuals)


def record(
    population: int, ngen: int, mate: str, local_search: bool, epochs: int, seed: int
) -> dict[str, Any]:
    """Run a TDGA search with the published settings; return what it asked for."""
    random.seed(seed)
    data = tdgnas.data.load("digits")
    space = spaces.VGGShortcuts(width=1 / 32)
    supernet = tdgnas.Supernet(space, data).pretrain(epochs)
    fitness = Recorder(supernet, data.valid, size=200, batch_size=200)
    toolbox, strategy = tdga(fitness, population, ngen, mate=mate, local_search=local_search)
    for generation in tdgnas.evolve(strategy, toolbox, ngen):
        print(generation.index, len(generation.evaluated), f"{generation.record['best']:.4f}", flush=True)
    names = {
        each: number for number, each in enumerate(dict.fromkeys(a for asked in fitness.asked for a in asked))
    }
    return {
        "space": spaces.space_document(space),
        "search": {
            "population": population,
            "ngen": ngen,
            "mate": mate,
            "local_search": local_search,
            "seed": seed,
        },
        "architectures": [f"{int(''.join(map(str, each.choices)), 2):x}" for each in names],
        "generations": [[names[each] for each in asked] for asked in fitness.asked],
    }


def load(path: Path, space: SearchSpace) -> tuple[dict[str, Any], list[list[Architecture]]]:
    """Return the settings of a recorded search, and the architectures that each generation asked for."""
    document = json.loads(path.read_text(encoding="utf-8"))
    known = [
        space.architecture([int(gate) for gate in f"{int(text, 16):0{len(space.decisions)}b}"])
        for text in document["architectures"]
    ]
    return document["search"], [[known[number] for number in asked] for asked in document["generations"]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--ngen", type=int, default=150)
    parser.add_argument("--mate", choices=["uniform", "layer-order"], default="uniform")
    parser.add_argument(
        "--local-search", action="store_true", help="a gradient step on every alpha per generation"
    )
    parser.add_argument("--epochs", type=int, default=3, help="of pretraining")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    document = record(given.population, given.ngen, given.mate, given.local_search, given.epochs, given.seed)
    given.out.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
