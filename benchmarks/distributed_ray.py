"""What distribution is worth on real workers: actors of Ray on this machine.

    python benchmarks/distributed_ray.py

``overhead``: a fitness that costs nothing, in batches of 100. ``scratch``: children from scratch, two actors against
one process. ``real``: workers that sleep, two and eight, beside the model of the same durations. ``head``: a search
whose cluster and driver are killed and started again, compared with one that was never stopped. All but the last ask
for a quiet machine. What is counted and simulated is in ``distributed.py``.

``--quick`` only shows that it runs.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import distributed as common

from tdgnas import batch_map
from tdgnas.distributed import RayMap, SimulatedMap
from tdgnas.runs import make_config
from tdgnas.runs.problem import Problem
from tdgnas.strategies import create


class Free:
    """A fitness that costs nothing."""

    def __call__(self, individual: Any) -> tuple[float]:
        """Return the sum of the genes."""
        return (sum(individual),)


class Asleep:
    """A fitness that takes its time, and no processor."""

    def __init__(self, scale: float, decisions: Any) -> None:
        self.scale, self.decisions = scale, decisions

    def __call__(self, individual: Any) -> tuple[float]:
        """Sleep."""
        time.sleep(self.scale * common.lasting(self.decisions.choices(individual)))
        return (sum(individual),)


class Summed:
    """A map that sums the durations of what it is given."""

    seconds = 0.0

    def __init__(self, mapping: Any) -> None:
        self.mapping = mapping
        Summed.seconds = 0.0

    def __call__(self, function: Any, items: Any) -> list[Any]:
        """Map."""
        Summed.seconds += sum(map(common.drawn, items))
        return list(self.mapping(function, items))

    def put(self, function: Any, item: Any) -> int:
        """Hand one out."""
        Summed.seconds += common.drawn(item)
        return int(self.mapping.put(function, item))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mapping, name)


def overhead() -> None:
    """Print what handing out an evaluation costs."""
    batch = [
        common.problem().decisions.genes(common.problem().decisions.sample(random.Random(n)))
        for n in range(100)
    ]

    def rows() -> Iterator[list[Any]]:
        with RayMap(2) as mapping:
            mapping(Free(), batch)
            for _ in range(common.few(5, 1)):
                wall, own = time.perf_counter(), time.process_time()
                mapping(Free(), batch)
                yield [
                    f"{10 * (time.perf_counter() - wall):.2f}",
                    f"{10 * (time.process_time() - own):.2f}",
                ]

    common.table("ms per evaluation, wall | of the driver's processor", rows())


class Timed:
    """Trains children, and says how much processor time that took."""

    constant = True

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def __call__(self, child: Any) -> tuple[Any, float, int]:
        """Train one."""
        start = time.process_time()
        return self.trainer(child), time.process_time() - start, os.getpid()


def scratch() -> None:
    """Print how much faster two actors train children than one process."""
    children = Problem.made(
        make_config({"problem": f"nas-rl-chain:epochs={common.few(2, 1)},images={common.few(400, 40)}"})
    )
    fitness, decisions = children.evaluate, children.decisions
    rng = random.Random(1)
    asked = [fitness._child(decisions.genes(decisions.sample(rng))) for _ in range(common.few(12, 2))]
    timed = Timed(fitness._trainer)

    def rows() -> Iterator[list[Any]]:
        with RayMap(2) as mapping:
            mapping(timed, asked[:2])
            for _ in range(common.few(2, 1)):
                walls, works, values = [], [], []
                for one in (batch_map, mapping):
                    wall = time.perf_counter()
                    found = one(timed, asked)
                    walls.append(time.perf_counter() - wall)
                    work: dict[int, float] = {}
                    for _, seconds, pid in found:
                        work[pid] = work.get(pid, 0.0) + seconds
                    works.append(max(work.values()))
                    values.append([outcome for outcome, *_ in found])
                assert values[0] == values[1]
                yield [*walls, walls[0] / walls[1], *works, works[0] / works[1]]

    common.table(
        "one process, s | two actors, s | ratio | one, processor s | the busier actor's | ratio", rows()
    )


def real() -> None:
    """Print how busy real workers are, and what the model says of the same search."""
    scale = 0.05 if common.QUICK else 0.15

    def rows() -> Iterator[list[Any]]:
        for workers in (2, 8):
            with RayMap(workers, resources={"cpu": 0.01}) as mapping:
                first = create("random", common.problem().decisions, seed=0, batch=4 * workers).generate()
                mapping(Asleep(scale, common.problem().decisions), first)  # workers import what they need
                for form in ("TDGA, generations", "TDGA, steady"):
                    simulated = SimulatedMap(workers, lambda one: scale * common.drawn(one))
                    evaluations, wall = common.few(20, 2) * workers, time.perf_counter()
                    common.search(
                        form, Summed(mapping), Asleep(scale, common.problem().decisions), evaluations, workers
                    )
                    wall = time.perf_counter() - wall
                    common.search(form, simulated, Free(), evaluations, workers)
                    share = scale * Summed.seconds / (workers * wall)
                    yield [
                        workers,
                        form,
                        f"{100 * share:.0f} %",
                        f"{100 * simulated.share:.0f} %",
                        wall,
                        simulated.clock,
                    ]

    common.table("workers | search | busy | by the model | s | by the model", rows())


# a head that restarts --------------------------------------------------------------------------------------------

SEARCH = (
    "--problem", "digits-scratch", "--strategy", "aging", "--set", "strategy.population=6", "--set", "strategy.batch=4",
    "--set", "data.train=200", "--set", "data.valid=100", "--set", "retrain.epochs=0", "--device", "cpu",
)  # fmt: skip
#: What may differ: times, checkpoints, and who evaluated.
FREE = ("timings/", "checkpoints/", "report.html", "figures/", ".lock", "config.toml")


def contents(folder: Path) -> dict[str, Any]:
    """What has to be equal; of the children, which there are, since the clock decides on their order."""
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    found: dict[str, Any] = {n: path.read_bytes() for n, path in names.items() if not n.startswith(FREE)}
    return {**found, "children.csv": sorted(found["children.csv"].splitlines())}


def family(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(
                int(path.parent.name)
            )
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def begin_head(port: int) -> subprocess.Popen[str]:
    """Start a cluster of one machine, and wait until it runs; on a busy computer it may take another try."""
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--port", str(port)]
    options = ["--num-cpus", "2", "--include-dashboard", "false", "--disable-usage-stats"]
    for _ in range(5):
        started = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert started.stdout is not None
        if any("Ray runtime started" in line for line in started.stdout):
            return started
        started.wait()
    raise SystemExit(f"ray start ended with {started.returncode}")


def head() -> None:
    """Kill a search by Ray with its cluster, start both again, and compare its files with those of one in peace."""
    with socket.socket() as free, tempfile.TemporaryDirectory() as temporary:
        free.bind(("127.0.0.1", 0))
        os.environ |= {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }  # this cluster's own
        port, folder = free.getsockname()[1], Path(temporary)
        free.close()
        tdgnas, quiet = [sys.executable, "-m", "tdgnas"], {"stdout": subprocess.DEVNULL}
        budget = common.few(40, 14)
        search = [*tdgnas, "search", *SEARCH, "--budget", str(budget), "--out"]
        subprocess.run([*search, folder / "whole"], check=True, **quiet)
        by_ray = ["--map", "ray", "--set", f"map.address=127.0.0.1:{port}", "--set", "map.workers=2"]
        command, rows = [*search, folder / "killed", *by_ray], []
        children = folder / "killed" / "children.csv"
        for wanted in (budget // 4, budget // 2, 3 * budget // 4, budget):
            cluster = begin_head(port)
            driver = subprocess.Popen(command, **quiet)
            command = [*tdgnas, "resume", folder / "killed"]

            def done() -> int:
                return len(children.read_text().splitlines()) - 1 if children.exists() else 0

            before = done()
            while driver.poll() is None and (wanted == budget or done() < wanted):
                time.sleep(0.05)
            for pid in (*family(driver.pid), *family(cluster.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            ended = {0: "by itself", -signal.SIGKILL: "killed, with its cluster"}
            rows.append([before, done(), ended.get(driver.wait(), f"with an error, {driver.returncode}")])
            cluster.wait()
        common.table("children at hand when it began | when it ended | how it ended", iter(rows))
        found, whole = contents(folder / "killed"), contents(folder / "whole")
        trained = found["children.csv"]
        print(
            f"{len(whole)} files compared, different: {[n for n in {*whole, *found} if found.get(n) != whole.get(n)]}"
        )
        print(f"{len(trained) - 1} children trained, {len(trained) - len(set(trained))} of them twice\n")


if __name__ == "__main__":
    common.main(__doc__, {one.__name__: one for one in (overhead, scratch, real, head)})
