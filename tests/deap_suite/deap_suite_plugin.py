"""A pytest plugin for DEAP's own tests: tdgnas is imported, and on request its selection replaces NSGA-II and III."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from deap import tools

import tdgnas.algorithms
import tdgnas.testing  # noqa: F401
from tdgnas.operators import ShannonEntropy, selThermodynamic

calls = [0]


def bins(population):
    """Genes from 0 to 1 in sixteen bins: the alleles of the entropy."""
    return (np.array([list(one) for one in population]) * 15.99).astype(int)


def select(individuals, k, **_):
    """Thermodynamical selection over Pareto ranks; crowding distances, which selTournamentDCD wants, on top."""
    calls[0] += 1
    chosen = selThermodynamic(
        individuals, k, temperature=0.3, entropy=ShannonEntropy(loci=bins), replacement=False
    )
    tools.emo.assignCrowdingDist(chosen)
    return chosen


if os.environ.get("REPLACE_NSGA"):
    tools.selNSGA2 = tools.selNSGA3 = select


@pytest.fixture(autouse=True)
def _seeded():
    random.seed(1)
    np.random.seed(1)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"thermodynamical selections: {calls[0]}")
