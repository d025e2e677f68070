"""Broken initialisers: each with the rule that has to catch it, and words of its sentence."""

from __future__ import annotations

import math
import random


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


FAULTS = [
    (initList, "fills the container", "return `container(genes)`"),
    (initConstant, "varies", "20 equal individuals"),
    (initShort, "gives finite genes", "where 12 were asked for"),
    (initNaN, "gives finite genes", "NaN or infinite"),
    (initCached, "makes new objects", "make a new individual at every call"),
    (initScored, "fills the container", "gives a new individual a fitness"),
]
