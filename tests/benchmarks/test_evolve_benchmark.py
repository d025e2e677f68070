"""The overhead of evolve: its script runs, and no record is computed that nobody reads."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from deap import base

import tdgnas
from tdgnas import algorithms
from tdgnas.operators import population_entropy

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "evolve.py"


def test_it_prints_a_ratio_for_every_strategy(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--quick"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:7]] == [
        "aging",
        "random",
        "local-search",
        "ga",
        "tdga",
        "eaTDGA",
    ]
    assert all(float(line.split()[3]) > 0 for line in lines[1:7])


class Walk:
    """A strategy that changes its individuals in place."""

    def __init__(self) -> None:
        self.population = [tdgnas.Individual([0.5 * place - 1.0, -0.0, 1.0]) for place in range(4)]

    def generate(self) -> list:
        for one in self.population:
            one[0] += 0.25
            del one.fitness.values
        return self.population

    def update(self, individuals: list) -> None:
        pass


def test_the_record_of_a_generation_dominated_a_search_on_a_table(monkeypatch) -> None:
    """Entropy, mean and distinct genomes were computed at once, for four times the cost of an evaluation."""
    calls = []
    entropies = algorithms.gate_entropies
    monkeypatch.setattr(
        algorithms, "gate_entropies", lambda genes: calls.append(len(genes)) or entropies(genes)
    )
    toolbox = base.Toolbox()
    toolbox.register("evaluate", lambda one: (abs(one[0]),))
    strategy, expected = Walk(), []
    evolution = tdgnas.evolve(strategy, toolbox, 5)
    for generation in evolution:
        losses = [one.fitness.values[0] for one in strategy.population]
        expected.append((min(losses), sum(losses) / 4, population_entropy(strategy.population), 4))
        if generation.index == 2:
            assert generation.record["entropy"] == expected[2][2]
    assert calls == [3]
    found = [
        tuple(record[key] for key in ("best", "mean", "entropy", "distinct")) for record in evolution.logbook
    ]
    assert found == expected
    assert calls == [3, 3]
