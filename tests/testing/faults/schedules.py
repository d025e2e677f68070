"""Broken schedules and entropies: each with the rule that has to catch it, and words of its sentence."""

from __future__ import annotations

import math
import random

import numpy as np

from tdgnas.operators import Entropy, ShannonEntropy


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
