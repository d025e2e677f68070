"""What can be searched. A new space is a module here and one line below."""

if __name__ == "spaces":
    raise ImportError("spaces at the root of the project is a link for readers; write `import tdgnas.spaces`")

from ..decision import Decision, Decisions
from ..graphs import INPUT, OPS, Condition, Graph, Node, Op, Term, on
from .architecture import Architecture
from .cells import CellSpace, DartsCells, FinalNetwork, Genotype, OneInputCells, final_network
from .discretise import round_k, sample, threshold
from .edges import per_edge, progressive, strongest_edges, unfed
from .enas import EnasMacro, EnasMicro
from .genetic_cnn import GeneticCNN
from .grown import GrownSpace
from .hierarchical import Hierarchical
from .module import ModuleSpace, from_module
from .nas_rl import NasRL
from .nasbench201 import NASBench201
from .programs import CGP, TreeSpace
from .recurrent import DartsRnn, EnasRnn, NasRLRnn, PairSpace, RecurrentSpace
from .registry import SPACES, create, load_architecture, save_architecture, space_document, space_of
from .rules import RULES
from .space import SearchSpace
from .vgg import VGGShortcuts

__all__ = [
    "CGP",
    "INPUT",
    "OPS",
    "RULES",
    "SPACES",
    "Architecture",
    "CellSpace",
    "Condition",
    "DartsCells",
    "DartsRnn",
    "Decision",
    "Decisions",
    "EnasMacro",
    "EnasMicro",
    "EnasRnn",
    "FinalNetwork",
    "GeneticCNN",
    "Genotype",
    "Graph",
    "GrownSpace",
    "Hierarchical",
    "ModuleSpace",
    "NASBench201",
    "NasRL",
    "NasRLRnn",
    "Node",
    "OneInputCells",
    "Op",
    "PairSpace",
    "RecurrentSpace",
    "SearchSpace",
    "Term",
    "TreeSpace",
    "VGGShortcuts",
    "create",
    "final_network",
    "from_module",
    "load_architecture",
    "on",
    "per_edge",
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
