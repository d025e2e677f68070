"""Graphs of operations: conditional (a supernet), fixed (an architecture); usable without a space."""

from .documents import graph_document, graph_of
from .graph import Graph, needed_only
from .individual import GraphIndividual, mutMorph, mutPrune
from .layers import (
    FactorisedReduction,
    conv_norm_relu,
    head,
    norm_relu,
    pool,
    relu_conv_norm,
    stem,
    two_step_stem,
)
from .morphisms import (
    MORPHISMS,
    Grown,
    Morphism,
    add_concat,
    add_skip,
    branch,
    deepen,
    enlarge_kernel,
    follow,
    narrow,
    remove,
    widen,
)
from .network import GraphNetwork, combine, run_steps
from .nodes import INPUT, Condition, Node, Term, on
from .ops import OPS, Op, make
from .profile import Profile, run_counted
from .steps import Interner, Step
from .wiring import Wiring

__all__ = [
    "INPUT",
    "MORPHISMS",
    "OPS",
    "Condition",
    "FactorisedReduction",
    "Graph",
    "GraphIndividual",
    "GraphNetwork",
    "Grown",
    "Interner",
    "Morphism",
    "Node",
    "Op",
    "Profile",
    "Step",
    "Term",
    "Wiring",
    "add_concat",
    "add_skip",
    "branch",
    "combine",
    "conv_norm_relu",
    "deepen",
    "enlarge_kernel",
    "follow",
    "graph_document",
    "graph_of",
    "head",
    "make",
    "mutMorph",
    "mutPrune",
    "narrow",
    "needed_only",
    "norm_relu",
    "on",
    "pool",
    "relu_conv_norm",
    "remove",
    "run_counted",
    "run_steps",
    "stem",
    "two_step_stem",
    "widen",
]
