"""Broken local searches: each with the rule that has to catch it, and words of its sentence."""

from __future__ import annotations

import math

import numpy as np


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


FAULTS = [
    (lsClimbs, "does not climb", "check the sign of the step"),
    (lsKeepsNaN, "survives divergence", "writes NaN into the genes"),
    (lsPartial, "survives divergence", "moves an individual part of the way"),
    (lsTwice, "steps duplicates once", "more than once"),
    (lsOtherBatch, "is the same in a batch", "one by one with the same seed"),
]
