"""Broken mutations: each with the rule that has to catch it, and words of its sentence."""

from __future__ import annotations

import math
import random
from copy import deepcopy

import numpy as np
import torch


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


def mutTensor(individual):
    individual[0] = torch.tensor(random.random())
    return (individual,)


def mutOnlyTwelve(individual):
    individual[11] += random.random()
    individual[17 % len(individual)] += 0.0
    individual[len(individual) // 12 - 1] = individual[{12: 3}[len(individual)]]
    return (individual,)


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
    (mutTensor, "gives finite genes", "stores a gene of type Tensor in a list individual"),
    (mutInfinite, "gives finite genes", "NaN or infinite"),
    (mutNumpyRandom, "draws from the generators it declares", "draws from numpy.random"),
    (mutUnseeded, "repeats with the seed", "different results for the same seed"),
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
]
