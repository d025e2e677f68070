"""What can be searched. A new space is a module here and one line below."""

from .architecture import Architecture
from .decision import Decision
from .discretise import RULES, round_k, sample, threshold
from .nasbench201 import NASBench201
from .nodes import INPUT, Node, Term
from .program import Interner, Step, program
from .registry import SPACES, create, load_architecture, save_architecture
from .space import SearchSpace
from .vgg import VGGShortcuts

__all__ = [
    "INPUT",
    "RULES",
    "SPACES",
    "Architecture",
    "Decision",
    "Interner",
    "NASBench201",
    "Node",
    "SearchSpace",
    "Step",
    "Term",
    "VGGShortcuts",
    "create",
    "load_architecture",
    "program",
    "round_k",
    "sample",
    "save_architecture",
    "threshold",
]
