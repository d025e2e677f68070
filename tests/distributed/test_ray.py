"""Ray's actors as a map: one local cluster for all of these tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tdgnas.distributed import RayMap

ray = pytest.importorskip("ray", reason="ray is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayMap]:
    """Two actors, on a Ray of this machine that all tests share."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    small = {"object_store_memory": 80 * 2**20, "include_dashboard": False, "log_to_driver": False}
    ray.init(num_cpus=2, logging_level="error", **small)
    try:
        with RayMap(2, failed=(1e6,)) as mapping:
            yield mapping
    finally:
        ray.shutdown()


class Deadly:
    """Kills its process on some items: for ever, or only the first time."""

    def __init__(self, deadly: list[int], once: Path | None = None) -> None:
        self.deadly, self.once = deadly, once

    def __call__(self, item: int) -> tuple[int]:
        """Square the item, or die."""
        if item in self.deadly and not (self.once is not None and self.once.exists()):
            if self.once is not None:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return (item * item,)


def test_one_death_of_an_actor_changes_no_result(cluster: RayMap, tmp_path: Path) -> None:
    assert cluster(Deadly([3], tmp_path / "died"), range(8)) == [(n * n,) for n in range(8)]
    assert (tmp_path / "died").exists()


def test_an_individual_that_kills_its_actor_twice_gets_the_worst_value_by_name(cluster: RayMap) -> None:
    with pytest.warns(
        RuntimeWarning, match=r"Deadly on 3: the worker died.*it gets the result \(1000000.0,\)"
    ):
        assert cluster(Deadly([3]), range(5)) == [(0,), (1,), (4,), (1e6,), (16,)]
