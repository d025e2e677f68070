"""Schedule, value cache, interner, grouped BatchNorm: the parts that population evaluation is made of."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn

from tdgnas.graphs import Interner
from tdgnas.spaces import DartsCells, NASBench201
from tdgnas.supernet.batchnorm import BatchNormState, NodeBatchNorm, convert
from tdgnas.supernet.folding import apply
from tdgnas.supernet.schedule import Costs, reading_order, schedule
from tdgnas.supernet.value_cache import Key, ValueCache, default_limit, free_memory


def planned(space, architectures, *, wave=1, available=(), keep=(), hold=True):
    interner = Interner(space.graph.nodes)
    outputs = reading_order(interner, [interner.trace(each.choices)[0] for each in architectures])
    _, loaded = interner.closure(outputs, available)
    return interner, outputs, schedule(interner, outputs, loaded, keep=keep, wave=wave, hold=hold)


@pytest.mark.parametrize("wave", [1, 2, 5, 100])
@pytest.mark.parametrize("kind", ["random", "converged"])
def test_a_schedule_computes_each_value_once_after_its_inputs_and_frees_it_after_its_last_use(
    tiny_space, two_cells, populations, kind, wave
) -> None:
    for space in (tiny_space, two_cells):
        interner, outputs, plan = planned(space, populations(space, kind, 10), wave=wave)
        alive = {0}
        for task in plan.tasks:
            for value in task.values:
                assert set(interner.steps[value].inputs) <= alive
                step = interner.steps[value]
                assert (step.op, step.node) == (task.op, task.node)
            assert not alive & set(task.values)
            alive |= set(task.values)
            assert task.spare <= set(task.dead) <= alive
            for each in task.spare:
                assert sum(interner.steps[value].inputs.count(each) > 0 for value in task.values) == 1
            alive -= set(task.dead)
        assert alive == {0, *outputs}
        assert sorted(plan.computed) == list(range(1, len(interner)))


def test_cached_values_end_the_search_for_what_is_missing(tiny_space, populations) -> None:
    architectures = populations(tiny_space, "converged", 4)
    interner, outputs, whole = planned(tiny_space, architectures)
    middle = {value for value in whole.computed if interner.steps[value].node == 7}
    again, _, part = planned(tiny_space, architectures, available=middle)
    assert again.steps == interner.steps
    assert set(part.loaded) <= middle
    assert set(part.computed) < set(whole.computed)
    assert not set(part.loaded) & set(part.computed)
    assert all(value not in task.spare for task in part.tasks for value in part.loaded)
    _, _, none = planned(tiny_space, architectures, available=outputs)
    assert (none.tasks, set(none.loaded)) == ((), set(outputs))


def test_depth_first_holds_less_than_node_by_node(tiny_space, populations) -> None:
    peaks = []
    for wave in (1, 100):
        interner, _, plan = planned(tiny_space, populations(tiny_space, "random", 16), wave=wave)
        costs = Costs(tiny_space)
        costs.grow(interner)
        peaks.append(plan.peak(costs))
    assert 2 * peaks[0] < peaks[1]


@pytest.mark.parametrize(
    "space",
    [DartsCells(cells=4, channels=2, image_size=16), NASBench201(channels=2, cells_per_stage=2)],
    ids=lambda space: space.name,
)
def test_an_operation_of_a_cell_runs_once_whoever_chose_it(space, populations) -> None:
    """Cells of different depth had it at different levels, counted from the output, and ran it once for each."""
    _, outputs, plan = planned(space, populations(space, "random", 24), wave=24)
    runs = [task.op for task in plan.tasks if task.op is not None]
    assert len(runs) == len(set(runs)) > 30
    joins = [task.node for task in plan.tasks if task.op is None]
    assert len(joins) == len(set(joins))
    assert len(outputs) == 24


def test_node_by_node_folds_what_the_same_operation_computes(tiny_space, populations) -> None:
    interner, _, plan = planned(tiny_space, populations(tiny_space, "random", 16), wave=16)
    folded = {task.op: len(task.values) for task in plan.tasks if task.op is not None}
    assert len(folded) == sum(task.op is not None for task in plan.tasks)  # each operation runs once
    assert folded["conv1"] == folded["conv2"] == 1  # before the first gate
    assert folded["head"] == 16
    assert len(interner) > len(plan.tasks)


def test_costs_are_those_of_the_space(tiny_space, two_cells, populations) -> None:
    for space in (tiny_space, two_cells):
        for architecture in populations(space, "random", 4):
            interner, outputs, plan = planned(space, [architecture])
            costs = Costs(space)
            costs.grow(interner)
            assert sum(costs.macs[value] for value in plan.computed) == space.macs(architecture)
            assert costs.sizes[0] == torch.Size(space.image_shape).numel()
            assert costs.sizes[outputs[0]] == space.classes


def test_an_interner_made_smaller_numbers_alike(tiny_space, populations) -> None:
    interner = Interner(tiny_space.graph.nodes)
    architectures = populations(tiny_space, "random", 6)
    outputs = [interner.trace(each.choices)[0] for each in architectures]
    smaller, numbers = interner.subset(outputs[2:4])
    assert [smaller.trace(each.choices)[0] for each in architectures[2:4]] == [
        numbers[each] for each in outputs[2:4]
    ]
    assert len(smaller) == len(numbers) < len(interner)
    for old, new in numbers.items():
        step = interner.steps[old]
        assert smaller.steps[new] == step._replace(inputs=tuple(numbers[each] for each in step.inputs))


def test_the_cache_keeps_what_is_worth_most_for_each_byte() -> None:
    cache = ValueCache(100)
    cache.count([1, 2, 3, 3, 3])
    keys = {value: Key(1, value) for value in (1, 2, 3, 4)}
    candidates = [(keys[1], 2.0, 60), (keys[2], 1.0, 40), (keys[3], 1.0, 50), (keys[4], 99.0, 10)]
    # Nobody asked for 4; 3 was asked for three times; 1 no longer fits beside it, 2 does.
    assert cache.choose(candidates) == {keys[3], keys[2]}
    cache.calls += 2
    cache.count([1])
    assert cache.demand(3) == 3 / 4
    assert cache.choose(candidates) == {keys[1], keys[2]}
    assert ValueCache(0).choose(candidates) == set()


def test_the_cache_holds_no_more_memory_than_a_values_own() -> None:
    cache = ValueCache(1 << 20)
    folded = torch.zeros(8, 3)
    cache.store(Key(1, 5), folded[2:4])
    cache.store(Key(1, 6), folded)
    assert cache.entries[Key(1, 5)][0].untyped_storage().nbytes() == 2 * 3 * 4
    assert cache.entries[Key(1, 6)][0] is folded
    assert cache.bytes == (6 + 24) * 4
    cache.renumber({5: 1})
    assert list(cache.entries) == [Key(1, 1)]


def test_default_memory_is_some_and_bounded() -> None:
    assert 0 < default_limit(torch.device("cpu")) <= 4 * 2**30
    assert free_memory() > 2**20


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_groups_normalised_together_equal_groups_normalised_alone(affine, offset) -> None:
    """How a GPU does it; a CPU takes one group after the other."""
    norm = convert(nn.BatchNorm2d(5, affine=affine), BatchNormState("batch"))
    assert isinstance(norm, NodeBatchNorm)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    x = torch.randn(12, 5, 4, 4, generator=torch.Generator().manual_seed(1)) * 3 + offset
    alone = torch.cat([norm(part) for part in x.chunk(3)])
    with norm.state.use("batch", groups=3), torch.inference_mode():
        torch.testing.assert_close(norm._together(x), alone, rtol=1e-4, atol=1e-4)
        half = norm._together(x.bfloat16())
        assert torch.equal(norm(x), alone)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), alone, rtol=0.05, atol=0.15 if offset == 0 else 0.4)


def test_relu_in_place_and_after_the_pooling_changes_no_bit() -> None:
    module = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    kept, expected = x.clone(), module(x)
    for own in (False, True):
        assert torch.equal(apply(module, kept.clone(), own), expected)
        assert torch.equal(apply(nn.ReLU(), kept.clone(), own), x.relu())
    assert torch.equal(apply(module, x, False), expected)
    assert torch.equal(x, kept)
    chain = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 2))
    with torch.no_grad():
        assert torch.equal(apply(chain, x, False), chain(x))
    assert torch.equal(x, kept)


def test_order_of_a_population_does_not_change_the_plan(tiny_space, populations) -> None:
    architectures = populations(tiny_space, "converged", 8)
    shuffled = random.Random(3).sample(architectures, len(architectures))
    sizes = [len(planned(tiny_space, each)[2].computed) for each in (architectures, shuffled)]
    assert sizes[0] == sizes[1]
