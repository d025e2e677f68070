"""Genetic operators in DEAP's shape; they need neither torch nor a search space.

To add an operator, write it in the module of its kind (``selection``, ``diversity``, ``replacement``;
``crossover``, ``mutation``, ``graph_variation``, ``self_adaptive``; ``initialisation``, ``local_search``; an entropy
or a schedule likewise, or a new module of its own), add one line here and one in ``registry``, and a golden result in
``tests/testing/test_registered.py``. Operators change individuals in place and return them as a tuple, selections return
references, parameters go by keyword, and random numbers come from :mod:`random` or from an ``rng`` passed in.
"""

if __name__ == "operators":
    raise ImportError("operators at the root of the project is a link for readers; write `import tdgnas.operators`")

from .crossover import cxDecision, cxLayerOrder, cxTarget
from .diversity import gene_distances, selBoltzmannTournament, selSharing, selYoungest
from .entropy import Entropy, EntropyState, ShannonEntropy, population_entropy
from .gene_entropy import LogDetEntropy, MeanDistanceEntropy, VarianceEntropy
from .genes import Loci
from .graph_variation import cxSubgraph, keepValid, mutOperation, mutRewire
from .initialisation import initBernoulli, initNormal, initUniform
from .local_search import GradientSource, evalBaldwinian, lsDARTS
from .mutation import mutChoice, mutFlipGate, mutTarget
from .pareto import pareto_ranks
from .registry import KINDS, OPERATORS, bind, kind_of
from .replacement import selCrowding, selEntropyPreserving, selRating, selRestrictedTournament
from .schedules import Constant, Feedback, Geometric, Linear, Schedule
from .selection import selThermodynamic
from .self_adaptive import mutSelfAdaptive, mutSelfAdaptiveFlip

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
    "cxSubgraph",
    "cxTarget",
    "evalBaldwinian",
    "gene_distances",
    "initBernoulli",
    "initNormal",
    "initUniform",
    "keepValid",
    "kind_of",
    "lsDARTS",
    "mutChoice",
    "mutFlipGate",
    "mutOperation",
    "mutRewire",
    "mutSelfAdaptive",
    "mutSelfAdaptiveFlip",
    "mutTarget",
    "pareto_ranks",
    "population_entropy",
    "selBoltzmannTournament",
    "selCrowding",
    "selEntropyPreserving",
    "selRating",
    "selRestrictedTournament",
    "selSharing",
    "selThermodynamic",
    "selYoungest",
]
