"""Graphs of operations: conditional (a supernet), fixed (an architecture); usable without a space."""

from .graph import Graph, needed_only
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
from .network import GraphNetwork, combine, run_steps
from .nodes import INPUT, Condition, Node, Term, on
from .ops import OPS, Op, make
from .profile import Profile, run_counted
from .steps import Interner, Step
from .wiring import Wiring

__all__ = [
    "INPUT",
    "OPS",
    "Condition",
    "FactorisedReduction",
    "Graph",
    "GraphNetwork",
    "Interner",
    "Node",
    "Op",
    "Profile",
    "Step",
    "Term",
    "Wiring",
    "combine",
    "conv_norm_relu",
    "head",
    "make",
    "needed_only",
    "norm_relu",
    "on",
    "pool",
    "relu_conv_norm",
    "run_counted",
    "run_steps",
    "stem",
    "two_step_stem",
]
