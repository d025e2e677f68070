"""For every rule of every kind there is something that breaks it and is caught: no rule is idle."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from tdgnas import Individual
from tdgnas.operators import ShannonEntropy
from tdgnas.spaces import Architecture, NASBench201
from tdgnas.testing import KINDS, check_anything, check_fitness, kind_of
from tests.testing import test_broken_operators, test_broken_parts, test_broken_spaces, test_broken_strategies

# What may go wrong with one individual, and the rule that says so -------------------------------------------------

_calls = [0]


def drop_fitness(individual):
    del individual.fitness.values


def write_nan(individual):
    individual[0] = math.nan


def count_calls(individual):
    _calls[0] += 1
    individual[0] += 0.001 * _calls[0]


def draw_from_numpy(individual):
    individual[0] += 0.001 * np.random.random()


def drop_attributes(individual):
    individual.__dict__.pop("origin", None)


def look_at_the_class(individual):
    individual[0] += 0.1 * isinstance(individual, np.ndarray)


SLIPS = {
    "leaves the fitness alone": drop_fitness,
    "gives finite genes": write_nan,
    "repeats with the seed": count_calls,
    "draws from the generators it declares": draw_from_numpy,
    "leaves attributes alone": drop_attributes,
    "treats all containers alike": look_at_the_class,
}


def good(individuals, rng=random):
    for individual in individuals:
        individual[0] += 0.01 * rng.random()
    return tuple(individuals)


def descend(individual, supernet):
    gradient = supernet.alpha_gradients(np.array([list(individual)]), seed=0)[0]
    for gene, slope in enumerate(gradient.tolist()):
        individual[gene] -= 0.1 * slope


def slipping(kind, slip):
    """A crossover or local search that is good but for one slip; being made here, it cannot be pickled either."""

    def cxSlip(one, two):
        good([one, two])
        slip(one)
        return one, two

    def lsSlip(individual, supernet):
        descend(individual, supernet)
        slip(individual)
        return (individual,)

    def mutSlip(individual):
        slip(individual)
        return good([individual])

    return {"crossover": cxSlip, "local-search": lsSlip, "mutation": mutSlip}[kind]


def cxNeedsWill(one, two, strength_of_will):
    return one, two


def cxIdle(one, two):
    return one, two


def cxSortsGroups(one, two, groups):
    groups[0].reverse()
    return good([one, two])


def cxOnlyTwelve(one, two):
    one[11], two[11] = two[11], one[11]
    two.pop(12) if len(two) > 12 else None
    return one, two


def lsNeedsWill(individual, strength_of_will):
    return (individual,)


def lsNoTuple(individual, supernet):
    descend(individual, supernet)
    return individual


def lsCopies(individual, supernet):
    other = Individual(individual)
    descend(other, supernet)
    return (other,)


def lsShorter(individual, supernet):
    descend(individual, supernet)
    individual.pop()
    return (individual,)


def lsIdle(individual, supernet):
    return (individual,)


def lsSortsGroups(individual, supernet, groups):
    groups[0].reverse()
    descend(individual, supernet)
    return (individual,)


def selNeedsWill(individuals, k, strength_of_will):
    return individuals[:k]


def selDifferent(individuals, k):
    return list({one.fitness.wvalues: one for one in individuals}.values())[:k]


def selByClass(individuals, k):
    return [individuals[1 if isinstance(one, np.ndarray) else 0] for one in individuals[:k]]


def selSortsGroups(individuals, k, groups):
    groups[0].reverse()
    return individuals[:k]


def initNeedsWill(container, strength_of_will):
    return container([0.0])


def initUnseeded(container, size):
    return container(np.random.default_rng().random(size).tolist())


def initNumpy(container, size):
    return container(np.random.random(size).tolist())


def initSorts(container, probabilities):
    probabilities.append(0.5)
    return container([random.random() for _ in range(12)])


def without_entropies(generation):
    return 1.0


class Speechless(ShannonEntropy):
    def value(self, population):
        raise RuntimeError("no words")


class ByClass(ShannonEntropy):
    def value(self, population):
        return super().value(population) + isinstance(population[0], np.ndarray)


class Unpicklable(ShannonEntropy):
    def __reduce__(self):
        raise TypeError("holds a file")


class Shifted(NASBench201):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.slices = tuple(slice(where.start + 1, where.stop + 1) for where in self.slices)


class Loose(Architecture):
    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


class Unequal(NASBench201):
    def sample(self, rng=None):
        return Loose(self.name, super().sample(rng).choices)


def two_values(individual):
    return 0.0, float(sum(individual))


def nothing_to_say(individual):
    raise RuntimeError("nothing")


def local(function):
    """The same function, of a kind that cannot be pickled."""

    def inner(*arguments, **keywords):
        return function(*arguments, **keywords)

    inner.__name__ = function.__name__
    inner.__wrapped__ = function
    return inner


def selFirst(individuals, k):
    return individuals[:k]


def initGood(container, size):
    return container([random.random() for _ in range(size)])


def heat(generation, entropies=()):
    return 1.0


FAULTS = [
    *(
        (kind, rule, slipping(kind, slip))
        for kind in ("crossover", "local-search")
        for rule, slip in SLIPS.items()
    ),
    ("mutation", "treats all containers alike", slipping("mutation", look_at_the_class)),
    *((kind, "can be pickled", slipping(kind, len)) for kind in ("mutation", "crossover", "local-search")),
    ("crossover", "can be called", cxNeedsWill),
    ("crossover", "changes something", cxIdle),
    ("crossover", "leaves its parameters alone", cxSortsGroups),
    ("crossover", "works on every space", cxOnlyTwelve),
    ("local-search", "can be called", lsNeedsWill),
    ("local-search", "returns a tuple", lsNoTuple),
    ("local-search", "works in place", lsCopies),
    ("local-search", "keeps the number of genes", lsShorter),
    ("local-search", "changes something", lsIdle),
    ("local-search", "leaves its parameters alone", lsSortsGroups),
    ("selection", "can be called", selNeedsWill),
    ("selection", "bears equal individuals", selDifferent),
    ("selection", "treats all containers alike", selByClass),
    ("selection", "leaves its parameters alone", selSortsGroups),
    ("selection", "can be pickled", local(selFirst)),
    ("initialiser", "can be called", initNeedsWill),
    ("initialiser", "repeats with the seed", initUnseeded),
    ("initialiser", "draws from the generators it declares", initNumpy),
    ("initialiser", "leaves its parameters alone", initSorts),
    ("initialiser", "can be pickled", local(initGood)),
    ("schedule", "can be called", without_entropies),
    ("schedule", "can be pickled", local(heat)),
    ("entropy", "can be called", Speechless()),
    ("entropy", "treats all containers alike", ByClass()),
    ("entropy", "can be pickled", Unpicklable()),
    ("space", "slices cover the genes", Shifted(channels=4)),
    ("space", "architectures are values", Unequal(channels=4)),
    ("fitness", "can be called", nothing_to_say),
    ("fitness", "works with batch_map", two_values),
]


@pytest.mark.parametrize(
    ("kind", "rule", "broken"), FAULTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_rule_catches_its_fault(kind, rule, broken, caught) -> None:
    if kind == "fitness":
        report = check_fitness(broken, genes=5, report_only=True)
    else:
        # Of a space's rules only this one: the others train networks.
        skip = [name for name in KINDS[kind].rules if kind == "space" and name not in (rule, "can be called")]
        report = check_anything(broken, kind, report_only=True, skip=skip)
    assert len(caught(report, rule)) > 30


def test_no_rule_is_without_a_fault() -> None:
    broken = {(kind, rule) for kind, rule, _ in FAULTS}
    broken |= {(kind_of(subject), rule) for subject, rule, _ in test_broken_operators.FAULTS}
    for kind, faults in (
        ("space", test_broken_spaces.FAULTS),
        ("strategy", test_broken_strategies.STRATEGIES),
        ("fitness", test_broken_strategies.FITNESSES),
    ):
        broken |= {(kind, rule) for _, rule, _ in faults}
    broken |= {(kind, rule) for kind, _, rule, _ in test_broken_parts.FAULTS}
    assert {(kind, rule) for kind, one in KINDS.items() for rule in one.rules} == broken
