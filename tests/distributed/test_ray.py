"""Ray's actors as a map: one local cluster for all of these tests."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from deap import base

from tdgnas import SupernetFitness, batch_map
from tdgnas.algorithms import evolve
from tdgnas.comparison import Plan, Runner, parse_all
from tdgnas.distributed import RayMap, ReplicatedLSTM, by_ray, evolve_async
from tdgnas.individual import AccuracyFitness
from tdgnas.runs import Experiment, make_config
from tdgnas.runs.problem import Problem
from tdgnas.spaces import NASBench201
from tdgnas.strategies import create

ray = pytest.importorskip("ray", reason="ray is not installed")


@pytest.fixture(scope="module")
def begun() -> Iterator[None]:
    """Ray on this machine; as far as it knows, with four CPUs."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False, "log_to_driver": False}
    ray.init(num_cpus=4, logging_level="error", **small)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def cluster(begun: None) -> Iterator[RayMap]:
    """Two actors."""
    with RayMap(2, failed=(1e6,)) as mapping:
        yield mapping


class Deadly:
    """Kills its process on some items."""

    def __call__(self, item: int) -> tuple[int]:
        """Square the item, or die."""
        if item == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return (item * item,)


class Slow:
    """The share of gates that are on, in a while; says in a folder what it is at, and where."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, individual: Any) -> tuple[float]:
        """Evaluate, so that there is time to be killed."""
        sign = self.folder / str(os.getpid())
        sign.write_text(str(list(individual)))
        time.sleep(0.08)
        sign.unlink()
        return (sum(gene > 0 for gene in individual) / len(individual),)


@contextmanager
def killer(folder: Path, seed: int) -> Iterator[list[str]]:
    """Kill actors at random while a block runs; none twice on the same item, for whose fault it would be taken."""
    killed: list[str] = []
    stop, rng = threading.Event(), random.Random(seed)

    def work() -> None:
        while not stop.wait(0.2 + 0.6 * rng.random()) and len(killed) < 2:
            for sign in rng.sample(found := sorted(folder.iterdir()), len(found))[:1]:
                item = sign.read_text() if sign.exists() else ""
                if item and item not in killed:
                    killed.append(item)
                    os.kill(int(sign.name), signal.SIGKILL)
                    sign.unlink(missing_ok=True)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def toolbox_of(mapping: Any, evaluate: Any) -> base.Toolbox:
    toolbox = base.Toolbox()
    toolbox.register("map", mapping)
    toolbox.register("evaluate", evaluate)
    return toolbox


def test_an_individual_that_kills_its_actor_twice_gets_the_worst_value_by_name(cluster: RayMap) -> None:
    with pytest.warns(
        RuntimeWarning, match=r"Deadly on 3: the worker died.*it gets the result \(1000000.0,\)"
    ):
        assert cluster(Deadly(), range(5)) == [(0,), (1,), (4,), (1e6,), (16,)]
    with pytest.raises(ZeroDivisionError):
        cluster(divmod, [1, 2], [1, 0])


def test_killed_actors_change_no_result_of_a_synchronous_search(cluster: RayMap, tmp_path: Path) -> None:
    def searched(mapping: Any, evaluate: Any) -> list[list[float]]:
        strategy = create("tdga", NASBench201().decisions, seed=2, population=6, fitness=AccuracyFitness)
        evolution = evolve(strategy, toolbox_of(mapping, evaluate), 3)
        return [[*one, *one.fitness.values] for turn in evolution for one in turn.evaluated]

    (tmp_path / "at").mkdir()
    with killer(tmp_path / "at", seed=1) as killed:
        found = searched(cluster, Slow(tmp_path / "at"))
    assert killed
    (tmp_path / "here").mkdir()
    assert found == searched(batch_map, Slow(tmp_path / "here"))


def test_killed_actors_lose_nothing_of_an_asynchronous_search(cluster: RayMap, tmp_path: Path) -> None:
    strategy = create("aging", NASBench201().decisions, seed=2, population=6, fitness=AccuracyFitness)
    with killer(tmp_path, seed=2) as killed:
        evolution = evolve_async(strategy, toolbox_of(cluster, Slow(tmp_path)), 40)
        back = [one for turn in evolution for one in turn.evaluated]
    assert killed
    assert len({id(one) for one in back}) == 40
    assert all(one.fitness.values[0] <= 1 for one in back)


def test_a_supernet_over_two_actors_scores_the_same_bits(cluster: RayMap, tiny_supernet: Any) -> None:
    fitness = SupernetFitness(tiny_supernet, tiny_supernet.data.valid, size=40, batch_size=20)
    population = tiny_supernet.population(6, rng=random.Random(1))
    alone = fitness.batch(population)
    fitness._cache.clear()
    toolbox = toolbox_of(cluster, fitness)
    assert toolbox.map(toolbox.evaluate, population) == alone
    assert fitness.counters.macs_repeated > 0


FEW = {"data": {"train": 40, "valid": 20, "test": 20}, "retrain": {"epochs": 0}}


def test_a_run_by_ray_is_the_run_without(begun: None, tmp_path: Path) -> None:
    traces = []
    for kind in ("ray", "here"):
        workers = {"kind": kind, **({"workers": 1} if kind == "ray" else {})}
        settings = {**FEW, "map": workers, "strategy": {"name": "random", "batch": 4}}
        config = make_config({"problem": "digits-nas-rl:evaluations=4", **settings})
        Experiment(config, folder=tmp_path / kind).run()
        traces.append(json.loads((tmp_path / kind / "trace.json").read_text()))
    assert traces[0] == traces[1]


def test_the_cells_of_a_comparison_are_rays(begun: None, tmp_path: Path) -> None:
    strategies, problems = parse_all(["random", "aging"], "strategies"), parse_all(["synthetic"], "problems")
    plan = Plan(strategies, problems, range(2), limit=800)
    for name, mapping in (("ray", RayMap(1)), ("here", map)):
        Runner(plan, tmp_path / name, map=mapping).run()
    found = [
        [{key: value for key, value in one.items() if key not in ("seconds", "digest")} for one in results]
        for results in (Runner(plan, tmp_path / name, map=map).results() for name in ("ray", "here"))
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 4


def test_shards_and_replicas_are_actors(cluster: RayMap) -> None:
    """With one of each, the same bits as in this process; children are evaluated by two further actors."""
    problem = Problem.made(make_config({"problem": "nas-rl-table", "strategy": {"name": "random"}}))
    found = []
    for make, mapping in ((by_ray, cluster), (None, batch_map)):
        settings = {"fitness": AccuracyFitness, "batch": 3, "make": make, "rng": random.Random(4)}
        strategy = ReplicatedLSTM(problem.decisions, **settings)
        turns = evolve(strategy, toolbox_of(mapping, problem.evaluate), 2)
        found.append([problem.decisions.choices(one) for turn in turns for one in turn.evaluated])
    assert found[0] == found[1]


def test_more_workers_than_the_cluster_has_room_for_are_refused(begun: None) -> None:
    with pytest.raises(
        ValueError, match="3 workers of 1 CPU, 1 GPU each do not fit into the cluster, which has 4 CPU"
    ):
        RayMap(3, gpus_per_worker=1)(abs, [1])


def test_ray_began_by_itself_before_it_was_told_where() -> None:
    """Storing the function came first, which began Ray on this machine, whatever the address."""
    done = []

    class Told:
        def is_initialized(self) -> bool:
            return bool(done)

        def init(self, address: str, **_: Any) -> None:
            done.append(address)

        def put(self, value: bytes) -> bytes:
            done.append("put")
            return value

    mapping = RayMap(1, address="head:6379")
    mapping._ray = Told()
    mapping._store(b"a function")
    assert done == ["head:6379", "put"]
