"""Cells of recurrent networks: DARTS' and ENAS', and the frame that runs them over a text."""

from .cells import PUBLISHED, DartsRnn, EnasRnn, PairSpace
from .frame import Frame, RecurrentNetwork
from .space import RecurrentSpace
from .tree import NasRLRnn

__all__ = [
    "PUBLISHED",
    "DartsRnn",
    "EnasRnn",
    "Frame",
    "NasRLRnn",
    "PairSpace",
    "RecurrentNetwork",
    "RecurrentSpace",
]
