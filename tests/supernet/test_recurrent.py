"""Recurrent cells on shared weights: populations against one by one, states of readings, gradients."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest
import torch

from tdgnas.data import Splits, TokenData
from tdgnas.fitness import SupernetFitness
from tdgnas.spaces import DartsRnn, EnasRnn, PairSpace
from tdgnas.supernet import (
    RecurrentEvaluator,
    Supernet,
    WeightStep,
    evaluate_one,
    evaluation_set,
    relaxed_scores,
)

WORDS = 11


def text(tokens: int = 200, segment: int = 6) -> Splits:
    """Random tokens in three parts."""
    generator = torch.Generator().manual_seed(0)
    parts = [TokenData(torch.randint(WORDS, (tokens,), generator=generator), segment) for _ in range(3)]
    return Splits("noise", *parts, classes=tuple(map(str, range(WORDS))), mean=(), std=())


def made(kind: type[PairSpace] = DartsRnn, **settings: Any) -> Supernet:
    """A supernet whose weights are large enough that cells differ."""
    space = kind(**{"nodes": 4, "size": 6, "classes": WORDS, **settings})
    supernet = Supernet(space, text(), seed=1, device="cpu")
    with torch.no_grad():
        for parameter in supernet.parameters():
            parameter.mul_(25)
    return supernet


@pytest.mark.parametrize("kind", [DartsRnn, EnasRnn])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("policy", ["batch", "running"])
def test_a_population_is_scored_as_one_by_one(kind: type[PairSpace], norm: bool, policy: Any) -> None:
    # In double precision: over so many tokens rounding grows, with BatchNorm of few streams most of all.
    supernet, rng = made(kind, norm=norm).double(), random.Random(0)
    assert supernet.data is not None
    where = evaluation_set(supernet.data.valid, size=20, batch_size=4, policy=policy)
    population = [supernet.space.sample(rng) for _ in range(9)]
    evaluator = RecurrentEvaluator(supernet, where, chunk=5)
    together = evaluator.scores([*population, population[0]])
    alone = [evaluate_one(supernet, where, each) for each in [*population, population[0]]]
    assert [each.loss for each in together] == pytest.approx([each.loss for each in alone], rel=1e-9)
    assert len({round(each.loss, 6) for each in alone}) > 7
    assert evaluator.counters.macs_executed < evaluator.counters.macs_requested


def test_rows_of_relaxed_networks_and_certain_ones_agree() -> None:
    supernet, rng = made().double(), random.Random(0)
    assert supernet.data is not None
    where = evaluation_set(supernet.data.valid, size=20, batch_size=4)
    population = [supernet.space.sample(rng) for _ in range(3)]
    genes = torch.tensor([supernet.space.encode(each, 60.0) for each in population]).double()
    relaxed = [score.loss for score in relaxed_scores(supernet, where, genes, rows=2)]
    assert relaxed == pytest.approx(
        [evaluate_one(supernet, where, each).loss for each in population], abs=1e-9
    )


def test_every_reading_has_a_state_of_its_own() -> None:
    """What one network leaves at the end of a segment is not what another one begins the next with."""
    supernet, rng = made(), random.Random(0)
    assert supernet.data is not None
    where = evaluation_set(supernet.data.valid, size=20, batch_size=2)
    one, two = (supernet.space.sample(rng) for _ in range(2))
    before = evaluate_one(supernet, where, one)
    evaluate_one(supernet, where, two)
    assert evaluate_one(supernet, where, one) == before
    train = supernet.data.train
    (first, _), (second, _), *_ = train.feed(train.order(4, 0))
    with torch.no_grad(), supernet.frozen():
        supernet.discrete(first, one)
        after = supernet.discrete(second, one)
        assert torch.equal(supernet.discrete(second, one), after), "the same segment begins twice the same"
        supernet.discrete(first, two)
        assert not torch.equal(supernet.discrete(second, one), after)


def test_the_fitness_takes_perplexity_and_counts_tokens() -> None:
    supernet = made()
    assert supernet.data is not None
    fitness = SupernetFitness(supernet, supernet.data.valid, size=20, batch_size=4, measure="perplexity")
    individual = supernet.population(1, rng=random.Random(0))[0]
    (perplexity,) = fitness(individual)
    score = evaluate_one(supernet, fitness.where, fitness.decode(individual))
    assert perplexity == pytest.approx(torch.tensor(score.loss).exp().item(), rel=1e-4)
    assert supernet.budget.passes == fitness.where.images == 120
    sent = pickle.loads(pickle.dumps(fitness))  # as to the workers of a map
    assert sent(individual) == (perplexity,)


def test_pretraining_goes_on_bit_for_bit() -> None:
    def trained(stop: int | None) -> tuple[Supernet, Any]:
        supernet = Supernet(DartsRnn(nodes=2, size=4, classes=WORDS), text(), seed=1, device="cpu")
        training = supernet.pretraining(3, batch_size=5, lr=1.0, clip=0.25, momentum=0.0, seed=2)
        for _ in range(stop or 3):
            next(training)
        return supernet, training

    whole, _ = trained(None)
    half, training = trained(1)
    state, weights = training.state_dict(), {k: v.clone() for k, v in half.state_dict().items()}
    again, other = trained(2)
    again.load_state_dict(weights)
    other.load_state_dict(state)
    list(other)
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_pretraining_carries_a_state_for_each_of_its_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    supernet, seen = Supernet(DartsRnn(nodes=2, size=4, classes=WORDS), text(), seed=1, device="cpu"), []
    assert supernet.frame is not None
    run = supernet.frame.run

    def noted(cell: Any, tokens: Any, rows: int = 1, state: torch.Tensor | None = None) -> torch.Tensor:
        seen.append((supernet.frame.training, id(tokens.carry), tokens.place, state))
        return run(cell, tokens, rows, state)

    monkeypatch.setattr(supernet.frame, "run", noted)
    next(supernet.pretraining(1, batch_size=8, lr=1.0, clip=0.25, momentum=0.0, hold=0))
    kept = {learns: [each[1:] for each in seen if each[0] is learns] for learns in (True, False)}
    for steps in kept.values():
        assert len({carry for carry, *_ in steps}) == 1
        assert [place for _, place, _ in steps][:4] == [0, 1, 2, 3]
        assert [state is None for *_, state in steps][:4] == [True, False, False, False]
    assert kept[True][0][0] != kept[False][0][0]
    assert not torch.equal(kept[True][1][2], kept[False][1][2])


def test_recalibrated_statistics_are_refused() -> None:
    supernet = made()
    assert supernet.data is not None
    with pytest.raises(ValueError, match="'batch' or 'running'"):
        SupernetFitness(
            supernet, supernet.data.valid, batchnorm="recalibrated", calibration=supernet.data.train
        )


def test_the_relaxed_cell_of_DARTS_is_its_equations_and_keeps_what_is_strongest() -> None:
    """Liu, Simonyan, Yang 2018, as in their released search: all predecessors mixed, BatchNorm of s0 and each node."""
    supernet = made().double()
    space, generator = supernet.space, torch.Generator().manual_seed(0)
    assert isinstance(space, DartsRnn)
    token, h = torch.randn(2, 5, 6, generator=generator).double()
    genes = torch.randn(space.length, generator=generator).double()
    weights = dict(supernet.named_parameters())

    def norm(value: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.batch_norm(value, None, None, training=True)

    c, g = (torch.cat([token, h], 1) @ weights["ops.w0.linear.weight"].t()).chunk(2, 1)
    states, chosen, start = [norm(h + torch.sigmoid(c) * (torch.tanh(g) - h))], [], 0
    for node in range(1, 5):
        table = torch.softmax(genes[start : start + 4 * node], 0)
        total = torch.zeros(5, 6).double()
        for source, state in enumerate(states):
            c, g = (state @ weights[f"ops.w{node}.linear.weight"].t()).chunk(2, 1)
            values = (torch.tanh(g), torch.relu(g), torch.sigmoid(g), g)
            for function, value in enumerate(values):
                total += table[4 * source + function] * (state + torch.sigmoid(c) * (value - state))
        best = int(table.argmax())
        chosen.append((("tanh", "relu", "sigmoid", "identity")[best % 4], best // 4))
        states.append(norm(total))
        start += 4 * node
    with supernet.frozen():
        found = space.fused(supernet.ops, torch.cat([token, h], 1), supernet.weights(genes[None]))
    assert found is not None
    assert torch.allclose(found, torch.stack(states[1:]).mean(0), atol=1e-12)
    assert space.pairs(space.decode(genes.tolist()))[1:] == tuple(chosen)


@pytest.mark.parametrize("kind", [DartsRnn, EnasRnn])
@pytest.mark.parametrize("norm", [False, True])
def test_the_fused_relaxed_cell_equals_the_graph_term_by_term(kind: type[PairSpace], norm: bool) -> None:
    supernet = made(kind, norm=norm).double()
    space, generator = supernet.space, torch.Generator().manual_seed(0)
    value = torch.randn(3 * 4, 12, generator=generator).double()
    weights = supernet.weights(torch.randn(3, space.length, generator=generator).double())
    with supernet.frozen():
        terms = supernet.by_weights(value, weights, 4).flatten(0, 1)
        with supernet.batchnorm.grouped(3):
            fused = space.fused(supernet.ops, value, weights)
    assert fused is not None
    assert torch.allclose(fused, terms, atol=1e-12)


def test_the_second_order_looks_along_a_clipped_step() -> None:
    """As the released code of DARTS' cells does: no momentum, the gradient clipped at 0.25 inside."""
    slopes = [torch.full((3,), 2.0), torch.ones(4)]
    norm = torch.cat(slopes).norm()
    clipped = WeightStep(clip=0.25).clipped(slopes)
    assert torch.cat(clipped).norm().item() == pytest.approx(0.25, rel=1e-4)
    assert torch.allclose(clipped[0], slopes[0] * 0.25 / norm, rtol=1e-4)
    small = WeightStep(clip=100.0).clipped(slopes)
    assert all(torch.equal(*pair) for pair in zip(small, slopes, strict=True))
    # A long look ahead explodes without it: the gradient is then that of other weights.
    supernet = made().double()
    assert supernet.data is not None
    train, valid = (part.batch(slice(0, 4)) for part in (supernet.data.train, supernet.data.valid))
    alpha = supernet.alpha.clone().requires_grad_()
    near, far = (supernet.bilevel_gradient(alpha, train, valid, xi=xi) for xi in (1e-6, 1.0))
    assert torch.isfinite(far).all()
    assert not torch.allclose(near, far)
