"""What can be searched. A new space is a module here and one line below."""

if __name__ == "spaces":
    raise ImportError("spaces at the root of the project is a link for readers; write `import tdgnas.spaces`")

from .architecture import Architecture
from .cells import CellSpace, DartsCells, FinalNetwork, Genotype, OneInputCells, final_network
from .decision import Decision
from .discretise import RULES, round_k, sample, threshold
from .edges import per_edge, progressive, strongest_edges, unfed
from .nasbench201 import NASBench201
from .nodes import INPUT, Node, Term
from .program import Interner, Step, program
from .registry import SPACES, create, load_architecture, save_architecture, space_document, space_of
from .space import SearchSpace
from .vgg import VGGShortcuts

__all__ = [
    "INPUT",
    "RULES",
    "SPACES",
    "Architecture",
    "CellSpace",
    "DartsCells",
    "Decision",
    "FinalNetwork",
    "Genotype",
    "Interner",
    "NASBench201",
    "Node",
    "OneInputCells",
    "SearchSpace",
    "Step",
    "Term",
    "VGGShortcuts",
    "create",
    "final_network",
    "load_architecture",
    "per_edge",
    "program",
    "progressive",
    "round_k",
    "sample",
    "save_architecture",
    "space_document",
    "space_of",
    "strongest_edges",
    "threshold",
    "unfed",
]
