"""Latency of architectures: sums over operations, by a clock that counts calls, or by a table. No wall time."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tdgnas.fitness import Latency, WithObjectives, load_latencies
from tdgnas.graphs import Graph, Node, Op, Term
from tdgnas.individual import Individual
from tdgnas.spaces import NASBench201, NasRL

SPACE = NASBench201(channels=2, cells_per_stage=1)
CONV, POOL = (SPACE.architecture((k,) * 6) for k in (3, 4))


class Clock:
    """Every measurement takes a millisecond more than the one before it; even calls begin one."""

    def __init__(self) -> None:
        self.calls, self.now = 0, 0.0

    def __call__(self) -> float:
        self.calls += 1
        if self.calls % 2 == 0:
            self.now += 1e-3 * (self.calls // 2)
        return self.now


def test_an_operation_is_measured_once_for_its_shapes() -> None:
    latency = Latency(SPACE, device="cpu", warmup=0, repeats=1, clock=Clock())
    first = latency(CONV)
    measured = len(latency.known)
    assert sorted(latency.known.values()) == pytest.approx(range(1, measured + 1))
    assert latency(CONV) == first > sum(latency.known.values())  # six edges of a cell share what was measured
    latency(POOL)
    assert len(latency.known) > measured
    assert latency(CONV) == first


def test_the_median_of_the_runs_that_count() -> None:
    class Twice(Clock):
        def __call__(self) -> float:
            self.calls += 1
            return {2: 0.005, 4: 0.001, 6: 0.2}.get(self.calls, 0.0)

    runs = []
    latency = Latency(SPACE, device="cpu", warmup=2, repeats=3, clock=Twice())
    assert latency._measured(lambda: runs.append(1)) == pytest.approx(5.0)
    assert len(runs) == 5


def test_what_was_measured_goes_into_the_state() -> None:
    latency = Latency(SPACE, device="cpu", warmup=0, repeats=1, clock=Clock())
    both = WithObjectives(lambda one: (0.0,), SPACE, ["latency"], latency=latency)
    genes = Individual(SPACE.decisions.genes(CONV.choices))
    value = both(genes)
    state = json.loads(json.dumps(both.state_dict()))

    def never() -> float:
        raise AssertionError("it was measured already")

    again = WithObjectives(
        lambda one: (0.0,), SPACE, ["latency"], latency=Latency(SPACE, device="cpu", clock=never)
    )
    again.load_state_dict(state)
    assert again(genes) == value


def test_measuring_leaves_random_numbers_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    Latency(SPACE, device="cpu", warmup=0, repeats=1, clock=Clock())(CONV)
    assert torch.equal(torch.get_rng_state(), before)


def small() -> Graph:
    conv, other = (Op(name, "conv", {"channels_in": 3, "channels_out": 3, "kernel": 3}) for name in "ab")
    head = Op("head", "head", {"channels": 3, "classes": 10})
    nodes = [Node("one", (Term("input", conv), Term("input", other))), Node("logits", (Term("one", head),))]
    return Graph(nodes, (3, 8, 8))


def test_a_table_is_read_by_name_and_by_kind() -> None:
    graph = small()
    space: Any = SimpleNamespace(shares_weights=True, graph=graph, drawn_from=lambda one: (graph, ()))
    assert Latency(space, {"conv": 2.0, "head": 0.5})(CONV) == 2 + 2 + 0.5
    assert Latency(space, {"conv": 2.0, "b": 7.0, "head": 0.5, "sum": 0.25})(CONV) == 2 + 7 + 0.5 + 0.25
    with pytest.raises(ValueError, match="neither the operation 'head' nor its kind 'head'"):
        Latency(space, {"conv": 2.0})
    measured = Latency(space, device="cpu", warmup=0, repeats=1, clock=Clock())
    assert measured(CONV) == pytest.approx(1 + 1 + 2 + 3)  # a and b are the same operation
    assert Latency(space, measured.known)(CONV) == pytest.approx(7)


def test_check_compares_whole_networks_with_the_sum() -> None:
    class Even(Clock):
        def __call__(self) -> float:
            self.calls += 1
            return 1e-3 * self.calls

    latency = Latency(SPACE, device="cpu", warmup=0, repeats=1, clock=Even())
    (ratio,) = latency.check([CONV])
    assert ratio == pytest.approx(1 / latency(CONV))


def test_a_space_without_shared_weights_has_latencies_too() -> None:
    space = NasRL(layers=1, widths=(), filters=(4, 8), in_channels=3, image_size=8)
    latency = Latency(space, device="cpu", warmup=0, repeats=1, clock=Clock())
    assert latency(space.architecture((0, 0))) > 0


def test_what_is_no_table_is_refused(tmp_path) -> None:
    path = tmp_path / "table.json"
    path.write_text('{"conv": 1.5}')
    assert load_latencies(path) == {"conv": 1.5}
    path.write_text("[1]")
    with pytest.raises(ValueError, match="milliseconds by operation"):
        load_latencies(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="is no table of latencies"):
        load_latencies(path)
    with pytest.raises(ValueError, match="says 'fast' of 'conv'"):
        Latency(SPACE, {"conv": "fast"})  # type: ignore[dict-item]
