"""Deliberately broken operators, schedules and entropies are caught, each by the rule for its one fault."""

from __future__ import annotations

import pytest

from tdgnas.mapping import name_of
from tdgnas.testing import KINDS, check_anything, kind_of
from tests.testing.faults import crossovers, initialisers, local_searches, mutations, schedules, selections

FAULTS = [
    fault
    for kind in (mutations, crossovers, selections, local_searches, initialisers, schedules)
    for fault in kind.FAULTS
]


@pytest.mark.parametrize(
    ("broken", "rule", "sentence"), FAULTS, ids=[name_of(broken) for broken, *_ in FAULTS]
)
def test_a_fault_is_caught_by_its_rule_in_a_sentence_that_says_what_to_do(
    broken, rule, sentence, caught
) -> None:
    assert sentence in caught(check_anything(broken, report_only=True), rule)


def test_the_same_local_search_without_a_fault_passes() -> None:
    assert check_anything(local_searches.lsGood).ok


def test_there_are_faults_of_every_kind_of_operator() -> None:
    assert {kind_of(broken) for broken, *_ in FAULTS} <= set(KINDS)
    assert len(FAULTS) >= 25
