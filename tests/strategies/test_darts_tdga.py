"""DARTS + TDGA as a strategy: the same search as the toolbox written out by hand."""

from __future__ import annotations

import random

import pytest
from deap import base

import tdgnas
from tdgnas.decision import Decisions
from tdgnas.individual import AccuracyFitness, Individual, LossFitness
from tdgnas.operators import OPERATORS, Feedback, Geometric, LogDetEntropy, ShannonEntropy, initBernoulli
from tdgnas.seeding import seed_everything
from tdgnas.strategies import TDGA, Temperature, Variation, create, options

NGEN = 12


def written_out(problem, seed, weights, train=None):
    """The search as a toolbox, drawing from Python's global generator."""
    decisions = Decisions.of(problem.decisions)
    seed_everything(seed)
    population = [initBernoulli(Individual, weights, 1.0, decisions.slices) for _ in range(10)]
    toolbox = base.Toolbox()
    toolbox.register("map", tdgnas.batch_map)
    toolbox.register("evaluate", problem)
    toolbox.register("mate", OPERATORS.get("uniform"), indpb=0.5)
    toolbox.register("mutate", OPERATORS.get("gaussian"), mu=0.0, sigma=0.2, indpb=0.2)
    toolbox.register(
        "select",
        OPERATORS.get("thermodynamic"),
        temperature=Geometric(0.1, 1e-4, ngen=NGEN),
        entropy=ShannonEntropy(decisions.loci),
    )
    toolbox.register("local_search", OPERATORS.get("darts"), supernet=problem, lr=0.05)
    if train is not None:
        toolbox.register("train", train)
    strategy = TDGA(population, toolbox, cxpb=0.8, mutpb=0.2, loci=decisions.loci)
    return strategy, tdgnas.evolve(strategy, toolbox, NGEN, loci=decisions.loci)


def by_name(problem, seed, weights, **settings):
    settings = {"temperature.ngen": NGEN, "weights": weights, "source": problem} | settings
    strategy = create("darts-tdga", problem.decisions, seed=seed, **settings)
    strategy.toolbox.register("evaluate", problem)
    return strategy, tdgnas.evolve(strategy, strategy.toolbox, NGEN, loci=strategy.decisions.loci)


def outcome(strategy, evolution):
    records = [{k: v for k, v in one.record.items() if k != "seconds"} for one in evolution]
    return records, [list(one) for one in strategy.population], [one.origin for one in strategy.population]


@pytest.mark.parametrize("space", ["mixed", "binary", "K-way"])
@pytest.mark.parametrize("seed", [0, 3])
def test_it_is_the_toolbox_written_out_bit_for_bit(space, seed, searches):
    one, other = searches.problem(space), searches.problem(space)
    decisions = Decisions.of(one.decisions)
    rng = random.Random(seed)
    weights = [0.0] * decisions.length
    for where, size in zip(decisions.slices, decisions.sizes, strict=True):
        share = [rng.random() for _ in range(where.stop - where.start)]
        weights[where] = share if len(share) == 1 else [value / sum(share) for value in share]
        assert size in (2, len(share))
    by_hand = outcome(*written_out(one, seed, weights))
    random.seed(99)
    before = random.getstate()
    assert outcome(*by_name(other, seed, weights)) == by_hand
    assert one.evaluated == other.evaluated
    assert random.getstate() == before


def test_alternate_training_is_the_toolbox_written_out_as_well(searches):
    calls = []

    def train(population):
        calls.append(len(population))

    one, other = searches.problem("binary"), searches.problem("binary")
    weights = [0.3] * 6
    by_hand = outcome(*written_out(one, 1, weights, train=train))
    strategy, evolution = by_name(other, 1, weights, alternate=True, train=train)
    assert outcome(strategy, evolution) == by_hand
    assert calls == [10] * 2 * NGEN
    assert strategy.recommendation() in strategy.population


def test_every_part_can_be_set(searches):
    problem = searches.problem()
    strategy, _ = by_name(
        problem,
        0,
        None,
        variation=Variation(mate="decision", mutate="choice", indpb_mutate=0.5, scale=2.0),
        selection={"operator": "boltzmann", "elite": 3},
        gradient={"steps": 0},
        fitness=AccuracyFitness,
    )
    toolbox = strategy.toolbox
    assert not hasattr(toolbox, "local_search")
    assert toolbox.mutate.keywords["indpb"] == 0.5
    assert toolbox.mutate.keywords["slices"] == strategy.decisions.slices
    assert toolbox.select.func is OPERATORS.get("boltzmann")
    assert strategy.elite == 3
    assert {abs(gene) for one in strategy.population for gene in one} == {2.0}
    assert type(strategy.population[0].fitness) is AccuracyFitness
    warm = by_name(problem, 0, None, temperature=Temperature(schedule="feedback", start=1.0, target=2.0))[0]
    assert isinstance(warm.toolbox.select.keywords["temperature"], Feedback)
    wide = by_name(problem, 0, None, selection={"entropy": "logdet"})[0]
    assert isinstance(wide.toolbox.select.keywords["entropy"], LogDetEntropy)


def test_gradients_that_are_missing_are_named(searches):
    with pytest.raises(ValueError, match=r"no source of gradients.*gradient\.steps=0"):
        create("darts-tdga", searches.problem().decisions, seed=0)
    assert create("darts-tdga", searches.problem().decisions, seed=0, **{"gradient.steps": 0}).population


def test_settings_are_listed_with_type_range_default_and_meaning():
    listed = {option.key: option for option in options("darts-tdga")}
    assert listed["population"][1:4] == ("integer", ">= 1", 10)
    assert listed["temperature.start"][1:4] == ("number", ">= 0", 0.1)
    assert listed["selection.entropy"].range == "shannon, distance, variance, logdet"
    assert listed["variation.indpb_mutate"][1:3] == ("number or none", ">= 0 and <= 1")
    assert not {"source", "weights", "train", "rng", "fitness"} & set(listed)
    assert all(option.meaning for option in listed.values())
    assert {option.key: option.default for option in options("tdga")}["variation.mate"] == "decision"
    assert LossFitness.weights == (-1.0,)
