"""Individuals of every type that DEAP users have, made from a list of genes."""

from __future__ import annotations

import array

import numpy as np
import pytest
from deap import base, creator

from tdgnas.individual import Individual


class Minimum(base.Fitness):
    weights = (-1.0,)


creator.create("ListGenome", list, fitness=Minimum)
creator.create("ArrayGenome", array.array, typecode="d", fitness=Minimum)
creator.create("FloatGenome", array.array, typecode="f", fitness=Minimum)
creator.create("NumpyGenome", np.ndarray, fitness=Minimum)


@pytest.fixture(params=["ListGenome", "ArrayGenome", "FloatGenome", "NumpyGenome", "Individual"])
def container(request):
    """A class of individuals: list, array.array of 64 and 32 bits, ndarray by DEAP's creator, and our own."""
    return Individual if request.param == "Individual" else getattr(creator, request.param)
