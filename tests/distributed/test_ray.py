"""Ray's actors as a map: one local cluster for all of these tests."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from deap import base

from tdgnas import SupernetFitness, batch_map
from tdgnas.algorithms import evolve
from tdgnas.comparison import Plan, Runner, parse_all
from tdgnas.distributed import RayMap, ReplicatedLSTM, by_ray, evolve_async
from tdgnas.individual import AccuracyFitness
from tdgnas.runs import ConfigError, Experiment, make_config
from tdgnas.runs.problem import Problem
from tdgnas.spaces import NASBench201
from tdgnas.strategies import create
from tests.distributed.remote import Deadly, Slow, process

ray = pytest.importorskip("ray", reason="ray is not installed")
from ray.cluster_utils import Cluster  # noqa: E402

SMALL = {"object_store_memory": 80 * 2**20}


@pytest.fixture(scope="module")
def machine() -> Iterator[Cluster]:
    """A machine with four CPUs, as far as Ray knows, that others may join; it notices soon when one of them is gone."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    soon = {f"health_check_{name}": value for name, value in (("initial_delay_ms", 500), ("period_ms", 500))}
    soon |= {"health_check_timeout_ms": 5000, "health_check_failure_threshold": 2}
    cluster = Cluster()
    cluster.add_node(num_cpus=4, resources={"spot": 1}, include_dashboard=False, _system_config=soon, **SMALL)
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def cluster(machine: Cluster) -> Iterator[RayMap]:
    """Two actors on it."""
    with RayMap(2, address=machine.address, failed=(1e6,)) as mapping:
        mapping.count()
        yield mapping


@contextmanager
def killer(folder: Path, seed: int) -> Iterator[list[str]]:
    """Kill two actors at random while a block runs; not twice at one individual, which would be taken for deadly."""
    killed: list[str] = []
    stop, rng = threading.Event(), random.Random(seed)

    def work() -> None:
        while not stop.wait(0.2 + 0.6 * rng.random()) and len(killed) < 2:
            for sign in rng.sample(found := sorted(folder.iterdir()), len(found))[:1]:
                with suppress(FileNotFoundError):
                    if (at := sign.read_text().partition("\n")[2]) in killed:
                        continue
                    os.kill(int(sign.name), signal.SIGKILL)
                    killed.append(at)
                    sign.unlink()

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


def searched(mapping: Any, evaluate: Any) -> list[list[float]]:
    """What TDGA asks for, and what it gets."""
    strategy = create("tdga", NASBench201().decisions, seed=2, population=6, fitness=AccuracyFitness)
    evolution = evolve(strategy, toolbox_of(mapping, evaluate), 3)
    return [[*one, *one.fitness.values] for turn in evolution for one in turn.evaluated]


def test_an_individual_that_kills_its_actor_twice_gets_the_worst_value_by_name(cluster: RayMap) -> None:
    with pytest.warns(
        RuntimeWarning, match=r"Deadly on 3: the worker died.*it gets the result \(1000000.0,\)"
    ):
        assert cluster(Deadly(), range(5)) == [(0,), (1,), (4,), (1e6,), (16,)]
    with pytest.raises(ZeroDivisionError):
        cluster(divmod, [1, 2], [1, 0])


def test_killed_actors_change_no_result_of_a_synchronous_search(cluster: RayMap, tmp_path: Path) -> None:
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


def test_machines_that_go_and_come_back_larger(machine: Cluster, cluster: RayMap, tmp_path: Path) -> None:
    """As many actors as there are spot machines: one of two is taken away in a search, a larger one joins, and goes."""
    with RayMap(address=machine.address, resources={"spot": 1}) as mapping:
        spot = machine.add_node(num_cpus=1, resources={"spot": 1}, **SMALL)
        assert len(set(mapping(process, range(8)))) == 2
        (tmp_path / "at").mkdir()
        with taken_away(machine, spot, tmp_path / "at"):
            found = searched(mapping, Slow(tmp_path / "at"))
        (tmp_path / "here").mkdir()
        assert found == searched(batch_map, Slow(tmp_path / "here"))

        spot = machine.add_node(num_cpus=2, resources={"spot": 2}, **SMALL)
        patience = time.monotonic() + 600  # of a computer that is busy
        while len(set(mapping(process, range(6)))) < 3:
            assert time.monotonic() < patience
        strategy = create("aging", NASBench201().decisions, seed=2, population=6, fitness=AccuracyFitness)
        with taken_away(machine, spot, tmp_path / "at"):
            evolution = evolve_async(strategy, toolbox_of(mapping, Slow(tmp_path / "at")), 40)
            back = [one for turn in evolution for one in turn.evaluated]
        assert len({id(one) for one in back}) == 40


@contextmanager
def taken_away(machine: Cluster, node: Any, folder: Path) -> Iterator[None]:
    """Take a machine away while its actors are at something."""

    raylet = str(node.all_processes["raylet"][0].process.pid)

    def at_work() -> bool:
        with suppress(FileNotFoundError):
            return any(sign.read_text().partition("\n")[0] == raylet for sign in folder.iterdir())
        return False

    def work() -> None:
        while not at_work():
            time.sleep(0.01)
        machine.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(60)
    assert node not in machine.worker_nodes


def test_a_supernet_over_two_actors_scores_the_same_bits(cluster: RayMap, tiny_supernet: Any) -> None:
    fitness = SupernetFitness(tiny_supernet, tiny_supernet.data.valid, size=40, batch_size=20)
    population = tiny_supernet.population(6, rng=random.Random(1))
    alone = fitness.batch(population)
    fitness._cache.clear()
    toolbox = toolbox_of(cluster, fitness)
    assert toolbox.map(toolbox.evaluate, population) == alone
    assert fitness.counters.macs_repeated > 0


FEW = {"data": {"train": 40, "valid": 20, "test": 20}, "retrain": {"epochs": 0}}


def test_a_run_by_ray_is_the_run_without(cluster: RayMap, tmp_path: Path) -> None:
    traces = []
    for kind in ("ray", "here"):
        workers = {"kind": kind, **({"workers": 1} if kind == "ray" else {})}
        settings = {**FEW, "map": workers, "strategy": {"name": "random", "batch": 4}}
        config = make_config({"problem": "digits-nas-rl:evaluations=4", **settings})
        Experiment(config, folder=tmp_path / kind).run()
        traces.append(json.loads((tmp_path / kind / "trace.json").read_text()))
    assert traces[0] == traces[1]


def test_the_cells_of_a_comparison_are_rays(cluster: RayMap, tmp_path: Path) -> None:
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
    """K=2, m=4 on the table of 1,296 networks: the bits of this process, in turns; then late, and a shard dies."""
    problem = Problem.made(make_config({"problem": "nas-rl-table", "strategy": {"name": "random"}}))
    found = []
    for make, mapping in ((None, batch_map), (by_ray, cluster)):
        settings = {"fitness": AccuracyFitness, "replicas": 2, "batch": 4, "make": make}
        strategy = ReplicatedLSTM(problem.decisions, rng=random.Random(4), **settings)
        turns = evolve(strategy, toolbox_of(mapping, problem.evaluate), 3)
        found.append([problem.decisions.choices(one) for turn in turns for one in turn.evaluated])
    assert found[0] == found[1]

    evolution = evolve_async(strategy, toolbox_of(cluster, problem.evaluate), 48, width=8)
    for turn in evolution:
        if turn.index == 20:
            ray.kill(strategy.shards[0]._actor)
    assert len(strategy.staleness) >= 4 + 48 // 4 - 2
    assert strategy.shards[0].fetch()[0] == len(strategy.staleness)
    assert max(strategy.staleness) >= 1


def test_more_workers_than_the_cluster_has_room_for_are_refused(cluster: RayMap) -> None:
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

    mapping = RayMap(1, address="auto")
    mapping._ray = Told()
    mapping._store(b"a function")
    assert done == ["auto", "put"]


def test_a_cluster_that_is_not_there_is_named_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    settings = {"map": {"kind": "ray", "address": "127.0.0.1:1"}}
    with pytest.raises(ConfigError, match=r"map: there is no Ray cluster at 127\.0\.0\.1:1"):
        Experiment("digits-scratch", "random", settings=settings)
