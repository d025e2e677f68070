"""Deliberately broken operators, each with one fault, are caught by the rule for it."""

from __future__ import annotations

import math
import random
from copy import deepcopy

import numpy as np
import pytest
from deap import tools

from tdgnas.operators import Entropy, ShannonEntropy
from tdgnas.testing import ConformanceError, check_anything

# mutations -------------------------------------------------------------------------------------------------------


def mutNoTuple(individual):
    individual[0] += random.random()
    return individual


def mutReturnsNothing(individual):
    individual[0] += random.random()


def mutCopy(individual):
    changed = deepcopy(individual)
    changed[0] += random.random()
    return (changed,)


def mutAdds(individual):
    individual = individual + type(individual)([random.random()] * len(individual))
    return (individual,)


def mutForgets(individual):
    copy = list(individual)
    copy[0] += random.random()
    return (individual,)


def mutDeletesFitness(individual):
    individual[0] += random.random()
    del individual.fitness.values
    return (individual,)


def mutScoresItself(individual):
    individual[0] += random.random()
    individual.fitness.values = (0.0,)
    return (individual,)


def mutFlipsWeights(individual):
    individual[0] += random.random()
    type(individual.fitness).weights = (1.0,)
    return (individual,)


def mutNaN(individual):
    individual[0] = math.nan if random.random() < 0.5 else 0.1
    return (individual,)


def mutInfinite(individual):
    individual[0] = 1e308 * 10 * (random.random() + 0.1)
    return (individual,)


def mutNumpyRandom(individual):
    individual[0] += np.random.normal()
    return (individual,)


def mutUnseeded(individual):
    individual[0] += float(np.random.default_rng().normal())
    return (individual,)


def mutReseeds(individual):
    random.seed(0)
    individual[0] += random.random()
    return (individual,)


_calls = [0]


def mutRemembers(individual):
    _calls[0] += 1
    individual[0] += _calls[0]
    return (individual,)


def mutIgnoresRng(individual, rng=None):
    individual[0] += random.random()
    return (individual,)


def mutHalfRng(individual, rng=None):
    individual[0] += random.random() + (rng or random).random()
    return (individual,)


def mutSaysNone(individual):
    """Shift the first gene. It uses no random numbers."""
    individual[0] += random.random()
    return (individual,)


def mutDropsAttributes(individual):
    individual[0] += random.random()
    individual.__dict__.pop("origin", None)
    return (individual,)


def mutHoldsALambda(individual):
    individual[0] += random.random()
    individual.step = lambda: 0
    return (individual,)


def mutLonger(individual):
    if isinstance(individual, list):
        individual.append(0.0)
    else:
        individual[0] += random.random()
    return (individual,)


def mutSortsGroups(individual, groups):
    groups[0].reverse()
    individual[0] += random.random()
    return (individual,)


def mutNeedsMore(individual, strength_of_will):
    return (individual,)


def mutRaises(individual):
    raise RuntimeError("no")


def mutOnlyTwelve(individual):
    individual[11] += random.random()
    individual[17 % len(individual)] += 0.0
    individual[len(individual) // 12 - 1] = individual[{12: 3}[len(individual)]]
    return (individual,)


# crossovers ------------------------------------------------------------------------------------------------------


def cxOne(ind1, ind2):
    ind1[0], ind2[0] = ind2[0], ind1[0]
    return (ind1,)


def cxChildren(ind1, ind2):
    one, two = deepcopy(ind1), deepcopy(ind2)
    one[0], two[0] = two[0], one[0]
    return one, two


def cxSwapped(ind1, ind2):
    ind1[0], ind2[0] = ind2[0], ind1[0]
    return ind2, ind1


def cxViews(ind1, ind2):
    ind1[:6], ind2[:6] = ind2[:6], ind1[:6]
    return ind1, ind2


def cxMerges(ind1, ind2):
    ind1[:] = ind1[:] + ind2[:]
    return ind1, ind2


def cxMean(ind1, ind2):
    for gene in range(len(ind1)):
        ind1[gene] = ind2[gene] = (ind1[gene] - ind2[gene]) / (0.0 * random.random() + 1e-400 or math.inf)
        ind1[gene] = math.nan
    return ind1, ind2


# selections ------------------------------------------------------------------------------------------------------


def selCopies(individuals, k):
    return [deepcopy(one) for one in tools.selBest(individuals, k)]


def selAll(individuals, k):
    return list(individuals)


def selOneTooMany(individuals, k):
    return tools.selRandom(individuals, k + 1)


def selTuple(individuals, k):
    return tuple(tools.selBest(individuals, k))


def selSorts(individuals, k):
    individuals.sort(key=lambda one: one.fitness, reverse=True)
    return individuals[:k]


def selLargest(individuals, k):
    return sorted(individuals, key=lambda one: one.fitness.values, reverse=True)[:k]


def selSmallest(individuals, k):
    return sorted(individuals, key=lambda one: one.fitness.values)[:k]


def selEvaluates(individuals, k):
    for one in individuals:
        one.fitness.values = (0.0,)
    return list(individuals[:k])


def selRepairs(individuals, k):
    for one in individuals:
        one[0] = abs(one[0])
    return list(individuals[:k])


def selNumpy(individuals, k):
    return [individuals[place] for place in np.random.randint(len(individuals), size=k)]


def selByEquality(individuals, k):
    chosen = []
    for one in individuals:
        if len(chosen) < k and one not in chosen:
            chosen.append(one)
    return chosen


_temperature = [10.0]


def selCools(individuals, k):
    _temperature[0] *= 0.5
    place = int(_temperature[0] * 1e6) % len(individuals)
    return [individuals[(place + i) % len(individuals)] for i in range(k)]


# local searches --------------------------------------------------------------------------------------------------


def lsClimbs(individual, *, supernet, lr=0.1):
    gradient = supernet.alpha_gradients(np.array([list(individual)]), seed=0)[0]
    if np.isfinite(gradient).all():
        for gene, slope in enumerate(gradient.tolist()):
            individual[gene] += lr * slope
    return (individual,)


def lsKeepsNaN(individual, *, supernet, lr=0.1):
    for gene, slope in enumerate(supernet.alpha_gradients(np.array([list(individual)]), seed=0)[0].tolist()):
        individual[gene] -= lr * slope
    return (individual,)


def lsPartial(individual, *, supernet, lr=0.1):
    for gene, slope in enumerate(supernet.alpha_gradients(np.array([list(individual)]), seed=0)[0].tolist()):
        if math.isfinite(slope):
            individual[gene] -= lr * slope
    return (individual,)


def lsTwice(individual, *, supernet, lr=0.1):
    return lsGood(individual, supernet=supernet, lr=lr)


def lsGood(individual, *, supernet, lr=0.1):
    gradient = supernet.alpha_gradients(np.array([list(individual)]), seed=0)[0]
    if np.isfinite(gradient).all():
        for gene, slope in enumerate(gradient.tolist()):
            individual[gene] -= lr * slope
    return (individual,)


lsTwice.batch = lambda individuals, **options: [lsGood(one, **options) for one in individuals]


def lsOtherBatch(individual, *, supernet, lr=0.1):
    return lsGood(individual, supernet=supernet, lr=lr)


lsOtherBatch.batch = lambda individuals, *, supernet, lr=0.1: [
    lsGood(one, supernet=supernet, lr=lr / 2) for one in {id(i): i for i in individuals}.values()
]

# initialisers ----------------------------------------------------------------------------------------------------


def initList(container, size):
    return [random.random() for _ in range(size)]


def initConstant(container, size):
    return container([0.0] * size)


def initShort(container, size):
    return container([random.random() for _ in range(size - 1)])


def initNaN(container, size):
    return container([math.nan if random.random() < 0.2 else 0.5 for _ in range(size)])


_made = {}


def initCached(container, size):
    key = container, random.randrange(2)
    return _made.setdefault(key, container([random.random() for _ in range(size)]))


def initScored(container, size):
    made = container([random.random() for _ in range(size)])
    made.fitness.values = (0.0,)
    return made


# schedules and entropies -----------------------------------------------------------------------------------------


class Forgetful:
    def __init__(self):
        self.value = 1.0

    def __call__(self, generation, entropies=()):
        self.value *= 0.9
        return self.value


def falls_below_zero(generation, entropies=()):
    return 1.0 - generation / 50


def eats_entropies(generation, entropies=()):
    return entropies.pop() if isinstance(entropies, list) and entropies else 1.0


def hot_text(generation, entropies=()):
    return "hot"


def random_heat(generation, entropies=()):
    return random.random()


class Ordered(Entropy):
    def value(self, population):
        return sum(place * abs(one[0]) for place, one in enumerate(population))


class Negative(ShannonEntropy):
    def value(self, population):
        return -super().value(population)


class WrongState(ShannonEntropy):
    def start(self, pool, picks):
        return ShannonEntropy(active=[0]).start(pool, picks)


class Undefined(Entropy):
    def value(self, population):
        values = np.array([one[0] for one in population])
        return float(np.log(values.std())) if len(values) > 1 and values.std() > 0 else -math.inf


class Centring(ShannonEntropy):
    def value(self, population):
        for one in population:
            one[0] = 0.0
        return super().value(population)


FAULTS = [
    (mutNoTuple, "returns a tuple", "write `return individual,`"),
    (mutReturnsNothing, "returns a tuple", "returned a value of type NoneType"),
    (mutCopy, "works in place", "change the genes in place"),
    (mutAdds, "works in place", "returned another object"),
    (mutForgets, "changes something", "changed nothing in 40 calls"),
    (mutDeletesFitness, "leaves the fitness alone", "touches the fitness"),
    (mutScoresItself, "leaves the fitness alone", "touches the fitness"),
    (mutFlipsWeights, "leaves the fitness alone", "changes the weights of the fitness class"),
    (mutNaN, "gives finite genes", "NaN or infinite"),
    (mutInfinite, "gives finite genes", "NaN or infinite"),
    (mutNumpyRandom, "draws from the generators it declares", "draws from numpy.random"),
    (mutUnseeded, "repeats with the seed", "different genes for the same seed"),
    (mutReseeds, "draws from the generators it declares", "seeds the global generator random"),
    (mutRemembers, "repeats with the seed", "keep no state between calls"),
    (mutIgnoresRng, "draws from the generators it declares", "was given rng and still draws"),
    (mutHalfRng, "draws from the generators it declares", "was given rng and still draws"),
    (mutSaysNone, "draws from the generators it declares", "declared is nothing"),
    (mutDropsAttributes, "leaves attributes alone", "loses or changes the attribute"),
    (mutHoldsALambda, "leaves attributes alone", "does not survive deepcopy or pickle"),
    (mutLonger, "keeps the number of genes", "from 12 to 13"),
    (mutSortsGroups, "leaves its parameters alone", "changes the parameter 'groups'"),
    (mutNeedsMore, "can be called", "needs the parameter 'strength_of_will'"),
    (mutRaises, "can be called", "raised RuntimeError: no"),
    (mutOnlyTwelve, "works on every space", "raised KeyError"),
    (cxOne, "returns a tuple", "write `return ind1, ind2`"),
    (cxChildren, "works in place", "returned another object"),
    (cxSwapped, "works in place", "returned another object"),
    (cxViews, "treats all containers alike", "slices are views"),
    (cxMerges, "keeps the number of genes", "from 12 to 24"),
    (cxMean, "gives finite genes", "NaN or infinite"),
    (selCopies, "returns references", "no copies"),
    (selAll, "honours k", "returned 16 individuals where k=0"),
    (selOneTooMany, "honours k", "where k=0"),
    (selTuple, "returns a list", "returned a value of type tuple"),
    (selSorts, "leaves the pool alone", "sort or shuffle a copy"),
    (selLargest, "follows the weights", "of a fitness that is minimised"),
    (selSmallest, "follows the weights", "of a fitness that is maximised"),
    (selEvaluates, "leaves the pool alone", "changes fitness values"),
    (selRepairs, "leaves the pool alone", "changes genes"),
    (selNumpy, "draws from the generators it declares", "draws from numpy.random"),
    (selByEquality, "returns references", "compare objects by `is`"),
    (selCools, "repeats with the seed", "not of the calls so far"),
    (tools.selTournament, "lets no NaN through", "NaN wins every comparison"),
    (lsClimbs, "does not climb", "check the sign of the step"),
    (lsKeepsNaN, "survives divergence", "writes NaN into the genes"),
    (lsPartial, "survives divergence", "moves an individual part of the way"),
    (lsTwice, "steps duplicates once", "more than once"),
    (lsOtherBatch, "is the same in a batch", "one by one with the same seed"),
    (initList, "fills the container", "return `container(genes)`"),
    (initConstant, "varies", "20 equal individuals"),
    (initShort, "gives finite genes", "where 12 were asked for"),
    (initNaN, "gives finite genes", "NaN or infinite"),
    (initCached, "makes new objects", "make a new individual at every call"),
    (initScored, "fills the container", "gives a new individual a fitness"),
    (Forgetful(), "is a pure function", "without memory"),
    (falls_below_zero, "gives temperatures", "at least 0"),
    (eats_entropies, "leaves the entropies alone", "changes the list of entropies"),
    (hot_text, "gives temperatures", "returned a value of type str"),
    (random_heat, "is a pure function", "gives another temperature"),
    (Ordered(), "ignores the order", "depends on the order"),
    (Negative(), "rewards diversity", "more diversity must give more entropy"),
    (WrongState(), "agrees with its fast state", "does not agree with value()"),
    (Undefined(), "gives a finite number", "an entropy is a finite number"),
    (Centring(), "only reads", "changes the individuals"),
]
SCHEDULES = {"Forgetful", "falls_below_zero", "eats_entropies", "hot_text", "random_heat"}


def _name(value):
    return getattr(value, "__name__", type(value).__name__) if not isinstance(value, str) else ""


@pytest.mark.parametrize(("broken", "rule", "sentence"), FAULTS, ids=_name)
def test_a_fault_is_caught_by_its_rule_in_a_sentence_that_says_what_to_do(broken, rule, sentence) -> None:
    kind = "schedule" if _name(broken) in SCHEDULES else None
    report = check_anything(broken, kind, report_only=True)
    found = {violation.rule: violation.text for violation in report.violations}
    assert rule in found, f"caught were only {found}"
    assert sentence in found[rule]
    assert not report.ok
    with pytest.raises(ConformanceError, match="violates"):
        report.raise_if_any()


def test_the_same_local_search_without_a_fault_passes() -> None:
    assert check_anything(lsGood).ok


def test_there_are_faults_of_every_kind_of_operator() -> None:
    prefixes = [_name(broken)[:2] for broken, *_ in FAULTS]
    assert {"mu", "cx", "se", "ls", "in"} <= set(prefixes)
    assert len(FAULTS) >= 25
