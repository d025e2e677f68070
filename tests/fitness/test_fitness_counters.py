"""What a fitness counts, generation by generation, and the evaluators that it can be given."""

from __future__ import annotations

import random
from functools import partial

import pytest
from deap import base

import tdgnas
from tdgnas import operators
from tdgnas.data import Splits
from tdgnas.fitness import SupernetFitness
from tdgnas.spaces import VGGShortcuts
from tdgnas.strategies import TDGA
from tdgnas.supernet import PopulationEvaluator, RacingEvaluator, Supernet, WeightTraining


def test_requests_count_everybody_and_work_only_what_is_new(tiny_supernet: Supernet, digits: Splits) -> None:
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=24, batch_size=12)
    space = tiny_supernet.space
    first, second = (space.encode(space.sample(random.Random(seed))) for seed in (1, 2))
    alone = [len(space.graph.steps(space.decode(each).choices)) - 1 for each in (first, second)]
    fitness.batch([first, second, first])
    cost = fitness.cost()
    assert cost["requests"] == 2 * (2 * alone[0] + alone[1])
    assert 0 < cost["evaluations"] < 2 * sum(alone)
    assert cost["macs_requested"] == 24 * (
        2 * space.macs(space.decode(first)) + space.macs(space.decode(second))
    )
    assert cost["macs_saved"] == cost["macs_requested"] - cost["macs_executed"] > 0
    fitness.batch([second])
    cost = fitness.cost()
    assert (cost["requests"], cost["evaluations"], cost["macs_executed"]) == (2 * alone[1], 0, 0)
    assert fitness.counters.requests == 2 * (2 * alone[0] + 2 * alone[1])
    assert fitness.budget.requests == 4
    assert (fitness.budget.evaluations, fitness.budget.passes) == (2, 48)


@pytest.mark.parametrize("decorated", [False, True])
def test_evolve_shows_the_cost_of_each_generation(tiny_supernet: Supernet, digits: Splits, decorated) -> None:
    random.seed(3)
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=16)
    toolbox = base.Toolbox()
    toolbox.register("map", tdgnas.batch_map)
    toolbox.register("evaluate", fitness)
    if decorated:
        toolbox.decorate("evaluate", lambda function: partial(function))
    toolbox.register("mate", operators.cxLayerOrder)
    toolbox.register("mutate", operators.mutFlipGate, indpb=0.05)
    toolbox.register("select", operators.selThermodynamic, temperature=0.01)
    costs = [g.cost for g in tdgnas.evolve(TDGA(tiny_supernet.population(4), toolbox), toolbox, 3)]
    assert len(costs) == 4
    assert sum(cost["requests"] for cost in costs) == fitness.counters.requests
    assert all(cost["macs_executed"] < cost["macs_requested"] for cost in costs)
    assert fitness.counters.cache_hits > 0


def test_other_evaluators(tiny_supernet: Supernet, digits: Splits) -> None:
    genes = [tiny_supernet.space.encode(tiny_supernet.space.sample(random.Random(seed))) for seed in range(4)]
    settings = {"size": 24, "batch_size": 8}
    plain = SupernetFitness(tiny_supernet, digits.valid, **settings)
    folded = SupernetFitness(
        tiny_supernet, digits.valid, evaluator=partial(PopulationEvaluator, order="folded"), **settings
    )
    racing = SupernetFitness(tiny_supernet, digits.valid, evaluator=RacingEvaluator, **settings)
    expected = [value for (value,) in plain.batch(genes)]
    assert plain.budget.passes == 4 * 24
    assert [value for (value,) in folded.batch(genes)] == pytest.approx(expected, rel=1e-5)
    before = racing.budget.passes
    raced = [value for (value,) in racing.batch(genes)]
    best = raced.index(min(raced))
    assert raced[best] == pytest.approx(expected[best])
    assert racing.budget.passes - before < 4 * 24


def test_a_search_reports_evaluation_passes_and_gradient_passes(
    tiny_supernet: Supernet, digits: Splits
) -> None:
    """Four individuals with five local steps: both are on the one ledger."""
    random.seed(3)
    fitness = SupernetFitness(tiny_supernet, digits.valid, size=16)
    toolbox = base.Toolbox()
    toolbox.register("map", tdgnas.batch_map)
    toolbox.register("evaluate", fitness)
    toolbox.register("mate", operators.cxLayerOrder)
    toolbox.register("mutate", operators.mutFlipGate, indpb=0.05)
    toolbox.register("select", operators.selThermodynamic, temperature=0.01)
    toolbox.register("local_search", operators.lsDARTS, supernet=tiny_supernet, lr=0.05, steps=5)
    toolbox.register("train", WeightTraining(tiny_supernet, steps=2, batch_size=8))
    before = tiny_supernet.budget.state_dict()
    list(tdgnas.evolve(TDGA(tiny_supernet.population(4), toolbox), toolbox, 1))
    spent = {
        cause: passes - before["by_cause"].get(cause, 0)
        for cause, passes in tiny_supernet.budget.by_cause.items()
    }
    batch = min(64, len(digits.valid))
    assert spent["gradients"] == 5 * 4 * 3 * batch
    assert spent["weights"] == 2 * 3 * 8
    assert spent["evaluation"] == 16 * (fitness.budget.evaluations - before["evaluations"])
    assert fitness.budget is tiny_supernet.budget
    assert fitness.budget.passes - before["passes"] == sum(spent.values())


def test_pretraining_pays_into_the_ledger_and_a_restart_keeps_it(digits: Splits) -> None:
    first, second = (Supernet(VGGShortcuts(width=1 / 32), digits, device="cpu") for _ in range(2))
    pretraining = first.pretraining(1, batch_size=32)
    record = next(pretraining)
    assert first.budget.by_cause == {"pretraining": record.passes}
    resumed = second.pretraining(1, batch_size=32)
    resumed.load_state_dict(pretraining.state_dict())
    assert second.budget == first.budget
    second.budget.count(passes=1, cause="weights")
    assert second.budget != first.budget
