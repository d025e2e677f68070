"""Broken crossovers: each with the rule that has to catch it, and words of its sentence."""

from __future__ import annotations

import math
import random
from copy import deepcopy


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


FAULTS = [
    (cxOne, "returns a tuple", "write `return ind1, ind2`"),
    (cxChildren, "works in place", "returned another object"),
    (cxSwapped, "works in place", "returned another object"),
    (cxViews, "treats all containers alike", "slices are views"),
    (cxMerges, "keeps the number of genes", "from 12 to 24"),
    (cxMean, "gives finite genes", "NaN or infinite"),
]
