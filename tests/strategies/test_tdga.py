"""TDGA as a strategy: one generation by hand, seeds, elite, state, lineage."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from deap import algorithms, base, cma, creator, tools

from tdgnas import Individual, batch_map, evolve, operators
from tdgnas.algorithms import eaTDGA
from tdgnas.decision import Decision
from tdgnas.strategies import TDGA, create


def ones(individual) -> tuple[float]:
    return (float(sum(gene <= 0 for gene in individual)),)


def make_toolbox(**select) -> base.Toolbox:
    toolbox = base.Toolbox()
    toolbox.register("map", batch_map)
    toolbox.register("evaluate", ones)
    toolbox.register("mate", tools.cxUniform, indpb=0.5)
    toolbox.register("mutate", operators.mutFlipGate, indpb=0.1)
    toolbox.register("select", operators.selThermodynamic, **({"temperature": 0.5} | select))
    return toolbox


def population(n: int = 8, length: int = 12, seed: int = 0) -> list[Individual]:
    rng = random.Random(seed)
    return [Individual([rng.choice([-1.0, 1.0]) for _ in range(length)]) for _ in range(n)]


def run(seed: int, **select) -> tuple[list[list[float]], list[dict]]:
    random.seed(seed)
    final, logbook = eaTDGA(population(), make_toolbox(**select), 0.8, 0.2, 10)
    return [list(each) for each in final], [{k: v for k, v in r.items() if k != "seconds"} for r in logbook]


def test_one_seed_is_one_run_bit_for_bit_and_another_is_another() -> None:
    assert run(1) == run(1)
    assert run(1) != run(2)


def test_the_pool_is_elite_parents_and_offspring_and_parents_are_mutated_too() -> None:
    toolbox = make_toolbox()
    strategy = TDGA(population(), toolbox, cxpb=1.0, mutpb=1.0, elite=2, rng=random.Random(1))
    random.seed(4)
    first = strategy.generate()
    assert len(first) == 8
    for each in first:
        each.fitness.values = ones(each)
    strategy.update(first)
    before = sorted(ones(each) for each in strategy.population)
    pool = strategy.generate()
    assert len(pool) == 2 + 8 + 8
    assert [each.fitness.valid for each in pool] == [True] * 2 + [False] * 16
    assert [ones(each) for each in pool[:2]] == before[:2]
    assert len({id(each) for each in pool}) == 18


def test_the_best_never_gets_worse_while_an_elite_is_kept_at_any_temperature() -> None:
    for temperature in (0.0, 0.5, 100.0):
        random.seed(3)
        _, logbook = eaTDGA(population(), make_toolbox(temperature=temperature), 0.9, 0.9, 15)
        best = logbook.select("best")
        assert all(later <= earlier for earlier, later in pairwise(best))


def test_the_elite_are_the_best_also_where_training_makes_every_fitness_stale() -> None:
    """They were the first of the population, whatever they were worth."""
    toolbox = make_toolbox()
    trained: list[int] = []
    toolbox.register("train", lambda everybody: trained.append(len(everybody)))
    strategy = TDGA(population(), toolbox, elite=3)
    first = strategy.generate()
    for each in first:
        each.fitness.values = ones(each)
    expected = [list(each) for each in sorted(first, key=lambda each: each.fitness, reverse=True)[:3]]
    assert expected != [list(each) for each in first[:3]]
    strategy.update(first)
    pool = strategy.generate()
    assert trained == [8]
    assert [list(each) for each in pool[:3]] == expected
    assert not any(each.fitness.valid for each in pool)


def test_an_object_that_is_twice_in_the_first_population_becomes_two() -> None:
    one, other = population(2)
    strategy = TDGA([one, other, one], make_toolbox())
    assert strategy.population[:2] == [one, other]
    assert strategy.population[0] is one
    assert strategy.population[2] is not one
    assert list(strategy.population[2]) == list(one)
    assert [each.origin["id"] for each in strategy.population] == [0, 1, 2]


def test_heat_keeps_the_population_diverse() -> None:
    def last_entropy(temperature: float) -> float:
        random.seed(5)
        return eaTDGA(population(), make_toolbox(temperature=temperature), 0.8, 0.2, 20)[1][-1]["entropy"]

    assert last_entropy(0.0) < 1.0
    assert last_entropy(5.0) > 5.0


def test_a_schedule_is_asked_by_generation_from_one_to_the_last() -> None:
    _, logbook = eaTDGA(
        population(), make_toolbox(temperature=operators.Geometric(1.0, 1e-2, ngen=4)), 0.8, 0.2, 4
    )
    assert logbook.select("temperature")[1:] == pytest.approx([10**-0.5, 10**-1, 10**-1.5, 1e-2])
    assert logbook.select("temperature")[0] is None


def test_feedback_steers_the_entropy_to_its_target() -> None:
    random.seed(2)
    feedback = operators.Feedback(0.01, target=4.0, gain=0.3)
    _, logbook = eaTDGA(population(16), make_toolbox(temperature=feedback), 0.8, 0.3, 60)
    entropies = logbook.select("entropy")[-20:]
    assert sum(entropies) / 20 == pytest.approx(4.0, abs=1.0)


def test_stock_selections_algorithms_creator_individuals_and_halls_of_fame_mix_with_ours() -> None:
    creator.create("TDGAListFitness", base.Fitness, weights=(-1.0,))
    creator.create("TDGAListIndividual", list, fitness=creator.TDGAListFitness)
    random.seed(1)
    lists = [creator.TDGAListIndividual(each) for each in population()]
    toolbox = make_toolbox()
    toolbox.register("select", tools.selTournament, tournsize=3)
    hall = tools.HallOfFame(2)
    stats = tools.Statistics(lambda each: each.fitness.values)
    stats.register("min", min)
    final, logbook = eaTDGA(lists, toolbox, 0.8, 0.2, 5, stats=stats, halloffame=hall)
    assert final is lists
    assert isinstance(final[0], creator.TDGAListIndividual)
    assert hall[0].fitness.values[0] == min(logbook.select("best"))
    assert "min" in logbook.header
    random.seed(1)
    final, _ = algorithms.eaSimple(population(), make_toolbox(), 0.8, 0.2, 5, verbose=False)
    assert len(final) == 8
    random.seed(1)
    algorithms.eaMuPlusLambda(population(), make_toolbox(), 8, 16, 0.5, 0.3, 5, verbose=False)


def test_eaGenerateUpdate_runs_it() -> None:
    random.seed(1)
    toolbox = make_toolbox()
    strategy = TDGA(population(), toolbox, cxpb=0.8, mutpb=0.2)
    toolbox.register("generate", strategy.generate)
    toolbox.register("update", strategy.update)
    algorithms.eaGenerateUpdate(toolbox, ngen=10, verbose=False)
    assert strategy.generation == 10
    assert strategy.best.fitness.values[0] <= min(ones(each)[0] for each in population())


def test_it_goes_on_from_its_state_bit_for_bit() -> None:
    def begin() -> tuple[TDGA, random.Random]:
        rng = random.Random(1)
        return TDGA(population(), make_toolbox(), cxpb=0.8, mutpb=0.2, rng=rng), rng

    def advance(strategy: TDGA, times: int) -> None:
        for _ in evolve(strategy, strategy.toolbox, times - 1):
            pass

    random.seed(8)
    strategy, rng = begin()
    advance(strategy, 4)
    state, draws = strategy.state_dict(), (rng.getstate(), random.getstate())
    for _ in range(3):
        pool = strategy.generate()
        for each in pool:
            each.fitness.values = ones(each)
        strategy.update(pool)
    expected = strategy.state_dict()
    resumed, resumed_rng = begin()
    resumed.load_state_dict(state)
    resumed_rng.setstate(draws[0])
    random.setstate(draws[1])
    for _ in range(3):
        pool = resumed.generate()
        for each in pool:
            each.fitness.values = ones(each)
        resumed.update(pool)
    assert resumed.state_dict() == expected


def test_origins_lead_back_to_the_first_population() -> None:
    toolbox = make_toolbox()
    strategy = TDGA(population(), toolbox, cxpb=0.8, mutpb=0.5)
    born = {}
    for generation in evolve(strategy, toolbox, 6):
        for each in generation.evaluated:
            born.setdefault(each.origin["id"], each.origin)
    assert {tuple(origin["operators"]) for origin in born.values()} >= {("init",), ("mate",), ("mutate",)}
    for number, origin in born.items():
        assert all(parent < number for parent in origin["parents"])
        assert origin["parents"] or origin["operators"] == ["init"]


def test_missing_parts_and_impossible_rates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"cxpb: .*less than or equal to 1 \(given: 1\.5"):
        TDGA(population(), make_toolbox(), cxpb=1.5)
    with pytest.raises(ValueError, match="population is empty"):
        TDGA([], make_toolbox())
    with pytest.raises(ValueError, match="elite is 9"):
        TDGA(population(), make_toolbox(), elite=9)
    toolbox = make_toolbox()
    toolbox.unregister("mutate")
    with pytest.raises(ValueError, match="lacks 'mutate'"):
        TDGA(population(), toolbox)
    with pytest.raises(ValueError, match='lacks "evaluate"'):
        evolve(TDGA(population(), make_toolbox()), base.Toolbox(), 3)
    with pytest.raises(ValueError, match="ngen is -1"):
        evolve(TDGA(population(), make_toolbox()), make_toolbox(), -1)


def test_an_individual_without_fitness_or_with_nan_is_refused_on_update() -> None:
    strategy = TDGA(population(), make_toolbox())
    pool = strategy.generate()
    with pytest.raises(ValueError, match="individual 0 came back with the fitness missing"):
        strategy.update(pool)
    for each in pool:
        each.fitness.values = (1.0,)
    pool[3].fitness.values = (float("nan"),)
    with pytest.raises(ValueError, match="individual 3 came back with the fitness"):
        strategy.update(pool)


def test_an_operator_that_returns_a_new_object_is_taken_at_its_word() -> None:
    """DEAP's algorithms use what operators return; a decorated operator may return another object."""
    toolbox = make_toolbox()
    toolbox.register("mutate", lambda individual: (Individual([5.0] * len(individual)),))
    strategy = TDGA(population(), toolbox, cxpb=0.5, mutpb=1.0)
    *_, last = evolve(strategy, toolbox, 1)
    assert all(set(each) == {5.0} for each in last.evaluated[1:])
    assert all(each.origin["operators"][-1] == "mutate" for each in last.evaluated[1:])


def test_nan_gets_neither_into_a_hall_of_fame_nor_into_a_strategy_of_deaps_own() -> None:
    """The hall was shown what was evaluated before anybody looked at it."""
    toolbox = make_toolbox()
    toolbox.register("evaluate", lambda individual: (float("nan") if individual[0] > 0 else 1.0,))
    hall = tools.HallOfFame(1)
    with pytest.raises(ValueError, match="no NaN into a fitness"):
        next(evolve(TDGA(population(), toolbox), toolbox, 1, halloffame=hall))
    assert len(hall) == 0

    strategy = cma.Strategy([0.0] * 3, 1.0, lambda_=8)
    toolbox.register("generate", strategy.generate, Individual)
    strategy.generate = toolbox.generate
    with pytest.raises(ValueError, match="no NaN into a fitness"):
        next(evolve(strategy, toolbox, 1))
    assert strategy.update_count == 0


def test_the_first_population_can_begin_with_few_gates() -> None:
    gates = [Decision(f"g{n}", ("off", "on"), binary=True) for n in range(200)]
    wide = Decision("wide", ("a", "b", "c"))
    for share, low, high in ((0.1, 0, 45), (0.9, 155, 200)):
        strategy = create("tdga", [*gates, wide], seed=1, population=5, variation={"gates": share})
        chosen = strategy.decisions.table(strategy.generate()).tolist()
        assert all(low < sum(row[:200]) < high for row in chosen)
        assert len({row[200] for row in chosen}) > 1
