"""Maps over processes: equal to the builtin, also when workers die."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deap import base, tools

from tdgnas import Individual, WorkerMap, evolve
from tdgnas.strategies import TDGA
from tdgnas.workers import WorkerDied
from tests.distributed.local import LocalMap


def sphere(individual: Any) -> tuple[float]:
    return (sum(gene * gene for gene in individual),)


def downhill(individual: Any) -> tuple[Any]:
    """Halve every gene, in place."""
    for place in range(len(individual)):
        individual[place] /= 2
    return (individual,)


class Deadly:
    """Kills its process on some items: for ever, or only the first time."""

    def __init__(self, deadly: list[int], once: Path | None = None) -> None:
        self.deadly, self.once = deadly, once

    def __call__(self, item: int) -> int:
        """Square the item, or die."""
        if item in self.deadly and not (self.once is not None and self.once.exists()):
            if self.once is not None:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item * item


@pytest.mark.parametrize("deaths", [[], [0], [5], [3, 11]])
def test_one_death_of_a_worker_changes_no_result(tmp_path: Path, deaths: list[int]) -> None:
    with WorkerMap(2, context="fork") as workers:
        for _ in range(2):
            assert workers(Deadly(deaths, tmp_path / "died"), range(12)) == [n * n for n in range(12)]
        assert sorted(workers.finished(abs, [-1, 2])) == [(0, 1), (1, 2)]
    assert (tmp_path / "died").exists() == bool(deaths)


def test_an_item_that_always_kills_is_named() -> None:
    with WorkerMap(2, context="fork") as workers, pytest.raises(WorkerDied, match="Deadly on 3: the worker"):
        workers(Deadly([3]), range(6))


def test_or_it_gets_the_result_for_failures_and_the_others_go_on() -> None:
    with (
        WorkerMap(2, failed=-1, context="fork") as workers,
        pytest.warns(RuntimeWarning, match="Deadly on 3.* it gets the result -1"),
    ):
        assert workers(Deadly([3]), range(6)) == [0, 1, 4, -1, 16, 25]


def test_errors_of_the_function_are_its_own() -> None:
    with WorkerMap(2, context="fork") as workers, pytest.raises(ZeroDivisionError):
        workers(divmod, [1, 2], [1, 0])
    with pytest.raises(ValueError, match="workers is 0"):
        WorkerMap(0)


@pytest.mark.parametrize("local", [False, True])
def test_tdga_is_the_same_over_processes_with_a_lazy_map_and_with_a_list(local: bool) -> None:
    """Local search once did nothing with a map that is lazy (the builtin) or returns copies."""

    def run(mapping: Any) -> list[list[float]]:
        random.seed(1)
        toolbox = base.Toolbox()
        toolbox.register("map", mapping)
        toolbox.register("evaluate", sphere)
        toolbox.register("mate", tools.cxOnePoint)
        toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=0.1, indpb=0.5)
        toolbox.register("select", tools.selTournament, tournsize=2)
        if local:
            toolbox.register("local_search", downhill)
        first = [Individual([random.gauss(0, 1) for _ in range(3)]) for _ in range(4)]
        evolution = evolve(TDGA(first, toolbox), toolbox, 3)
        return [list(each) for generation in evolution for each in generation.population]

    with WorkerMap(2, context="fork") as workers:
        wanted = run(lambda function, items: list(map(function, items)))
        assert run(workers) == wanted
        assert run(map) == wanted


FOREVER = r"""
import os, sys, time
from tdgnas import WorkerMap

def wait(place):
    os.write(1, b"working\n")  # in one piece: two of them write
    while True:
        sum(range(1000))

if __name__ == "__main__":
    WorkerMap(2, context=sys.argv[1])(wait, range(2))
"""


@pytest.mark.parametrize("context", ["spawn", "fork"])
def test_workers_outlived_a_parent_that_was_killed(tmp_path: Path, context: str) -> None:
    """Each of them held 307 MB, minutes later; they hold the pipe too, which is read until all have ended."""
    script = tmp_path / "forever.py"
    script.write_text(FOREVER)
    process = subprocess.Popen([sys.executable, script, context], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert [process.stdout.readline().strip() for _ in range(2)] == ["working"] * 2
    finally:
        process.kill()
    process.communicate(timeout=600)
    assert process.returncode == -signal.SIGKILL


class Killer:
    """Kills workers at whatever they do at its turns, and always at ``deadly``.

    :ivar met: what workers were killed at.
    """

    def __init__(self, turns: set[int], deadly: int = -1) -> None:
        self.turns, self.deadly, self.turn = turns, deadly, 0
        self.met: list[list[int]] = []

    def __call__(self, items: list[tuple[int]]) -> bool:
        self.turn += 1
        kills = self.turn in self.turns or (self.deadly,) in items
        if kills:
            self.met.append([item for (item,) in items])
        return kills


def test_an_outsiders_kills_are_no_items_fault() -> None:
    """An item that was hit twice once got the result for failures, whoever else was hit as well."""
    killer = Killer(turns={1, 3, 4})
    with LocalMap(2, failed=-1, deadly=killer) as workers:
        assert workers(abs, range(6)) == list(range(6))
    assert killer.met == [[1], [2], [2]]


def test_an_item_that_kills_alone_has_two_tries_and_a_third_where_others_were_hit() -> None:
    for turns, tries in ((set(), 2), ({1}, 3)):
        killer = Killer(turns, deadly=3)
        with LocalMap(1, failed=-1, deadly=killer) as workers:
            with pytest.warns(RuntimeWarning, match="abs on 3: the worker died"):
                assert workers(abs, [1, 3, 2]) == [1, -1, 2]
            assert killer.met.count([3]) == tries
            with pytest.warns(RuntimeWarning, match="abs on 3: the worker died"):
                assert workers(abs, [3]) == [-1]
            assert killer.met.count([3]) == 2 * tries  # its own deaths are not held against others


class Squares:
    """A fitness with a batch form."""

    def batch(self, items: list[int]) -> list[int]:
        """All at once."""
        return [item * item for item in items]

    def __call__(self, item: int) -> int:
        """One."""
        return item * item


def test_the_death_of_a_part_counts_against_none_of_its_items() -> None:
    """Every item of a part had one death on its account, and the next kill by anybody was its second."""
    killer = Killer(turns={1, 2})
    with LocalMap(1, failed=-1, deadly=killer) as workers:
        assert workers(Squares(), range(4)) == [0, 1, 4, 9]
    assert killer.met == [[0, 1, 2, 3], [3]]
