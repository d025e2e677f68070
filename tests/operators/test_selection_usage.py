"""selThermodynamic with every kind of individual, energy and temperature, and what it refuses."""

from __future__ import annotations

import array
import itertools
import math
import random
import subprocess
import sys

import numpy as np
import pytest
from deap import algorithms, base, tools

from tdgnas.individual import Individual
from tdgnas.operators import (
    Constant,
    Entropy,
    Feedback,
    Geometric,
    ShannonEntropy,
    VarianceEntropy,
    cxLayerOrder,
    initUniform,
    mutFlipGate,
    selThermodynamic,
)


class Maximum(base.Fitness):
    weights = (1.0,)


class Two(base.Fitness):
    weights = (1.0, -1.0)


class Genome(list):
    def __init__(self, genes, *values, fitness=Maximum):
        super().__init__(genes)
        self.fitness = fitness(values)


def pool_of(genotypes, energies):
    return [Genome(genes, -energy) for genes, energy in zip(genotypes, energies, strict=True)]


def positions(pool, k, **keywords):
    """The picks as positions; fails where a pick is no reference into the pool."""
    where = {id(individual): position for position, individual in enumerate(pool)}
    return [where[id(pick)] for pick in selThermodynamic(pool, k, **keywords)]


class ArrayGenome(np.ndarray):
    pass


def of_type(kind, genes, energy):
    if kind == "array.array":
        return Individual(genes, fitness=Maximum([-energy]))
    if kind == "ndarray":
        individual = np.array(genes).view(ArrayGenome)
    elif kind == "tuple":
        individual = type("TupleGenome", (tuple,), {})(genes)
    else:
        individual = type("IntArray", (array.array,), {})("q", [int(gene > 0) for gene in genes])
    individual.fitness = Maximum([-energy])
    return individual


@pytest.mark.parametrize("kind", ["array.array", "ndarray", "tuple", "array of integers"])
def test_every_type_of_individual(kind):
    rng = random.Random(5)
    genotypes = [[rng.uniform(-1, 1) for _ in range(12)] for _ in range(25)]
    energies = [rng.random() for _ in genotypes]
    gates = [[gene > 0 for gene in genes] for genes in genotypes]
    expected = positions(pool_of(gates, energies), 10, temperature=0.2)
    pool = [of_type(kind, genes, energy) for genes, energy in zip(genotypes, energies, strict=True)]
    assert positions(pool, 10, temperature=0.2) == expected


def test_energy_is_the_minimised_loss_or_what_the_caller_says():
    class Minimum(base.Fitness):
        weights = (-1.0,)

    pool = [Genome([bit], loss, fitness=Minimum) for bit, loss in [(0, 2.0), (1, 1.0), (0, 3.0)]]
    assert positions(pool, 2, temperature=0) == [1, 1]
    assert positions(pool, 2, temperature=0, energy=lambda individual: -individual.fitness.values[0]) == [
        2,
        2,
    ]
    bare = [[0, 1], [1, 1]]
    assert selThermodynamic(bare, 1, energy=sum)[0] is bare[0]


def test_several_objectives_use_the_pareto_rank():
    # maximise the first, minimise the second: fronts {0, 1}, {2}, {3}
    values = [(3.0, 1.0), (1.0, 0.0), (2.0, 2.0), (1.0, 3.0)]
    pool = [Genome([place >> 1, place & 1], *value, fitness=Two) for place, value in enumerate(values)]
    assert positions(pool, 4, temperature=0.0, replacement=False) == [0, 1, 2, 3]
    assert positions(pool, 5, temperature=0.5) == positions(pool_of(pool, [0, 0, 1, 2]), 5, temperature=0.5)


def test_relative_temperature_is_free_of_the_scale_of_energies():
    rng = random.Random(8)
    genotypes = [[rng.randrange(2) for _ in range(8)] for _ in range(20)]
    energies = [rng.random() for _ in genotypes]
    before = positions(pool_of(genotypes, energies), 10, temperature=0.5, relative=True)
    spread = float(np.std(energies))
    assert before == positions(pool_of(genotypes, energies), 10, temperature=0.5 * spread)
    for scale in (2.0**-40, 2.0**30, 2.0**1000):
        scaled = pool_of(genotypes, [energy * scale for energy in energies])
        assert positions(scaled, 10, temperature=0.5, relative=True) == before
    equal = pool_of(genotypes, [7.0] * 20)
    assert positions(equal, 10, relative=True) == positions(equal, 10, temperature=1.0)
    assert len(set(positions(equal, 10, relative=True))) > 1


def test_largest_floats_as_energies_or_temperature():
    worst = sys.float_info.max
    genotypes = [[0, 0, 0], [1, 0, 0], [1, 1, 1]]
    assert positions(pool_of(genotypes, [worst, 0.5, 1.0]), 4, temperature=1.0) == [1, 2, 1, 2]
    assert positions(pool_of(genotypes, [worst, worst, worst]), 2) == [0, 2]
    assert positions(pool_of(genotypes, [worst, -worst, 0.0]), 3, temperature=0) == [1, 1, 1]
    assert positions(pool_of(genotypes, [0.0, 0.5, 1.0]), 2, temperature=1e308) == [0, 2]


def test_a_schedule_with_its_generation_is_its_temperature():
    pool = pool_of([[0, 0], [1, 0], [1, 1], [0, 1]], [0.0, 0.1, 0.2, 0.4])
    schedule = Geometric(1.0, 1e-3, ngen=10)
    by_value = [positions(pool, 6, temperature=schedule(generation)) for generation in (0, 5, 10)]
    assert [
        positions(pool, 6, temperature=schedule, generation=generation) for generation in (0, 5, 10)
    ] == by_value
    assert len(set(map(tuple, by_value))) > 1
    generation = iter((0, 5, 10))
    assert [
        positions(pool, 6, temperature=schedule, generation=lambda: next(generation)) for _ in range(3)
    ] == by_value


def test_a_users_entropy_needs_only_value():
    class Ones(Entropy):
        def value(self, population):
            return float(max(map(sum, population)))

    pool = pool_of([[0, 0], [1, 1], [1, 0]], [0.0, 0.0, 0.0])
    assert positions(pool, 2, entropy=Ones()) == [1, 0]


def test_the_slow_state_of_any_entropy_picks_what_the_fast_one_picks():
    class Slow(Entropy):
        def value(self, population):
            return ShannonEntropy().value(population)

    rng = random.Random(2)
    pool = pool_of(
        [[rng.randrange(3) for _ in range(7)] for _ in range(15)], [rng.random() for _ in range(15)]
    )
    assert positions(pool, 8, temperature=0.3, entropy=Slow()) == positions(pool, 8, temperature=0.3)


def test_only_active_loci_count():
    genotypes = [[0, 0, 1], [1, 0, 0], [0, 1, 1]]
    energies = [0.0, 0.3, 0.2]
    for active in ([True, False, True], [0, 2]):
        picks = positions(pool_of(genotypes, energies), 6, entropy=ShannonEntropy(active=active))
        assert picks == positions(pool_of([[genes[0], genes[2]] for genes in genotypes], energies), 6)


def test_selected_are_references_and_the_pool_stays():
    pool = pool_of([[0, 1], [1, 0]], [1.0, 0.0])
    fitness = [individual.fitness.wvalues for individual in pool]
    picks = selThermodynamic(pool, 3)
    assert all(any(pick is individual for individual in pool) for pick in picks)
    assert pool == [[0, 1], [1, 0]]
    assert [individual.fitness.wvalues for individual in pool] == fitness
    assert selThermodynamic(pool, 0) == []


def test_no_random_numbers_are_drawn():
    state = random.getstate()
    selThermodynamic(pool_of([[0, 1], [1, 0]], [1.0, 0.0]), 3)
    assert random.getstate() == state


# Refusals -----------------------------------------------------------------------------------------

FINE = [[0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("pool", "keywords", "error", "message"),
    [
        ([], {"k": 1}, ValueError, "no individuals"),
        (pool_of(FINE, [0, 1, 2]), {"k": -1}, ValueError, "k must be >= 0"),
        (pool_of(FINE, [0, 1, 2]), {"k": 4, "replacement": False}, ValueError, "at most 3"),
        (pool_of(FINE, [0, 1, 2]), {"k": 1.5}, TypeError, "float"),
        ([*pool_of(FINE, [0, 1, 2]), Genome([0, 0])], {"k": 1}, ValueError, "individual 3 is invalid"),
        ([*pool_of(FINE, [0, 1, 2]), [0, 0]], {"k": 1}, TypeError, "individual 3 .* no DEAP fitness"),
        (pool_of(FINE, [0, math.nan, 2]), {"k": 1}, ValueError, "energy of individual 1 is nan"),
        (pool_of(FINE, [0, 1, math.inf]), {"k": 1}, ValueError, "energy of individual 2 is inf"),
        (
            pool_of(FINE, [0, 1, 2]),
            {"k": 1, "energy": lambda _: math.nan},
            ValueError,
            "energy of individual 0",
        ),
        ([Genome([0], 1.0, math.nan, fitness=Two)], {"k": 1}, ValueError, "individual 0 holds NaN"),
        ([Genome([0], 1, 2, fitness=Two), Genome([0], 1)], {"k": 1}, ValueError, "number of objectives"),
        (
            pool_of(FINE, [0, 1, 2]),
            {"k": 1, "temperature": -0.1},
            ValueError,
            "temperature .* >= 0; got -0.1",
        ),
        (pool_of(FINE, [0, 1, 2]), {"k": 1, "temperature": math.nan}, ValueError, "temperature"),
        (pool_of(FINE, [0, 1, 2]), {"k": 1, "temperature": "hot"}, TypeError, "number or a schedule"),
        (pool_of(FINE, [0, 1, 2]), {"k": 1, "temperature": Constant(1.0)}, ValueError, "evolve and eaTDGA"),
        (
            pool_of(FINE, [0, 1, 2]),
            {"k": 1, "temperature": Feedback(1.0, 2.0), "generation": 3},
            ValueError,
            "entropies of the populations so far",
        ),
        (
            pool_of([[0, 1], [1]], [0, 1]),
            {"k": 1},
            ValueError,
            "individual 1 has 1 genes and individual 0 has 2",
        ),
        (pool_of(FINE, [0, 1, 2]), {"k": 1, "entropy": ShannonEntropy}, TypeError, "ShannonEntropy()"),
        (
            pool_of(FINE, [0, 1, 2]),
            {"k": 1, "entropy": ShannonEntropy(loci=lambda pool: np.zeros((1, 2), int))},
            ValueError,
            r"shape \(3, number of loci\)",
        ),
        (
            pool_of(FINE, [0, 1, 2]),
            {"k": 1, "entropy": ShannonEntropy(active=[True])},
            ValueError,
            "active must be 2 booleans",
        ),
        (
            pool_of([["a"], ["b"]], [0, 1]),
            {"k": 1, "entropy": VarianceEntropy()},
            TypeError,
            "must be numbers",
        ),
    ],
)
def test_refusals_say_what_was_wrong(pool, keywords, error, message):
    with pytest.raises(error, match=message):
        selThermodynamic(pool, **keywords)


def test_sets_are_refused_with_the_way_out():
    individual = type("SetGenome", (set,), {})({1, 2})
    individual.fitness = Maximum([1.0])
    with pytest.raises(TypeError, match="loci="):
        selThermodynamic([individual], 1)


def test_a_users_entropy_that_is_not_finite_is_named():
    class Broken(Entropy):
        def value(self, population):
            return math.nan

    with pytest.raises(ValueError, match=r"Broken\.value returned nan"):
        selThermodynamic(pool_of(FINE, [0, 1, 2]), 1, entropy=Broken())


@pytest.mark.parametrize("algorithm", ["eaSimple", "eaMuPlusLambda", "eaMuCommaLambda"])
def test_in_stock_algorithms(container, algorithm):
    """Selection with replacement returns objects several times; stock variation clones them first."""
    generation = itertools.count()
    toolbox = base.Toolbox()
    toolbox.register("individual", initUniform, container, size=8)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", lambda individual: (float(sum(gene > 0 for gene in individual)),))
    toolbox.register("mate", cxLayerOrder)
    toolbox.register("mutate", mutFlipGate, indpb=0.2)
    toolbox.register(
        "select",
        selThermodynamic,
        temperature=Geometric(1, 1e-3, ngen=20),
        generation=lambda: next(generation),
    )
    random.seed(1)
    sizes = {} if algorithm == "eaSimple" else {"mu": 12, "lambda_": 24}
    population, logbook = getattr(algorithms, algorithm)(
        toolbox.population(n=12), toolbox, **sizes, cxpb=0.5, mutpb=0.4, ngen=20, verbose=False
    )
    assert next(generation) == 20
    assert len(logbook) == 21
    assert len(population) == 12
    assert min(individual.fitness.values[0] for individual in population) <= 1
    assert all(individual.fitness.values == toolbox.evaluate(individual) for individual in population)


def test_import_needs_no_torch():
    program = "import sys, tdgnas.operators; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# Floats of one sign, and several objectives, as in DEAP's own examples --------------------------------------------


def test_failed_evaluations_are_no_part_of_a_relative_temperature():
    genotypes = [(0, 0, 0), (0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1)]
    energies = [0.3, 0.31, 0.4, 0.9, 1.5]
    before = positions(pool_of(genotypes, energies), 4, temperature=0.2, relative=True)
    failed = pool_of([*genotypes, (1, 0, 1), (1, 0, 0)], [*energies, 1e6, 2.5e6])
    assert positions(failed, 4, temperature=0.2, relative=True) == before
    large = [1e5 * energy for energy in energies]  # real energies of that size count as they are
    assert positions(pool_of(genotypes, large), 4, temperature=0.2, relative=True) == before
