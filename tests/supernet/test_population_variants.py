"""The other evaluators: compiled, racing, relaxed; the measured choice; second-order gradients."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from tdgnas.data import Splits
from tdgnas.spaces import VGGShortcuts
from tdgnas.supernet import (
    CompiledEvaluator,
    PopulationEvaluator,
    RacingEvaluator,
    Supernet,
    WeightStep,
    evaluate_one,
    evaluation_set,
    fastest,
    race,
    relaxed_scores,
    second_order_gradients,
)

each_policy = pytest.mark.parametrize("policy", ["batch", "running", "recalibrated"])


@pytest.fixture
def where(noise):
    """Eight batches of 4 images of the two cells, BatchNorm by the batch."""
    return evaluation_set(noise(32, 1), batch_size=4)


@each_policy
def test_one_compilation_serves_all_architectures(cells, noise, populations, policy) -> None:
    where = evaluation_set(
        noise(12, 1), batch_size=6, policy=policy, calibration=noise(8, 2), calibration_size=8
    )
    compiled = []

    def backend(graph, _):
        compiled.append(graph)
        return graph.forward

    evaluator = CompiledEvaluator(cells, where, backend=backend)
    architectures = populations(cells.space, "random") + populations(cells.space, "duplicates", 3)
    found = evaluator.scores(architectures)
    expected = [evaluate_one(cells, where, each) for each in architectures]
    assert [score.measures for score in found] == [score.measures for score in expected]
    assert [score.loss for score in found] == pytest.approx([score.loss for score in expected], rel=1e-5)
    assert len(compiled) == (2 if policy == "recalibrated" else 1)
    distinct = len(set(architectures))
    space = cells.space
    graph = space.graph
    dense = sum(graph.profile.macs[op.name] for node in graph.nodes for op in node.ops)
    assert evaluator.counters.macs_executed == where.passes * distinct * dense
    assert evaluator.counters.passes == where.passes * distinct
    shared = PopulationEvaluator(cells, where)
    shared.scores(architectures)
    assert evaluator.counters.requests == shared.counters.requests
    assert evaluator.counters.macs_requested == shared.counters.macs_requested


def test_a_race_is_exact_for_those_who_stay_and_ranks_the_others_behind(cells, where, populations) -> None:
    architectures = list(dict.fromkeys(populations(cells.space, "random", 24)))
    exact = PopulationEvaluator(cells, where).scores(architectures)
    evaluator = PopulationEvaluator(cells, where)
    result = race(evaluator, [*architectures, architectures[0]], keep=0.5)
    assert result.scores[-1] == result.scores[0]
    assert sorted(set(result.batches)) == [1, 2, 4, 8]
    # Ever the better half goes on: counted by hand for the number of distinct architectures.
    left = [len(architectures)]
    for _ in range(3):
        left.append(math.ceil(left[-1] / 2))
    assert [sum(each >= rung for each in result.batches[:-1]) for rung in (1, 2, 4, 8)] == left
    assert evaluator.counters.passes == 4 * (left[0] + left[1] + 2 * left[2] + 4 * left[3])
    stayed = [n for n, each in enumerate(result.batches[:-1]) if each == 8]
    assert all(result.scores[n].loss == pytest.approx(exact[n].loss, rel=1e-12) for n in stayed)
    assert all(result.scores[n].measures == exact[n].measures for n in stayed)
    seen = list(zip((score.loss for score in result.scores), result.batches, strict=True))
    by_rung = [[loss for loss, batches in seen if batches == rung] for rung in (8, 4, 2, 1)]
    assert all(max(better) <= min(worse) for better, worse in pairwise(by_rung))
    # Who dropped out first was among the worse half on the first batch.
    losses = PopulationEvaluator(cells, where).sums(architectures, [0])[0][:, 0]
    out = [n for n, each in enumerate(result.batches[:-1]) if each == 1]
    assert min(losses[out]) >= np.sort(losses)[left[1] - 1]


def test_racing_evaluator(cells, where, populations) -> None:
    architectures = populations(cells.space, "random", 12)
    evaluator = RacingEvaluator(cells, where, keep=0.5, first=2, cache_bytes=0)
    scores = evaluator.scores(architectures)
    assert scores == RacingEvaluator(cells, where, first=2).scores(architectures)
    assert all(0 <= score.measures["accuracy"] <= 1 for score in scores)
    full = PopulationEvaluator(cells, where)
    full.scores(architectures)
    assert evaluator.counters.passes < full.counters.passes
    for settings, message in [
        ({"keep": 1.0}, "keep is 1.0"),
        ({"first": 9}, "first is 9; the first rung takes 1 to 8"),
    ]:
        with pytest.raises(ValueError, match=message):
            RacingEvaluator(cells, where, **settings)


def test_a_network_that_diverges_loses_the_race_alone(cells, where, populations, monkeypatch) -> None:
    architectures = list(dict.fromkeys(populations(cells.space, "random", 6)))
    evaluator = PopulationEvaluator(cells, where)
    exact = evaluator.sums

    def broken(chosen, batches=None):
        sums = exact(chosen, batches)
        sums[0, [each == architectures[2] for each in chosen]] = np.nan
        return sums

    monkeypatch.setattr(evaluator, "sums", broken)
    result = race(evaluator, architectures)
    assert result.scores[2].loss == math.inf
    assert result.batches[2] == 1
    worse = [score.loss for n, score in enumerate(result.scores) if result.batches[n] == 1]
    assert all(not math.isnan(loss) for loss in worse)


@each_policy
@pytest.mark.parametrize("rows", [None, 1, 2, 16])
def test_relaxed_networks_in_one_pass(cells, noise, policy, rows) -> None:
    where = evaluation_set(
        noise(12, 1), batch_size=6, policy=policy, calibration=noise(8, 2), calibration_size=8
    )
    genes = torch.randn(5, cells.space.length, generator=torch.Generator().manual_seed(3))
    expected = [evaluate_one(cells, where, row) for row in genes]
    found = relaxed_scores(cells, where, genes, rows=rows)
    assert [score.measures for score in found] == [score.measures for score in expected]
    assert [score.loss for score in found] == pytest.approx([score.loss for score in expected], rel=1e-5)
    assert relaxed_scores(cells, where, genes[:0]) == []


def test_the_fastest_way_is_measured_and_can_be_written_down(cells, where, populations) -> None:
    architectures = populations(cells.space, "random")
    choice = fastest(cells, where, architectures, repeats=1)
    assert set(choice.seconds) == {"depth-first", "folded 4", "folded 16", "folded by size"}
    assert all(0 < seconds < math.inf for seconds in choice.seconds.values())
    found = PopulationEvaluator(cells, where, **choice.options).scores(architectures)
    expected = [evaluate_one(cells, where, each).loss for each in architectures]
    assert [score.loss for score in found] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="at least one architecture"):
        fastest(cells, where, [])


@pytest.mark.parametrize("rows", [None, 3])
@pytest.mark.parametrize("momentum", [False, True])
def test_second_order_gradients_equal_one_alpha_after_another(cells, noise, rows, momentum) -> None:
    supernet = cells.double()
    train, valid = ((data.images.double(), data.labels) for data in (noise(8, 1), noise(8, 2)))
    genes = torch.randn(
        4, supernet.space.length, dtype=torch.float64, generator=torch.Generator().manual_seed(3)
    )
    optimiser = (
        torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9, weight_decay=0.01) if momentum else None
    )
    if optimiser is not None:
        torch.nn.functional.cross_entropy(supernet(train[0]), train[1]).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    def one(row: torch.Tensor, **settings) -> torch.Tensor:
        return supernet.bilevel_gradient(row.clone().requires_grad_(), train, valid, **settings)

    expected = torch.stack([one(row, xi=0.1, optimiser=optimiser) for row in genes])
    version = supernet.version
    found = supernet.bilevel_gradients(genes, train, valid, xi=0.1, rows=rows, optimiser=optimiser)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    assert supernet.version == version
    first = torch.stack([one(row) for row in genes])
    assert (found - first).norm() > 0.01 * first.norm()  # a second-order step that is secretly first order
    with pytest.raises(ValueError, match="momentum buffers"):
        second_order_gradients(supernet, supernet._loss, genes, train, valid, WeightStep(0.1, buffers=[None]))


def test_alpha_gradients_of_second_order_leave_the_weights_and_the_cache_alone(digits: Splits) -> None:
    supernet = Supernet(VGGShortcuts(width=1 / 32), digits, seed=1, device="cpu")
    genes = np.random.default_rng(1).normal(size=(2, supernet.space.length))
    version = supernet.version
    first, second = (supernet.alpha_gradients(genes, 3, batch_size=8, xi=xi) for xi in (0.0, 0.1))
    assert supernet.version == version
    assert first.shape == second.shape == genes.shape
    assert np.abs(first - second).max() > 1e-6
    assert (supernet.alpha_gradients(genes, 3, batch_size=8, xi=0.1) == second).all()
