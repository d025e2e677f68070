"""Broken selections, and one of DEAP's,: each with the rule that has to catch it, and words of its sentence."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from deap import tools


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


FAULTS = [
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
    (selCools, "repeats with the seed", "not of the calls"),
    (tools.selTournament, "lets no NaN through", "NaN wins every comparison"),
]
