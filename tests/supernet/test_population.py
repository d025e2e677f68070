"""Populations on shared values against the oracle, one architecture after another."""

from __future__ import annotations

import copy
import random
from functools import partial

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdgnas.data import ImageData, Splits
from tdgnas.spaces import DartsCells
from tdgnas.supernet import PopulationEvaluator, Supernet, evaluate_one, evaluation_set
from tdgnas.supernet.folding import _Run

POLICIES = ("batch", "running", "recalibrated")
KINDS = ("random", "converged", "duplicates", "single")
each_policy = pytest.mark.parametrize("policy", POLICIES)


@pytest.fixture
def images(noise):
    """Two batches of 6 images of the two cells and 8 to calibrate on, with a policy."""
    return lambda policy: evaluation_set(
        noise(12, 1), batch_size=6, policy=policy, calibration=noise(8, 2), calibration_size=8
    )


def oracle(supernet, where, architectures):
    return [evaluate_one(supernet, where, each) for each in architectures]


def assert_close(found, expected) -> None:
    assert [score.measures for score in found] == [score.measures for score in expected]
    assert [score.loss for score in found] == pytest.approx([score.loss for score in expected], rel=1e-5)


@each_policy
@pytest.mark.parametrize("kind", KINDS)
def test_depth_first_gives_the_oracles_bits(cells, images, populations, policy, kind) -> None:
    where = images(policy)
    architectures = populations(cells.space, kind)
    expected = oracle(cells, where, architectures)
    evaluator = PopulationEvaluator(cells, where, order="depth-first")
    assert evaluator.scores(architectures) == expected
    order = random.Random(1).sample(range(len(architectures)), len(architectures))
    for cache_bytes in (0, None):
        evaluator = PopulationEvaluator(cells, where, order="depth-first", cache_bytes=cache_bytes)
        assert evaluator.scores([architectures[n] for n in order]) == [expected[n] for n in order]


@each_policy
@pytest.mark.parametrize("kind", KINDS)
def test_folded_is_equal_up_to_rounding_for_every_chunk_size(
    cells, images, populations, policy, kind
) -> None:
    where = images(policy)
    architectures = populations(cells.space, kind)
    expected = oracle(cells, where, architectures)
    for chunk in (1, 2, 3, 5, None):
        evaluator = PopulationEvaluator(cells, where, order="folded", chunk=chunk, cache_bytes=0)
        assert_close(evaluator.scores(architectures), expected)
        assert_close(evaluator.scores(architectures[::-1]), expected[::-1])


@each_policy
def test_vgg_depth_first_and_folded(tiny_supernet: Supernet, digits: Splits, populations, policy) -> None:
    where = evaluation_set(
        digits.valid, size=24, batch_size=12, policy=policy, calibration=digits.train, calibration_size=16
    )
    architectures = populations(tiny_supernet.space, "random", 3) + populations(
        tiny_supernet.space, "converged", 5
    )
    expected = oracle(tiny_supernet, where, architectures)
    assert PopulationEvaluator(tiny_supernet, where, order="depth-first").scores(architectures) == expected
    assert_close(PopulationEvaluator(tiny_supernet, where, order="folded").scores(architectures), expected)


@pytest.mark.parametrize("partial_channels", [1, 2])
@pytest.mark.parametrize("cache_bytes", [0, None])
def test_operations_that_hand_on_their_input(populations, mutated, partial_channels, cache_bytes) -> None:
    """A skip connection's value was its input's memory, and summing into it spoiled the input for all later readers."""
    space = DartsCells(
        cells=3,
        channels=4,
        operations=("none", "skip_connect", "max_pool_3x3", "conv_3x3"),
        partial=partial_channels,
        image_size=8,
    )
    supernet = Supernet(space, seed=1, device="cpu")
    generator = torch.Generator().manual_seed(2)
    images, labels = torch.randn(6, 3, 8, 8, generator=generator), torch.arange(6)
    where = evaluation_set(ImageData(images, labels, (0.0,) * 3, (1.0,) * 3))
    first = PopulationEvaluator(supernet, where, order="depth-first", cache_bytes=cache_bytes)
    folded = PopulationEvaluator(supernet, where, order="folded", cache_bytes=cache_bytes)
    generation = populations(space, "random", 6)
    for seed in range(3):
        expected = oracle(supernet, where, generation)
        assert first.scores(generation) == expected
        assert_close(folded.scores(generation), expected)
        generation = mutated(space, generation[:6], random.Random(seed))


def test_contiguous_images_are_scored_alike(cells, noise, populations) -> None:
    last, first = (evaluation_set(noise(12, 1), channels_last=each) for each in (True, False))
    assert not last.batches[0][0].is_contiguous()
    assert first.batches[0][0].is_contiguous()
    architectures = populations(cells.space, "random")
    for where in (last, first):
        assert PopulationEvaluator(cells, where).scores(architectures) == oracle(cells, where, architectures)
    assert_close(oracle(cells, last, architectures), oracle(cells, first, architectures))


@each_policy
@pytest.mark.parametrize("order", ["depth-first", "folded"])
@pytest.mark.parametrize("cache_bytes", [0, 40_000, None])
def test_a_search_with_the_cache_empty_evicting_and_full(
    cells, images, populations, mutated, policy, order, cache_bytes
) -> None:
    where = images(policy)
    evaluator = PopulationEvaluator(cells, where, order=order, cache_bytes=cache_bytes)
    rng = random.Random(4)
    generation = populations(cells.space, "random", 4)
    for _ in range(4):
        expected = oracle(cells, where, generation)
        found = evaluator.scores(generation)
        assert_close(found, expected)
        assert order == "folded" or found == expected
        assert evaluator.cache.bytes <= evaluator.cache.limit
        generation = mutated(cells.space, generation[:4], rng)
    hits, executed = evaluator.counters.cache_hits, evaluator.counters.macs_executed
    assert (hits > 0) == (cache_bytes != 0)
    if cache_bytes is None:
        evaluator.scores(generation[:2])  # parents of the last generation: everything is known
        assert evaluator.counters.macs_executed == executed


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_populations_with_any_cache(cells, images, two_cells, data) -> None:
    choices = st.tuples(*(st.integers(0, len(each.choices) - 1) for each in two_cells.decisions))
    evaluator = PopulationEvaluator(
        cells,
        images(data.draw(st.sampled_from(POLICIES))),
        order=data.draw(st.sampled_from(["depth-first", "folded"])),
        chunk=data.draw(st.sampled_from([None, 1, 2, 3])),
        cache_bytes=data.draw(st.integers(0, 100_000)),
        memory_bytes=data.draw(st.sampled_from([None, 1, 50_000])),
    )
    for generation in data.draw(st.lists(st.lists(choices, min_size=1, max_size=5), min_size=1, max_size=3)):
        architectures = [two_cells.architecture(each) for each in generation]
        assert_close(evaluator.scores(architectures), oracle(cells, evaluator.where, architectures))


@each_policy
def test_nothing_is_stale_after_the_weights_change(cells, images, populations, policy) -> None:
    where = images(policy)
    architectures = populations(cells.space, "random")
    evaluator = PopulationEvaluator(cells, where)
    before = evaluator.scores(architectures)
    with torch.no_grad():
        cells.ops["stem"][0].weight.mul_(-1.5)
    after = evaluator.scores(architectures)
    assert after == oracle(cells, where, architectures)
    assert after != before


@each_policy
@pytest.mark.parametrize("order", ["depth-first", "folded"])
def test_frozen_means_frozen(cells, images, populations, policy, order) -> None:
    before = copy.deepcopy(cells.state_dict())
    version = cells.version
    evaluator = PopulationEvaluator(cells, images(policy), order=order)
    first = evaluator.scores(populations(cells.space, "random"))
    assert evaluator.scores(populations(cells.space, "random")) == first
    assert cells.version == version
    assert all(torch.equal(value, before[name]) for name, value in cells.state_dict().items())
    assert cells.batchnorm.policy == "batch"
    assert cells.batchnorm.groups == 1


def test_counters_by_hand(cells, noise) -> None:
    """Values of the two cells, each listed with its multiply-adds on an 8x8 image of 6 channels."""
    conv, mix, stem, head = 64 * 6 * 54, 64 * 6 * 12, 64 * 6 * 27, 6 * 4
    fixed = stem + 2 * mix + head
    where = evaluation_set(noise(12, 1), batch_size=6)
    # Both cells: 0-1 none, 0-2 conv, 1-2 none: node 1 is dead. stem, relu; conv, mixed concat, twice; sum; head.
    first = cells.space.architecture((0, 2, 0, 0))
    # Differs in the gate alone: another sum, another head.
    second = cells.space.architecture((0, 2, 0, 1))
    evaluator = PopulationEvaluator(cells, where, cache_bytes=1 << 20)
    evaluator.scores([first, second, first])
    counters = evaluator.counters.copy()
    assert counters.requests == 2 * 3 * 8
    assert counters.evaluations == 2 * (8 + 2)
    assert counters.macs_requested == 12 * 3 * (fixed + 2 * conv)
    assert counters.macs_executed == 12 * (fixed + 2 * conv + head)
    assert counters.macs_saved == counters.macs_requested - counters.macs_executed
    assert counters.cache_hits == 0
    assert counters.passes == 2 * 12
    # Node 1 comes alive through the second edge: c0n1 = relu(zero), pool of it, c0n2 a new sum, and all after it.
    third = cells.space.architecture((0, 2, 3, 0))
    evaluator.scores([third])
    grown = evaluator.counters.since(counters)
    per_cell = 5  # zero node, its pool, conv, sum, mixed concat
    assert grown.requests == 2 * (2 + 2 * per_cell + 2)
    assert grown.evaluations == 2 * (
        4 + 5 + 2
    )  # the first cell's conv is known, the second's reads a new value
    assert grown.cache_hits == 2 * 2  # the stem's relu and the first conv
    assert grown.macs_executed == 12 * (2 * mix + conv + head)


def test_calibration_is_shared_and_counted(cells, images) -> None:
    where = images("recalibrated")
    first, second = (cells.space.architecture((0, 2, 0, gate)) for gate in (0, 1))
    evaluator = PopulationEvaluator(cells, where)
    evaluator.scores([first, second])
    # Calibrated are stem, relu, conv and mix of both cells once for both: sums and heads have no BatchNorm.
    assert evaluator.counters.requests == 2 * 3 * 8
    assert evaluator.counters.evaluations == 2 * 10 + 6
    assert evaluator.counters.passes == 2 * (12 + 8)


@pytest.mark.parametrize("order", ["depth-first", "folded"])
def test_known_scores_are_noted_as_requests(cells, images, populations, order) -> None:
    architectures = populations(cells.space, "random")
    evaluator = PopulationEvaluator(cells, images("batch"), order=order)
    evaluator.scores(architectures)
    counters = evaluator.counters.copy()
    evaluator.note(architectures)
    since = evaluator.counters.since(counters)
    assert (since.requests, since.macs_requested) == (counters.requests, counters.macs_requested)
    assert since.evaluations == since.macs_executed == since.passes == 0


def test_part_of_the_batches(cells, images, populations) -> None:
    architectures = populations(cells.space, "converged")
    where = images("batch")
    evaluator = PopulationEvaluator(cells, where)
    losses, correct = evaluator.sums(architectures)
    assert losses.shape == correct.shape == (len(architectures), 2)
    fresh = PopulationEvaluator(cells, where)
    for each in (fresh, evaluator):  # with nothing and with everything cached
        assert (each.sums(architectures, [1])[0] == losses[:, 1:]).all()
        assert (each.sums(architectures, [1, 0])[1] == correct[:, ::-1]).all()
    assert not fresh.cache.entries
    assert evaluator.scores([]) == []


class Scarce:
    """Runs out of memory whenever more than so many values are folded, or for the first few calls."""

    def __init__(
        self, most: int, failures: int = 0, error: type[RuntimeError] = torch.cuda.OutOfMemoryError
    ) -> None:
        self.most, self.failures, self.error, self.refused = most, failures, error, 0
        self.fold = _Run._fold

    def __call__(self, run, task, part) -> None:
        if len(part) > self.most or self.failures > 0:
            self.failures -= 1
            self.refused += 1
            raise self.error("DefaultCPUAllocator: can't allocate memory")
        self.fold(run, task, part)


@each_policy
@pytest.mark.parametrize("error", [torch.cuda.OutOfMemoryError, RuntimeError])
def test_out_of_memory_halves_the_chunk_and_goes_on(
    cells, images, populations, monkeypatch, policy, error
) -> None:
    scarce = Scarce(2, error=error)
    monkeypatch.setattr(_Run, "_fold", lambda run, task, part: scarce(run, task, part))
    where = images(policy)
    architectures = populations(cells.space, "random", 12)
    evaluator = PopulationEvaluator(cells, where, order="folded")
    assert_close(evaluator.scores(architectures), oracle(cells, where, architectures))
    assert evaluator.folder.chunk <= 2
    refused = scarce.refused
    assert refused > 0
    evaluator.scores(populations(cells.space, "random", 12, seed=9))
    assert scarce.refused == refused  # what was learnt stays


def test_out_of_memory_gives_up_waves_then_the_cache_then_says_so(
    cells, images, populations, monkeypatch
) -> None:
    where = images("batch")
    architectures = populations(cells.space, "random", 6)
    counted = PopulationEvaluator(cells, where, order="folded")
    counted.scores(architectures)
    scarce = Scarce(0, failures=0)
    monkeypatch.setattr(_Run, "_fold", lambda run, task, part: scarce(run, task, part))
    evaluator = PopulationEvaluator(cells, where, order="folded", chunk=1)
    with pytest.raises(MemoryError, match=r"6 images does not fit.*smaller batch_size"):
        evaluator.scores(architectures)
    assert evaluator._wave == 1
    assert evaluator.cache.limit == 0
    assert evaluator.counters.evaluations == 0
    scarce.most, scarce.failures = 1, 2
    evaluator = PopulationEvaluator(cells, where, order="folded", chunk=1)
    assert_close(evaluator.scores(architectures), oracle(cells, where, architectures))
    assert evaluator.counters == counted.counters  # tries that failed are not counted


def test_another_error_leaves_nothing_half_done_in_the_cache(cells, images, populations, monkeypatch) -> None:
    where = images("batch")
    architectures = populations(cells.space, "converged")
    evaluator = PopulationEvaluator(cells, where)
    evaluator.scores(architectures[:2])
    scarce = Scarce(1, failures=1, error=KeyboardInterrupt)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr(_Run, "_fold", lambda run, task, part: scarce(run, task, part))
        with pytest.raises(KeyboardInterrupt):
            evaluator.scores(architectures)
    assert evaluator.scores(architectures) == oracle(cells, where, architectures)


def test_a_small_memory_means_more_waves_and_equal_scores(cells, images, populations) -> None:
    where = images("batch")
    architectures = populations(cells.space, "random", 12)
    evaluator = PopulationEvaluator(cells, where, order="folded", memory_bytes=60_000, cache_bytes=0)
    assert_close(evaluator.scores(architectures), oracle(cells, where, architectures))


def test_long_searches_do_not_grow_for_ever(cells, images, populations, mutated, monkeypatch) -> None:
    where = images("recalibrated")
    growing, pruned = (PopulationEvaluator(cells, where, cache_bytes=4_000) for _ in range(2))
    rng = random.Random(6)
    generation = populations(cells.space, "random", 4)
    for _ in range(12):
        expected = oracle(cells, where, generation)
        assert growing.scores(generation) == expected
        with monkeypatch.context() as patch:
            patch.setattr("tdgnas.supernet.population._PRUNE_AT", 0)
            assert pruned.scores(generation) == expected
        generation = mutated(cells.space, generation[:4], rng)
    assert pruned.cache.entries
    assert pruned.counters.cache_hits == growing.counters.cache_hits
    assert len(pruned.costs.macs) == len(pruned.interner) < len(growing.interner)
    assert len(pruned._statistics) < len(growing._statistics)


def test_bfloat16_is_close(cells, images, populations) -> None:
    where = images("batch")
    architectures = populations(cells.space, "random")
    expected = oracle(cells, where, architectures)
    for order in ("depth-first", "folded"):
        found = PopulationEvaluator(cells, where, order=order, autocast=True).scores(architectures)
        assert [score.loss for score in found] == pytest.approx([score.loss for score in expected], rel=0.1)
        assert found != expected


def test_impossible_settings_are_refused(cells, images, tiny_space) -> None:
    make = partial(PopulationEvaluator, cells, images("batch"))
    with pytest.raises(ValueError, match="order is 'sideways'"):
        make(order="sideways")
    for name in ("chunk", "memory_bytes"):
        with pytest.raises(ValueError, match=f"{name} is 0; it must be at least 1"):
            make(**{name: 0})
    with pytest.raises(ValueError, match="cache_bytes is -1"):
        make(cache_bytes=-1)
    with pytest.raises(ValueError, match="belongs to 'vgg-shortcuts'"):
        make().scores([tiny_space.sample(random.Random(0))])
