"""Genetic operators in DEAP's shape; they need neither torch nor a search space.

To add an operator, write it in the module of its kind (``selection``, ``crossover``, ``mutation``,
``initialisation``, ``local_search``; an entropy or a schedule likewise, or a new module of its own) and add
one line here. Operators change individuals in place and return them as a tuple, selections return references,
parameters go by keyword, and random numbers come from :mod:`random` or from an ``rng`` passed in.
"""

from .crossover import cxDecision, cxLayerOrder, cxTarget
from .entropy import Entropy, EntropyState, ShannonEntropy, population_entropy
from .gene_entropy import LogDetEntropy, MeanDistanceEntropy, VarianceEntropy
from .genes import Loci
from .initialisation import initBernoulli, initNormal, initUniform
from .local_search import GradientSource, evalBaldwinian, lsDARTS
from .mutation import mutChoice, mutFlipGate, mutTarget
from .pareto import pareto_ranks
from .registry import KINDS, OPERATORS, bind, kind_of
from .schedules import Constant, Feedback, Geometric, Linear, Schedule
from .selection import selThermodynamic

__all__ = [
    "KINDS",
    "OPERATORS",
    "Constant",
    "Entropy",
    "EntropyState",
    "Feedback",
    "Geometric",
    "GradientSource",
    "Linear",
    "Loci",
    "LogDetEntropy",
    "MeanDistanceEntropy",
    "Schedule",
    "ShannonEntropy",
    "VarianceEntropy",
    "bind",
    "cxDecision",
    "cxLayerOrder",
    "cxTarget",
    "evalBaldwinian",
    "initBernoulli",
    "initNormal",
    "initUniform",
    "kind_of",
    "lsDARTS",
    "mutChoice",
    "mutFlipGate",
    "mutTarget",
    "pareto_ranks",
    "population_entropy",
    "selThermodynamic",
]
