"""Deliberately broken initialisers are caught, each by the rule for its one fault."""

from __future__ import annotations

import math
import random

import pytest

from tdgnas.testing import check_anything
from tdgnas.testing.calling import name_of


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


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"), FAULTS, ids=[name_of(broken) for broken, *_ in FAULTS]
)
def test_a_fault_is_caught_by_its_rule_in_a_sentence_that_says_what_to_do(
    broken, rule, sentence, caught
) -> None:
    assert sentence in caught(check_anything(broken, report_only=True), rule)
